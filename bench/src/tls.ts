/**
 * The rows of TLS: handshakes and bulk data over loopback, both ends in this process.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import {
  type Contender,
  type ContenderName,
  contestantOf,
  gone,
  type Run,
  type Running,
  withServer,
} from './contenders.ts';
import { floor, fullCalls, resumedCalls } from './floor.ts';
import { makeIdentity } from './identity.ts';
import type { Contestant, Row } from './rounds.ts';
import { type Setting, tls12, tls13, tls13Hybrid } from './settings.ts';

/** Beside `node:tls` of the same Node, and others where they can do it. */
export async function tlsRows(): Promise<readonly Row[]> {
  const ecdsa = await makeIdentity('secp256r1');
  const rsa = await makeIdentity('rsa');
  const row = (
    setting: Setting,
    what: string,
    unit: string,
    run: Run,
    names: readonly ContenderName[],
    reach?: number,
    below?: Contestant,
  ): Row => ({
    name: `TLS ${setting.version.slice(-3)}: ${what}`,
    unit,
    better: 'more',
    contestants: [
      ...names.map((name) => contestantOf(name, setting, name === 'node-forge' ? rsa : ecdsa, run)),
      ...(below === undefined ? [] : [below]),
    ],
    ...(reach !== undefined && { reach }),
  });
  return [
    row(
      tls13,
      'full handshakes (X25519, ECDSA P-256)',
      '/s',
      handshakes,
      [...three, 'node-forge'],
      1.5,
      floor(fullCalls),
    ),
    row(tls13Hybrid, 'full handshakes (X25519MLKEM768, ECDSA P-256)', '/s', handshakes, three, 1.5),
    row(tls13, 'resumed handshakes (ticket, X25519)', '/s', resumed, three, 1.8, floor(resumedCalls)),
    row(tls13, 'bulk (AES-128-GCM, 16 KiB records)', 'MiB/s', bulk, [...three, 'node-forge'], 0.65),
    row(tls12, 'full handshakes (X25519, ECDSA P-256)', '/s', handshakes, three),
    row(tls12, 'resumed handshakes (ticket)', '/s', resumed, three),
    row(tls12, 'bulk (AES-128-GCM, 16 KiB records)', 'MiB/s', bulk, three),
  ];
}

const three = ['handfast', 'node:tls', 'lemon-tls'] as const;

/** Full handshakes, chain verified, four at a time: how many a second. */
function handshakes(contender: Contender, milliseconds: number, setting: Setting): Promise<number> {
  return rate(contender, milliseconds, setting, async ({ connect }) => await connect());
}

/** Handshakes that resume the session of an earlier one, and are refused if they do not. */
async function resumed(contender: Contender, milliseconds: number, setting: Setting): Promise<number> {
  let begun = 0;
  return await rate(contender, milliseconds, setting, async ({ comeBack }) => {
    const { socket, resumed: goesOn } = await comeBack();
    // The first of each worker, and who comes before a ticket does, have nothing to come back by.
    if (!goesOn && ++begun > 2 * workers) throw new Error(`${contender.name} did not resume a session`);
    return socket;
  });
}

const workers = 4;

/** Connections that are made and closed in good order, four at a time: how many a second. */
function rate(
  contender: Contender,
  milliseconds: number,
  setting: Setting,
  connect: (server: Running) => ReturnType<Running['connect']>,
): Promise<number> {
  return withServer(
    contender,
    setting,
    (socket) => socket.resume(),
    async (server) => {
      const start = performance.now();
      let count = 0;
      const worker = async (): Promise<void> => {
        while (performance.now() - start < milliseconds) {
          const socket = await connect(server);
          socket.resume().end();
          await gone(socket);
          count++;
        }
      };
      await Promise.all(Array.from({ length: workers }, worker));
      return (count * 1000) / (performance.now() - start);
    },
  );
}

/** One direction, 16 KiB a write: MiB a second. */
function bulk(contender: Contender, milliseconds: number, setting: Setting): Promise<number> {
  const chunk = Buffer.alloc(16_384, 0x5a);
  let received = 0;
  const count = (socket: Duplex): void => {
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      received += data.length;
    });
  };
  return withServer(contender, setting, count, async ({ connect }) => {
    const socket = await connect();
    socket.on('error', () => undefined);
    const start = performance.now();
    while (performance.now() - start < milliseconds) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    const rate = (received / mebibyte / (performance.now() - start)) * 1000;
    socket.destroy();
    await gone(socket);
    return rate;
  });
}

export const mebibyte = 1_048_576;
