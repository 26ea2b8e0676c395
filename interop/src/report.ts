/**
 * What a run says: tables for people, or JSON.
 *
 * @module
 */

import type { Peer } from './peers/peer.ts';
import type { Outcome } from './run.ts';

const postQuantumGroups = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'];

export interface Result {
  readonly outcomes: readonly Outcome[];
  readonly versions: readonly { readonly peer: Peer; readonly version: string | undefined }[];
  readonly seconds: number;
}

/** The tables, then the failures, then one line that counts. */
export function text({ outcomes, versions, seconds }: Result): string {
  const failures = outcomes.filter(({ failure }) => failure !== undefined);
  const missing = versions.filter(({ version }) => version === undefined);
  return [
    table(
      ['peer', 'it is the', 'version', 'cases', 'passed', 'failed', 'seconds'],
      groups(outcomes).map(({ peer, direction, version, all }) => {
        const failed = all.filter(({ failure }) => failure !== undefined).length;
        const spent = all.reduce((sum, outcome) => sum + outcome.seconds, 0);
        const counts = [all.length, all.length - failed, failed].map(String);
        return [peer, direction, version, ...counts, spent.toFixed(1)];
      }),
    ),
    table(
      ['peer', 'version'],
      versions.map(({ peer, version }) => [peer.name, version ?? `MISSING: ${peer.missing}`]),
    ),
    table(
      ['post-quantum group', 'proved as our server with', 'as our client with'],
      postQuantumGroups.map((group) => [group, provers(outcomes, group, 'client'), provers(outcomes, group, 'server')]),
    ),
    ...failures.map(
      ({ job, failure }) =>
        `FAILED ${job.peer.name} as ${job.direction}: ${job.id}\n${(failure ?? '').replaceAll(/^/gm, '    ')}\n`,
    ),
    ...missing.map(({ peer }) => `MISSING ${peer.name}: ${peer.missing}\n`),
    `${seconds.toFixed(0)} seconds\n${outcomes.length - failures.length} passed, ${failures.length} failed\n`,
  ].join('\n');
}

/** One object with everything. */
export function json({ outcomes, versions, seconds }: Result): string {
  return `${JSON.stringify(
    {
      passed: outcomes.filter(({ failure }) => failure === undefined).length,
      failed: outcomes.filter(({ failure }) => failure !== undefined).length,
      seconds,
      versions: Object.fromEntries(versions.map(({ peer, version }) => [peer.name, version ?? null])),
      outcomes: outcomes.map(({ job, failure, seconds: spent }) => ({
        peer: job.peer.name,
        direction: job.direction,
        version: job.version,
        id: job.id,
        case: job.row ?? null,
        seconds: spent,
        failure: failure ?? null,
      })),
    },
    null,
    2,
  )}\n`;
}

function provers(outcomes: readonly Outcome[], group: string, direction: string): string {
  const names = outcomes
    .filter(({ job, failure }) => failure === undefined && job.row?.group === group && job.direction === direction)
    .map(({ job }) => job.peer.name);
  return [...new Set(names)].join(', ') || '—';
}

interface Group {
  readonly peer: string;
  readonly direction: string;
  readonly version: string;
  readonly all: readonly Outcome[];
}

function groups(outcomes: readonly Outcome[]): readonly Group[] {
  const byRole = Map.groupBy(outcomes, ({ job }) => `${job.peer.name}|${job.direction}|${job.version}`);
  return [...byRole].map(([key, all]) => {
    const [peer = '', direction = '', version = ''] = key.split('|');
    return { peer, direction, version, all };
  });
}

/** Columns in step; numbers to the right. */
function table(head: readonly string[], body: readonly (readonly string[])[]): string {
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
