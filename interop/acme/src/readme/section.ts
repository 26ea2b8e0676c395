/**
 * What a section of README.md has its reader do. Nothing marks it but its place: a block of `sh` is pasted, the plain block behind
 * it is what one sees then, `…` standing for whatever it is, and "Open https://…" at the beginning of a line is opened.
 *
 * @module
 */

export type Step = Paste | Visit;

/** A block of lines for the terminal. */
export interface Paste {
  readonly paste: string;
  /** Lines that come in this order, others between. */
  readonly sees: readonly string[];
  /** In README.md, counted from 1. */
  readonly line: number;
}

export interface Visit {
  readonly open: string;
  readonly line: number;
}

/** @throws where there is no such heading, or a block of another kind stands there */
export function stepsBelow(heading: string, readme: string): readonly Step[] {
  const lines = readme.split('\n');
  const top = lines.indexOf(heading);
  if (top < 0) throw new Error(`README.md has no heading ${heading}`);
  const steps: Step[] = [];
  for (let at = top + 1; at < lines.length && !/^#+ /.test(lines[at] ?? ''); at++) {
    const text = lines[at] ?? '';
    const line = at + 1;
    const [, url] = /^Open (https:\/\/\S+)/.exec(text) ?? [];
    if (url !== undefined) steps.push({ open: url, line });
    if (!text.startsWith('```')) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`README.md:${line}: a block without an end`);
    const block = lines.slice(at + 1, end);
    const last = steps.at(-1);
    if (text === '```sh') steps.push({ paste: `${block.join('\n')}\n`, sees: [], line });
    else if (text === '```' && last !== undefined && 'paste' in last && last.sees.length === 0) {
      steps.splice(-1, 1, { ...last, sees: block });
    } else throw new Error(`README.md:${line}: neither lines to paste nor what one sees after them`);
    at = end;
  }
  return steps;
}

/** The first of these lines that was not seen, nor any after it; undefined where all were. */
export function unseen(sees: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd());
  let at = 0;
  for (const shown of sees) {
    if (shown === '…') continue;
    const pattern = new RegExp(`^${shown.split('…').map(escaped).join('.*')}$`);
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line));
    if (found < 0) return shown;
    at = found + 1;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
