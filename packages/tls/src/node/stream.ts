/**
 * TLS as a stream: a `net.Socket` over any Duplex, with back-pressure both ways. The protocol is the engine's; here are the
 * transport, the stream's rules and the time-out. `TLSSocket` tells of it what `node:tls` tells.
 *
 * @module
 */

import { AsyncResource } from 'node:async_hooks';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Bytes } from '@handfast/crypto';
import type { CommonOptions } from '../config.ts';
import type { Connection } from '../connection.ts';
import type { ConnectionHandlers } from '../connection-options.ts';
import { TlsError } from '../errors.ts';
import type { Negotiated } from '../flow.ts';
import { type ClientHello, parseClientHello } from '../messages/client-hello.ts';
import type { TraceEvent } from '../trace.ts';
import { coded } from './argument-errors.ts';
import { calmly, tell } from './callbacks.ts';
import { authorizationErrorOf, type NodeErrorContext, nodeErrorOf } from './error-codes.ts';
import { traceLine } from './inspection.ts';
import { Outlet } from './outlet.ts';
import { keyLogOfFlag, tracesByDefault } from './process-settings.ts';
import type { Turns } from './turns.ts';
import { heardBy, watchingOf } from './watcher.ts';

export interface TLSSocketOptions {
  /** Milliseconds for the handshake; 0: no limit. Default: 120,000. */
  readonly handshakeTimeout?: number;
  /** Keep our side open when the peer has ended its own. Default: false, as with `net.Socket`. */
  readonly allowHalfOpen?: boolean;
  /** Bytes that are held for a reader, or for the transport, before it is said to be enough. Default: Node's. */
  readonly highWaterMark?: number | undefined;
  /** Tells of the handshake on the standard error output, as `enableTrace()` does. */
  readonly enableTrace?: boolean;
}

/** How a socket gets its engine, and what it is beside: for `connect()`, `Server` and `new TLSSocket()`. */
export interface SocketMaking {
  /** Called once, when the handshake begins. */
  readonly make: (handlers: ConnectionHandlers, socket: SecureStream) => Connection;
  readonly isServer: boolean;
  /** A server's: whether clients are asked for a certificate. */
  readonly asksForCertificate?: boolean;
  /** What is known of the other side, for errors. */
  readonly target?: () => Pick<NodeErrorContext, 'serverName' | 'host' | 'port' | 'path' | 'localAddress'>;
  /** A server's: itself. */
  readonly server?: unknown;
  /** A client's, before the handshake. */
  readonly setServername?: (name: string) => void;
  readonly setSession?: (session: Uint8Array) => void;
  /** Our certificates, and whom we trust. */
  readonly context?: () => Pick<CommonOptions, 'credentials' | 'trust' | 'signatureSchemes'>;
  readonly crls?: NodeErrorContext['crls'];
  /** A client's session in Node's form, as it is now. */
  readonly session?: () => Buffer | undefined;
  readonly ticket?: () => Buffer | undefined;
  /** Shared by the connections of a server: their handshakes take turns. */
  readonly turns?: Turns;
  /** Called ahead of the first early data; absent: that is held until the handshake is done. */
  readonly early?: () => void;
  /** The error of the program's own that one of ours stands for. */
  readonly errorFor?: (error: TlsError) => Error | undefined;
  /** Whether there is a `secureConnect`: with `connect()` alone, as in Node. */
  readonly announces?: boolean;
  /** Called behind it. */
  readonly secured?: () => void;
  /** Called when the engine has ended the handshake, before anybody hears of it. What it throws ends the connection. */
  readonly checked?: (socket: SecureStream, negotiated: Negotiated) => void;
}

export const defaultHandshakeTimeoutMs = 120_000;

/** A verified, encrypted stream. */
export class SecureStream extends Socket {
  readonly encrypted = true;
  /** The server that a connection came to. */
  readonly server: unknown;
  /** Whether the handshake is still to be done. */
  secureConnecting = true;
  /** Whether the peer has finished. Until then what is read is early data, which may be a recording. */
  handshakeDone = false;
  /** Whether the peer's certificate was verified. */
  authorized = false;
  /** Why it was not, where the connection was accepted all the same: Node's code. */
  authorizationError: string | Error | null = null;
  /** The protocol chosen by ALPN; `false` for none, `null` before it is known. */
  alpnProtocol: string | false | null = null;
  /** The name that the client asked for; `false` for none, `null` before it is known. */
  servername: string | false | null = null;

  readonly #transport: Duplex;
  readonly #outlet: Outlet;
  readonly #making: SocketMaking;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onData: (() => void) | undefined;
  #context: ReturnType<NonNullable<SocketMaking['context']>> | undefined;
  #earlyAnnounced = false;
  /** Parsed up to the end of the handshake; then its bytes alone, until somebody asks. */
  #clientHello: ClientHello | Bytes | undefined;
  /** Input that the engine has not taken yet. */
  #pending: Uint8Array | undefined;
  #transportEnded = false;
  /** Whether anything was sent. */
  #said = false;
  #readableFull = false;
  #turn: NodeJS.Immediate | undefined;
  /** What `_write` or `_final` waits with, until the transport or the engine has room. */
  #onRoom: (() => void) | undefined;
  /** What is done when the engine's last word is out. */
  #lastWord: (() => void) | undefined;
  #waitingForHandshake: { readonly act: () => void; readonly callback: Callback } | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;
  #maxSendFragment: number | undefined;
  #traces: boolean;
  readonly #renegotiations: ((error: Error | null) => void)[] = [];

  static {
    // `net.Socket` has these as accessors of its own, and its types as properties.
    const tell = <T>(get: (socket: SecureStream) => T): PropertyDescriptor => ({
      configurable: true,
      get(this: SecureStream) {
        return get(this);
      },
    });
    Object.defineProperties(SecureStream.prototype, {
      remoteAddress: tell((socket) => socket.#tcp?.remoteAddress),
      remoteFamily: tell((socket) => socket.#tcp?.remoteFamily),
      remotePort: tell((socket) => socket.#tcp?.remotePort),
      localAddress: tell((socket) => socket.#tcp?.localAddress),
      localFamily: tell((socket) => socket.#tcp?.localFamily),
      localPort: tell((socket) => socket.#tcp?.localPort),
      bytesRead: tell((socket) => socket.#bytesRead),
      bytesWritten: tell((socket) => socket.#bytesWritten + socket.writableLength),
      pending: tell((socket) => socket.connecting || socket.destroyed),
    });
  }

  /** `begin()` is the caller's to call, once the transport is connected. */
  constructor(transport: Duplex, making: SocketMaking, options: TLSSocketOptions) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      ...(options.highWaterMark !== undefined && { highWaterMark: options.highWaterMark }),
    });
    this.#transport = transport;
    this.#outlet = new Outlet(transport);
    this.#making = making;
    this.server = making.server;
    this.#traces = tracesByDefault(options.enableTrace);
    const timeoutMs = options.handshakeTimeout ?? defaultHandshakeTimeoutMs;
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#timedOut(timeoutMs), timeoutMs);
    Object.assign(this, { connecting: this.#tcp?.connecting ?? false });
    this.#listen();
  }

  protected get engine(): Connection | undefined {
    return this.#connection;
  }

  protected get making(): SocketMaking {
    return this.#making;
  }

  get #tcp(): Socket | undefined {
    return this.#transport instanceof Socket ? this.#transport : undefined;
  }

  /** Begins the handshake: called once the transport is connected. */
  begin(): void {
    if (this.#connection !== undefined || this.destroyed) return;
    let connection: Connection;
    try {
      connection = this.#making.make(this.#handlers(), this);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#connection = connection;
    if (this.#maxSendFragment !== undefined) connection.setMaxSendFragment(this.#maxSendFragment);
    connection.start();
    this.#takeOver();
    this.#feedPending();
    if (this.#transportEnded && this.#pending === undefined) connection.receiveEnd();
  }

  #listeners(): Pick<ConnectionHandlers, 'trace' | 'keyLog'> {
    const toFile = keyLogOfFlag();
    return {
      ...((toFile !== undefined || this.listenerCount('keylog') > 0) && {
        keyLog: (line: string) => {
          toFile?.(line);
          tell(this, 'keylog', Buffer.from(`${line}\n`));
        },
      }),
      ...(this.#traces && {
        trace: (event: TraceEvent) => {
          const line = traceLine(event);
          if (line !== undefined) process.stderr.write(line);
        },
      }),
    };
  }

  #handlers(): ConnectionHandlers {
    const { early } = this.#making;
    return {
      send: (chunks) => {
        this.#said = true;
        this.#outlet.send(chunks);
      },
      ...heardBy(watchingOf(this.#making.target), this.#listeners()),
      clientHello: (hello) => {
        this.#clientHello = hello;
      },
      established: (negotiated) => this.#established(negotiated),
      renegotiated: () => this.#toldOfRenegotiation(null),
      earlyDataReady: (limit) => tell(this, 'earlyDataReady', limit),
      ...(early && {
        earlyData: (plaintext: Bytes) => {
          if (!this.#earlyAnnounced) {
            this.#earlyAnnounced = true;
            this.#tell(this.negotiated);
            early();
          }
          this.#data(plaintext);
        },
      }),
      data: (plaintext) => this.#data(plaintext),
      end: () => this.push(null),
      resume: () => this.#feedPending(),
      drained: () => {
        this.#lastWord?.();
        this.#roomAgain();
      },
      closed: (error) => this.#closed(error),
    };
  }

  /** What both sides agreed on; undefined before `secureConnect`, or `earlyConnection`. */
  get negotiated(): Negotiated | undefined {
    return this.#connection?.negotiated;
  }

  /** The client's hello as a server has read it, parsed. */
  get clientHello(): ClientHello | undefined {
    const hello = this.#clientHello;
    return hello instanceof Uint8Array ? parseClientHello(hello) : hello;
  }

  /** Our certificates, and whom we trust: those of the name that was asked for. */
  protected get context(): ReturnType<NonNullable<SocketMaking['context']>> | undefined {
    return this.#context ?? this.#making.context?.();
  }

  /** Called once, when a renegotiation that was begun is over, or the connection. */
  protected onRenegotiated(callback: (error: Error | null) => void): void {
    this.#renegotiations.push(callback);
  }

  #toldOfRenegotiation(error: Error | null): void {
    for (const callback of this.#renegotiations.splice(0)) callback(error);
  }

  /** Records of ours hold at most so many bytes: 512 to 16,384. Answers whether that is so. */
  setMaxSendFragment(size: number): boolean {
    if (!Number.isInteger(size) || size < 512 || size > 16_384) return false;
    this.#maxSendFragment = size;
    this.#connection?.setMaxSendFragment(size);
    return true;
  }

  /** Tells of the handshake on the standard error output, if it has not begun. */
  enableTrace(): void {
    this.#traces = true;
  }

  override setNoDelay(noDelay = true): this {
    this.#tcp?.setNoDelay(noDelay);
    return this;
  }

  override setKeepAlive(...given: unknown[]): this {
    this.#tcp?.setKeepAlive(...(given as [boolean?, number?]));
    return this;
  }

  /**
   * `timeout` is emitted when nothing has passed for so many milliseconds, and no more happens by itself; 0: never. Over another
   * Duplex than a `net.Socket` it never is.
   */
  override setTimeout(timeoutMs: number, listener?: () => void): this {
    Object.assign(this, { timeout: timeoutMs });
    this.#tcp?.setTimeout(timeoutMs);
    if (listener !== undefined && timeoutMs === 0) this.off('timeout', listener);
    else if (listener !== undefined) this.once('timeout', listener);
    return this;
  }

  override address(): AddressInfo | Record<string, never> {
    return this.#tcp?.address() ?? {};
  }

  /** Ends the transport with a reset, where it is TCP. */
  override resetAndDestroy(): this {
    this.#tcp?.resetAndDestroy();
    return this.destroy();
  }

  override ref(): this {
    this.#tcp?.ref();
    return this;
  }

  override unref(): this {
    this.#tcp?.unref();
    return this;
  }

  // ---- the transport

  #listen(): void {
    const transport = this.#transport;
    // All that follows from what comes is in the context that this socket was made in (`AsyncLocalStorage`).
    const scope = new AsyncResource('TLSSocket');
    const on = (event: string, listener: (news: never) => void): (() => void) => {
      const scoped = (news: never): void => scope.runInAsyncScope(() => listener(news));
      transport.on(event, scoped as (news: unknown) => void);
      return scoped as () => void;
    };
    this.#onData = on('data', (chunk: Buffer) => this.#feed(chunk));
    on('end', () => this.#transportOver(false));
    on('close', () => this.#transportOver(true));
    on('error', (error: Error) => this.destroy(error));
    on('timeout', () => this.emit('timeout'));
    on('drain', () => {
      this.#outlet.full = false;
      this.#roomAgain();
    });
    if (!this.connecting) return;
    for (const event of ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout']) {
      transport.on(event, (...news: readonly unknown[]) => {
        if (!this.destroyed) this.emit(event, ...news);
      });
    }
    transport.once('connect', () => {
      Object.assign(this, { connecting: false });
      if (this.destroyed) return;
      this.emit('connect');
      this.emit('ready');
    });
  }

  /** What comes from now on is TLS: nobody else who listens to a plain socket is given it, and nobody has it wait. */
  #takeOver(): void {
    const transport = this.#transport;
    if (this.#tcp !== undefined) {
      transport.removeAllListeners('readable');
      for (const listener of transport.listeners('data')) {
        if (listener !== this.#onData) transport.off('data', listener as () => void);
      }
    }
    transport.resume();
  }

  /** @param closed whether nothing can be sent any more, either */
  #transportOver(closed: boolean): void {
    this.#transportEnded = true;
    const connection = this.#connection;
    // No handshake comes of it, whatever waits to be read: a callback that never answers must not keep it.
    const hopeless = connection?.phase === 'handshake' && (closed || (this.#making.isServer && !this.#said));
    if (this.#pending === undefined || hopeless) connection?.receiveEnd();
  }

  /** Gives the engine bytes; what it does not take waits, and the transport with it. */
  #feed(chunk: Uint8Array): void {
    if (this.#outlet.dropsInput(chunk)) return;
    if (this.#pending !== undefined) {
      // The transport delivered after pause(): it may, once.
      this.#pending = Buffer.concat([this.#pending, chunk]);
      return;
    }
    const { turns } = this.#making;
    if (this.#connection === undefined) {
      this.#pending = chunk;
      this.#transport.pause();
      return;
    }
    if (turns !== undefined && this.#connection.phase === 'handshake' && !turns.take()) {
      this.#pending = chunk;
      this.#transport.pause();
      turns.wait(() => this.#feedPending());
      return;
    }
    this.#give(chunk);
  }

  #give(chunk: Uint8Array): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const taken = connection.receive(chunk);
    if (taken < chunk.length) {
      this.#pending = chunk.subarray(taken);
      this.#transport.pause();
      if (!connection.parked) this.#laterTurn();
    } else {
      this.#outlet.spent(chunk);
      if (this.#readableFull) this.#transport.pause();
    }
  }

  #feedPending(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#readableFull || this.destroyed || !this.#connection) return;
    this.#pending = undefined;
    this.#give(pending);
    if (this.#pending !== undefined) return;
    if (this.#transportEnded) this.#connection?.receiveEnd();
    else if (!this.#readableFull) this.#transport.resume();
  }

  #laterTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#feedPending();
    });
  }

  // ---- the engine's news

  #data({ buffer, byteOffset, byteLength }: Bytes): void {
    this.#bytesRead += byteLength;
    // What a listener throws must not keep the rest of the input from being taken.
    const more = calmly(() => this.push(Buffer.from(buffer, byteOffset, byteLength))) ?? true;
    // Early data has a limit of its own, and who waits for the handshake before reading it must not keep that from ending.
    if (!more && this.handshakeDone) this.#readableFull = true;
  }

  #established(negotiated: Negotiated): void {
    clearTimeout(this.#timer);
    this.#tell(negotiated);
    try {
      this.#making.checked?.(this, negotiated);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.destroyed) return;
    this.handshakeDone = true;
    this.secureConnecting = false;
    if (this.#making.announces) tell(this, 'secureConnect');
    this.#making.secured?.();
    tell(this, 'secure');
    const waiting = this.#waitingForHandshake;
    this.#waitingForHandshake = undefined;
    calmly(() => waiting?.act());
    this.#forgetHello();
  }

  /** A parsed hello takes ten times its bytes, for as long as a connection lasts. */
  #forgetHello(): void {
    const hello = this.#clientHello;
    if (hello === undefined || hello instanceof Uint8Array) return;
    // By the hello that was read: another one, of the same bytes, is nobody's.
    this.#context = this.#making.context?.();
    this.#clientHello = hello.raw;
  }

  /** As `node:tls` tells it. */
  #tell(negotiated: Negotiated | undefined): void {
    const peer = negotiated?.peer;
    // Who has the key that both were given needs no certificate.
    const byKey = negotiated?.pskIdentity !== undefined && !this.#making.isServer;
    this.authorized = peer === undefined ? byKey : peer.error === undefined;
    if (peer === undefined && this.#making.asksForCertificate) this.authorizationError = 'UNABLE_TO_GET_ISSUER_CERT';
    if (peer?.error) this.authorizationError = authorizationErrorOf(peer.error, { chain: peer.chain });
    this.alpnProtocol = negotiated?.alpnProtocol ?? false;
    this.servername = negotiated?.serverName ?? false;
  }

  /** The engine's end. Its last word may still be sealed, by an asynchronous provider: the transport ends behind it. */
  #closed(error: TlsError | undefined): void {
    clearTimeout(this.#timer);
    const over = (): void => {
      this.#lastWord = undefined;
      this.#over(error);
    };
    if (this.#connection?.sealing && !this.destroyed) this.#lastWord = over;
    else over();
  }

  #over(error: TlsError | undefined): void {
    if (error !== undefined) {
      this.destroy(this.#making.errorFor?.(error) ?? this.asNodeError(error));
      return;
    }
    // Before TLS 1.3 our close_notify ends both directions: the peer need not have said its own.
    this.push(null);
    this.#outlet.close();
  }

  /** A failure as programs for `node:tls` know it. */
  protected asNodeError(error: TlsError): Error {
    const { isServer, target, crls } = this.#making;
    const chain = this.negotiated?.peer?.chain;
    return nodeErrorOf(error, { role: isServer ? 'server' : 'client', chain, crls, time: new Date(), ...target?.() });
  }

  #timedOut(timeoutMs: number): void {
    const state = this.#connection?.state;
    const where = state === undefined ? '' : `, waiting in ${state}`;
    const error = new TlsError('handshake_timeout', `the handshake was not done after ${timeoutMs / 1000} s${where}`, {
      hint: 'the peer is silent: a firewall, another protocol on this port, or an overloaded machine',
    });
    if (this.#connection) this.#connection.fail(error);
    else this.destroy(this.asNodeError(error));
  }

  // ---- the stream's rules

  override _read(): void {
    if (!this.#readableFull) return;
    this.#readableFull = false;
    if (this.#pending === undefined) this.#transport.resume();
    else this.#laterTurn();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    const write = (): void =>
      this.#attempt((connection) => {
        this.#bytesWritten += bytes.length;
        connection.write(bytes);
      }, callback);
    if (this.#connection?.writable) write();
    else this.#whenEstablished(write, callback);
  }

  override _writev(
    chunks: { readonly chunk: Buffer | string; readonly encoding: BufferEncoding }[],
    callback: Callback,
  ): void {
    const bytes = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this._write(Buffer.concat(bytes), 'utf8', callback);
  }

  override _final(callback: Callback): void {
    this.#whenEstablished(() => this.#attempt((connection) => connection.closeWrite(), callback), callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#pending = undefined;
    this.secureConnecting = false;
    const connection = this.#connection;
    const bothSaidGoodbye = error === null && connection?.phase === 'closed';
    if (connection !== undefined && connection.phase !== 'closed') connection.abort();
    if (error instanceof TlsError && error.alert !== null && error.origin === 'local') this.#outlet.linger();
    else if (bothSaidGoodbye) this.#outlet.close();
    else this.#outlet.drop();
    this.#cancelWrites(error);
    this.#toldOfRenegotiation(error);
    callback(error);
    // `net.Socket` leaves it to itself, and says whether it was an error.
    process.nextTick(() => this.emit('close', error !== null));
  }

  #whenEstablished(act: () => void, callback: Callback): void {
    if (this.#connection === undefined || this.#connection.phase === 'handshake')
      this.#waitingForHandshake = { act, callback };
    else act();
  }

  /** What was written and waits is told that nothing comes of it. */
  #cancelWrites(error: Error | null): void {
    const [waiting, onRoom] = [this.#waitingForHandshake, this.#onRoom];
    this.#waitingForHandshake = undefined;
    this.#onRoom = undefined;
    if (waiting) process.nextTick(waiting.callback, error ?? closedBefore());
    if (onRoom) process.nextTick(onRoom, error ?? coded(new Error('write ECANCELED'), 'ECANCELED'));
  }

  #attempt(act: (connection: Connection) => void, callback: Callback): void {
    const connection = this.#connection;
    if (connection === undefined || connection.endedByPeer) {
      // RFC 5246 §7.2.1: pending writes are discarded, and nobody has done wrong.
      callback();
      return;
    }
    try {
      act(connection);
    } catch (error) {
      callback(error instanceof TlsError ? this.asNodeError(error) : (error as Error));
      return;
    }
    if (this.#holdsBack) this.#onRoom = callback;
    else callback();
  }

  get #holdsBack(): boolean {
    return this.#outlet.full || this.#connection?.sealing === true || this.#connection?.holding === true;
  }

  #roomAgain(): void {
    if (this.#holdsBack) return;
    const callback = this.#onRoom;
    this.#onRoom = undefined;
    calmly(() => callback?.());
  }
}

type Callback = (error?: Error | null) => void;

function closedBefore(): Error {
  return coded(new Error('Socket closed before the connection was established'), 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
}
