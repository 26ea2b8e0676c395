/**
 * A TCP connection to a host, straight or through a proxy (HTTP CONNECT, RFC 9110 §9.3.6; SOCKS 5, RFC 1928 and 1929).
 *
 * @module
 */

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { quote } from '@handfast/tls';
import { parseIp } from '@handfast/x509';
import { CliError, exitCodes, usageError } from './exit.ts';
import { formatHostPort, type HostPort } from './options.ts';
import { Wire } from './wire.ts';

export interface DialOptions {
  readonly target: HostPort;
  readonly family?: 4 | 6 | undefined;
  readonly proxy?: Proxy | undefined;
  /** Its reason is thrown where it is aborted. */
  readonly signal: AbortSignal;
}

export interface Proxy extends HostPort {
  readonly kind: 'http' | 'socks5' | 'socks5h';
  readonly user: string;
  readonly password: string;
}

const proxyKinds: ReadonlyMap<string, { readonly kind: Proxy['kind']; readonly defaultPort: number }> = new Map([
  ['http:', { kind: 'http', defaultPort: 3128 }],
  ['socks5:', { kind: 'socks5', defaultPort: 1080 }],
  ['socks5h:', { kind: 'socks5h', defaultPort: 1080 }],
]);

/** `http://user:password@host:3128`, `socks5://…` (names are resolved here), `socks5h://…` (names are resolved there). */
export function parseProxy(text: string): Proxy {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const row = url && proxyKinds.get(url.protocol);
  if (url === undefined || row === undefined || url.hostname === '') {
    throw usageError(
      'this is no proxy that we can use',
      'write http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT',
    );
  }
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw usageError('a proxy has no path', `write ${url.protocol}//${url.host}`);
  }
  try {
    return {
      kind: row.kind,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      // URL drops http's default port.
      port:
        url.port !== '' ? Number(url.port) : url.protocol === 'http:' && /:80\/?$/.test(text) ? 80 : row.defaultPort,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    };
  } catch {
    throw usageError('the user or password of the proxy is not percent-encoded as in a URL');
  }
}

/** Connects. Failures are `CliError`s of code `cannotConnect`. */
export async function dial({ target, family, proxy, signal }: DialOptions): Promise<Socket> {
  if (proxy === undefined) return dialTcp(target, family, signal);
  const socket = await dialTcp(proxy, family, signal, 'the proxy ');
  try {
    const wire = new Wire(socket, `the proxy ${formatHostPort(proxy)}`, signal);
    if (proxy.kind === 'http') await connectHttp(wire, proxy, target);
    else await connectSocks(wire, proxy, target, family);
    wire.release();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function dialTcp(
  { host, port }: HostPort,
  family: 4 | 6 | undefined,
  signal: AbortSignal,
  what = '',
): Promise<Socket> {
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    ...(family === undefined ? {} : { family }),
  });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw cannotConnect(`${what}${formatHostPort({ host, port })}`, host, error);
  }
}

const hints: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens on that port, or a firewall says so'],
  [
    'ENOTFOUND',
    'the name does not exist, or the resolver does not know it: look at its spelling and at /etc/resolv.conf',
  ],
  ['EAI_AGAIN', 'the resolver does not answer: is this machine on the network?'],
  ['ETIMEDOUT', 'nobody answers: a firewall drops packets, or the machine is off'],
  ['EHOSTUNREACH', 'there is no route to that host'],
  ['ENETUNREACH', 'there is no route to that network: with IPv6, try -4'],
  ['ECONNRESET', 'the other side, or something in between, refused after accepting'],
  ['EADDRNOTAVAIL', 'this machine has no address of that family'],
]);

interface SystemFailure {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly message: string;
}

function cannotConnect(where: string, host: string, error: unknown): CliError {
  // With several addresses there is one failure for each.
  // Node's errors of a system call say more than their type does.
  const failures: readonly SystemFailure[] = error instanceof AggregateError ? error.errors : [Object(error)];
  const reasons = failures.map(({ code, address, port, message }) => {
    if (code === 'ENOTFOUND') return `the name ${quote(host)} does not resolve (ENOTFOUND)`;
    if (code === undefined || address === undefined) return message;
    return `${code} by ${formatHostPort({ host: address, port: port ?? 0 })}`;
  });
  const hint = hints.get(failures[0]?.code ?? '');
  return new CliError(exitCodes.cannotConnect, `cannot connect to ${where}: ${reasons.join('; ')}`, {
    cause: failures[0],
    ...(hint === undefined ? {} : { hint }),
  });
}

// ---- HTTP

const maxProxyAnswer = 16 * 1024;

async function connectHttp(wire: Wire, proxy: Proxy, target: HostPort): Promise<void> {
  const authority = formatHostPort(target);
  const credentials = Buffer.from(`${proxy.user}:${proxy.password}`).toString('base64');
  const authorization = proxy.user === '' ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`;
  wire.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  const head = await wire.through('\r\n\r\n', maxProxyAnswer);
  const [status = ''] = head.split('\r\n', 1);
  const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(status) ?? [];
  if (code === undefined)
    throw wire.fail(`the proxy ${formatHostPort(proxy)} does not answer as HTTP does: ${quote(status)}`);
  if (code.startsWith('2')) return;
  const hint = code === '407' ? 'the proxy wants another user and password: http://USER:PASSWORD@HOST:PORT' : undefined;
  throw wire.fail(`the proxy ${formatHostPort(proxy)} refused to connect to ${authority}: ${quote(status)}`, hint);
}

// ---- SOCKS 5

const socksReplies: readonly string[] = [
  'succeeded',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
];

async function connectSocks(wire: Wire, proxy: Proxy, target: HostPort, family: 4 | 6 | undefined): Promise<void> {
  const where = `the proxy ${formatHostPort(proxy)}`;
  const methods = proxy.user === '' ? [0] : [0, 2];
  wire.write(Uint8Array.of(5, methods.length, ...methods));
  const [version, method] = await wire.bytes(2);
  if (version !== 5) throw wire.fail(`${where} does not speak SOCKS 5`);
  if (method === 2 && proxy.user !== '') await authenticateSocks(wire, proxy, where);
  else if (method !== 0) {
    throw wire.fail(
      `${where} takes none of our ways to authenticate`,
      'it may want a user and password: socks5://USER:PASSWORD@HOST:PORT',
    );
  }

  wire.write(
    Uint8Array.of(5, 1, 0, ...(await socksAddress(wire, proxy, target, family)), target.port >> 8, target.port & 0xff),
  );
  const [replyVersion, reply = 1, , addressType] = await wire.bytes(4);
  if (replyVersion !== 5) throw wire.fail(`${where} does not answer as SOCKS 5 does`);
  if (reply !== 0) {
    throw wire.fail(
      `${where} refused to connect to ${formatHostPort(target)}: ${socksReplies[reply] ?? `reply ${reply}`}`,
    );
  }
  const length =
    addressType === 1 ? 4 : addressType === 4 ? 16 : addressType === 3 ? (await wire.bytes(1))[0] : undefined;
  if (length === undefined) throw wire.fail(`${where} answers with an address of a type that does not exist`);
  await wire.bytes(length + 2);
}

/** RFC 1929. */
async function authenticateSocks(wire: Wire, proxy: Proxy, where: string): Promise<void> {
  const user = Buffer.from(proxy.user);
  const password = Buffer.from(proxy.password);
  if (user.length > 255 || password.length > 255)
    throw usageError('SOCKS 5 takes at most 255 bytes of user and of password');
  wire.write(Uint8Array.of(1, user.length, ...user, password.length, ...password));
  const [, status] = await wire.bytes(2);
  if (status !== 0) throw wire.fail(`${where} refused the user and password`);
}

async function socksAddress(
  wire: Wire,
  proxy: Proxy,
  { host }: HostPort,
  family: 4 | 6 | undefined,
): Promise<readonly number[]> {
  let address = parseIp(host);
  if (address === undefined && proxy.kind === 'socks5') {
    try {
      address = parseIp((await lookup(host, family === undefined ? {} : { family })).address);
    } catch (error) {
      throw cannotConnect(host, host, error);
    }
  }
  if (address !== undefined) return [address.length === 4 ? 1 : 4, ...address];
  const name = Buffer.from(host);
  if (name.length > 255) throw wire.fail(`the name ${quote(host)} is too long for SOCKS 5`);
  return [3, name.length, ...name];
}

/** Whether text is an address rather than a name. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
