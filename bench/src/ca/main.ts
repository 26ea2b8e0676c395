/**
 * `npm run bench:ca`: whole ACME orders of our CA, with its records in SQLite and in PostgreSQL, beside Pebble; what becomes of them as
 * the store grows; and the list of very many revoked certificates. One run, in rounds that take turns. Ratios are what to quote.
 *
 * `--quick` is a smoke of 20 seconds; `--only` a group (`rates`, `sizes`, `lists`); `--rounds 5`, `--seconds 2` of a round of rates;
 * `--profile FOLDER` leaves profiles of our servers there. A run of everything writes its tables into `bench/results/`, others do it
 * with `--write`.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { machine, type Part, writeResults } from '../results.ts';
import { type Result, type Row, race } from '../rounds.ts';
import { listRow } from './lists.ts';
import { rateRows, startLoad } from './rates.ts';
import { type CaFolder, cleanUp, type StoreKind, storeKinds } from './servers.ts';
import { sizeRows } from './sizes.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    lanes: { type: 'string' },
    only: { type: 'string' },
    profile: { type: 'string' },
    write: { type: 'boolean' },
    name: { type: 'string', default: `ca-node-${process.versions.node.split('.')[0]}` },
  },
});
const { quick, only, profile } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const seconds = Number(values.seconds ?? (quick ? 0.5 : 2));
const lanes = (values.lanes ?? (quick ? '8' : '1,8,16')).split(',').map(Number);
const sizes = quick ? [500] : [100_000, 1000, 10_000];
const ordersOfRound = quick ? 5 : 100;
const revoked = quick ? 1000 : 100_000;
const kinds = storeKinds();
const grownKinds = quick ? kinds.slice(0, 1) : kinds;

for (const line of machine()) console.log(line);
console.log('Medians; × is how much better ours is (least … most).');
const parts: Part[] = [];

async function raceAll(title: string, rows: readonly Row[], milliseconds: number, turns: number): Promise<void> {
  const results: Result[] = [];
  for (const row of rows) results.push(await race(row, { rounds: turns, milliseconds }));
  parts.push({ title, results });
}

const load = startLoad();
if (only === undefined || only === 'rates') {
  const rates = await rateRows(load, kinds, lanes, { warmUpMs: quick ? 0 : 10_000, profileFolder: profile });
  await raceAll('Orders', rates.rows, seconds * 1000, rounds);
  await rates.stop();
}
let seeded: ReadonlyMap<StoreKind, CaFolder> = new Map();
if (only === undefined || only === 'sizes') {
  const grown = await sizeRows(load, grownKinds, sizes, ordersOfRound);
  await raceAll('A store that grows', grown.rows, 30_000, quick ? 1 : 10);
  await grown.stop();
  if (!quick) seeded = grown.largest;
}
if (only === undefined || only === 'lists') {
  await raceAll('Lists of what is revoked', [await listRow(grownKinds, revoked, seeded)], 30_000, quick ? 1 : 3);
}
await cleanUp();
if ((only === undefined && !quick) || values.write) {
  console.log('');
  for (const file of writeResults(values.name, { rounds, seconds }, parts, 'bench:ca')) console.log(`wrote ${file}`);
}
process.exit();
