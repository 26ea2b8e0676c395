/**
 * `createServer()`: a TCP server whose connections speak TLS.
 *
 * @module
 */

import type { EventEmitter } from 'node:events';
import { Server as NetServer, type ServerOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Cryptography } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { ownOf } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { tlsServer } from '../server.ts';
import type { TicketKey } from '../session/key-ring.ts';
import { memorySessionStore, type SessionStore } from '../session/store.ts';
import { ticketKeys } from '../session/ticket-keys.ts';
import type { SessionTickets } from '../session/tickets.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { answerOf, errorOfCallback, tell } from './callbacks.ts';
import { nodeErrorOf } from './error-codes.ts';
import type { AnyListener, OwnBuffer, ServerEvents } from './events.ts';
import { type AnyContext, type ContextOptions, contextOf, SecureContext } from './secure-context.ts';
import { type ServerHandshakeOptions, type ServerSide, serverSide } from './server-side.ts';
import { Turns } from './turns.ts';
import { type StreamSettings, TLSSocket } from './typed-socket.ts';

export { type EngineServerOptions, serverConfigFrom } from './server-side.ts';

export interface TlsServerOptions
  extends ServerHandshakeOptions,
    Omit<ServerOpts, keyof StreamSettings>,
    StreamSettings {}

type ConnectionListener = (socket: TLSSocket) => void;

/**
 * A server. Events beside a `net.Server`'s: `secureConnection` (socket) once a handshake is done; `tlsClientError`
 * (error, socket) for one that failed; `keylog` (line, socket), `newSession`, `resumeSession` and `OCSPRequest` as `node:tls`
 * has them; `earlyConnection` (socket) as soon as early data has come: it can be read, and answered, before anybody knows
 * whether it is a recording (`socket.handshakeDone`). Who does not listen to that one is given the same data after the
 * handshake.
 */
export interface Server extends NetServer {
  /** Another certificate for a name, with `*` for any label; the last that fits counts, and of the same name there is one. */
  addContext(hostname: string, context: AnyContext | ContextOptions): void;
  /**
   * Other certificates, and whom they are verified by, for connections from now on; those that stand keep theirs. Settings that it
   * does not name stay as they were (with Node, those of a context go back to its defaults): a new certificate brings no old version
   * back.
   */
  setSecureContext(options: ServerHandshakeOptions): void;
  /** 48 bytes, where `setTicketKeys` or the option `ticketKeys` has set them, or random ones from then on. */
  getTicketKeys(): OwnBuffer;
  setTicketKeys(keys: NodeJS.ArrayBufferView): void;

  addListener<E extends keyof ServerEvents>(event: E, listener: (...news: ServerEvents[E]) => void): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  emit<E extends keyof ServerEvents>(event: E, ...news: ServerEvents[E]): boolean;
  emit(event: string | symbol, ...news: unknown[]): boolean;
  on<E extends keyof ServerEvents>(event: E, listener: (...news: ServerEvents[E]) => void): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<E extends keyof ServerEvents>(event: E, listener: (...news: ServerEvents[E]) => void): this;
  once(event: string | symbol, listener: AnyListener): this;
  prependListener<E extends keyof ServerEvents>(event: E, listener: (...news: ServerEvents[E]) => void): this;
  prependListener(event: string | symbol, listener: AnyListener): this;
  prependOnceListener<E extends keyof ServerEvents>(event: E, listener: (...news: ServerEvents[E]) => void): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

interface ServerConstructor extends Omit<typeof NetServer, 'prototype'> {
  new (options?: TlsServerOptions, listener?: ConnectionListener): Server;
  new (listener?: ConnectionListener): Server;
  (options?: TlsServerOptions, listener?: ConnectionListener): Server;
  (listener?: ConnectionListener): Server;
  readonly prototype: Server;
}

interface State {
  options: TlsServerOptions;
  side: ServerSide | undefined;
  readonly contexts: { readonly hostname: string; readonly pattern: RegExp; readonly context: SecureContext }[];
  readonly turns: Turns;
  readonly store: SessionStore;
  ticketKeys: OwnBuffer | undefined;
  /** Under those, or others; the same until they, or the context, are changed. */
  tickets: SessionTickets | undefined;
}

/** Not fields of the class: `https.Server` calls us on an object of its own. */
const states = new WeakMap<object, State>();

function stateOf(server: Server): State {
  const state = states.get(server);
  if (state === undefined) throw invalidArgType('this', ['Server'], server);
  return state;
}

/** See `createServer`. With and without `new`, as Node's is. */
export const Server: ServerConstructor = function TlsServer(
  this: Server | undefined,
  given?: TlsServerOptions | ConnectionListener,
  listener?: ConnectionListener,
): Server {
  if (!(this instanceof Server)) {
    return typeof given === 'function' ? new Server(given) : new Server(given, listener);
  }
  const options: TlsServerOptions = ownOf(typeof given === 'function' ? {} : (given ?? {}));
  if (typeof given !== 'object' && typeof given !== 'function' && given !== undefined) {
    throw invalidArgType('options', ['Object'], given);
  }
  const { handshakeTimeout } = options;
  if (handshakeTimeout !== undefined && typeof handshakeTimeout !== 'number') {
    throw invalidArgType('options.handshakeTimeout', ['number'], handshakeTimeout);
  }
  if (options.SNICallback !== undefined && typeof options.SNICallback !== 'function') {
    throw invalidArgType('options.SNICallback', ['function'], options.SNICallback);
  }
  if (options.ALPNCallback && options.ALPNProtocols) {
    throw coded(
      new TypeError('The ALPNCallback and ALPNProtocols TLS options are mutually exclusive'),
      'ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS',
    );
  }
  Reflect.apply(NetServer as unknown as (options: ServerOpts) => void, this, [
    { ...netOptions(options), allowHalfOpen: true, noDelay: options.noDelay ?? true },
  ]);
  const state: State = {
    options,
    side: undefined,
    contexts: [],
    turns: new Turns(),
    store: storeOf(this, memorySessionStore()),
    ticketKeys: options.ticketKeys && checkedKeys(options.ticketKeys),
    tickets: undefined,
  };
  states.set(this, state);
  // What cannot be used is told now, not at the first connection.
  state.side = sideOf(this, state);
  const onSecure = typeof given === 'function' ? given : listener;
  if (onSecure !== undefined) this.on('secureConnection', onSecure);
  this.on('connection', (transport: Socket) => accept(this as Server, transport));
  return this;
} as ServerConstructor;

Object.setPrototypeOf(Server.prototype, NetServer.prototype);
Object.setPrototypeOf(Server, NetServer);

Object.assign(Server.prototype, {
  addContext(this: Server, hostname: string, context: AnyContext | ContextOptions): void {
    if (!hostname)
      throw coded(
        new Error('"servername" is required parameter for Server.addContext'),
        'ERR_TLS_REQUIRED_SERVER_NAME',
      );
    const state = stateOf(this);
    const words = hostname.replace(/([.^$+?\-\\[\]{}])/g, '\\$1').replaceAll('*', '[^.]*');
    const made = context instanceof SecureContext ? context : new SecureContext(context as ContextOptions);
    // One in the place of another, so that who renews certificates so keeps no old ones.
    const former = state.contexts.findIndex(({ hostname: name }) => name === hostname);
    if (former >= 0) state.contexts.splice(former, 1);
    state.contexts.push({ hostname, pattern: new RegExp(`^${words}$`), context: made });
    state.side = undefined;
  },
  setSecureContext(this: Server, options: ServerHandshakeOptions): void {
    if (options === null || typeof options !== 'object') throw invalidArgType('options', ['Object'], options);
    const state = stateOf(this);
    const { ticketKeys: keys } = options;
    const next = {
      ...state,
      options: renewed(state.options, options),
      ticketKeys: keys ? checkedKeys(keys) : state.ticketKeys,
      tickets: undefined,
    };
    const side = sideOf(this, next);
    Object.assign(state, next, { side });
  },
  getTicketKeys(this: Server): OwnBuffer {
    const state = stateOf(this);
    if (state.ticketKeys === undefined) {
      changeTicketKeys(state, Buffer.from(crypto.getRandomValues(new Uint8Array(48))));
    }
    return Buffer.from(state.ticketKeys ?? []);
  },
  setTicketKeys(this: Server, keys: NodeJS.ArrayBufferView): void {
    changeTicketKeys(stateOf(this), checkedKeys(keys));
  },
});

/** Who we are, and whom we trust: a context without one of these has none. What else it does not name stays as it was. */
const identity = ['key', 'cert', 'pfx', 'passphrase', 'ca', 'crl', 'credentials', 'trust', 'secureContext'] as const;

/** Options for the same thing: one that is named takes the place of all. */
const alike = [
  ['ciphers', 'cipherSuites'],
  ['ecdhCurve', 'groups'],
  ['sigalgs', 'signatureSchemes'],
  ['minVersion', 'maxVersion', 'secureProtocol'],
] as const;

function renewed(options: TlsServerOptions, given: ServerHandshakeOptions): TlsServerOptions {
  const replaced = new Set<string>([
    ...identity,
    ...alike.filter((names) => names.some((name) => given[name] !== undefined)).flat(),
  ]);
  const kept = Object.entries(options).filter(([name]) => !replaced.has(name));
  return ownOf({ ...Object.fromEntries(kept), ...given });
}

function netOptions({ pauseOnConnect, keepAlive, keepAliveInitialDelay, blockList }: TlsServerOptions): ServerOpts {
  const given = { pauseOnConnect, keepAlive, keepAliveInitialDelay, blockList };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function checkedKeys(keys: NodeJS.ArrayBufferView): OwnBuffer {
  if (!ArrayBuffer.isView(keys)) throw invalidArgType('buffer', ['Buffer', 'TypedArray', 'DataView'], keys);
  if (keys.byteLength !== 48) {
    throw coded(new TypeError('Session ticket keys must be a 48-byte buffer'), 'ERR_INVALID_ARG_VALUE');
  }
  return Buffer.from(Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength));
}

function changeTicketKeys(state: State, keys: OwnBuffer): void {
  Object.assign(state, { ticketKeys: keys, tickets: undefined, side: undefined });
}

function sideOf(server: Server, state: State): ServerSide {
  const { contexts, ticketKeys: keys, store, options } = state;
  const provider =
    options.provider ?? (options.secureContext && contextOf(options.secureContext).options.provider) ?? nodeProvider;
  state.tickets ??= { keys: keys ? ticketKeysOf(keys, provider) : ticketKeys({ provider }), store };
  return serverSide(options, {
    ...(contexts.length > 0 && {
      contextFor: (name: string) => contexts.findLast(({ pattern }) => pattern.test(name))?.context,
    }),
    staple: (credential) => (server.listenerCount('OCSPRequest') > 0 ? staple(server, credential) : undefined),
    tickets: state.tickets,
    kept: storeOf(server, nowhere),
  });
}

/** Keys that stay until they are changed. */
function ticketKeysOf(bytes: Buffer, provider: Cryptography): ReturnType<typeof ticketKeys> {
  const key: TicketKey = {
    name: Uint8Array.from(bytes.subarray(0, 16)),
    secret: Uint8Array.from(bytes.subarray(16)),
    sealsFrom: 0,
    sealsUntil: Number.MAX_SAFE_INTEGER,
    opensUntil: Number.MAX_SAFE_INTEGER,
  };
  return ticketKeys({ provider, ring: { keys: () => [key] } });
}

/** Keeps nothing. */
const nowhere: SessionStore = { get: () => undefined, set: () => undefined, delete: () => undefined };

/**
 * Sessions by identifier: the program's, where it listens, else those of `own`. What a listener throws is an `error` of the server, and costs a
 * full handshake, as what it answers by; with Node what a listener of `resumeSession` throws or answers by ends the connection.
 */
function storeOf(server: Server, own: SessionStore): SessionStore {
  const failing = (error: unknown): void => {
    process.nextTick(() => server.emit('error', error as Error));
  };
  return {
    get(id) {
      if (server.listenerCount('resumeSession') === 0) return own.get(id);
      return answerOf<Uint8Array | null>((done) => {
        try {
          server.emit('resumeSession', Buffer.from(id), done);
        } catch (error) {
          failing(error);
          done(null, null);
        }
      }).then((session) => session ?? undefined);
    },
    set(id, session, lifetimeMs) {
      if (server.listenerCount('newSession') === 0) return own.set(id, session, lifetimeMs);
      return new Promise((resolve) => {
        try {
          server.emit('newSession', Buffer.from(id), Buffer.from(session), resolve);
        } catch (error) {
          failing(error);
          resolve();
        }
      });
    },
    delete: (id) => own.delete(id),
  };
}

/** Asks the listener of `OCSPRequest`. */
async function staple(server: Server, { chain: [own, issuer] }: Credential): Promise<Uint8Array | undefined> {
  const certificate = Buffer.from(own?.raw ?? []);
  const above = issuer === undefined ? null : Buffer.from(issuer.raw);
  const response = await answerOf<Uint8Array | null>((done) => {
    (server as EventEmitter).emit('OCSPRequest', certificate, above, done);
  });
  return response ?? undefined;
}

/** The event of a connection whose handshake begins: for who ends all of them. */
export const accepted: unique symbol = Symbol('accepted');

function accept(server: Server, transport: Duplex): void {
  const state = stateOf(server);
  state.side ??= sideOf(server, state);
  const { configFor, contextBy, crls } = state.side;
  const socket: TLSSocket = new TLSSocket(
    transport,
    {
      isServer: true,
      server,
      errorFor: errorOfCallback,
      turns: state.turns,
      asksForCertificate: state.options.requestCert === true,
      context: () => contextBy(socket.clientHello, socket),
      crls,
      make: (handlers, own) => tlsServer(configFor(own), handlers),
      ...(server.listenerCount('earlyConnection') > 0 && {
        early: () => {
          socket.off('close', cut);
          tell(server, 'earlyConnection', socket);
        },
      }),
    },
    { ...state.options, highWaterMark: undefined },
  );
  server.emit(accepted, socket);
  if (state.options.pauseOnConnect) socket.pause();
  if (server.listenerCount('keylog') > 0) {
    socket.on('keylog', (line) => tell(server, 'keylog', line, socket));
  }
  // Until the handshake is done its failures are the server's news; after it, the socket's owner's.
  let failed = false;
  const refused = (error: Error): void => {
    if (failed) return;
    failed = true;
    server.emit('tlsClientError', error, socket);
  };
  const cut = (): void => {
    refused(nodeErrorOf(new TlsError('truncated', 'the connection was closed in the handshake'), { role: 'server' }));
  };
  socket.on('error', refused);
  socket.once('close', cut);
  socket.once('secure', () => {
    socket.off('error', refused);
    socket.off('close', cut);
    tell(server, 'secureConnection', socket);
  });
  socket.begin();
}

/** See `Server`. */
export function createServer(listener?: ConnectionListener): Server;
export function createServer(options: TlsServerOptions, listener?: ConnectionListener): Server;
export function createServer(options?: TlsServerOptions | ConnectionListener, listener?: ConnectionListener): Server {
  return typeof options === 'function' ? new Server(options) : new Server(options, listener);
}
