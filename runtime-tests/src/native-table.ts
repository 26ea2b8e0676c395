/**
 * The table of what each runtime has of its own, for `docs/runtimes.md`: made of what the probes found, and compared to
 * what stands there.
 *
 * @module
 */

import type { Place } from './runtime.ts';

const begin = '<!-- native: begin, written by npm run runtimes -- --write -->';
const end = '<!-- native: end -->';

/** A browser's page and its worker are one column. */
interface Column {
  readonly title: string;
  readonly version: string;
  readonly places: readonly Place[];
}

function columns(places: readonly Place[]): readonly Column[] {
  const titles = [...new Set(places.map(({ name }) => titleOf(name)))];
  return titles.map((title) => {
    const own = places.filter(({ name }) => titleOf(name) === title);
    return { title, version: own[0]?.version ?? '', places: own };
  });
}

const titleOf = (name: string): string => name.replace(/,.*/, '');

/** In Markdown. */
export function nativeTable(places: readonly Place[]): string {
  const all = columns(places);
  const features = Object.keys(places[0]?.report.natively ?? {});
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...all.map(({ title, version }) => `${title}<br>${version}`)]),
    row(['---', ...all.map(() => ':-:')]),
    ...features.map((feature) => row([feature, ...all.map((column) => cell(column, feature))])),
  ].join('\n');
}

function cell({ places }: Column, feature: string): string {
  const having = places.filter(({ report }) => report.natively[feature]);
  if (having.length === 0) return '–';
  if (having.length === places.length) return '✓';
  return having.map(({ name }) => name.replace(/.*, /, '')).join(', ');
}

/** The document with this table in it. */
export function withTable(document: string, table: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/runtimes.md has no place for the table: ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`;
}

/** Whether a document says the same. Versions may differ: browsers are the system's, and renew themselves. */
export function saysSame(document: string, table: string): boolean {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  const withoutVersions = (text: string): string => text.replaceAll(/<br>[^|]*/g, '').trim();
  return withoutVersions(document.slice(from + begin.length, to)) === withoutVersions(table);
}
