/**
 * Tables as text.
 *
 * @module
 */

/** Columns in step; numbers to the right. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...body.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return /^[\d.]+$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return `${[line(head), line(widths.map((width) => '─'.repeat(width))), ...body.map(line)].join('\n')}\n`;
}

/** What came of a case, as far as it is counted. */
export interface Counted {
  readonly peer: string;
  /** What the peer is. */
  readonly role: string;
  readonly version: string;
  readonly failed: boolean;
  readonly seconds: number;
}

/** How many passed, by peer, role and version. */
export function counts(outcomes: readonly Counted[]): string {
  const groups = Map.groupBy(outcomes, ({ peer, role, version }) => `${peer}|${role}|${version}`);
  return table(
    ['peer', 'it is the', 'version', 'cases', 'passed', 'failed', 'seconds'],
    [...groups].map(([key, all]) => {
      const failed = all.filter((one) => one.failed).length;
      const spent = all.reduce((sum, { seconds }) => sum + seconds, 0);
      return [...key.split('|'), ...[all.length, all.length - failed, failed].map(String), spent.toFixed(1)];
    }),
  );
}

/** Something that failed, its words set in. */
export function failed(peer: string, role: string, id: string, words: string): string {
  return `FAILED ${peer} as ${role}: ${id}\n${words.replaceAll(/^/gm, '    ')}\n`;
}
