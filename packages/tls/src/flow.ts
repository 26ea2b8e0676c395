/**
 * The handshake coroutine's vocabulary: what a flow may wait for, what it can ask of the engine, and what it hands over
 * when a connection stands. `tls13/client.ts` and `tls13/server.ts` are written in it; `connection.ts` drives it.
 *
 * @module
 */

import { type Bytes, type Cryptography, type KeyExchange, type MaybePromise, settle } from '@handfast/crypto';
import type { AbortSignalLike } from '@handfast/x509';
import type { Dialect } from './dialect.ts';
import type { EarlyWrites } from './early-writes.ts';
import { reasonOf, TlsError } from './errors.ts';
import type { ClientHello } from './messages/client-hello.ts';
import type { MessageOf, MessageType } from './messages/handshake.ts';
import type { PeerIdentity } from './peer.ts';
import type { RecordLayer } from './record/layer.ts';
import type { AlertName, CipherSuite, HandshakeScheme, NamedGroup, VersionName } from './registry.ts';
import type { LegalIn, State } from './states.ts';
import type { TraceEventBody, WorkOperation } from './trace.ts';

/** What a flow waits for: one of these messages, in this state. */
export interface Expectation {
  readonly state: State;
  readonly types: readonly MessageType[];
  /** Whether application data may arrive meanwhile. */
  readonly applicationData: 'never' | 'early' | 'interleaved';
}

/** A handshake, or a part of one: yields what it waits for, answers what it made. */
export type Flow<T> = Generator<Expectation | Promise<unknown>, T, unknown>;

/**
 * A handshake up to the connection that stands, and then that connection's flow, which has no end. It remembers what it was
 * given, and nothing else of the handshake: most connections are idle most of the time.
 */
export type HandshakeFlow = Flow<Flow<never>>;

/** How a key's life is named in traces and key logs. */
export type SecretLevel = 'early' | 'handshake' | 'application';

/** What the engine offers a flow. */
export interface FlowHost {
  readonly role: 'client' | 'server';
  readonly provider: Cryptography;
  readonly records: RecordLayer;
  /** Aborted when the connection ends; every callback gets it. */
  readonly signal: AbortSignalLike;
  /** Present only when somebody listens: building an event costs nothing otherwise. */
  readonly trace: ((event: TraceEventBody) => void) | undefined;
  /** Milliseconds on the config's clock, which may fail: that ends the connection after the step. */
  now(): number | undefined;
  /** SSLKEYLOGFILE lines, where asked for. */
  readonly keyLog: ((label: string, clientRandom: Uint8Array, secret: Uint8Array) => void) | undefined;
  /** What the engine does as the version wants it: set by the flow as soon as the version is known. */
  dialect: Dialect;
  /** The extensions that the peer's answers may hold: set by the flow before it waits for one. */
  offered: ReadonlySet<number>;
  /**
   * Whether a handshake runs on a connection that stands: data of the peer may come beside it until the peer's keys change, and
   * our own waits from our ChangeCipherSpec on.
   */
  renegotiating: boolean;
  /** Whether a ChangeCipherSpec of the peer that nothing waits for is dropped now (RFC 9846 §5). */
  changeCipherSpecAllowed: boolean;
  /** Whether one has been dropped. */
  readonly droppedChangeCipherSpec: boolean;
  /** Throws where handshake bytes of the old keys are left: read keys must not change in the middle of a record. */
  requireAligned(): void;
  /** A handshake message on its way out. */
  send(message: Bytes): void;
  /** The hello that a server has read. */
  heard(hello: ClientHello): void;
  /** An alert that leaves the connection standing. */
  warn(alert: AlertName): void;
  /** Early data may come in from now on, `limit` bytes at most; a server may also write on `standing` before the client has finished. */
  beginEarlyData(limit: number, standing: Established): void;
  /** A client's early data may go out from now on. */
  offerEarlyData(writes: EarlyWrites): void;
  /** A client sends no more of it. What was not accepted is the application's to send again. */
  endEarlyData(accepted: boolean): void;
  /** The handshake is done: the application may go on. */
  established(connection: Established): void;
}

/** What both sides agreed on, and who the peer is. Readonly; kept as long as the caller likes. */
export interface Negotiated {
  readonly version: VersionName;
  readonly cipherSuite: CipherSuite;
  /** Of the key exchange; undefined where it used none of these. */
  readonly group: NamedGroup | undefined;
  /** Whether keys are bound to the whole handshake: always in TLS 1.3, before it where both sides know RFC 7627. */
  readonly extendedMasterSecret: boolean;
  /** The protocol chosen by ALPN. */
  readonly alpnProtocol: string | undefined;
  /** The name that the client asked for. */
  readonly serverName: string | undefined;
  /** Whether a session was resumed: the peer proved itself on an earlier connection, and was verified again. */
  readonly resumed: boolean;
  /** The name of the key that both sides were given beforehand, where one was used. */
  readonly pskIdentity: Uint8Array | undefined;
  /** What became of early data (0-RTT); undefined: the client offered none. */
  readonly earlyData: 'accepted' | 'rejected' | undefined;
  /** Whether the server asked for a second ClientHello. */
  readonly helloRetryRequest: boolean;
  /** The scheme that the peer signed with; undefined where it sent no certificate. */
  readonly peerSignatureScheme: HandshakeScheme | undefined;
  /** The scheme that we signed with; undefined where we sent no certificate. */
  readonly signatureScheme: HandshakeScheme | undefined;
  /** Who the peer proved to be; undefined for a client without a certificate. */
  readonly peer: PeerIdentity | undefined;
}

/** A connection that stands: the engine's hold on its keys. */
export interface Established {
  readonly negotiated: Negotiated;
  /** Called before each application record: key updates that are owed or due go out first. */
  beforeApplicationData(): void;
  /** Called when application data has come: what is counted against a flood of key updates begins anew. */
  receivedApplicationData(): void;
  /** Whether the peer may be asked for another handshake, by the config's policy. Always false in TLS 1.3. */
  mayRenegotiate?(): boolean;
  /** Sends a KeyUpdate; `requestPeer` asks for the peer's own. Absent before TLS 1.3. */
  updateKeys?(requestPeer: boolean): void;
  /** RFC 9846 §7.5, RFC 5705. Before TLS 1.3 no context is something else than an empty one. */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Bytes;
  /** @param error why the connection ended; absent: in good order. */
  dispose(error?: TlsError): void;
}

/**
 * The only way to receive. Anything else on the wire ends the connection with `unexpected_message`, so a step that is
 * written down cannot be skipped by a peer.
 */
export function* expect<S extends State, T extends LegalIn<S> & MessageType>(
  state: S,
  ...types: readonly T[]
): Flow<MessageOf<T>> {
  // The engine resumes an expectation with a message of one of its types: this is where that is said to the compiler.
  return (yield* expectAny(state, types)) as MessageOf<T>;
}

/** `expect`, for who puts the list of types together. */
export function* expectAny(state: State, types: readonly MessageType[]): Flow<MessageOf<MessageType>> {
  return (yield { state, types, applicationData: applicationDataIn(state) }) as MessageOf<MessageType>;
}

function applicationDataIn(state: State): Expectation['applicationData'] {
  if (state === 'CONNECTED' || state === 'CONNECTED_12') return 'interleaved';
  return state === 'WAIT_EOED' ? 'early' : 'never';
}

/**
 * Calls a function of the user's: what it throws or rejects with ends this connection alone. A `TlsError` of its own is
 * passed on, so that a callback can choose code and alert.
 */
export function* callUser<T>(name: string, callback: () => MaybePromise<T>): Flow<T> {
  try {
    return yield* settle(callback());
  } catch (error) {
    if (error instanceof TlsError) throw error;
    throw new TlsError('callback_failed', `the ${name} callback failed: ${reasonOf(error)}`, { cause: error });
  }
}

/** Does a piece of work that the trace tells the time of; with no trace, nothing but the work. */
export function timed<T>(host: FlowHost, operation: WorkOperation, work: () => Flow<T>): Flow<T> {
  return host.trace === undefined ? work() : timing(host, operation, work);
}

function* timing<T>(host: FlowHost, operation: WorkOperation, work: () => Flow<T>): Flow<T> {
  const from = host.now();
  const made = yield* work();
  const to = host.now();
  if (from !== undefined && to !== undefined) host.trace?.({ type: 'work', operation, ms: to - from });
  return made;
}

/** A key exchange that the provider has; the config was checked for it. */
export function exchangeOf(provider: Cryptography, group: NamedGroup): KeyExchange {
  const exchange = provider.groups[group.exchange];
  if (exchange === undefined) throw new TlsError('internal', `the ${provider.name} provider has no ${group.name}`);
  return exchange;
}

/** Forgets a value that came too late: a promise settled after its connection had ended. */
export function discard(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0);
  else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) if (part instanceof Uint8Array) part.fill(0);
    if ('dispose' in value && typeof value.dispose === 'function') value.dispose();
  }
}
