/**
 * `npm run bench`: ours beside `node:tls` of the same Node, beside other TLS of npm, and beside other certificate libraries, in
 * one run and in rounds that take turns. Ratios are what to quote.
 *
 * `--only` a group (`tls`, `ping-pong`, `openssl`, `https`, `idle`, `latency`, `memory`, `trace`, `x509`), or a part of a row's name;
 * `--rounds 9`; `--seconds 1` is a round's length; `--connections 5000` are the idle ones. A run of everything writes its table,
 * chart and figures into `bench/results/`, others do it with `--write`; `--name` is the files' name.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { httpsRows } from './https.ts';
import { idleRows } from './idle.ts';
import { latencyRows } from './latency.ts';
import { opensslRows } from './openssl.ts';
import { pingPongRows } from './ping-pong.ts';
import { machine, type Part, writeResults } from './results.ts';
import { type Result, type Row, race } from './rounds.ts';
import { memoryRows } from './sessions.ts';
import { tlsRows } from './tls.ts';
import { traceRows } from './trace.ts';
import { x509Rows } from './x509.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '5000' },
    only: { type: 'string' },
    write: { type: 'boolean' },
    name: { type: 'string', default: `node-${process.versions.node.split('.')[0]}` },
  },
});
const { only } = values;
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

interface Group {
  readonly name: string;
  readonly title: string;
  readonly rows: () => Promise<readonly Row[]>;
  /** Parsing has no sockets to settle: a tenth of a round will do. */
  readonly share?: number;
  /** Memory has no moods: a few rounds will do. */
  readonly mostRounds?: number;
}

const groups: readonly Group[] = [
  { name: 'tls', title: 'Handshakes and bulk data, both ends in one process', rows: tlsRows },
  { name: 'ping-pong', title: 'Small messages', rows: pingPongRows },
  { name: 'openssl', title: 'Bulk data, one end alone', rows: opensslRows },
  { name: 'https', title: 'HTTPS', rows: httpsRows },
  { name: 'latency', title: 'Latency', rows: latencyRows },
  { name: 'idle', title: 'Idle connections', rows: () => idleRows(Number(values.connections)), mostRounds: 3 },
  { name: 'memory', title: 'Memory of sessions', rows: memoryRows, mostRounds: 3 },
  { name: 'trace', title: 'Handshakes that nobody traces', rows: traceRows },
  { name: 'x509', title: 'Certificates', rows: x509Rows, share: 0.1 },
];
const named = groups.find(({ name }) => name === only);

for (const line of machine()) console.log(line);
console.log(`${rounds} rounds of ${seconds} s each, in turns (x509: a tenth of that; memory: a few fillings).`);
console.log('Medians; × is how much faster, or smaller, ours is (least … most).');
const parts: Part[] = [];
for (const { title, rows, share = 1, mostRounds = rounds } of named === undefined ? groups : [named]) {
  const results: Result[] = [];
  for (const row of await rows()) {
    if (named === undefined && only !== undefined && !row.name.includes(only)) continue;
    results.push(await race(row, { rounds: Math.min(rounds, mostRounds), milliseconds: seconds * 1000 * share }));
  }
  if (results.length > 0) parts.push({ title, results });
}
if (only === undefined || values.write) {
  console.log('');
  for (const file of writeResults(values.name, { rounds, seconds }, parts)) console.log(`wrote ${file}`);
}
// What a contestant that failed has left open keeps nobody waiting.
process.exit();
