/**
 * A WebSocket (RFC 6455) as byte streams: for bridges that carry TCP in binary messages. `WebSocketStream`, where a runtime has
 * it, keeps back-pressure both ways, which a WebSocket does not.
 *
 * @module
 */

import type { ByteStreams } from '../byte-streams.ts';
import { type EventChannel, messageStreams } from './messages.ts';

/** A WebSocket, as browsers, workers, Deno, Bun, Node and the package `ws` have it. */
export interface WebSocketLike extends EventChannel {
  readonly readyState: number;
}

export interface WebSocketOptions {
  /** Bytes that may have come and not been read; more ends the connection. Default: 16 MiB. */
  readonly maxUnread?: number;
  /** Bytes that may wait in the WebSocket before writing does. Default: 4 MiB. */
  readonly maxUnsent?: number;
}

const mebibyte = 1024 * 1024;
/** A WebSocket does not say when it has sent something: it is asked this often. */
const pollMs = 4;
const states = ['connecting', 'open'] as const;

/**
 * A WebSocket that is open, or opens; what came before this call is lost to it.
 *
 * @example
 * ```ts
 * const tls = await connect(fromWebSocket(new WebSocket('wss://bridge.example')), { serverName: 'db.example', trust });
 * ```
 */
export function fromWebSocket(
  socket: WebSocketLike,
  { maxUnread = 16 * mebibyte, maxUnsent = 4 * mebibyte }: WebSocketOptions = {},
): ByteStreams {
  const state = (): 'connecting' | 'open' | 'closed' => states[socket.readyState] ?? 'closed';
  const full = (): boolean => socket.bufferedAmount > maxUnsent && state() === 'open';
  const waitForRoom = async (): Promise<void> => {
    while (full()) await new Promise((resolve) => setTimeout(resolve, pollMs));
  };
  return messageStreams(socket, {
    name: 'WebSocket',
    state,
    room: () => (full() ? waitForRoom() : undefined),
    messageBytes: mebibyte,
    maxUnread,
  });
}

/** A `WebSocketStream`, which Chromium has. */
export interface WebSocketStreamLike {
  readonly opened: Promise<{
    readonly readable: ReadableStream<Uint8Array | ArrayBuffer | string>;
    readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
  }>;
}

/** A `WebSocketStream`: back-pressure both ways is its own. Text that comes ends the connection. */
export async function fromWebSocketStream({ opened }: WebSocketStreamLike): Promise<ByteStreams> {
  const { readable, writable } = await opened;
  return { readable: readable as ByteStreams['readable'], writable };
}
