/**
 * What TLS runs over here, and what it gives: a pair of Web Streams of bytes.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { Negotiated } from '../flow.ts';
import type { PeerIdentity } from '../peer.ts';

/**
 * A transport: bytes both ways, in order and without loss. A WebTransport stream, what `connect()` of `cloudflare:sockets`
 * answers, a `Deno.Conn` (which ends both sides at once) and a pair of `TransformStream`s are such as they are; the adapters make one of other things.
 */
export interface ByteStreams {
  readonly readable: ReadableStream<Uint8Array | ArrayBuffer>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A connection after its handshake: plaintext both ways. */
export interface TlsStream {
  /**
   * What the peer sends; ends with its close_notify, and fails with a `TlsError` once all that came before has been read. A byte
   * stream where the runtime has these, for readers of mode `byob`.
   */
  readonly readable: ReadableStream<Bytes>;
  /**
   * What the peer is sent. `close()` sends close_notify: in TLS 1.3 the peer may go on. `abort()` ends the whole connection. A
   * write is done when there is room for more, not when the peer has it.
   */
  readonly writable: WritableStream<Uint8Array>;
  /** What both sides agreed on: version, suite, ALPN, whether a session was resumed. */
  readonly negotiated: Negotiated;
  /** Who the peer proved to be; undefined for a client without a certificate. */
  readonly peer: PeerIdentity | undefined;
  /**
   * What of `earlyBytes` the server did not take: all of it where there was no session to send it under. Write it again, if
   * the protocol that was chosen is the one it was meant for, and coming twice does it no harm.
   */
  readonly earlyBytesLeft: Bytes;
  /** Done when both directions have ended; rejects with the `TlsError` that ended them. */
  readonly closed: Promise<void>;
  /**
   * Ends the connection behind all that was written: close_notify, then the transport. What comes from now on is dropped.
   * Rejects where something that was written could not be sent.
   */
  close(): Promise<void>;
  /** Ends it now; the peer sees a truncation. `closed` rejects with code `aborted` and this reason as cause. */
  abort(reason?: unknown): void;
  /** Keying material for the application, the same on both sides (RFC 9846 §7.5, RFC 5705). */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Bytes;
  /** Fresh keys for what we send; `requestPeer` asks for the peer's. TLS 1.3 alone. */
  updateKeys(options?: { readonly requestPeer?: boolean }): void;
}

/** What every way in takes beside its config. */
export interface StreamOptions {
  /** Ends the connection when it is aborted, in its handshake or later: with code `aborted`, and the signal's reason as cause. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the transport and the handshake; 0: no limit. Default: 10,000. */
  readonly handshakeTimeout?: number | undefined;
}
