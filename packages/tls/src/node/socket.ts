/**
 * `TLSSocket`: a Duplex over any other Duplex, with back-pressure both ways. The protocol is the engine's; here are the
 * transport, the stream's rules and the time-out.
 *
 * @module
 */

import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Bytes } from '@handfast/crypto';
import type { CertificateError } from '@handfast/x509';
import type { Connection } from '../connection.ts';
import type { ConnectionHandlers } from '../connection-options.ts';
import { TlsError } from '../errors.ts';
import type { Negotiated } from '../flow.ts';
import { secureVersionName } from './secure-context.ts';
import type { Turns } from './turns.ts';

/** After a fatal alert the peer's bytes are read and dropped for so long and so much: a reset would destroy the alert. */
const lingerMs = 1_000;
const lingerBytes = 256 * 1024;

export interface TLSSocketOptions {
  /** Milliseconds for the handshake; 0: no limit. Default: 120,000. */
  readonly handshakeTimeout?: number;
  /** Keep our side open when the peer has ended its own. Default: false, as with `net.Socket`. */
  readonly allowHalfOpen?: boolean;
}

export const defaultHandshakeTimeoutMs = 120_000;

/** What a server's sockets have beside. */
export interface Accepting {
  /** Shared by the connections of a server: their handshakes take turns. */
  readonly turns: Turns;
  /** Called ahead of the first early data; absent: that is held until the handshake is done. */
  readonly early?: () => void;
}

/**
 * A verified, encrypted stream. Events beside a Duplex's: `secureConnect`, once the handshake is done; `earlyDataReady` (limit) on a
 * client whose hello offers early data, which `writeEarlyData` then sends.
 */
export class TLSSocket extends Duplex {
  readonly encrypted = true;
  /** Whether the peer has finished. Until then what is read is early data, which may be a recording. */
  handshakeDone = false;
  /** Whether the peer's certificate was verified. */
  authorized = false;
  /** Why it was not, where the connection was accepted all the same. */
  authorizationError: CertificateError | undefined;
  /** The protocol chosen by ALPN; `false` for none. */
  alpnProtocol: string | false = false;
  /** The name that the client asked for; `false` for none. */
  servername: string | false = false;

  readonly #transport: Duplex;
  readonly #connection: Connection;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #turns: Turns | undefined;
  #earlyAnnounced = false;
  /** Input that the engine has not taken yet. */
  #pending: Uint8Array | undefined;
  #transportEnded = false;
  #readableFull = false;
  #turn: NodeJS.Immediate | undefined;
  /** What `_write` or `_final` waits with, until the transport or the engine has room. */
  #onRoom: (() => void) | undefined;
  #transportFull = false;
  #waitingForHandshake: (() => void) | undefined;
  #lingering = 0;

  /**
   * @param make makes the engine for the given handlers.
   * @param accepting a server's.
   */
  constructor(
    transport: Duplex,
    make: (handlers: ConnectionHandlers) => Connection,
    options: TLSSocketOptions = {},
    accepting?: Accepting,
  ) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false });
    this.#transport = transport;
    this.#turns = accepting?.turns;
    const early = accepting?.early;
    this.#connection = make({
      send: (chunks) => this.#send(chunks),
      established: (negotiated) => this.#established(negotiated),
      earlyDataReady: (limit) => this.emit('earlyDataReady', limit),
      ...(early && {
        earlyData: (plaintext) => {
          if (!this.#earlyAnnounced) {
            this.#earlyAnnounced = true;
            this.#tell(this.#connection.negotiated);
            early();
          }
          this.#data(plaintext);
        },
      }),
      data: (plaintext) => this.#data(plaintext),
      end: () => this.push(null),
      resume: () => this.#feedPending(),
      drained: () => this.#roomAgain(),
      closed: (error) => this.#closed(error),
    });
    const timeout = options.handshakeTimeout ?? defaultHandshakeTimeoutMs;
    if (timeout > 0) this.#timer = setTimeout(() => this.#timedOut(timeout), timeout);
    this.#listen();
  }

  /** Begins the handshake: called once the transport is connected. */
  begin(): void {
    this.#connection.start();
  }

  /** What both sides agreed on; undefined before `secureConnect`, or `earlyConnection`. */
  get negotiated(): Negotiated | undefined {
    return this.#connection.negotiated;
  }

  /** `TLSv1.3` or `TLSv1.2`, or null before `secureConnect`. */
  getProtocol(): string | null {
    return this.negotiated ? secureVersionName(this.negotiated.version) : null;
  }

  /** The suite, as node:tls tells it. */
  getCipher(): { readonly name: string; readonly standardName: string; readonly version: string } | undefined {
    const name = this.negotiated?.cipherSuite.name;
    return name === undefined ? undefined : { name, standardName: name, version: String(this.getProtocol()) };
  }

  /** Early data: see `Connection.writeEarlyData`. Answers how many bytes of it went out. */
  writeEarlyData(data: Uint8Array | string): number {
    return this.#connection.writeEarlyData(typeof data === 'string' ? Buffer.from(data) : data);
  }

  /** What was written early and the server did not take, once: see `Connection.takeRejectedEarlyData`. */
  takeRejectedEarlyData(): Buffer | undefined {
    const back = this.#connection.takeRejectedEarlyData();
    return back && Buffer.from(back.buffer, back.byteOffset, back.byteLength);
  }

  /** Fresh keys for what we send; `requestPeer` asks for the peer's as well. */
  updateKeys(options: { readonly requestPeer?: boolean } = {}): void {
    this.#connection.updateKeys(options);
  }

  /** Keying material for the application (RFC 5705, RFC 9846 §7.5). */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Buffer {
    const { buffer, byteOffset, byteLength } = this.#connection.exportKeyingMaterial(length, label, context);
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  get remoteAddress(): string | undefined {
    return this.#transport instanceof Socket ? this.#transport.remoteAddress : undefined;
  }

  get remotePort(): number | undefined {
    return this.#transport instanceof Socket ? this.#transport.remotePort : undefined;
  }

  get localAddress(): string | undefined {
    return this.#transport instanceof Socket ? this.#transport.localAddress : undefined;
  }

  get localPort(): number | undefined {
    return this.#transport instanceof Socket ? this.#transport.localPort : undefined;
  }

  setNoDelay(noDelay = true): this {
    if (this.#transport instanceof Socket) this.#transport.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable = false, initialDelayMs = 0): this {
    if (this.#transport instanceof Socket) this.#transport.setKeepAlive(enable, initialDelayMs);
    return this;
  }

  /**
   * `timeout` is emitted when nothing has passed for so many milliseconds, and no more happens by itself; 0: never. Over another
   * Duplex than a `net.Socket` it never is.
   */
  setTimeout(timeoutMs: number, listener?: () => void): this {
    if (this.#transport instanceof Socket) this.#transport.setTimeout(timeoutMs);
    if (listener !== undefined && timeoutMs === 0) this.off('timeout', listener);
    else if (listener !== undefined) this.once('timeout', listener);
    return this;
  }

  /** Ends our side, then destroys the socket once all has gone out, whether or not the peer has ended its own. */
  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  ref(): this {
    if (this.#transport instanceof Socket) this.#transport.ref();
    return this;
  }

  unref(): this {
    if (this.#transport instanceof Socket) this.#transport.unref();
    return this;
  }

  // ---- the transport

  #listen(): void {
    const transport = this.#transport;
    transport.on('data', (chunk: Buffer) => this.#feed(chunk));
    transport.on('end', () => {
      this.#transportEnded = true;
      if (this.#pending === undefined) this.#connection.receiveEnd();
    });
    transport.on('close', () => {
      if (this.#pending === undefined) this.#connection.receiveEnd();
      else this.#transportEnded = true;
    });
    transport.on('error', (error) => this.destroy(error));
    transport.on('timeout', () => this.emit('timeout'));
    transport.on('drain', () => {
      this.#transportFull = false;
      this.#roomAgain();
    });
  }

  /** Gives the engine bytes; what it does not take waits, and the transport with it. */
  #feed(chunk: Uint8Array): void {
    if (this.#lingering > 0) {
      this.#linger(chunk.length);
      return;
    }
    if (this.#pending !== undefined) {
      // The transport delivered after pause(): it may, once.
      this.#pending = Buffer.concat([this.#pending, chunk]);
      return;
    }
    if (this.#turns !== undefined && this.#connection.phase === 'handshake' && !this.#turns.take()) {
      this.#pending = chunk;
      this.#transport.pause();
      this.#turns.wait(() => this.#feedPending());
      return;
    }
    this.#give(chunk);
  }

  #give(chunk: Uint8Array): void {
    const taken = this.#connection.receive(chunk);
    if (taken < chunk.length) {
      this.#pending = chunk.subarray(taken);
      this.#transport.pause();
      if (!this.#connection.parked) this.#laterTurn();
    } else if (this.#readableFull) {
      this.#transport.pause();
    }
  }

  #feedPending(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#readableFull || this.destroyed) return;
    this.#pending = undefined;
    this.#give(pending);
    if (this.#pending !== undefined) return;
    if (this.#transportEnded) this.#connection.receiveEnd();
    else if (!this.#readableFull) this.#transport.resume();
  }

  #laterTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#feedPending();
    });
  }

  #send(chunks: readonly Bytes[]): void {
    const transport = this.#transport;
    if (transport.destroyed || transport.writableEnded) return;
    // One flight, or one large write, is one write to the kernel.
    if (chunks.length > 1) transport.cork();
    for (const chunk of chunks) this.#transportFull = !transport.write(chunk);
    if (chunks.length > 1) transport.uncork();
  }

  // ---- the engine's news

  #data({ buffer, byteOffset, byteLength }: Bytes): void {
    const more = this.push(Buffer.from(buffer, byteOffset, byteLength));
    // Early data has a limit of its own, and who waits for the handshake before reading it must not keep that from ending.
    if (!more && this.handshakeDone) this.#readableFull = true;
  }

  #established(negotiated: Negotiated): void {
    clearTimeout(this.#timer);
    this.handshakeDone = true;
    this.#tell(negotiated);
    this.emit('secureConnect');
    this.#waitingForHandshake?.();
    this.#waitingForHandshake = undefined;
  }

  /** As `node:tls` tells it. */
  #tell(negotiated: Negotiated | undefined): void {
    this.authorized = negotiated?.peer !== undefined && negotiated.peer.error === undefined;
    this.authorizationError = negotiated?.peer?.error;
    this.alpnProtocol = negotiated?.alpnProtocol ?? false;
    this.servername = negotiated?.serverName ?? false;
  }

  #closed(error: TlsError | undefined): void {
    clearTimeout(this.#timer);
    if (error !== undefined) this.destroy(error);
    else this.#closeTransport();
  }

  #timedOut(timeoutMs: number): void {
    const { state } = this.#connection;
    const where = state === undefined ? '' : `, waiting in ${state}`;
    this.#connection.fail(
      new TlsError('handshake_timeout', `the handshake was not done after ${timeoutMs / 1000} s${where}`, {
        hint: 'the peer is silent: a firewall, another protocol on this port, or an overloaded machine',
      }),
    );
  }

  // ---- the stream's rules

  override _read(): void {
    if (!this.#readableFull) return;
    this.#readableFull = false;
    if (this.#pending === undefined) this.#transport.resume();
    else this.#laterTurn();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const write = (): void => this.#attempt(() => this.#connection.write(chunk), callback);
    if (this.#connection.writable) write();
    else this.#whenEstablished(write);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#whenEstablished(() => this.#attempt(() => this.#connection.closeWrite(), callback));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#pending = undefined;
    const bothSaidGoodbye = error === null && this.#connection.phase === 'closed';
    if (this.#connection.phase !== 'closed') this.#connection.abort();
    if (error instanceof TlsError && error.alert !== null && error.origin === 'local') this.#beginLinger();
    else if (bothSaidGoodbye) this.#closeTransport();
    else this.#dropTransport();
    callback(error);
  }

  #whenEstablished(act: () => void): void {
    if (this.#connection.phase === 'handshake') this.#waitingForHandshake = act;
    else act();
  }

  #attempt(act: () => void, callback: (error?: Error | null) => void): void {
    if (this.#connection.endedByPeer) {
      // RFC 5246 §7.2.1: pending writes are discarded, and nobody has done wrong.
      callback();
      return;
    }
    try {
      act();
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#transportFull || this.#connection.sealing || this.#connection.holding) this.#onRoom = callback;
    else callback();
  }

  #roomAgain(): void {
    if (this.#transportFull || this.#connection.sealing || this.#connection.holding) return;
    const callback = this.#onRoom;
    this.#onRoom = undefined;
    callback?.();
  }

  /** After both close_notify: what waits in the transport goes out, however long that takes, and the peer ends too. */
  #closeTransport(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    if (transport instanceof Socket) {
      transport.destroySoon();
      return;
    }
    // Another Duplex goes by itself once both its sides have ended.
    transport.end();
    transport.resume();
    transport.once('finish', () => this.#destroyTransportLater());
  }

  /** After `destroy` or an error: what waits goes out if it can soon. A peer that does not read keeps nothing alive. */
  #dropTransport(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    transport.end();
    if (transport.writableFinished) transport.destroy();
    else transport.once('finish', () => transport.destroy());
    this.#destroyTransportLater();
  }

  #destroyTransportLater(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    const timer = setTimeout(() => transport.destroy(), lingerMs);
    transport.once('close', () => clearTimeout(timer));
  }

  /** Our side ends, the peer's bytes are dropped for a while, then the transport goes. */
  #beginLinger(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    this.#lingering = lingerBytes;
    transport.end();
    transport.resume();
    transport.once('end', () => transport.destroy());
    this.#destroyTransportLater();
  }

  #linger(length: number): void {
    this.#lingering -= length;
    if (this.#lingering <= 0) this.#transport.destroy();
  }
}
