/**
 * Events by name, with what their listeners are given: those of `node:net`, of `node:tls` as its declarations have them, and ours
 * beside.
 *
 * @module
 */

import type { EventEmitter } from 'node:events';
import type { DropArgument, Socket } from 'node:net';
import type { TLSSocket } from './typed-socket.ts';

/** Of any event that has no row below. */
export type AnyListener = Parameters<EventEmitter['on']>[1];

/** Bytes that are nobody else's. */
export type OwnBuffer = Buffer<ArrayBuffer>;

export interface SocketEvents {
  /** Whether there was an error. */
  close: [hadError: boolean];
  connect: [];
  connectionAttempt: [ip: string, port: number, family: number];
  connectionAttemptFailed: [ip: string, port: number, family: number, error: Error];
  connectionAttemptTimeout: [ip: string, port: number, family: number];
  data: [data: OwnBuffer];
  drain: [];
  end: [];
  error: [error: Error];
  finish: [];
  /** The error is null where a name was found. */
  lookup: [error: Error, address: string, family: number | string, host: string];
  ready: [];
  timeout: [];
  /** A line as SSLKEYLOGFILE has it, with its line break. */
  keylog: [line: OwnBuffer];
  /** With the option `requestOCSP`; null where the server stapled nothing, which Node's declarations pass over. */
  OCSPResponse: [response: OwnBuffer];
  /** As `secureConnect`, on both sides, and behind it. */
  secure: [];
  secureConnect: [];
  /** For the option `session` of another connection. */
  session: [session: OwnBuffer];
  /** A client's hello offers early data: so many bytes may be written by `writeEarlyData`. */
  earlyDataReady: [limit: number];
}

export interface ServerEvents {
  close: [];
  connection: [socket: Socket];
  drop: [data?: DropArgument];
  error: [error: Error];
  listening: [];
  keylog: [line: OwnBuffer, socket: TLSSocket];
  /** A session of TLS 1.2 to keep. */
  newSession: [sessionId: OwnBuffer, sessionData: OwnBuffer, callback: () => void];
  /** The issuer is null where the chain does not have it, which Node's declarations pass over. */
  OCSPRequest: [
    certificate: OwnBuffer,
    issuer: OwnBuffer,
    callback: (error: Error | null, response: Buffer | null) => void,
  ];
  /** A session of TLS 1.2 that was kept, for a client that comes back. */
  resumeSession: [sessionId: OwnBuffer, callback: (error: Error | null, sessionData: Buffer | null) => void];
  secureConnection: [socket: TLSSocket];
  /** A handshake failed. */
  tlsClientError: [error: Error, socket: TLSSocket];
  /** Early data have come, and can be read. */
  earlyConnection: [socket: TLSSocket];
}
