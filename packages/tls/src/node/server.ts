/**
 * `createServer()`: a TCP server whose connections speak TLS.
 *
 * @module
 */

import { Server as NetServer, type ServerOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ownOf } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { tlsServer } from '../server.ts';
import type { TicketKey } from '../session/key-ring.ts';
import { memorySessionStore, type SessionStore } from '../session/store.ts';
import { ticketKeys } from '../session/ticket-keys.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { nodeErrorOf } from './error-codes.ts';
import { SecureContext, type SecureContextOptions } from './secure-context.ts';
import { errorOfCallback, type ServerSide, type ServerSideOptions, serverSide } from './server-side.ts';
import { TLSSocket } from './socket.ts';
import { Turns } from './turns.ts';

export { type EngineServerOptions, serverConfigFrom } from './server-side.ts';

export interface TlsServerOptions extends ServerSideOptions, Omit<ServerOpts, 'allowHalfOpen' | 'highWaterMark'> {}

type ConnectionListener = (socket: TLSSocket) => void;

/**
 * A server. Events beside a `net.Server`'s: `secureConnection` (socket) once a handshake is done; `tlsClientError`
 * (error, socket) for one that failed; `keylog` (line, socket), `newSession`, `resumeSession` and `OCSPRequest` as `node:tls`
 * has them; `earlyConnection` (socket) as soon as early data has come: it can be read, and answered, before anybody knows
 * whether it is a recording (`socket.handshakeDone`). Who does not listen to that one is given the same data after the
 * handshake.
 */
export interface Server extends NetServer {
  /** Another certificate for a name, with `*` for any label; the last that fits counts. */
  addContext(hostname: string, context: SecureContext | SecureContextOptions): void;
  /** Other certificates and settings for connections from now on; those that stand keep theirs. */
  setSecureContext(options: ServerSideOptions): void;
  /** 48 bytes, where `setTicketKeys` or the option `ticketKeys` has set them, or random ones from then on. */
  getTicketKeys(): Buffer;
  setTicketKeys(keys: Uint8Array): void;
}

interface ServerConstructor {
  new (options?: TlsServerOptions, listener?: ConnectionListener): Server;
  new (listener?: ConnectionListener): Server;
  (options?: TlsServerOptions, listener?: ConnectionListener): Server;
  (listener?: ConnectionListener): Server;
  readonly prototype: Server;
}

interface State {
  options: TlsServerOptions;
  side: ServerSide | undefined;
  readonly contexts: { readonly pattern: RegExp; readonly context: SecureContext }[];
  readonly turns: Turns;
  readonly store: SessionStore;
  ticketKeys: Buffer | undefined;
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
    store: storeOf(this),
    ticketKeys: options.ticketKeys && checkedKeys(options.ticketKeys),
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
  addContext(this: Server, hostname: string, context: SecureContext | SecureContextOptions): void {
    if (!hostname)
      throw coded(
        new Error('"servername" is required parameter for Server.addContext'),
        'ERR_TLS_REQUIRED_SERVER_NAME',
      );
    const state = stateOf(this);
    const words = hostname.replace(/([.^$+?\-\\[\]{}])/g, '\\$1').replaceAll('*', '[^.]*');
    const made = context instanceof SecureContext ? context : new SecureContext(context);
    state.contexts.push({ pattern: new RegExp(`^${words}$`), context: made });
    state.side = undefined;
  },
  setSecureContext(this: Server, options: ServerSideOptions): void {
    if (options === null || typeof options !== 'object') throw invalidArgType('options', ['Object'], options);
    const state = stateOf(this);
    const { secureContext: _old, ...kept } = withoutMaterial(state.options);
    state.options = ownOf({ ...kept, ...options });
    state.side = sideOf(this, state);
  },
  getTicketKeys(this: Server): Buffer {
    const state = stateOf(this);
    if (state.ticketKeys === undefined) {
      state.ticketKeys = Buffer.from(crypto.getRandomValues(new Uint8Array(48)));
      state.side = undefined;
    }
    return Buffer.from(state.ticketKeys);
  },
  setTicketKeys(this: Server, keys: Uint8Array): void {
    const state = stateOf(this);
    state.ticketKeys = checkedKeys(keys);
    state.side = undefined;
  },
});

/** Options of a context, which another context replaces. */
const material = [
  'key',
  'cert',
  'pfx',
  'passphrase',
  'ca',
  'crl',
  'credentials',
  'trust',
  'ciphers',
  'sigalgs',
] as const;

function withoutMaterial(options: TlsServerOptions): TlsServerOptions {
  const rest = { ...options };
  for (const name of material) delete rest[name];
  return rest;
}

function netOptions({ pauseOnConnect, keepAlive, keepAliveInitialDelay, blockList }: TlsServerOptions): ServerOpts {
  const given = { pauseOnConnect, keepAlive, keepAliveInitialDelay, blockList };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function checkedKeys(keys: Uint8Array): Buffer {
  if (!ArrayBuffer.isView(keys)) throw invalidArgType('buffer', ['Buffer', 'TypedArray', 'DataView'], keys);
  if (keys.byteLength !== 48) {
    throw coded(new TypeError('Session ticket keys must be a 48-byte buffer'), 'ERR_INVALID_ARG_VALUE');
  }
  return Buffer.from(keys);
}

function sideOf(server: Server, state: State): ServerSide {
  const { contexts, ticketKeys: keys, store, options } = state;
  const provider = options.provider ?? options.secureContext?.options.provider;
  return serverSide(options, {
    ...(contexts.length > 0 && {
      contextFor: (name: string) => contexts.findLast(({ pattern }) => pattern.test(name))?.context,
    }),
    store,
    staple: (credential) => (server.listenerCount('OCSPRequest') > 0 ? staple(server, credential) : undefined),
    ...(keys && provider !== null && { tickets: { keys: ticketKeysOf(keys, provider), store } }),
  });
}

/** Keys that stay until they are changed. */
function ticketKeysOf(bytes: Buffer, provider: SecureContextOptions['provider']): ReturnType<typeof ticketKeys> {
  const key: TicketKey = {
    name: Uint8Array.from(bytes.subarray(0, 16)),
    secret: Uint8Array.from(bytes.subarray(16)),
    sealsFrom: 0,
    sealsUntil: Number.MAX_SAFE_INTEGER,
    opensUntil: Number.MAX_SAFE_INTEGER,
  };
  return ticketKeys({ provider: provider ?? new SecureContext().options.provider, ring: { keys: () => [key] } });
}

/** Sessions by identifier: the program's, where it listens, else ours. */
function storeOf(server: Server): SessionStore {
  const own = memorySessionStore();
  return {
    get(id) {
      if (server.listenerCount('resumeSession') === 0) return own.get(id);
      return new Promise((resolve, reject) => {
        server.emit('resumeSession', Buffer.from(id), (error: Error | null, session: Uint8Array | null) => {
          if (error) reject(error);
          else resolve(session ?? undefined);
        });
      });
    },
    set(id, session, lifetimeMs) {
      if (server.listenerCount('newSession') === 0) return own.set(id, session, lifetimeMs);
      return new Promise((resolve) => {
        server.emit('newSession', Buffer.from(id), Buffer.from(session), () => resolve());
      });
    },
    delete: (id) => own.delete(id),
  };
}

/** Asks the listener of `OCSPRequest`. */
function staple(server: Server, { chain: [own, issuer] }: Credential): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const certificate = Buffer.from(own?.raw ?? []);
    const above = issuer === undefined ? null : Buffer.from(issuer.raw);
    server.emit('OCSPRequest', certificate, above, (error: Error | null, response: Uint8Array | null) => {
      if (error) reject(error);
      else resolve(response ?? undefined);
    });
  });
}

function accept(server: Server, transport: Duplex): void {
  const state = stateOf(server);
  state.side ??= sideOf(server, state);
  const { configFor, context, crls } = state.side;
  const socket: TLSSocket = new TLSSocket(
    transport,
    {
      isServer: true,
      server,
      errorFor: errorOfCallback,
      turns: state.turns,
      asksForCertificate: state.options.requestCert === true,
      context: () => context,
      crls,
      make: (handlers, own) => tlsServer(configFor(own), handlers),
      ...(server.listenerCount('earlyConnection') > 0 && {
        early: () => {
          socket.off('close', cut);
          server.emit('earlyConnection', socket);
        },
      }),
    },
    { ...state.options, highWaterMark: undefined },
  );
  if (state.options.pauseOnConnect) socket.pause();
  if (server.listenerCount('keylog') > 0) {
    socket.on('keylog', (line: Buffer) => server.emit('keylog', line, socket));
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
    server.emit('secureConnection', socket);
  });
  socket.begin();
}

/** See `Server`. */
export function createServer(listener?: ConnectionListener): Server;
export function createServer(options: TlsServerOptions, listener?: ConnectionListener): Server;
export function createServer(options?: TlsServerOptions | ConnectionListener, listener?: ConnectionListener): Server {
  return typeof options === 'function' ? new Server(options) : new Server(options, listener);
}
