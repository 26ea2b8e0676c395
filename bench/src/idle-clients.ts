/**
 * Connections that do nothing, from a process of their own: by `node:tls` or `node:net`, whoever the server is. For `startChild`.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import { serve } from './children.ts';
import { contenderOf, gone } from './contenders.ts';
import type { Part } from './server-child.ts';

const open: Duplex[] = [];

export interface Wish extends Part {
  readonly port: number;
  readonly count: number;
}

const services = {
  /** So many more, a few at a time; answers when their handshakes are done. */
  async open({ name, setting, identity, port, count }: Wish): Promise<void> {
    const { connect } = contenderOf(name, setting, identity);
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const { socket, done } = connect(port);
        socket.on('error', () => undefined);
        await done;
        socket.resume();
        open.push(socket);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  },
  /** All of them closed. */
  async close(_: undefined): Promise<void> {
    await Promise.all(
      open.splice(0).map(async (socket) => {
        socket.end();
        await gone(socket);
      }),
    );
  },
};

export type IdleServices = typeof services;

serve(services);
