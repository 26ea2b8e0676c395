/**
 * A server's side of its sockets: from options as `node:tls` has them to the engine's configuration, with the callbacks and
 * events of a `Server` in their places.
 *
 * @module
 */

import type { MaybePromise } from '@handfast/crypto';
import type { Crl } from '@handfast/x509';
import type { CommonOptions, HelloInfo, ServerConfig, ServerOptions } from '../config.ts';
import { serverConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { PeerVerdict } from '../peer.ts';
import { memorySessionStore, type SessionStore } from '../session/store.ts';
import { ticketKeys } from '../session/ticket-keys.ts';
import type { SessionTickets } from '../session/tickets.ts';
import { type AlpnProtocols, alpnNames } from './alpn.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { named, SecureContext, type SecureContextOptions } from './secure-context.ts';
import type { TLSSocketOptions } from './stream.ts';

/** The engine's options that pass through as they are. */
const engineOptions = [
  'verifyPeer',
  'revocation',
  'transparency',
  'certificateStatus',
  'selectConfig',
  'selectCredential',
  'selectAlpn',
  'certificateAuthorities',
  'preSharedKey',
  'pskModes',
  'renegotiation',
  'pskIdentityHint',
  'requireExtendedMasterSecret',
  'recordSizeLimit',
  'padding',
  'limits',
  'trace',
  'keyLog',
  'time',
  'strictServerName',
  'preferClientOrder',
  'retryCookie',
  'earlyData',
] as const;

export type EngineServerOptions = Omit<Pick<ServerOptions, (typeof engineOptions)[number]>, 'pskIdentityHint'>;

/** Answers `SNICallback`: an error ends the connection; no context, the server's own goes on. */
export type SniCallbackDone = (error: Error | null | undefined, context?: SecureContext | null) => void;

/** What a server's handshakes go by. */
export interface ServerSideOptions extends SecureContextOptions, EngineServerOptions, TLSSocketOptions {
  /** Ask clients for a certificate. */
  readonly requestCert?: boolean | undefined;
  /** With `requestCert`: refuse clients without a verified certificate. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
  readonly ALPNProtocols?: AlpnProtocols | undefined;
  /** Chooses the protocol; `undefined` ends the connection. It may be asynchronous. */
  readonly ALPNCallback?:
    | ((offer: {
        readonly servername: string;
        readonly protocols: string[];
      }) => string | undefined | Promise<string | undefined>)
    | undefined;
  /** Chooses the context by the name that a client asks for. */
  readonly SNICallback?: ((servername: string, done: SniCallbackDone) => void) | undefined;
  /** The key of a client's identity: see `ServerOptions.preSharedKey`. */
  readonly pskCallback?: ((socket: unknown, identity: string) => NodeJS.ArrayBufferView | null | undefined) | undefined;
  /** Told to clients of suites with pre-shared keys. */
  readonly pskIdentityHint?: string | Uint8Array | undefined;
  /** Tickets for clients to come back by; `false` for none. Default: two, under keys in memory, and sessions of TLS 1.2 there. */
  readonly tickets?: SessionTickets | false;
  /** 48 bytes: a name of 16 and a secret of 32, which tickets are sealed under for as long as it is not changed. */
  readonly ticketKeys?: Uint8Array | undefined;
  /** Seconds for which a session may be used. Default: 7,200. */
  readonly sessionTimeout?: number | undefined;
  /** Take our order of suites and groups rather than the client's. Default: true. */
  readonly honorCipherOrder?: boolean | undefined;
  readonly secureContext?: SecureContext | undefined;
}

/** What a `Server` has of its own. */
export interface ServerHooks {
  /** The context for a name; undefined: the default. */
  readonly contextFor?: ((servername: string) => SecureContext | undefined) | undefined;
  /** Sessions by identifier, where the program keeps them itself. */
  readonly store?: SessionStore | undefined;
  /** What is stapled for a certificate, where the program is asked (`OCSPRequest`). */
  readonly staple?: ((credential: Credential) => MaybePromise<Uint8Array | undefined>) | undefined;
  /** Keys that are there already. */
  readonly tickets?: SessionTickets | undefined;
}

const acceptAnyway = (): PeerVerdict => ({ accepted: true });

/** As in Node: such a server can be made, since it may get contexts by name. */
function noCertificate(): never {
  throw new TlsError('handshake_failure', 'no signature scheme in common: this server has no certificate');
}

/** The engine's config for Node-shaped options: also what `selectConfig` may answer. */
export function serverConfigFrom(options: ServerSideOptions): ServerConfig {
  return serverSide(options).config;
}

/** What a callback of the program's threw, or answered by: that is the error that is told, as it was made. */
export function errorOfCallback({ tlsCode, cause }: TlsError): Error | undefined {
  return tlsCode === 'callback_failed' && cause instanceof Error ? cause : undefined;
}

/** What a server's sockets have in common. */
export interface ServerSide {
  readonly config: ServerConfig;
  /** The same; of its own where callbacks are given the socket. */
  readonly configFor: (socket?: unknown) => ServerConfig;
  readonly context: Pick<CommonOptions, 'credentials' | 'trust' | 'signatureSchemes'>;
  readonly crls: readonly Crl[];
}

export function serverSide(options: ServerSideOptions, hooks: ServerHooks = {}): ServerSide {
  const context = options.secureContext ?? new SecureContext(options);
  const configs = new WeakMap<SecureContext, ServerConfig>();
  const tickets = ticketsOf(options, context, hooks);
  const { SNICallback, pskCallback, selectConfig } = options;
  const { contextFor } = hooks;
  const configOf = (one: SecureContext, socket?: unknown): ServerConfig => {
    if (pskCallback !== undefined && socket !== undefined) return makeConfig(options, one, tickets, hooks, socket);
    let config = configs.get(one);
    if (config === undefined) {
      config = makeConfig(options, one, tickets, hooks);
      configs.set(one, config);
    }
    return config;
  };
  const configFor = (socket?: unknown): ServerConfig => {
    const base = configOf(context, socket);
    if (selectConfig !== undefined || (SNICallback === undefined && contextFor === undefined)) return base;
    const byName = ({ serverName }: HelloInfo): ServerConfig | Promise<ServerConfig> => {
      if (serverName === undefined) return base;
      const chosen = (found: SecureContext | undefined): ServerConfig => (found ? configOf(found, socket) : base);
      return SNICallback === undefined ? chosen(contextFor?.(serverName)) : asked(SNICallback, serverName).then(chosen);
    };
    return serverConfig({ ...unchecked(base), selectConfig: byName });
  };
  const config = configFor();
  return {
    config,
    configFor: pskCallback ? configFor : () => config,
    context: { ...context.options, ...(context.trust && { trust: context.trust }) },
    crls: context.crls,
  };
}

/** A config's options again, without what checking added. */
function unchecked({ kind: _kind, tickets, earlyData, ...rest }: ServerConfig): ServerOptions {
  return { ...rest, ...(tickets && { tickets: present(tickets) }), ...(earlyData && { earlyData }) };
}

function present({ store, ...tickets }: NonNullable<ServerConfig['tickets']>): SessionTickets {
  return { ...tickets, ...(store && { store }) };
}

function asked(
  callback: NonNullable<ServerSideOptions['SNICallback']>,
  servername: string,
): Promise<SecureContext | undefined> {
  return new Promise((resolve, reject) => {
    callback(servername, (error, context) => {
      if (error) reject(error);
      else if (context === undefined || context === null) resolve(undefined);
      else if (context instanceof SecureContext) resolve(context);
      else reject(coded(new TypeError('Invalid SNI context'), 'ERR_TLS_INVALID_CONTEXT'));
    });
  });
}

function makeConfig(
  options: ServerSideOptions,
  context: SecureContext,
  tickets: SessionTickets | undefined,
  { staple }: ServerHooks,
  socket?: unknown,
): ServerConfig {
  const { keyShares: _shares, ...own } = context.options;
  const { ALPNCallback, pskCallback, pskIdentityHint: hint, honorCipherOrder = true } = options;
  const required = options.rejectUnauthorized !== false;
  const credentials = (own.credentials ?? []).map((credential) =>
    staple && credential.ocspResponse === undefined
      ? { ...credential, ocspResponse: () => staple(credential) }
      : credential,
  );
  return serverConfig({
    ...own,
    credentials,
    ...(tickets && { tickets }),
    alpnProtocols: alpnNames(options.ALPNProtocols),
    clientCertificate: options.requestCert ? (required ? 'require' : 'request') : 'none',
    ...(options.requestCert && !required && { verifyPeer: acceptAnyway }),
    // As in Node: who asks for certificates and names nobody trusts whom it trusts as a client.
    ...((context.trust ?? options.requestCert) && { trust: context.trust ?? context.defaultTrust() }),
    ...(credentials.length === 0 && !pskCallback && !options.preSharedKey && { selectCredential: noCertificate }),
    ...(context.revocation && { revocation: context.revocation }),
    ...(!honorCipherOrder && { preferClientOrder: true }),
    ...(ALPNCallback && { selectAlpn: (info) => protocolBy(ALPNCallback, info) }),
    ...(pskCallback && { preSharedKey: (identity) => sharedKey(pskCallback, socket, identity) }),
    ...named(options, engineOptions.filter((name) => name !== 'pskIdentityHint') as (keyof EngineServerOptions)[]),
    ...(hint !== undefined && { pskIdentityHint: typeof hint === 'string' ? Buffer.from(hint) : hint }),
  });
}

async function protocolBy(
  callback: NonNullable<ServerSideOptions['ALPNCallback']>,
  { serverName, alpnProtocols }: HelloInfo,
): Promise<string> {
  const chosen = await callback({ servername: serverName ?? '', protocols: [...alpnProtocols] });
  if (chosen === undefined) throw new TlsError('no_application_protocol', 'the ALPNCallback chose no protocol');
  if (!alpnProtocols.includes(chosen)) {
    throw coded(
      new TypeError(
        `ALPN callback returned a value (${chosen}) that did not match any of the client's offered protocols (${alpnProtocols.join(', ')})`,
      ),
      'ERR_TLS_ALPN_CALLBACK_INVALID_RESULT',
    );
  }
  return chosen;
}

/** OpenSSL takes a key with SHA-256 in TLS 1.3; before it any key is one. */
function sharedKey(
  callback: NonNullable<ServerSideOptions['pskCallback']>,
  socket: unknown,
  identity: Uint8Array,
): { readonly key: Uint8Array; readonly hash: 'sha256' } | undefined {
  const key = callback(socket, Buffer.from(identity).toString());
  if (key === null || key === undefined) return undefined;
  return { key: new Uint8Array(key.buffer, key.byteOffset, key.byteLength), hash: 'sha256' };
}

function ticketsOf(
  { tickets, sessionTimeout }: ServerSideOptions,
  { options: { provider } }: SecureContext,
  hooks: ServerHooks,
): SessionTickets | undefined {
  if (sessionTimeout !== undefined && typeof sessionTimeout !== 'number') {
    throw invalidArgType('options.sessionTimeout', ['number'], sessionTimeout);
  }
  if (tickets === false) return undefined;
  const chosen = tickets ??
    hooks.tickets ?? { keys: ticketKeys({ provider }), store: hooks.store ?? memorySessionStore() };
  return { ...(sessionTimeout !== undefined && { lifetime: sessionTimeout }), ...chosen };
}
