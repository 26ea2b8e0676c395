/**
 * Bun's TCP sockets as byte streams: they call handlers that are given once, to `Bun.connect` or `Bun.listen`.
 *
 * @module
 */

import { reasonOf, TlsError } from '../../errors.ts';
import type { ByteStreams } from '../byte-streams.ts';
import { unshared } from '../chunks.ts';
import { Inlet } from '../inlet.ts';

/** Bun's `Socket`, as far as it is needed here. */
export interface BunSocketLike {
  /** How many bytes were taken; below zero: it is closed. */
  write(data: Uint8Array): number;
  /** Sends what waits, and a FIN. */
  shutdown(): void;
  end(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** What Bun is to call. */
export interface BunHandlers {
  open(socket: BunSocketLike): void;
  data(socket: BunSocketLike, data: Uint8Array): void;
  drain(socket: BunSocketLike): void;
  end(socket: BunSocketLike): void;
  error(socket: BunSocketLike, error: Error): void;
  close(socket: BunSocketLike, error?: Error): void;
}

/**
 * Connects, and answers the socket's streams. `allowHalfOpen: true` keeps our side open when the server has ended its own.
 *
 * @example
 * ```ts
 * const tcp = fromBunSocket((socket) => Bun.connect({ hostname: 'db.example', port: 5432, allowHalfOpen: true, socket }));
 * const tls = await connect(tcp, { serverName: 'db.example', trust });
 * ```
 */
export async function fromBunSocket(connect: (handlers: BunHandlers) => PromiseLike<unknown>): Promise<ByteStreams> {
  const { promise, resolve, reject } = Promise.withResolvers<ByteStreams>();
  connect(bunHandlers(resolve)).then(undefined, (cause: unknown) =>
    reject(new TlsError('transport_failed', `the socket was not connected: ${reasonOf(cause)}`, { cause })),
  );
  return await promise;
}

/**
 * Handlers for `Bun.listen`: `accepted` gets the streams of each connection.
 *
 * @example
 * ```ts
 * const socket = bunHandlers((tcp) => accept(tcp, options).then(serve, console.error));
 * Bun.listen({ hostname: '0.0.0.0', port: 8443, allowHalfOpen: true, socket });
 * ```
 */
export function bunHandlers(accepted: (streams: ByteStreams) => void): BunHandlers {
  const open = new WeakMap<BunSocketLike, BunStreams>();
  return {
    open: (socket) => {
      const streams = new BunStreams(socket);
      open.set(socket, streams);
      accepted(streams);
    },
    data: (socket, data) => open.get(socket)?.data(data),
    drain: (socket) => open.get(socket)?.drained(),
    end: (socket) => open.get(socket)?.ended(),
    error: (socket, error) => open.get(socket)?.over(error),
    close: (socket, error) => open.get(socket)?.over(error),
  };
}

class BunStreams implements ByteStreams {
  readonly readable: ByteStreams['readable'];
  readonly writable: ByteStreams['writable'];
  readonly #socket: BunSocketLike;
  readonly #inlet: Inlet;
  #controller: WritableStreamDefaultController | undefined;
  #waiting: (() => void) | undefined;
  #paused = false;
  #failure: TlsError | undefined;
  #readEnded = false;
  #writeEnded = false;

  constructor(socket: BunSocketLike) {
    this.#socket = socket;
    this.#inlet = new Inlet({
      taken: () => this.#resume(),
      cancelled: () => this.ended(),
    });
    this.readable = this.#inlet.readable;
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => {
        this.#writeEnded = true;
        if (this.#readEnded) socket.end();
        else socket.shutdown();
      },
      abort: () => socket.terminate(),
    });
  }

  data(bytes: Uint8Array): void {
    this.#inlet.push(unshared(bytes));
    if (this.#inlet.full === undefined || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  drained(): void {
    this.#waiting?.();
  }

  ended(): void {
    this.#readEnded = true;
    this.#inlet.end();
    if (this.#writeEnded) this.#socket.end();
  }

  over(cause: Error | undefined): void {
    const reason = cause ? `the socket failed: ${reasonOf(cause)}` : 'the socket has closed';
    this.#failure ??= new TlsError('transport_failed', reason, { cause });
    this.#inlet.end(cause && this.#failure);
    this.#controller?.error(this.#failure);
    this.#waiting?.();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const taken = this.#failure ? -1 : this.#socket.write(chunk.subarray(at));
      if (taken < 0) throw this.#failure ?? new TlsError('transport_failed', 'the socket has closed');
      at += taken;
      if (at >= chunk.length) break;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
      this.#waiting = undefined;
    }
  }

  #resume(): void {
    if (!this.#paused || this.#inlet.full !== undefined) return;
    this.#paused = false;
    this.#socket.resume();
  }
}
