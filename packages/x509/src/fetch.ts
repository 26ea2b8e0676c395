/**
 * How this package asks for what certificates point to (issuers, CRLs, OCSP answers): through a function of the caller's,
 * and never without one. Here are its type, the URLs that are followed at all, and a wrapper that asks once.
 *
 * Only `http` is followed, as RFC 5280 §8 advises: a fetch over TLS would need the verdict that it is to help with. What
 * is fetched is signed, so nothing is lost. The fetcher for Node, which also keeps away from private addresses, is in
 * `@handfast/x509/node`.
 *
 * @module
 */

import { type Bytes, toHex } from '@handfast/crypto';
import { isDnsName } from './names/dns.ts';
import { formatIp, parseIp } from './names/ip.ts';
import { asciiLowerCase, escapeText, quote } from './text.ts';

/** What of an `AbortSignal` is used: every runtime has one, and this package is compiled without any runtime's types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface FetchRequest {
  /** An `http` URL of a certificate's, as it stands there. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Of a POST. */
  readonly body?: Bytes | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** A longer answer is to be refused, before it is in memory. */
  readonly maxBytes: number;
  /** From the call to the last byte. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignalLike | undefined;
}

/** Answers the content of a successful response (status 200), or rejects. */
export type Fetcher = (request: FetchRequest) => Promise<Bytes>;

/** Why nothing was fetched. */
export type FetchErrorCode =
  | 'url'
  | 'address'
  | 'connection'
  | 'status'
  | 'redirects'
  | 'too_large'
  | 'timeout'
  | 'aborted';

/** Something could not be fetched. Strings of a certificate's or a server's in `message` are escaped and cut. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The parts of an `http` URL. */
export interface HttpUrl {
  /** A DNS name in lower case, or an IP address without brackets. */
  readonly host: string;
  /** 4 or 16 octets, where the host is an address. */
  readonly address: Bytes | undefined;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

/** Longer ones are no URLs of CAs: browsers' own limit is about this. */
const maxUrlLength = 2048;

/**
 * The parts of a URL that may be followed. Stricter than browsers: `http`, no user information, no fragment, printable
 * ASCII, and hosts that no resolver takes for an address in disguise (`0x7f.1`, `2130706433`).
 *
 * @throws FetchError `url`
 */
export function parseHttpUrl(url: string): HttpUrl {
  if (url.length > maxUrlLength)
    throw refused(url, `it has ${url.length} characters, over the limit of ${maxUrlLength}`);
  if (!/^[\x21-\x7e]+$/.test(url) || /["<>\\^`{|}]/.test(url)) throw refused(url, 'it has characters that no URL has');
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0];
  if (scheme === undefined || asciiLowerCase(scheme) !== 'http:') {
    throw refused(url, /^https:/i.test(url) ? 'https would need certificates itself' : 'only http is followed');
  }
  const [, authority = '', rest = ''] = /^http:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (authority.includes('@')) throw refused(url, 'it has a user name');
  if (rest.includes('#')) throw refused(url, 'it has a fragment');
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const portNumber = port === undefined ? 80 : Number(port);
  if (portNumber < 1 || portNumber > 65_535) throw refused(url, 'its port is none');
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return { ...parseHost(url, host), port: portNumber, path };
}

function parseHost(url: string, host: string): { readonly host: string; readonly address: Bytes | undefined } {
  const bracketed = host.startsWith('[');
  const address = parseIp(bracketed ? host.slice(1, -1) : host);
  if (address !== undefined && bracketed === (address.length === 16)) return { host: formatIp(address), address };
  const name = asciiLowerCase(host);
  if (bracketed || !isDnsName(name)) throw refused(url, 'its host is none');
  return { host: name, address: undefined };
}

function refused(url: string, why: string): FetchError {
  return new FetchError('url', `the URL ${quote(url)} is not followed: ${why}`);
}

export interface CachingFetcherOptions {
  /** For how long a failure is remembered; a minute unless set. */
  readonly failureMs?: number;
  /** How many failures are remembered; 256 unless set. The oldest go first. */
  readonly maxFailures?: number;
  /** The clock: milliseconds, of any epoch. */
  readonly now?: () => number;
}

const defaultFailureMs = 60_000;
const defaultMaxFailures = 256;

/**
 * A fetcher that has the same thing fetched once at a time, whoever asks, and that does not ask a server again which has
 * just failed. Answers are not kept: how long they are good for is for those who read them.
 *
 * A caller's signal ends that caller's waiting; the fetch goes on for the others, until its own time is up.
 *
 * @example
 * ```ts
 * const fetcher = cachingFetcher(httpFetcher());
 * ```
 */
export function cachingFetcher(fetcher: Fetcher, options: CachingFetcherOptions = {}): Fetcher {
  const { failureMs = defaultFailureMs, maxFailures = defaultMaxFailures, now = Date.now } = options;
  const inFlight = new Map<string, Promise<Bytes>>();
  const failures = new Map<string, { readonly error: unknown; readonly until: number }>();

  const remember = (key: string, error: unknown): void => {
    failures.delete(key);
    failures.set(key, { error, until: now() + failureMs });
    const [oldest] = failures.keys();
    if (failures.size > maxFailures && oldest !== undefined) failures.delete(oldest);
  };

  const start = (key: string, request: FetchRequest): Promise<Bytes> => {
    const pending = called(fetcher, { ...request, signal: undefined });
    inFlight.set(key, pending);
    pending.then(
      () => inFlight.delete(key),
      (error: unknown) => {
        inFlight.delete(key);
        remember(key, error);
      },
    );
    return pending;
  };

  return async (request) => {
    const key = keyOf(request);
    const failure = failures.get(key);
    if (failure !== undefined && failure.until > now()) throw failure.error;
    failures.delete(key);
    return await unlessAborted(inFlight.get(key) ?? start(key, request), request.signal);
  };
}

/** A fetcher that throws at once rejects, like any other. */
async function called(fetcher: Fetcher, request: FetchRequest): Promise<Bytes> {
  return await fetcher(request);
}

/** What makes two requests the same: also their limits, as one's failure by its limits is not the other's. */
function keyOf({ url, method, body, maxBytes, timeoutMs }: FetchRequest): string {
  return [method, maxBytes, timeoutMs, url, body === undefined ? '' : toHex(body)].join(' ');
}

async function unlessAborted<T>(pending: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (signal === undefined) return await pending;
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortedError(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function abortedError(signal: AbortSignalLike): FetchError {
  return new FetchError('aborted', 'the fetch was aborted', { cause: signal.reason });
}

/** Why a fetch failed, for messages: of whatever a caller's fetcher threw. */
export function reasonOf(error: unknown): string {
  return escapeText(error instanceof Error ? error.message : String(error));
}
