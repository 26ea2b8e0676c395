/**
 * `npm run runtimes`: one suite in every runtime, or in those that are named (`firefox deno`); other words choose tests by
 * their names. `--write` renews the table of docs/runtimes.md.
 *
 * @module
 */

import { readFile, writeFile } from 'node:fs/promises';
import { browserRuntimes } from './browsers.ts';
import { type Fault, faultsOf } from './expected.ts';
import { nativeTable, saysSame, withTable } from './native-table.ts';
import { openOutside } from './outside.ts';
import { programRuntimes } from './programs.ts';
import type { Place, Runtime } from './runtime.ts';
import { staleSnippets } from './snippets.ts';
import { tabs } from './tabs.ts';
import { workerd } from './workerd.ts';

const document = new URL('../../docs/runtimes.md', import.meta.url);
const runtimes: readonly Runtime[] = [...programRuntimes, workerd, ...browserRuntimes, tabs];

/** Where a runtime fails at all, it often fails everywhere. */
const mostShown = 10;

const given = process.argv.slice(2);
const write = given.includes('--write');
const named = runtimes.filter(({ name }) => given.includes(name));
const words = given.filter((word) => !word.startsWith('--') && !runtimes.some(({ name }) => name === word));
const wanted = named.length > 0 ? named : runtimes;

const places: Place[] = [];
let broken = 0;
const faults: (Fault & { readonly place: string })[] = [];

const outside = await openOutside();
line('runtime', 'version', 'passed', 'failed', 'absent', 'seconds');
for (const runtime of wanted) {
  try {
    const ran = await runtime.run(words, outside);
    places.push(...ran);
    for (const place of ran) tell(place);
  } catch (error) {
    line(runtime.name, '', '0', '1', '0', '');
    broken += 1;
    faults.push({ place: runtime.name, test: 'the whole suite', why: String(error) });
  }
}
await outside.close();
for (const place of places) {
  const alike = places.filter(({ suite }) => suite === place.suite);
  const names = new Set(alike.flatMap(({ report }) => report.results.map(({ name }) => name)));
  faults.push(...faultsOf(place, names).map((fault) => ({ ...fault, place: place.name })));
}

let passed = places.flatMap(({ report }) => report.results).filter(({ outcome }) => outcome === 'passed').length;
if (words.length === 0 && named.length === 0 && broken === 0) await compare();
for (const [name, own] of Map.groupBy(faults, ({ place }) => place)) {
  for (const { test, why } of own.slice(0, mostShown))
    console.log(`\n✗ ${name}: ${test}\n${why.replaceAll(/^/gm, '    ')}`);
  if (own.length > mostShown) console.log(`\n✗ ${name}: ${own.length - mostShown} more`);
}
console.log(`${passed} passed, ${faults.length} failed`);
process.exitCode = faults.length === 0 && passed > 0 ? 0 : 1;

function tell({ name, version, report, seconds }: Place): void {
  const count = (outcome: string): string => String(report.results.filter((one) => one.outcome === outcome).length);
  line(name, version, count('passed'), count('failed'), count('absent'), seconds.toFixed(1));
}

function line(name: string, version: string, ...columns: readonly string[]): void {
  console.log([name.padEnd(18), version.padEnd(15), ...columns.map((column) => column.padStart(7))].join(' '));
}

async function compare(): Promise<void> {
  const table = nativeTable(places.filter(({ suite }) => suite === 'common'));
  const text = await readFile(document, 'utf8');
  if (write) await writeFile(document, withTable(text, table));
  const fault = (test: string, why: string): number => faults.push({ place: 'docs/runtimes.md', test, why });
  if (write || saysSame(text, table)) passed += 1;
  else {
    const why = 'it says otherwise than the runtimes do; npm run runtimes -- --write renews it';
    fault('the table of what each runtime has', `${why}:\n${table}`);
  }
  const stale = await staleSnippets(text);
  if (stale.length === 0) passed += 1;
  else fault('the snippets', `it does not show these as they are in runtime-tests/snippets: ${stale.join(', ')}`);
}
