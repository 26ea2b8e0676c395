/**
 * A client's side of a socket: from options as `node:tls` has them to the engine's configuration, and what is done when the
 * handshake is over.
 *
 * @module
 */

import { isIP } from 'node:net';
import type { CommonConnectionOptions, DetailedPeerCertificate } from 'node:tls';
import type { TrustStore } from '@handfast/x509';
import { tlsClient } from '../client.ts';
import { type ClientConfig, type ClientOptions, clientConfig, type PreSharedKey, plainOptions } from '../config.ts';
import { TlsError } from '../errors.ts';
import type { PeerVerdict, PeerVerification } from '../peer.ts';
import { namedGroups } from '../registry.ts';
import { clientResumption } from '../session/client-resumption.ts';
import type { Session, SessionCache } from '../session/session.ts';
import { type AlpnProtocols, alpnNames } from './alpn.ts';
import { invalidArgType } from './argument-errors.ts';
import { errorOfCallback, tell } from './callbacks.ts';
import { peerCertificateOf } from './peer-certificate.ts';
import { rejectsUnauthorized } from './process-settings.ts';
import {
  type AnyContext,
  acceptAnyway,
  believeStaples,
  type ContextOptions,
  contextOf,
  createSecureContext,
  list,
  named,
  type SecureContext,
} from './secure-context.ts';
import { bufferOfSession, sessionOfBuffer } from './session-buffer.ts';
import type { SecureStream, SocketMaking, TLSSocketOptions } from './stream.ts';

/** The engine's options of a client that pass through as they are. */
const clientOptions = [
  'selectCredential',
  'preSharedKey',
  'certificateAuthorities',
  'maxFragmentLength',
  'fallback',
  'sessions',
  'ticketRequest',
  'earlyData',
  'grease',
  'middleboxCompatibility',
] as const;

type EngineOption = (typeof plainOptions)[number] | (typeof clientOptions)[number];

const engineOptions: readonly EngineOption[] = [...plainOptions, ...clientOptions];

export type EngineClientOptions = Pick<ClientOptions, EngineOption>;

/** What `pskCallback` answers. */
export interface ClientPsk {
  readonly psk: NodeJS.ArrayBufferView;
  readonly identity: string;
}

/** What a client's handshake goes by. */
export interface ClientHandshakeOptions extends ContextOptions, EngineClientOptions {
  /** The server's name, sent and verified. Default: `host`. An address is verified, and never sent. */
  readonly servername?: string | undefined;
  /** Application protocols, best first. */
  readonly ALPNProtocols?: AlpnProtocols | undefined;
  /** Groups to send shares for, by row or name; see `ClientOptions.keyShares`. */
  readonly keyShares?: ContextOptions['groups'];
  /** Refuse a server whose certificate does not verify. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Says whether a certificate is for a name, in place of our own rule: an error, if it is not. */
  readonly checkServerIdentity?:
    | ((hostname: string, certificate: DetailedPeerCertificate) => Error | undefined)
    | undefined;
  /** Bits of a server's finite-field group, at least; there are none below 2,048 here. */
  readonly minDHSize?: number | undefined;
  /** A session to go on with, as the event `session` brought it. */
  readonly session?: Uint8Array | undefined;
  /** Emit `OCSPResponse`: with what the server stapled, or `null`. */
  readonly requestOCSP?: boolean | undefined;
  /** A pre-shared key: see `ClientOptions.preSharedKey`. */
  readonly pskCallback?: ((hint: string | null) => ClientPsk | null | undefined) | undefined;
  /** Made once for many connections, in place of the options of `createSecureContext`. */
  readonly secureContext?: AnyContext | undefined;
  /** These are a server's, which Node's declarations have for both. */
  readonly requestCert?: boolean | undefined;
  readonly SNICallback?: CommonConnectionOptions['SNICallback'];
}

/** And its stream. */
export interface ClientSideOptions extends ClientHandshakeOptions, TLSSocketOptions {}

/** Where it goes. */
export interface ClientDestination {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** A client's socket: its engine, its name, its sessions. */
export function clientMaking(options: ClientHandshakeOptions, destination: ClientDestination): SocketMaking {
  if (options.checkServerIdentity !== undefined && typeof options.checkServerIdentity !== 'function') {
    throw invalidArgType('options.checkServerIdentity', ['function'], options.checkServerIdentity);
  }
  if (options.minDHSize !== undefined && typeof options.minDHSize !== 'number') {
    throw invalidArgType('options.minDHSize', ['number'], options.minDHSize);
  }
  const { host = 'localhost', path } = destination;
  const context = options.secureContext ? contextOf(options.secureContext) : createSecureContext(options);
  let name = options.servername || host;
  // What cannot be used is told now, not when the handshake begins.
  const identity = options.checkServerIdentity && new IdentityCheck(options, () => name, trustOf(context));
  const known: ClientHandshakeOptions =
    identity && options.verifyPeer === undefined
      ? { ...options, verifyPeer: (peer) => identity.verify(peer) }
      : options;
  const config = configOf(known, context);
  const sessions = new OwnSessions(options);
  return {
    isServer: false,
    target: () => ({ serverName: name, ...named(destination, ['host', 'port', 'path', 'localAddress']) }),
    crls: context.crls,
    context: () => ({ ...context.options, trust: trustOf(context) }),
    make(handlers, socket) {
      const own = sessions.wantedBy(socket);
      const target = {
        ...(name !== '' && isIP(name) === 0 && { serverName: withoutFinalDot(name) }),
        verifyName: options.checkServerIdentity === undefined ? name : null,
        sessionKey: path ?? `${host}:${destination.port ?? 443}`,
      };
      return tlsClient(own === undefined ? config : configOf({ ...known, sessions: own }, context), target, handlers);
    },
    setServername(servername) {
      name = servername;
    },
    setSession: (session) => sessions.give(session),
    session: () => sessions.latest && bufferOfSession(sessions.latest),
    // A session by its identifier has none.
    ticket: () => (sessions.latest?.ticket.length ? Buffer.from(sessions.latest.ticket) : undefined),
    secured: () => sessions.secured(),
    checked(socket, { peer }) {
      if (options.requestOCSP) {
        const { ocspResponse } = peer ?? {};
        tell(socket, 'OCSPResponse', ocspResponse === undefined ? null : Buffer.from(ocspResponse));
      }
      if (identity?.error === undefined) return;
      socket.authorized = false;
      socket.authorizationError = (identity.error as { code?: string }).code ?? identity.error.message;
    },
    // It is the program's, as it made it.
    errorFor: (error) =>
      identity?.error !== undefined && error.cause === identity.error ? identity.error : errorOfCallback(error),
  };
}

/** Sessions of one connection, for who handles them as Buffers. */
class OwnSessions implements SessionCache {
  readonly resumption: SessionCache['resumption'] = clientResumption;
  readonly #options: ClientHandshakeOptions;
  #given: Session | undefined;
  #wanted = false;
  latest: Session | undefined;
  #socket: SecureStream | undefined;
  readonly #untold: Session[] = [];

  constructor(options: ClientHandshakeOptions) {
    this.#options = options;
    if (options.session) this.give(options.session);
  }

  give(session: Uint8Array): void {
    this.#given = sessionOfBuffer(session);
    this.#wanted = true;
  }

  /** Undefined: nobody asks for sessions so. */
  wantedBy(socket: SecureStream): SessionCache | undefined {
    this.#socket = socket;
    const wanted = this.#wanted || socket.listenerCount('session') > 0;
    return wanted && this.#options.sessions === undefined ? this : undefined;
  }

  take(): Session | undefined {
    const given = this.#given;
    this.#given = undefined;
    return given;
  }

  put(_peer: string, session: Session): void {
    this.latest = session;
    if (this.#socket?.handshakeDone) process.nextTick(() => this.#tell(session));
    else this.#untold.push(session);
  }

  /** What came with the handshake itself, before TLS 1.3. */
  secured(): void {
    for (const session of this.#untold.splice(0)) this.#tell(session);
  }

  #tell(session: Session): void {
    if (this.#socket) tell(this.#socket, 'session', bufferOfSession(session));
  }

  remove(): void {
    this.latest = undefined;
  }
}

/** The program's own word on whether a certificate is for the name. */
class IdentityCheck {
  readonly #options: ClientHandshakeOptions;
  readonly #name: () => string;
  readonly #trust: TrustStore;
  /** Why it is not. */
  error: Error | undefined;

  constructor(options: ClientHandshakeOptions, name: () => string, trust: TrustStore) {
    this.#options = options;
    this.#name = name;
    this.#trust = trust;
  }

  /** Asked where our own verification, which looks at no name then, has found nothing: the peer is told of a refusal. */
  verify({ error, chain }: PeerVerification): PeerVerdict {
    const rejects = rejectsUnauthorized(this.#options);
    if (error !== undefined) return rejects ? { accepted: false, reason: error.message } : { accepted: true };
    const certificate = peerCertificateOf(chain, true, this.#trust) as DetailedPeerCertificate;
    this.error = this.#options.checkServerIdentity?.(this.#name(), certificate) ?? undefined;
    if (this.error === undefined || !rejects) return { accepted: true };
    throw new TlsError('certificate_refused', this.error.message, { alert: 'bad_certificate', cause: this.error });
  }
}

/** Options that are of one connection, and of the engine's configuration no more than its sessions. */
const connectionOptions: ReadonlySet<string> = new Set([
  ...['host', 'port', 'path', 'socket', 'servername', 'secureContext', 'sessions', 'session', 'requestOCSP'],
  ...['family', 'localAddress', 'localPort', 'lookup', 'hints', 'timeout', 'signal', 'noDelay', 'keepAlive'],
  ...['keepAliveInitialDelay', 'autoSelectFamily', 'autoSelectFamilyAttemptTimeout', 'highWaterMark', 'enableTrace'],
  ...['handshakeTimeout', 'allowHalfOpen', 'blockList', 'onread'],
]);

/** By the context, and by the sessions that go with it; without any, by the context again. */
const plainConfigs = new WeakMap<SecureContext, WeakMap<object, ClientConfig>>();

/** Connections that want no more than their context says, and where sessions are, share one configuration. */
function configOf(options: ClientHandshakeOptions, context: SecureContext): ClientConfig {
  const own = Object.keys(options).some((name) => !connectionOptions.has(name));
  if (own || !rejectsUnauthorized(options)) return makeConfig(options, context);
  let configs = plainConfigs.get(context);
  if (configs === undefined) {
    configs = new WeakMap();
    plainConfigs.set(context, configs);
  }
  const key = options.sessions ?? context;
  let config = configs.get(key);
  if (config === undefined) {
    config = makeConfig(options, context);
    configs.set(key, config);
  }
  return config;
}

function trustOf(context: SecureContext): NonNullable<SecureContext['trust']> {
  return context.trust ?? context.defaultTrust();
}

function makeConfig(options: ClientHandshakeOptions, context: SecureContext): ClientConfig {
  const { keyShares, pskCallback } = options;
  const shares = list('groups', keyShares, namedGroups);
  const verifyPeer = options.verifyPeer ?? (rejectsUnauthorized(options) ? undefined : acceptAnyway);
  return clientConfig({
    ...context.options,
    trust: trustOf(context),
    alpnProtocols: alpnNames(options.ALPNProtocols),
    ...(shares && { keyShares: shares }),
    revocation: context.revocation ?? believeStaples,
    ...(pskCallback && { preSharedKey: (hint) => preSharedKeys(pskCallback, hint) }),
    ...named(options, engineOptions),
    ...(verifyPeer && { verifyPeer }),
  });
}

/** For TLS 1.3, which has no hint, OpenSSL takes a key with SHA-256; before it any key is one. */
function preSharedKeys(
  callback: NonNullable<ClientHandshakeOptions['pskCallback']>,
  hint: Uint8Array | undefined,
): readonly PreSharedKey[] {
  const answer = callback(hint === undefined ? null : Buffer.from(hint).toString());
  if (answer === null || answer === undefined) return [];
  if (typeof answer !== 'object' || Array.isArray(answer)) throw invalidArgType('ret', ['object'], answer);
  if (!ArrayBuffer.isView(answer.psk)) throw invalidArgType('psk', ['Buffer', 'TypedArray', 'DataView'], answer.psk);
  if (typeof answer.identity !== 'string') throw invalidArgType('identity', ['string'], answer.identity);
  const { buffer, byteOffset, byteLength } = answer.psk;
  const key = new Uint8Array(buffer, byteOffset, byteLength);
  const identity = Buffer.from(answer.identity);
  return [
    { identity, key, hash: 'sha256' },
    { identity, key },
  ];
}

/** RFC 6066 §3: the name is sent without a trailing dot. */
function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
