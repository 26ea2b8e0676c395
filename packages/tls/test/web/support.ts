/**
 * Transports for the web adapter's tests: a pair in memory, and one that the test plays itself.
 *
 * @module
 */

import {
  type Connection,
  type ServerOptions,
  type TlsError,
  tls12Client,
  tls12Server,
  tls13Client,
  tls13Server,
} from '../../src/index.ts';
import {
  type AcceptOptions,
  accept,
  type ByteStreams,
  type ConnectOptions,
  connect,
  type TlsStream,
} from '../../src/web/index.ts';
import { now, pki, serverCredential } from '../support/identities.ts';
import { startServer } from '../support/pair.ts';

/** Two ends of a transport in memory. */
export function transportPair(): [ByteStreams, ByteStreams] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}

export const clientOptions: ConnectOptions = { serverName: 'localhost', trust: pki.trust, time: () => now };
export const serverOptions: AcceptOptions = { credentials: [serverCredential], time: () => now };

/** Each version, as options of both sides. */
export const versions = [
  { name: 'TLS 1.3', client: { versions: [tls13Client] }, server: { versions: [tls13Server] } },
  { name: 'TLS 1.2', client: { versions: [tls12Client] }, server: { versions: [tls12Server] } },
] as const;

export interface Both {
  readonly client: TlsStream;
  readonly server: TlsStream;
}

/** A client and a server, after their handshake. */
export async function connectedPair(
  options: { readonly client?: Partial<ConnectOptions>; readonly server?: Partial<AcceptOptions> } = {},
  [near, far]: readonly [
    ByteStreams | PromiseLike<ByteStreams>,
    ByteStreams | PromiseLike<ByteStreams>,
  ] = transportPair(),
): Promise<Both> {
  const [client, server] = await Promise.all([
    connect(near, { ...clientOptions, ...options.client }),
    accept(far, { ...serverOptions, ...options.server }),
  ]);
  return { client, server };
}

/** Writes, and leaves the stream to others. */
export async function send({ writable }: Pick<TlsStream, 'writable'>, data: string | Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(typeof data === 'string' ? new TextEncoder().encode(data) : data);
  writer.releaseLock();
}

/** Reads so many bytes. */
export async function receive({ readable }: Pick<TlsStream, 'readable'>, length: number): Promise<Buffer> {
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  for (let left = length; left > 0; ) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    left -= value.length;
  }
  reader.releaseLock();
  return Buffer.concat(chunks);
}

/** Reads to the end. */
export async function receiveAll({ readable }: Pick<TlsStream, 'readable'>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<TlsError> {
  return await promise.then(
    () => {
      throw new Error('it should have failed');
    },
    (error: TlsError) => error,
  );
}

/** A transport whose other end is the test. */
export interface PlayedTransport extends ByteStreams {
  /** What was written to it. */
  readonly sent: Uint8Array[];
  /** Called for each write, before it is done. */
  onWrite: (chunk: Uint8Array) => void | Promise<void>;
  /** How it was let go: `closed`, `aborted`, `cancelled`. */
  readonly ends: string[];
  give(chunk: Uint8Array | ArrayBuffer): void;
  /** Done when all that was given has been read. */
  taken(): Promise<void>;
  end(): void;
  fail(error: Error): void;
}

export function playedTransport(): PlayedTransport {
  let source: ReadableStreamDefaultController<Uint8Array | ArrayBuffer> | undefined;
  const sent: Uint8Array[] = [];
  const ends: string[] = [];
  const played: PlayedTransport = {
    sent,
    ends,
    onWrite: () => {},
    readable: new ReadableStream({
      start: (controller) => {
        source = controller;
      },
      cancel: () => {
        ends.push('cancelled');
      },
    }),
    writable: new WritableStream({
      write: async (chunk) => {
        await played.onWrite(chunk);
        sent.push(chunk);
      },
      close: () => {
        ends.push('closed');
      },
      abort: () => {
        ends.push('aborted');
      },
    }),
    give: (chunk) => source?.enqueue(chunk),
    taken: async () => {
      while ((source?.desiredSize ?? 1) < 1) await turns(1);
    },
    end: () => source?.close(),
    fail: (error) => source?.error(error),
  };
  return played;
}

/** A transport with a server at its other end that does everything at once: what it wrote has been given when it returns. */
export function serverAtOtherEnd(options: Partial<ServerOptions> = {}): {
  readonly transport: PlayedTransport;
  readonly server: Connection;
  /** Its handshake is done. */
  readonly established: Promise<void>;
} {
  const transport = playedTransport();
  const { promise: established, resolve } = Promise.withResolvers<void>();
  const { connection } = startServer(options, {
    send: (chunks) => chunks.forEach(transport.give),
    established: () => resolve(),
  });
  transport.onWrite = (chunk) => {
    connection.receive(chunk);
  };
  return { transport, server: connection, established };
}

/** The same transport, whose bytes come otherwise: in other pieces, counted, changed. */
export function through(
  { readable, writable }: ByteStreams,
  transform: (chunk: Uint8Array) => Iterable<Uint8Array>,
): ByteStreams {
  const pieces = new TransformStream<Uint8Array | ArrayBuffer, Uint8Array>({
    transform: (chunk, controller) => {
      for (const piece of transform(chunk as Uint8Array)) controller.enqueue(piece);
    },
  });
  return { readable: readable.pipeThrough(pieces), writable };
}

/** Some turns of the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
