/**
 * The rows of TLS: handshakes and bulk data over loopback, both ends in this process.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import { type Contender, contenders, type Running, type Setting, tls12, tls13 } from './contenders.ts';
import type { Row } from './rounds.ts';

/** Beside `node:tls` of the same Node. */
export async function tlsRows(): Promise<readonly Row[]> {
  return [...(await rowsOf('TLS 1.3', tls13)), ...(await rowsOf('TLS 1.2', tls12))];
}

async function rowsOf(version: string, setting: Setting): Promise<readonly Row[]> {
  const both = await contenders(setting);
  const row = (
    name: string,
    unit: string,
    run: (contender: Contender, milliseconds: number) => Promise<number>,
  ): Row => ({
    name,
    unit,
    better: 'more',
    contestants: both.map((contender) => ({
      name: contender.name,
      round: (milliseconds) => run(contender, milliseconds),
    })),
  });
  return [
    row(`${version}: full handshakes (X25519, ECDSA P-256)`, '/s', handshakes),
    row(`${version}: resumed handshakes (ticket${version === 'TLS 1.3' ? ', X25519' : ''})`, '/s', resumed),
    row(`${version}: bulk (AES-128-GCM, 16 KiB records)`, 'MiB/s', bulk),
  ];
}

const closed = (socket: Duplex): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

/** Full handshakes, chain verified, four at a time: how many a second. */
function handshakes(contender: Contender, milliseconds: number): Promise<number> {
  return rate(contender, milliseconds, ({ connect }) => connect());
}

/** Handshakes that resume the session of an earlier one, and are refused if they do not. */
async function resumed(contender: Contender, milliseconds: number): Promise<number> {
  let begun = 0;
  return await rate(contender, milliseconds, async ({ comeBack }) => {
    const { socket, resumed: goesOn } = await comeBack();
    // The first of each worker, and who comes before a ticket does, have nothing to come back by.
    if (!goesOn && ++begun > 2 * workers) throw new Error(`${contender.name} did not resume a session`);
    return socket;
  });
}

const workers = 4;

/** Connections that are made and closed in good order, four at a time: how many a second. */
async function rate(
  contender: Contender,
  milliseconds: number,
  connect: (server: Running) => Promise<Duplex>,
): Promise<number> {
  const server = await contender.listen((socket) => socket.resume());
  const start = performance.now();
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      const socket = await connect(server);
      const gone = closed(socket);
      socket.resume().end();
      await gone;
      count++;
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  const elapsed = performance.now() - start;
  await server.close();
  return (count * 1000) / elapsed;
}

/** One direction, 16 KiB a write: MiB a second. */
async function bulk(contender: Contender, milliseconds: number): Promise<number> {
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
  while (performance.now() - start < milliseconds) {
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  const elapsed = performance.now() - start;
  const rate = (received / 1_048_576 / elapsed) * 1000;
  const gone = closed(socket);
  socket.destroy();
  await gone;
  await server.close();
  return rate;
}
