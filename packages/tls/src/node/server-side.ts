/**
 * A server's side of its sockets: from options as `node:tls` has them to the engine's configuration, with the callbacks and
 * events of a `Server` in their places.
 *
 * @module
 */

import { constants } from 'node:crypto';
import { isThenable, type MaybePromise } from '@handfast/crypto';
import type { Crl } from '@handfast/x509';
import type { CommonOptions, HelloInfo, ServerConfig, ServerOptions } from '../config.ts';
import { plainOptions, serverConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { memorySessionStore, type SessionStore } from '../session/store.ts';
import { ticketKeys } from '../session/ticket-keys.ts';
import type { SessionTickets } from '../session/tickets.ts';
import { type AlpnCallback, type AlpnProtocols, alpnNames } from './alpn.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { type Answer, answerOf } from './callbacks.ts';
import { chosenKeyCert } from './key-cert.ts';
import {
  type AnyContext,
  acceptAnyway,
  type ContextOptions,
  contextOf,
  named,
  SecureContext,
} from './secure-context.ts';
import type { SecureStream, TLSSocketOptions } from './stream.ts';
import type { TLSSocket } from './typed-socket.ts';

export { errorOfCallback } from './callbacks.ts';

/** The engine's options of a server that pass through as they are. */
const serverOptions = [
  'selectConfig',
  'selectCredential',
  'selectAlpn',
  'certificateAuthorities',
  'preSharedKey',
  'strictServerName',
  'preferClientOrder',
  'retryCookie',
  'earlyData',
] as const;

type EngineOption = (typeof plainOptions)[number] | (typeof serverOptions)[number];

const engineOptions: readonly EngineOption[] = [...plainOptions, ...serverOptions];

export type EngineServerOptions = Pick<ServerOptions, EngineOption>;

/** Answers `SNICallback`: an error ends the connection; no context, the server's own goes on. */
export type SniCallbackDone = Answer<AnyContext | null>;

/** What `pskCallback` answers. */
export type ServerPsk = NodeJS.ArrayBufferView | { readonly psk: NodeJS.ArrayBufferView };

/** What a server's handshakes go by. */
export interface ServerHandshakeOptions extends ContextOptions, EngineServerOptions {
  /** Ask clients for a certificate. */
  readonly requestCert?: boolean | undefined;
  /** With `requestCert`: refuse clients without a verified certificate. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
  readonly ALPNProtocols?: AlpnProtocols | undefined;
  readonly ALPNCallback?: AlpnCallback | undefined;
  /** Chooses the context by the name that a client asks for. */
  readonly SNICallback?: ((servername: string, done: SniCallbackDone) => void) | undefined;
  /** The key of a client's identity: see `ServerOptions.preSharedKey`. */
  readonly pskCallback?: ((socket: TLSSocket, identity: string) => ServerPsk | null | undefined) | undefined;
  /** Told to clients of suites with pre-shared keys. */
  readonly pskIdentityHint?: string | Uint8Array | undefined;
  /** Tickets for clients to come back by; `false` for none. Default: two, under keys in memory, and sessions of TLS 1.2 there. */
  readonly tickets?: SessionTickets | false;
  /** 48 bytes: a name of 16 and a secret of 32, which tickets are sealed under for as long as it is not changed. */
  readonly ticketKeys?: NodeJS.ArrayBufferView | undefined;
  /** Seconds for which a session may be used. Default: 7,200. */
  readonly sessionTimeout?: number | undefined;
  /** Take our order of suites and groups rather than the client's. Default: true. */
  readonly honorCipherOrder?: boolean | undefined;
  readonly secureContext?: AnyContext | undefined;
  /** These are a client's, which Node's declarations have for both. */
  readonly requestOCSP?: boolean | undefined;
  readonly session?: Uint8Array | undefined;
}

/** And their streams. */
export interface ServerSideOptions extends ServerHandshakeOptions, TLSSocketOptions {}

/** What a `Server` has of its own. */
export interface ServerHooks {
  /** The context for a name; undefined: the default. */
  readonly contextFor?: ((servername: string) => SecureContext | undefined) | undefined;
  /** What is stapled for a certificate, where the program is asked (`OCSPRequest`). */
  readonly staple?: ((credential: Credential) => MaybePromise<Uint8Array | undefined>) | undefined;
  /** Keys that are there already. */
  readonly tickets?: SessionTickets | undefined;
  /** Sessions that the program keeps itself, by their identifiers. */
  readonly kept?: SessionStore | undefined;
}

/** As in Node: such a server can be made, since it may get contexts by name. */
function noCertificate(): never {
  throw new TlsError('handshake_failure', 'no signature scheme in common: this server has no certificate');
}

/** The engine's config for Node-shaped options: also what `selectConfig` may answer. */
export function serverConfigFrom(options: ServerHandshakeOptions): ServerConfig {
  return serverSide(options).config;
}

/** What a server's sockets have in common. */
export interface ServerSide {
  readonly config: ServerConfig;
  /** The same; of its own where callbacks are given the socket. */
  readonly configFor: (socket?: SecureStream) => ServerConfig;
  readonly context: Pick<CommonOptions, 'credentials' | 'trust' | 'signatureSchemes'>;
  /** That of a connection: of the name that its client asked for. */
  readonly contextBy: (hello: ClientHello | undefined, socket?: SecureStream) => ServerSide['context'];
  readonly crls: readonly Crl[];
}

export function serverSide(options: ServerHandshakeOptions, hooks: ServerHooks = {}): ServerSide {
  const { ALPNCallback, SNICallback, pskCallback, selectConfig } = options;
  const { contextFor } = hooks;
  const own = options.secureContext ? contextOf(options.secureContext) : new SecureContext(options);
  const tickets = ticketsOf(options, own, hooks);
  const configs = new WeakMap<SecureContext, ServerConfig>();
  const contexts = new WeakMap<ClientHello, SecureContext>();
  const protocols = new WeakMap<ClientHello, string>();
  const selectAlpn =
    ALPNCallback &&
    ((hello: HelloInfo, socket?: SecureStream) => {
      const known = protocols.get(hello.clientHello);
      return known ?? protocolBy(ALPNCallback, hello, socket);
    });
  const configOf = (context: SecureContext, socket?: SecureStream): ServerConfig => {
    if (pskCallback && socket) return makeConfig(options, context, { ...hooks, tickets, selectAlpn }, socket);
    let config = configs.get(context);
    if (config === undefined) {
      config = makeConfig(options, context, { ...hooks, tickets, selectAlpn });
      configs.set(context, config);
    }
    return config;
  };
  const byName = (serverName: string | undefined, socket?: SecureStream): MaybePromise<SecureContext | undefined> => {
    if (serverName === undefined) return undefined;
    return SNICallback === undefined ? contextFor?.(serverName) : asked(SNICallback, serverName, socket);
  };
  const configFor = (socket?: SecureStream): ServerConfig => {
    const base = configOf(chosenKeyCert(socket) ?? own, socket);
    const asksForProtocol = selectAlpn !== undefined && socket !== undefined;
    if (selectConfig || !(SNICallback || contextFor || asksForProtocol)) return base;
    const chosen = (context: SecureContext | undefined, { clientHello }: HelloInfo): ServerConfig => {
      if (context === undefined) return base;
      contexts.set(clientHello, context);
      return configOf(context, socket);
    };
    const select = (hello: HelloInfo): MaybePromise<ServerConfig> => {
      const found = byName(hello.serverName, socket);
      return isThenable(found) ? found.then((context) => chosen(context, hello)) : chosen(found, hello);
    };
    /** Who chooses the protocol may choose the certificate as well, so that it is asked first. */
    const selectWithProtocol = async (hello: HelloInfo): Promise<ServerConfig> => {
      const found = await byName(hello.serverName, socket);
      if (hello.alpnProtocols.length > 0) {
        const protocol = await selectAlpn?.(hello, socket);
        if (protocol !== undefined) protocols.set(hello.clientHello, protocol);
      }
      return chosen(chosenKeyCert(socket) ?? found, hello);
    };
    return serverConfig({ ...unchecked(base), selectConfig: asksForProtocol ? selectWithProtocol : select });
  };
  const config = configFor();
  const inspected = (context: SecureContext): ServerSide['context'] => ({
    ...context.options,
    ...(context.trust && { trust: context.trust }),
  });
  const context = inspected(own);
  return {
    config,
    configFor: (socket) => (pskCallback || ALPNCallback || chosenKeyCert(socket) ? configFor(socket) : config),
    context,
    contextBy(hello, socket) {
      const chosen = (hello && contexts.get(hello)) ?? chosenKeyCert(socket);
      return chosen ? inspected(chosen) : context;
    },
    crls: own.crls,
  };
}

/** A config's options again, without what checking added. */
function unchecked({ kind: _kind, tickets, earlyData, ...rest }: ServerConfig): ServerOptions {
  return { ...rest, ...(tickets && { tickets: present(tickets) }), ...(earlyData && { earlyData }) };
}

function present({ store, ...tickets }: NonNullable<ServerConfig['tickets']>): SessionTickets {
  return { ...tickets, ...(store && { store }) };
}

async function asked(
  callback: NonNullable<ServerHandshakeOptions['SNICallback']>,
  servername: string,
  socket: SecureStream | undefined,
): Promise<SecureContext | undefined> {
  const context = await answerOf<AnyContext | null>((done) => callback.call(socket, servername, done));
  if (context === undefined || context === null) return undefined;
  if (context instanceof SecureContext) return context;
  throw coded(new TypeError('Invalid SNI context'), 'ERR_TLS_INVALID_CONTEXT');
}

function makeConfig(
  options: ServerHandshakeOptions,
  context: SecureContext,
  { tickets, kept, staple, selectAlpn }: ServerHooks & { readonly selectAlpn: SelectProtocol | undefined },
  socket?: SecureStream,
): ServerConfig {
  const { keyShares: _shares, ...own } = context.options;
  const has = (bit: number): boolean => (context.secureOptions & bit) !== 0;
  const { pskCallback, pskIdentityHint: hint, honorCipherOrder = true } = options;
  const required = options.rejectUnauthorized !== false;
  const credentials = (own.credentials ?? []).map((credential) =>
    staple && credential.ocspResponse === undefined
      ? { ...credential, ocspResponse: () => staple(credential) }
      : credential,
  );
  return serverConfig({
    ...own,
    credentials,
    ...(tickets && { tickets: has(constants.SSL_OP_NO_TICKET) ? ticketless(tickets, options.tickets, kept) : tickets }),
    alpnProtocols: alpnNames(options.ALPNProtocols),
    clientCertificate: options.requestCert ? (required ? 'require' : 'request') : 'none',
    ...(options.requestCert && !required && { verifyPeer: acceptAnyway }),
    // As in Node: who asks for certificates and names nobody trusts whom it trusts as a client.
    ...((context.trust ?? options.requestCert) && { trust: context.trust ?? context.defaultTrust() }),
    ...(credentials.length === 0 && !pskCallback && !options.preSharedKey && { selectCredential: noCertificate }),
    ...(context.revocation && { revocation: context.revocation }),
    ...(!honorCipherOrder && !has(constants.SSL_OP_CIPHER_SERVER_PREFERENCE) && { preferClientOrder: true }),
    ...(selectAlpn && { selectAlpn: (hello) => selectAlpn(hello) }),
    ...(pskCallback && { preSharedKey: (identity) => sharedKey(pskCallback, socket, identity) }),
    ...named(options, engineOptions),
    ...(hint !== undefined && { pskIdentityHint: typeof hint === 'string' ? Buffer.from(hint) : hint }),
  });
}

/** No tickets: sessions go on by their identifiers, where the program keeps them. */
function ticketless(
  tickets: SessionTickets,
  given: SessionTickets | false | undefined,
  kept?: SessionStore,
): SessionTickets {
  const { store: _memory, ...rest } = tickets;
  const store = given ? given.store : kept;
  return { ...rest, count: 0, ...(store && { store }) };
}

type SelectProtocol = (hello: HelloInfo, socket?: SecureStream) => MaybePromise<string>;

async function protocolBy(
  callback: AlpnCallback,
  { serverName, alpnProtocols }: HelloInfo,
  socket: SecureStream | undefined,
): Promise<string> {
  const chosen = await callback.call(socket as TLSSocket, {
    servername: serverName ?? '',
    protocols: [...alpnProtocols],
  });
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
  callback: NonNullable<ServerHandshakeOptions['pskCallback']>,
  socket: SecureStream | undefined,
  identity: Uint8Array,
): { readonly key: Uint8Array; readonly hash: 'sha256' } | undefined {
  // Each is one.
  const answer = callback(socket as TLSSocket, Buffer.from(identity).toString());
  if (answer === null || answer === undefined) return undefined;
  if (typeof answer !== 'object') throw invalidArgType('ret', [...views, 'Object'], answer);
  const key = ArrayBuffer.isView(answer) ? answer : answer.psk;
  if (!ArrayBuffer.isView(key)) throw invalidArgType('psk', views, key);
  return { key: new Uint8Array(key.buffer, key.byteOffset, key.byteLength), hash: 'sha256' };
}

const views = ['Buffer', 'TypedArray', 'DataView'];

function ticketsOf(
  { tickets, sessionTimeout }: ServerHandshakeOptions,
  { options: { provider } }: SecureContext,
  hooks: ServerHooks,
): SessionTickets | undefined {
  if (sessionTimeout !== undefined && typeof sessionTimeout !== 'number') {
    throw invalidArgType('options.sessionTimeout', ['number'], sessionTimeout);
  }
  if (tickets === false) return undefined;
  const chosen = tickets ?? hooks.tickets ?? { keys: ticketKeys({ provider }), store: memorySessionStore() };
  return { ...(sessionTimeout !== undefined && { lifetime: sessionTimeout }), ...chosen };
}
