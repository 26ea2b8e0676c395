/**
 * `connect()`: a client over a new TCP connection, or over any Duplex.
 *
 * @module
 */

import { connect as connectTcp, type TcpNetConnectOpts } from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import { ownOf } from '../config.ts';
import { type ClientHandshakeOptions, clientMaking } from './client-side.ts';
import { type StreamSettings, TLSSocket } from './typed-socket.ts';

export type { EngineClientOptions } from './client-side.ts';

/** Options of `net.connect` that pass through. */
type TcpOptions = Partial<
  Omit<TcpNetConnectOpts, 'host' | 'port' | 'onread' | 'allowHalfOpen' | 'timeout' | 'signal' | 'highWaterMark'>
>;

export interface ConnectOptions extends ClientHandshakeOptions, StreamSettings, TcpOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A Unix socket's path, in place of host and port. */
  readonly path?: string | undefined;
  /** A stream to speak over, in place of a new connection. */
  readonly socket?: Duplex | undefined;
  /** Milliseconds without anything, after which `timeout` is emitted. */
  readonly timeout?: number | undefined;
  /** Reads into memory of yours. */
  readonly onread?: TcpNetConnectOpts['onread'];
  /** Destroys the socket when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

type Listener = () => void;

/**
 * Connects and verifies.
 *
 * @example
 * ```ts
 * const socket = connect({ host: 'example.com', port: 443 }, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
 * socket.pipe(process.stdout);
 * ```
 * @param listener called at `secureConnect`.
 * @returns at once; failures are `error` events, a `TlsError` each.
 */
export function connect(port: number, host?: string, options?: ConnectOptions, listener?: Listener): TLSSocket;
export function connect(port: number, options?: ConnectOptions, listener?: Listener): TLSSocket;
export function connect(path: string, options?: ConnectOptions, listener?: Listener): TLSSocket;
export function connect(options: ConnectOptions, listener?: Listener): TLSSocket;
export function connect(...given: readonly unknown[]): TLSSocket {
  const { options, listener } = normalized(given);
  const host = options.host ?? (options.path === undefined ? 'localhost' : undefined);
  const { port, path, localAddress } = options;
  const making = { ...clientMaking(options, { host, port, path, localAddress }), announces: true };
  const transport = options.socket ?? openTcp(options, host);
  const { allowHalfOpen = options.socket?.allowHalfOpen ?? false } = options;
  const socket = new TLSSocket(transport, making, { ...options, allowHalfOpen });
  if (options.timeout) socket.setTimeout(options.timeout);
  if (options.signal) addAbortSignal(options.signal, socket);
  if (options.onread) readInto(socket, options.onread);
  if (listener !== undefined) socket.once('secureConnect', listener);
  if ('connecting' in transport && transport.connecting === true) transport.once('connect', () => socket.begin());
  else process.nextTick(() => socket.begin());
  return socket;
}

/** As `net.connect` reads its arguments: a port or a path, a host, options, a listener. */
function normalized(given: readonly unknown[]): { options: ConnectOptions; listener: Listener | undefined } {
  const listener = given.findLast((one): one is Listener => typeof one === 'function');
  const [first, second] = given;
  const where =
    typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))
      ? { port: Number(first), ...(typeof second === 'string' && { host: second }) }
      : typeof first === 'string'
        ? { path: first }
        : {};
  const more = given.filter((one): one is object => typeof one === 'object' && one !== null);
  return { options: ownOf(Object.assign({}, ...more, where)), listener };
}

/** As `net.connect` has it: what is read goes into memory of the program's own, until its callback answers `false`. */
function readInto(socket: TLSSocket, { buffer, callback }: NonNullable<ConnectOptions['onread']>): void {
  socket.on('data', (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0; ) {
      const into = typeof buffer === 'function' ? buffer() : buffer;
      const length = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      if (callback(length, into) !== false) continue;
      socket.pause();
      if (rest.length > 0) socket.unshift(rest);
      return;
    }
  });
}

function openTcp(options: ConnectOptions, host: string | undefined): Duplex {
  const { timeout: _ours, signal: _alsoOurs, onread: _too, ...rest } = options;
  if (options.path !== undefined) return connectTcp({ ...rest, path: options.path });
  return connectTcp({
    noDelay: true,
    ...rest,
    host: host ?? 'localhost',
    port: options.port ?? 443,
  } as TcpNetConnectOpts);
}
