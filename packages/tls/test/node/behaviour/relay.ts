/**
 * A TCP relay that counts flights, and holds what comes after so many of them: for what happens to either side in the midst of
 * a handshake.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { keep, tcpClient, tcpServer } from './support.ts';

export interface Relay {
  readonly port: number;
  /** The flight after those that pass has come, and lies here. */
  readonly held: Promise<void>;
}

/** Forwards the first `flights` flights; then nothing more in either direction. An end of one side is one of the other's. */
export async function relayTo(port: number, flights: number): Promise<Relay> {
  let hold = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    hold = resolve;
  });
  let flight = 0;
  let last: Socket | undefined;
  const relayPort = await tcpServer((near) => {
    const far = tcpClient(port);
    far.on('error', () => undefined);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      keep(from);
      from.on('data', (chunk: Buffer) => {
        if (last !== from) flight++;
        last = from;
        if (flight > flights) hold();
        else to.write(chunk);
      });
      from.on('close', () => to.destroy());
    }
  });
  return { port: relayPort, held };
}
