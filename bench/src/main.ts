/**
 * `npm run bench`: ours beside `node:tls` of the same Node, in one process and in rounds that take turns, so that the
 * machine's moods fall on both. Ratios are what to quote.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import { type Contender, contenders } from './contenders.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const roundMs = Number(values.seconds) * 1000;

interface Task {
  readonly name: string;
  readonly unit: string;
  /** One round's rate. */
  run(contender: Contender): Promise<number>;
}

const closed = (socket: Duplex): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

/** Full handshakes, chain verified, both ends in this process, four at a time. */
const handshakes: Task = {
  name: 'full handshakes (X25519, ECDSA P-256)',
  unit: '/s',
  async run(contender) {
    const server = await contender.listen((socket) => socket.resume());
    const start = performance.now();
    let count = 0;
    const worker = async (): Promise<void> => {
      while (performance.now() - start < roundMs) {
        const socket = await server.connect();
        const gone = closed(socket);
        socket.resume().end();
        await gone;
        count++;
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    const elapsed = performance.now() - start;
    await server.close();
    return (count * 1000) / elapsed;
  },
};

/** One direction, 16 KiB a write, both ends in this process. */
const bulk: Task = {
  name: 'bulk (AES-128-GCM, 16 KiB records)',
  unit: 'MiB/s',
  async run(contender) {
    const chunk = Buffer.alloc(16_384, 0x5a);
    let received = 0;
    const server = await contender.listen((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data: Buffer) => {
        received += data.length;
      });
    });
    const socket = await server.connect();
    socket.on('error', () => undefined);
    const start = performance.now();
    while (performance.now() - start < roundMs) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    const elapsed = performance.now() - start;
    const rate = (received / 1_048_576 / elapsed) * 1000;
    const gone = closed(socket);
    socket.destroy();
    await gone;
    await server.close();
    return rate;
  },
};

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const [ours, nodes] = await contenders();
console.log(`Node ${process.version}, ${rounds} rounds of ${values.seconds} s each, in turns; medians`);
console.log(
  `${''.padEnd(40)}${'handfast'.padStart(12)}${'node:tls'.padStart(12)}${'ratio'.padStart(10)}   (least … most)`,
);
for (const task of [handshakes, bulk]) {
  if (values.only !== undefined && !task.name.includes(values.only)) continue;
  // One round of each to warm up.
  await task.run(ours);
  await task.run(nodes);
  const results: { ours: number; nodes: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const [first, second] = round % 2 === 0 ? [ours, nodes] : [nodes, ours];
    const a = await task.run(first);
    const b = await task.run(second);
    results.push(first === ours ? { ours: a, nodes: b } : { ours: b, nodes: a });
  }
  const ratios = results.map((result) => result.ours / result.nodes);
  const column = (value: number): string => `${Math.round(value)} ${task.unit}`.padStart(12);
  console.log(
    `${task.name.padEnd(40)}${column(median(results.map((result) => result.ours)))}${column(median(results.map((result) => result.nodes)))}` +
      `${median(ratios).toFixed(2).padStart(10)}   (${Math.min(...ratios).toFixed(2)} … ${Math.max(...ratios).toFixed(2)})`,
  );
}
