/**
 * http-01 (RFC 8555 §8.3; RFC 8738 §3 for addresses): a file of the client's choosing at a path of ours, over HTTP on port 80, or
 * wherever redirects lead, within the policy of `targets.ts`. Certificates are not looked at on the way: they are what is being
 * asked for.
 *
 * Requests are made without an agent, so that no proxy of the environment has a say, and without anything of ours but their path.
 *
 * @module
 */

import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { utf8 } from '@handfast/crypto';
import { NodeTlsError, type TLSSocket, connect as tlsConnect } from '@handfast/tls/node';
import { parseIp } from '@handfast/x509';
import { type Challenge, ValidationFailure, type ValidationRequest } from './challenge.ts';
import { type TargetPolicy, targetsOf } from './targets.ts';
import { firstAnswer, type TimeLeft, withinTime } from './within-time.ts';

export interface Http01Options {
  readonly targets?: TargetPolicy;
  /** Another port to begin at; with `targets.dev` alone. */
  readonly port?: number;
  /** From the first look-up to the last byte: 10 seconds unless set. */
  readonly timeoutMs?: number;
  /** Bytes of an answer: 64 KiB unless set. */
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
}

/** Fixed sentences for the client. */
const details = {
  connection: 'the validation target could not be connected to, or broke off',
  tls: 'the validation target redirects to https, and fails in TLS',
  redirects: 'the validation target redirects too often, or to nowhere',
  status: 'the validation target did not answer with status 200',
  size: 'the answer of the validation target is too large',
  body: 'the file of the challenge does not hold the key authorization',
} as const;

export function http01(options: Http01Options = {}): Challenge {
  const { targets = {}, port = 80, timeoutMs = 10_000, maxBytes = 64 * 1024, maxRedirects = 10 } = options;
  if (port !== 80 && targets.dev !== true) throw new RangeError('another port than 80 is for developers alone');
  return {
    type: 'http-01',
    // One server cannot speak for all names under a wildcard (RFC 8555 §7.1.3).
    offers: ({ wildcard }) => !wildcard,
    async validate(request) {
      await withinTime(timeoutMs, request.signal, async (signal, time) => {
        const body = await follow(request, { targets, port, maxBytes, maxRedirects, time }, signal);
        // White space at the end is nobody's fault (RFC 8555 §8.3).
        if (body.trimEnd() !== request.keyAuthorization) throw new ValidationFailure('unauthorized', details.body);
      });
    },
  };
}

interface Settings extends Required<Pick<Http01Options, 'targets' | 'port' | 'maxBytes' | 'maxRedirects'>> {
  readonly time: TimeLeft;
}

async function follow(
  { identifier, token }: ValidationRequest,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const { value } = identifier;
  const host = value.includes(':') ? `[${value}]` : value;
  let url = new URL(`http://${host}:${settings.port}/.well-known/acme-challenge/${token}`);
  for (let redirects = 0; ; redirects++) {
    const response = await respond(url, settings, signal);
    try {
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return await bodyOf(response, settings.maxBytes);
      if (![301, 302, 303, 307, 308].includes(statusCode)) {
        throw new ValidationFailure('unauthorized', details.status, `status ${statusCode}`);
      }
      if (redirects === settings.maxRedirects) throw new ValidationFailure('connection', details.redirects);
      url = redirectTarget(headers.location, url);
    } finally {
      response.destroy();
    }
  }
}

function redirectTarget(location: string | undefined, from: URL): URL {
  const target = location === undefined ? null : URL.parse(location, from.href);
  const plain = target?.username === '' && target.password === '' && ['http:', 'https:'].includes(target.protocol);
  if (target === null || !plain)
    throw new ValidationFailure('connection', details.redirects, 'a redirect to what is not followed');
  return target;
}

/** The head of the answer, from the first address that gives one. */
async function respond(url: URL, { targets, time }: Settings, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const serverName = parseIp(host) === undefined ? host : undefined;
  const addresses = await targetsOf(targets, host, port, signal);
  const answer = firstAnswer(addresses, time, signal, (address, bounded) =>
    ask(url, { address, port, serverName, secure }, signal, bounded),
  );
  return await answer.catch((cause: unknown) => {
    const failures: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
    throw failures.some((failure) => failure instanceof NodeTlsError)
      ? new ValidationFailure('tls', details.tls, 'TLS fails', { cause })
      : new ValidationFailure('connection', details.connection, 'no address answers', { cause });
  });
}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly serverName: string | undefined;
  readonly secure: boolean;
}

/** @param bounded until the head is there */
function ask(
  url: URL,
  { address, port, serverName, secure }: Target,
  signal: AbortSignal,
  bounded: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions = {
    host: address,
    port,
    path: `${url.pathname}${url.search}`,
    method: 'GET',
    signal,
    maxHeaderSize: 16 * 1024,
    headers: {
      host: url.host,
      accept: '*/*',
      'accept-encoding': 'identity',
      connection: 'close',
      'user-agent': 'handfast-ca',
    },
    // Node takes one of the two alone.
    ...(secure ? { createConnection: () => openTls(address, port, serverName) } : { agent: false }),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(options);
    const late = (): void => void sent.destroy(bounded.reason);
    bounded.addEventListener('abort', late);
    sent.on('response', (response) => {
      bounded.removeEventListener('abort', late);
      resolve(response);
    });
    // A server that changes the protocol is none that answers.
    sent.on('upgrade', (_, socket) => {
      socket.destroy();
      reject(new Error('the target answers with another protocol'));
    });
    sent.on('error', reject);
    sent.end();
  });
}

function openTls(host: string, port: number, serverName: string | undefined): TLSSocket {
  return tlsConnect({
    host,
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(serverName !== undefined && { servername: serverName }),
  });
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of response) {
      const bytes = part instanceof Uint8Array ? part : utf8(String(part));
      length += bytes.length;
      if (length > maxBytes) throw new ValidationFailure('unauthorized', details.size);
      parts.push(Buffer.from(bytes));
    }
  } catch (error) {
    if (error instanceof ValidationFailure) throw error;
    throw new ValidationFailure('connection', details.connection, 'the answer broke off', { cause: error });
  }
  if (!response.complete) throw new ValidationFailure('connection', details.connection, 'the answer broke off');
  return Buffer.concat(parts).toString('utf8');
}
