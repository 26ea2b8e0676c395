/**
 * `createHttpsServer()`: HTTP/1.1 of `node:http` over our TLS, early data included (RFC 8470). A request that came before its
 * client had finished the handshake may be a recording: it waits, unless it is one of those that may be answered at once.
 *
 * The parsing, and all that is HTTP, is node's own.
 *
 * @module
 */

import { IncomingMessage, type RequestListener, Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ownOf } from '../config.ts';
import { TlsError } from '../errors.ts';
import { accepted, createServer, type Server as TlsServer, type TlsServerOptions } from './server.ts';
import { TLSSocket } from './typed-socket.ts';

/** Options of `createServer` and of `node:http`'s. `ALPNProtocols` are `['http/1.1']` unless told otherwise. */
export interface HttpsServerOptions extends TlsServerOptions, Omit<ServerOptions, keyof TlsServerOptions> {
  /**
   * With `earlyData`: whether a request may come to the listener before its client has finished the handshake, because it does no
   * harm when it comes twice. The others wait until then (RFC 8470 §3). Absent: all do.
   */
  readonly earlyRequests?: (request: IncomingMessage) => boolean;
}

/** RFC 8470 §5.1. */
const field = 'early-data';

/** Events of the TLS server that do something only where somebody listens. */
const ofTls: readonly string[] = ['keylog', 'newSession', 'resumeSession', 'OCSPRequest'];

/** Requests whose mark is ours alone: nobody in front of us has set it. */
const markedHere = new WeakSet<IncomingMessage>();

/**
 * An `http.Server` that speaks TLS. Its `connection` is a `TLSSocket`, once HTTP begins on it: when the handshake is done, or
 * early data has come before. Events beside: `secureConnection`, `tlsClientError`, `keylog`, `newSession`, `resumeSession` and
 * `OCSPRequest`, as `createServer` has them; and so its methods for certificates and ticket keys.
 */
export class HttpsServer extends Server {
  readonly #tls: TlsServer;
  readonly #mayBeEarly: (request: IncomingMessage) => boolean;
  /** In their handshake: HTTP has not heard of them. */
  readonly #unheard = new Set<TLSSocket>();

  constructor(given: HttpsServerOptions, listener?: RequestListener) {
    const options = ownOf(given);
    super(options, listener);
    this.#mayBeEarly = options.earlyRequests ?? (() => false);
    this.#tls = createServer({ ALPNProtocols: ['http/1.1'], allowHalfOpen: true, ...options });
    const speaking = new WeakSet<TLSSocket>();
    const speak = (socket: TLSSocket): void => {
      if (speaking.has(socket)) return;
      speaking.add(socket);
      this.#unheard.delete(socket);
      super.emit('connection', socket);
    };
    this.#tls.on(accepted, (socket: TLSSocket) => {
      this.#unheard.add(socket);
      socket.once('close', () => this.#unheard.delete(socket));
    });
    if (options.earlyRequests) this.#tls.on('earlyConnection', speak);
    this.#tls.on('secureConnection', (socket: TLSSocket) => {
      speak(socket);
      this.emit('secureConnection', socket);
    });
    this.#tls.on('tlsClientError', (error: Error, socket: TLSSocket) => this.emit('tlsClientError', error, socket));
    for (const event of ofTls) {
      const forward = (...news: readonly unknown[]): boolean => super.emit(event, ...news);
      this.on('newListener', (name) => {
        if (name === event && this.listenerCount(event) === 0) this.#tls.on(event, forward);
      });
      this.on('removeListener', (name) => {
        if (name === event && this.listenerCount(event) === 0) this.#tls.off(event, forward);
      });
    }
  }

  /** As `createServer`'s. */
  addContext(...context: Parameters<TlsServer['addContext']>): void {
    this.#tls.addContext(...context);
  }

  /** As `createServer`'s: new connections have the new certificate. */
  setSecureContext(...options: Parameters<TlsServer['setSecureContext']>): void {
    this.#tls.setSecureContext(...options);
  }

  /** As `createServer`'s. */
  getTicketKeys(): Buffer {
    return this.#tls.getTicketKeys();
  }

  /** As `createServer`'s. */
  setTicketKeys(...keys: Parameters<TlsServer['setTicketKeys']>): void {
    this.#tls.setTicketKeys(...keys);
  }

  /** Those that are in their handshake still, too: a client that says nothing would keep `close` waiting. */
  override closeAllConnections(): void {
    super.closeAllConnections();
    for (const socket of this.#unheard) socket.destroy();
  }

  /** What the transport brings as a connection is given to TLS, and what TLS brings to HTTP; an early request waits, or is marked. */
  override emit(event: string, ...news: readonly unknown[]): boolean {
    const [first] = news;
    if (event === 'connection') return this.#tls.emit(event, first as Duplex);
    if (!(first instanceof IncomingMessage)) return super.emit(event, ...news);
    const go = (): boolean => {
      mark(first);
      return super.emit(event, ...news);
    };
    if (!isEarly(first) || this.#mayBeEarly(first)) return go();
    // Of a connection that ends before, nobody hears.
    handshakeDone(first).then(go, () => undefined);
    return true;
  }
}

/**
 * An HTTP/1.1 server over TLS, as `node:https` has it.
 *
 * With `earlyData` and `earlyRequests`, such requests of a client's first flight come to the listener before anybody knows whether
 * they are a recording. They have the header `early-data: 1`, and so have those that a gateway marked. A listener must not act on
 * a marked request that does harm when it comes twice: see `refuseEarlyData` and `handshakeDone`.
 *
 * @example
 * ```ts
 * const earlyData = { replay: memoryReplayCache() };
 * const earlyRequests = ({ method, url }: IncomingMessage) => method === 'GET' && url === '/';
 * createHttpsServer({ key, cert, earlyData, earlyRequests }, (request, response) => response.end('hello')).listen(443);
 * ```
 * @throws TlsConfigError, CertificateError or CryptoError that names the option that cannot be used.
 */
export function createHttpsServer(options: HttpsServerOptions, listener?: RequestListener): HttpsServer {
  return new HttpsServer(options, listener);
}

/**
 * Answers 425 (Too Early) where a request may be a recording (RFC 8470 §5.2); its client sends it again, and not early. That is a
 * request that was marked by a gateway in front of us, or that came as early data and whose client has not finished the handshake
 * since. The connection stays usable. Works with servers of `node:http` and `node:https` behind a gateway as well.
 *
 * @returns whether it did; if not, nothing was done, and the request may be acted on.
 */
export function refuseEarlyData(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.headers[field] === undefined || (markedHere.has(request) && !isEarly(request))) return false;
  response.writeHead(425, 'Too Early', { 'Cache-Control': 'no-store', 'Content-Length': 0 }).end();
  return true;
}

/** A handshake that somebody waits for. */
const waits = new WeakMap<TLSSocket, Promise<void>>();

/**
 * Waits until the client has finished the handshake: what it sent early is no recording then, on this connection. It is at once
 * for requests that did not come early.
 *
 * **A mark that a gateway has set is not made safe by waiting** (RFC 8470 §5.1): what the gateway received may be a recording,
 * whatever it did here. So ask `refuseEarlyData` also after this; it refuses those alone then.
 *
 * @returns a promise that rejects where the connection ends before: with its error, or a TlsError `closed`.
 */
export function handshakeDone(request: IncomingMessage): Promise<void> {
  const socket: Duplex = request.socket;
  if (!(socket instanceof TLSSocket) || socket.handshakeDone) return Promise.resolve();
  let wait = waits.get(socket);
  if (wait === undefined) {
    wait = new Promise((resolve, reject) => {
      const ended = (): void => {
        reject(socket.errored ?? new TlsError('closed', 'the connection was closed before its handshake was done'));
      };
      if (socket.closed) ended();
      socket.once('close', ended);
      socket.once('secure', () => {
        socket.off('close', ended);
        resolve();
      });
    });
    waits.set(socket, wait);
  }
  return wait;
}

function isEarly(request: IncomingMessage): boolean {
  const socket: Duplex = request.socket;
  return socket instanceof TLSSocket && !socket.handshakeDone;
}

/** One `1` says it, whatever was sent: of several values, or others, RFC 8470 §5.1 makes the same. */
function mark(request: IncomingMessage): void {
  const { headers } = request;
  const marked = headers[field] !== undefined;
  if (!marked && !isEarly(request)) return;
  if (!marked) markedHere.add(request);
  // Made of `rawHeaders` when they are first asked for: here, before those change.
  const { headersDistinct, rawHeaders } = request;
  headers[field] = '1';
  headersDistinct[field] = ['1'];
  const others = rawHeaders.filter((_, index) => rawHeaders[index - (index % 2)]?.toLowerCase() !== field);
  request.rawHeaders = [...others, 'Early-Data', '1'];
}
