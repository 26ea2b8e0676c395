/**
 * The typed event stream of a connection. Key log, terminal transcript, packet export and viewer are readers of it.
 * Events carry copies, never live buffers; secrets are not in them, and plaintext and the bytes on the wire only where
 * `traceDetails` asks for them by name. Without a listener nothing is built.
 *
 * @module
 */

import type { TlsError } from './errors.ts';
import type { Negotiated, SecretLevel } from './flow.ts';
import type { HandshakeMessage } from './messages/handshake.ts';
import type { PeerIdentity } from './peer.ts';
import type { AlertName } from './registry.ts';
import type { State } from './states.ts';

/** What happened, without the time. */
export type TraceEventBody =
  /** A record passed; `length` counts its content, `protected` says whether it was encrypted. */
  | {
      readonly type: 'record';
      readonly direction: 'in' | 'out';
      readonly contentType: number;
      readonly length: number;
      readonly protected: boolean;
    }
  /** A handshake message passed, decoded; `message.raw` holds its bytes. */
  | { readonly type: 'message'; readonly direction: 'in' | 'out'; readonly message: HandshakeMessage }
  | {
      readonly type: 'alert';
      readonly direction: 'in' | 'out';
      readonly alert: AlertName | `unknown (${number})`;
      readonly level: number;
    }
  /** The handshake waits in a state of RFC 9846 appendix A, or of `tls12/states.ts`. */
  | { readonly type: 'state'; readonly state: State }
  /** A direction's key changed. `generation` counts key updates from 0. */
  | {
      readonly type: 'key';
      readonly direction: 'in' | 'out';
      readonly level: SecretLevel;
      readonly cipherSuite: string;
      readonly generation: number;
    }
  /** What became of a client's session: offered to the server, passed over and why, kept for another connection. */
  | { readonly type: 'session'; readonly action: 'offered' | 'kept' }
  | { readonly type: 'session'; readonly action: 'passed over'; readonly why: string }
  /** A server's decision about early data, and why it takes none. */
  | { readonly type: 'early_data'; readonly accepted: true }
  | { readonly type: 'early_data'; readonly accepted: false; readonly why: string }
  /** What was found about the peer's certificate. */
  | { readonly type: 'certificate'; readonly peer: PeerIdentity }
  | { readonly type: 'established'; readonly negotiated: Negotiated }
  /** A piece of work of the handshake took so long, what it waited for included: a signer elsewhere, say. */
  | { readonly type: 'work'; readonly operation: WorkOperation; readonly ms: number }
  /**
   * A whole record as it passes on the transport, header included, in the transport's order; or, coming in, what stood
   * where a record was due. Asked for by name: `traceDetails.wire`. An asynchronous AEAD may send its last behind `closed`.
   */
  | { readonly type: 'wire'; readonly direction: 'in' | 'out'; readonly bytes: Uint8Array }
  /** The application data of one record. Asked for by name: `traceDetails.plaintext`. */
  | { readonly type: 'data'; readonly direction: 'in' | 'out'; readonly bytes: Uint8Array }
  /** The connection ended; without an error, by close_notify of both sides. */
  | { readonly type: 'closed'; readonly error: TlsError | undefined };

/** What is timed: making and using key shares, our signature, the peer's, and the whole check of its certificates. */
export type WorkOperation = 'key exchange' | 'sign' | 'verify' | 'path';

/** What a trace tells beside its usual events. */
export interface TraceDetails {
  /** Every record as it passes, in `wire` events. */
  readonly wire?: boolean;
  /** The application's data, in `data` events: secret, where anything is. */
  readonly plaintext?: boolean;
}

export type TraceEvent = TraceEventBody & {
  /** Tells the connections of a process apart: they are counted from 1 as they are made. */
  readonly connection: number;
  /** Milliseconds on the config's clock. */
  readonly at: number;
  readonly role: 'client' | 'server';
};

/** A listener; what it throws ends its connection. */
export type TraceListener = (event: TraceEvent) => void;

/** An SSLKEYLOGFILE line without its line end: `LABEL <client random> <secret>`, in hexadecimal. */
export type KeyLogListener = (line: string) => void;
