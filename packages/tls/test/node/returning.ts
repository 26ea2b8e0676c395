/**
 * Clients that were at a server before and come back with early data, over TCP on loopback; and a way to keep back what a client
 * says after its first flight, so that its server stays between early data and the handshake's end.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Server as NetServer } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach } from 'node:test';
import { memoryReplayCache, memorySessionCache, namedGroups, type ReplayCache } from '../../src/index.ts';
import { type ConnectOptions, connect, type TLSSocket, type TlsServerOptions } from '../../src/node/index.ts';
import { now, pki, serverCredential } from '../support/identities.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519');
const time = (): Date => now;

const open: (Duplex | NetServer)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    if (one instanceof Duplex) one.on('error', () => {}).destroy();
    else one.close();
  }
});

/** Ends with the test. */
export function untilTheEnd<T extends Duplex | NetServer>(one: T): T {
  open.push(one);
  return one;
}

/** A replay cache that was begun long ago. */
export const replayCache = (): ReplayCache => memoryReplayCache({ time: () => new Date(0) });

/** A server's options: early data of up to 16 KiB. */
export const serverOptions = (): TlsServerOptions => ({
  credentials: [serverCredential],
  groups,
  time,
  earlyData: { replay: replayCache() },
});

/** Listens at a port of the system's choice. */
export async function listening(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  untilTheEnd(server);
  return (server.address() as AddressInfo).port;
}

export interface Visitor {
  /** A connection with this visitor's sessions. */
  come(options?: ConnectOptions): TLSSocket;
  /** As `come`; writes `early` in the first flight, and says nothing more until `release`. */
  comeEarly(early: string | Uint8Array, options?: ConnectOptions): Promise<Early>;
}

export interface Early {
  readonly socket: TLSSocket;
  /** How many bytes could be written early, and were. */
  readonly limit: number;
  readonly written: number;
  /** All bytes of the first flight, as they went over the wire. */
  readonly flight: () => Buffer;
  /** What was kept back goes, and all that follows. */
  release(): void;
}

/** A client that has been at the server at `port`, and has its tickets. */
export async function visitor(port: number, always: ConnectOptions = {}): Promise<Visitor> {
  const sessions = memorySessionCache();
  const target = { host: '127.0.0.1', port, servername: 'localhost', trust: pki.trust, groups, time, sessions };
  const come = (options: ConnectOptions = {}): TLSSocket =>
    untilTheEnd(connect({ ...target, earlyData: 2 ** 24, ...always, ...options }));
  // Tickets come at the end of the handshake, in one flight.
  await new Promise<void>((resolve) => {
    const first = come({
      trace: (event) => {
        if (event.type !== 'session' || event.action !== 'kept') return;
        first.end();
        resolve();
      },
    });
  });
  return {
    come,
    async comeEarly(early, options) {
      const { transport, flight, release } = keepingBack(port);
      const socket = come({ socket: transport, ...options });
      const [limit] = (await once(socket, 'earlyDataReady')) as [number];
      return { socket, limit, written: socket.writeEarlyData(early), flight, release };
    },
  };
}

/** A TCP connection that carries a client's first flight, and after the server's first bytes nothing more until `release`. */
function keepingBack(port: number): { readonly transport: Duplex } & Pick<Early, 'flight' | 'release'> {
  const tcp = untilTheEnd(connectTcp({ port, host: '127.0.0.1', noDelay: true }));
  const sent: Uint8Array[] = [];
  let keeps: Uint8Array[] | undefined;
  let released = false;
  const transport = new Duplex({
    write(chunk: Buffer, _encoding, callback) {
      if (keeps !== undefined) {
        keeps.push(chunk);
        callback();
        return;
      }
      if (!released) sent.push(chunk);
      tcp.write(chunk, callback);
    },
    read() {},
    final(callback) {
      tcp.end(callback);
    },
    destroy(error, callback) {
      tcp.destroy();
      callback(error);
    },
  });
  tcp.on('data', (chunk: Buffer) => {
    if (!released) keeps ??= [];
    transport.push(chunk);
  });
  tcp.on('end', () => transport.push(null));
  tcp.on('error', (error) => transport.destroy(error));
  untilTheEnd(transport);
  return {
    transport,
    flight: () => Buffer.concat(sent),
    release() {
      released = true;
      for (const chunk of keeps ?? []) tcp.write(chunk);
      keeps = undefined;
    },
  };
}

/** Reads until `length` bytes have come, or a text; whatever comes with them is put back. */
export async function read(stream: Duplex, wanted: number | string): Promise<string> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) chunks.push(chunk);
    const all = Buffer.concat(chunks);
    const found = typeof wanted === 'number' ? wanted : all.indexOf(wanted) + wanted.length;
    if (typeof wanted === 'number' ? all.length >= wanted : all.includes(wanted)) {
      if (all.length > found) stream.unshift(all.subarray(found));
      return all.subarray(0, found).toString('latin1');
    }
    if (chunk === null) {
      if (stream.readableEnded) assert.fail(`the stream ended after ${JSON.stringify(all.toString('latin1'))}`);
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          stream.off('readable', done).off('end', done).off('error', failed);
          resolve();
        };
        const failed = (error: Error): void => {
          stream.off('readable', done).off('end', done);
          reject(error);
        };
        stream.once('readable', done).once('end', done).once('error', failed);
      });
    }
  }
}

export async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
}

/** Some turns of the event loop, for what should not happen to have happened. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
