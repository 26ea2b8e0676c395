/**
 * What a connection is made with, and what it hands to its adapter.
 *
 * @module
 */

import type { Bytes, Cryptography } from '@handfast/crypto';
import type { TlsError } from './errors.ts';
import type { FlowHost, HandshakeFlow, Negotiated } from './flow.ts';
import type { Limits } from './limits.ts';
import type { ClientHello } from './messages/client-hello.ts';
import type { PaddingPolicy } from './record/layer.ts';
import type { KeyLogListener, TraceDetails, TraceListener } from './trace.ts';

/** What an adapter does with the engine's output. Called after each step, in order. */
export interface ConnectionHandlers {
  /** Bytes for the transport, in order: one flight or one large write a call. They are the handler's to keep. */
  send(chunks: readonly Bytes[]): void;
  /** Whether `send` takes records in pieces. Else each chunk is a whole record, which costs a copy where an AEAD leaves no room in front. */
  readonly takesPieces?: boolean;
  /** The handshake is done: `write` may be called. */
  established?(negotiated: Negotiated): void;
  /** The hello that a server has read, before anything is chosen by it. */
  clientHello?(hello: ClientHello): void;
  /** What the config's listeners hear as well, of this connection alone. */
  readonly trace?: TraceListener;
  /** What this `trace` is told beside its usual events; the config's listener has its own. */
  readonly traceDetails?: TraceDetails;
  readonly keyLog?: KeyLogListener;
  /** A client's hello offers early data: `writeEarlyData` may be called, for `limit` bytes in all. */
  earlyDataReady?(limit: number): void;
  /**
   * Early data that a server has taken, in memory that is handed over: it may be somebody's who recorded it. `write` may be called
   * to answer it. Absent: it is held until the handshake is done, and is then `data` as any other.
   */
  earlyData?(plaintext: Bytes): void;
  /** A renegotiation is over, before TLS 1.3, done or refused: `negotiated` may be another. */
  renegotiated?(): void;
  /** Application data, in memory that is handed over. */
  data?(plaintext: Bytes): void;
  /** The peer's close_notify: nothing more will come. Data may still be written. */
  end?(): void;
  /** The engine takes input again, after `receive` took less than it was given. */
  resume?(): void;
  /** All that was written is sealed and handed to `send`. */
  drained?(): void;
  /**
   * The end, once: with an error unless both sides sent close_notify. Before TLS 1.3 the peer need not have: our own close_notify ends
   * both directions, and nobody has to answer it (RFC 5246 §7.2.1). Any alert has been handed to `send` before.
   */
  closed?(error: TlsError | undefined): void;
}

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly provider: Cryptography;
  readonly limits: Limits;
  readonly handlers: ConnectionHandlers;
  readonly padding: PaddingPolicy | undefined;
  readonly trace: TraceListener | undefined;
  readonly traceDetails: TraceDetails | undefined;
  readonly keyLog: KeyLogListener | undefined;
  /** Milliseconds, for the trace. */
  readonly clock: () => number;
  /** Whether warnings leave the connection standing before its version is known. */
  readonly passesWarnings: boolean;
  /** The whole life of the connection, as a flow that ends only by an error. */
  readonly flow: (host: FlowHost) => HandshakeFlow;
}
