/**
 * `TLSSocket` with the types that Node's declarations (`@types/node`) give it, so that what takes Node's takes ours: events by
 * name, Buffers that are nobody else's, options that may be there and undefined. The class is that of `socket.ts`.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import type { TLSSocketOptions } from './declarations.ts';
import type { AnyListener, OwnBuffer, SocketEvents } from './events.ts';
import { chooseKeyCert } from './key-cert.ts';
import type { AnyContext, ContextOptions } from './secure-context.ts';
import { type OwnSocketOptions, TLSSocket as Socket } from './socket.ts';
import type { SocketMaking, TLSSocketOptions as StreamOptions } from './stream.ts';

/** The options of a stream; what is there and undefined is absent. */
export type StreamSettings = { readonly [K in keyof StreamOptions]: StreamOptions[K] | undefined };

/** A verified, encrypted stream, whose events `SocketEvents` lists. */
export interface TLSSocket extends Socket {
  /**
   * Why the peer's certificate was not verified, where the connection was accepted all the same: a code. Node's declarations call
   * it an Error, and where there is nothing it is null.
   */
  authorizationError: string & Error;
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): OwnBuffer;
  getFinished(): OwnBuffer | undefined;
  getPeerFinished(): OwnBuffer | undefined;
  getSession(): OwnBuffer | undefined;
  getTLSTicket(): OwnBuffer | undefined;
  /** A server's, before its certificate is sent: another context, for this connection. In `ALPNCallback`, `this` is the socket. */
  setKeyCert(context: ContextOptions | AnyContext): void;

  addListener<E extends keyof SocketEvents>(event: E, listener: (...news: SocketEvents[E]) => void): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  emit<E extends keyof SocketEvents>(event: E, ...news: SocketEvents[E]): boolean;
  emit(event: string | symbol, ...news: unknown[]): boolean;
  on<E extends keyof SocketEvents>(event: E, listener: (...news: SocketEvents[E]) => void): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<E extends keyof SocketEvents>(event: E, listener: (...news: SocketEvents[E]) => void): this;
  once(event: string | symbol, listener: AnyListener): this;
  prependListener<E extends keyof SocketEvents>(event: E, listener: (...news: SocketEvents[E]) => void): this;
  prependListener(event: string | symbol, listener: AnyListener): this;
  prependOnceListener<E extends keyof SocketEvents>(event: E, listener: (...news: SocketEvents[E]) => void): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

export interface TLSSocketConstructor extends Omit<typeof Socket, 'prototype'> {
  /** For `connect()` and `createServer()`. `begin()` is theirs to call. */
  new (transport: Duplex, making: SocketMaking, settings: StreamSettings): TLSSocket;
  /**
   * TLS over a stream of yours: a client's side, or with `isServer` a server's. See those two for the ordinary ways.
   */
  new (transport: Duplex, options?: TLSSocketOptions | OwnSocketOptions): TLSSocket;
  readonly prototype: TLSSocket;
}

Object.defineProperty(Socket.prototype, 'setKeyCert', {
  value: function setKeyCert(this: Socket, context: ContextOptions | AnyContext): void {
    if (!this.destroyed) chooseKeyCert(this, context);
  },
  writable: true,
  configurable: true,
});

/** A verified, encrypted stream. */
export const TLSSocket: TLSSocketConstructor = Socket as unknown as TLSSocketConstructor;
