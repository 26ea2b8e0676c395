/**
 * `npm run bench`: ours beside `node:tls` of the same Node, and beside other certificate libraries, in one process and in
 * rounds that take turns. Ratios are what to quote.
 *
 * `--only tls`, `--only memory` or `--only x509`, or a part of a row's name; `--rounds 9`; `--seconds 1` is a round's length.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { type Row, race } from './rounds.ts';
import { memoryRows } from './sessions.ts';
import { tlsRows } from './tls.ts';
import { x509Rows } from './x509.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const { only } = values;
const rounds = Number(values.rounds);
const milliseconds = Number(values.seconds) * 1000;

interface Group {
  readonly name: string;
  readonly rows: () => Promise<readonly Row[]>;
  /** Parsing has no sockets to settle: a tenth of a round will do. */
  readonly share: number;
  /** Memory has no moods: a few rounds will do. */
  readonly mostRounds?: number;
}

const groups: readonly Group[] = [
  { name: 'tls', rows: tlsRows, share: 1 },
  { name: 'memory', rows: memoryRows, share: 1, mostRounds: 3 },
  { name: 'x509', rows: x509Rows, share: 0.1 },
];
const named = groups.find(({ name }) => name === only);

console.log(
  `Node ${process.version}, ${rounds} rounds of ${values.seconds} s each, in turns (x509: a tenth of that; memory: a few fillings).`,
);
console.log('Medians; × is how much faster, or smaller, ours is (least … most).');
for (const { rows, share, mostRounds = rounds } of named === undefined ? groups : [named]) {
  for (const row of await rows()) {
    if (named === undefined && only !== undefined && !row.name.includes(only)) continue;
    await race(row, { rounds: Math.min(rounds, mostRounds), milliseconds: milliseconds * share });
  }
}
