/**
 * The row of small messages: 100 bytes there and 100 bytes back, over one connection, both ends in this process.
 *
 * @module
 */

import { type Contender, contestantOf, gone, withServer } from './contenders.ts';
import { floorLabels, recordBothWays } from './floor.ts';
import { makeIdentity } from './identity.ts';
import type { Row } from './rounds.ts';
import { type Setting, tls13 } from './settings.ts';

const message = Buffer.alloc(100, 0x5a);

export async function pingPongRows(): Promise<readonly Row[]> {
  const identity = await makeIdentity('secp256r1');
  return [
    {
      name: `TLS 1.3: ping-pong, ${message.length} bytes each way on one connection`,
      unit: '/s',
      better: 'more',
      reach: 1,
      contestants: [
        ...(['handfast', 'node:tls', 'lemon-tls'] as const).map((name) =>
          contestantOf(name, tls13, identity, pingPong),
        ),
        {
          ...contestantOf('net', tls13, identity, (...given) => pingPong(...given, recordBothWays)),
          ...floorLabels,
        },
      ],
    },
  ];
}

/** There and back again: how many a second. */
function pingPong(
  contender: Contender,
  milliseconds: number,
  setting: Setting,
  each: (message: Uint8Array) => void = () => undefined,
): Promise<number> {
  return withServer(
    contender,
    setting,
    (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data: Buffer) => {
        each(data);
        socket.write(data);
      });
    },
    async ({ connect }) => {
      const socket = await connect();
      const start = performance.now();
      let count = 0;
      await new Promise<void>((resolve, reject) => {
        let missing = message.length;
        socket.on('error', reject);
        socket.on('data', (data: Buffer) => {
          missing -= data.length;
          if (missing > 0) return;
          missing = message.length;
          count++;
          each(data);
          if (performance.now() - start < milliseconds) socket.write(message);
          else resolve();
        });
        socket.write(message);
      });
      const rate = (count * 1000) / (performance.now() - start);
      socket.destroy();
      await gone(socket);
      return rate;
    },
  );
}
