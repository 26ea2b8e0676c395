/**
 * The fetcher for Node, over `node:http`. It follows what strangers wrote into certificates, so it goes nowhere that the
 * public network does not: every address is checked when it is connected to, after the name was resolved for that very
 * connection, and again for each redirect. Size and time are limited, nothing is decompressed, and nothing of ours
 * (cookies, credentials, proxies' settings) goes along.
 *
 * @module
 */

import { lookup as systemLookup } from 'node:dns';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { type Bytes, concat } from '@handfast/crypto';
import { FetchError, type Fetcher, type FetchRequest, type HttpUrl, parseHttpUrl, reasonOf } from '../fetch.ts';
import { formatIp } from '../names/ip.ts';
import { quote } from '../text.ts';
import { specialPurpose } from './addresses.ts';

export interface HttpFetcherOptions {
  /**
   * Which addresses that are not public may be connected to: none unless set. For a private CA, whose CRLs are on the
   * inside, say which ones.
   */
  readonly allowPrivate?: true | ((address: string) => boolean);
  /** How many redirects a GET follows; 3 unless set. A POST follows none. */
  readonly maxRedirects?: number;
  /** Resolves names, in the form of `dns.lookup`, which it is unless set. What it answers is checked. */
  readonly lookup?: LookupFunction;
}

const defaultMaxRedirects = 3;

/**
 * A fetcher over `node:http`.
 *
 * It rejects with `FetchError`: `url` for what is not followed at all, `address` for an address that is not public, and
 * so on by what went wrong.
 *
 * @example
 * ```ts
 * const fetch = cachingFetcher(httpFetcher({ allowPrivate: (address) => address.startsWith('10.1.') }));
 * ```
 */
export function httpFetcher(options: HttpFetcherOptions = {}): Fetcher {
  const { allowPrivate, maxRedirects = defaultMaxRedirects, lookup = systemLookup as LookupFunction } = options;
  if (!Number.isInteger(maxRedirects) || maxRedirects < 0) throw new RangeError('maxRedirects is no count');
  const refusal = (address: string): FetchError | undefined => {
    const purpose = specialPurpose(address);
    if (purpose === undefined || allowPrivate === true || allowPrivate?.(address) === true) return undefined;
    return new FetchError('address', `the address ${address} is not public (${purpose}), and is not connected to`);
  };
  const connection: Connection = { refusal, lookup: checkedLookup(lookup, refusal) };
  return async (request) => await withinTime(request, (signal) => follow(request, connection, maxRedirects, signal));
}

/** How a connection is made: which addresses it refuses, and how it resolves. */
interface Connection {
  readonly refusal: (address: string) => FetchError | undefined;
  readonly lookup: LookupFunction;
}

/** Runs until the request's time is up, or its signal says so. */
async function withinTime(request: FetchRequest, run: (signal: AbortSignal) => Promise<Bytes>): Promise<Bytes> {
  const controller = new AbortController();
  const { signal, timeoutMs, url } = request;
  const abort = (): void =>
    controller.abort(new FetchError('aborted', 'the fetch was aborted', { cause: signal?.reason }));
  const timer = setTimeout(
    () => controller.abort(new FetchError('timeout', `${quote(url)} did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  signal?.addEventListener('abort', abort);
  try {
    if (signal?.aborted === true) abort();
    return await run(controller.signal);
  } catch (error) {
    // Whatever broke because of the abort, the reason is the abort's.
    throw controller.signal.aborted ? controller.signal.reason : asFetchError(error, url);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function asFetchError(error: unknown, url: string): FetchError {
  if (error instanceof FetchError) return error;
  return new FetchError('connection', `${quote(url)} cannot be fetched: ${reasonOf(error)}`, { cause: error });
}

async function follow(
  request: FetchRequest,
  connection: Connection,
  maxRedirects: number,
  signal: AbortSignal,
): Promise<Bytes> {
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    const response = await respond(parseHttpUrl(url), request, connection, signal);
    try {
      const target = redirectOf(response, url, request);
      if (target === undefined) return await bodyOf(response, url, request.maxBytes);
      if (redirects === maxRedirects) {
        throw new FetchError('redirects', `${quote(request.url)} redirects more than ${maxRedirects} times`);
      }
      url = target;
    } finally {
      response.destroy();
    }
  }
}

/** The head of the response. */
async function respond(
  { host, address, port, path }: HttpUrl,
  request: FetchRequest,
  { refusal, lookup }: Connection,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  // A literal is connected to without being looked up.
  const refused = address === undefined ? undefined : refusal(formatIp(address));
  if (refused !== undefined) throw refused;
  const { method, body, contentType, accept } = request;
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest({
      agent: new Agent({ keepAlive: false }),
      host,
      port,
      path,
      method,
      lookup,
      signal,
      maxHeaderSize: 16 * 1024,
      headers: {
        'accept-encoding': 'identity',
        connection: 'close',
        ...(accept === undefined ? {} : { accept }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
      },
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Where the response points to, or `undefined` for one with the content. */
function redirectOf(
  { statusCode, headers }: IncomingMessage,
  url: string,
  { method }: FetchRequest,
): string | undefined {
  if (statusCode === 200) return undefined;
  const { location } = headers;
  if (location === undefined || method !== 'GET' || ![301, 302, 303, 307, 308].includes(statusCode ?? 0)) {
    throw new FetchError('status', `${quote(url)} answers with status ${statusCode}`);
  }
  try {
    return new URL(location, url).href;
  } catch {
    throw new FetchError('url', `${quote(url)} redirects to ${quote(location)}, which is no URL`);
  }
}

async function bodyOf(response: IncomingMessage, url: string, maxBytes: number): Promise<Bytes> {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new FetchError('connection', `${quote(url)} answers in the encoding ${quote(encoding)}, unasked`);
  }
  const tooLarge = (): FetchError =>
    new FetchError('too_large', `${quote(url)} answers with more than the ${maxBytes} bytes that are taken`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    if (!(part instanceof Uint8Array)) throw new TypeError('a response that is not bytes');
    length += part.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  if (!response.complete) throw new FetchError('connection', `${quote(url)} ended before its answer did`);
  return concat(...parts);
}

/**
 * Resolves, and leaves out what may not be connected to. Sockets connect to what this answers and resolve nothing else:
 * a name whose address changes between two look-ups gains nothing.
 */
function checkedLookup(lookup: LookupFunction, refusal: Connection['refusal']): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, answer, family) => {
      const found = typeof answer === 'string' ? [{ address: answer, family: family ?? 0 }] : (answer ?? []);
      const allowed = found.filter(({ address }) => refusal(address) === undefined);
      const [first] = allowed;
      if (error !== null || first === undefined) {
        const refused = found[0] === undefined ? undefined : refusal(found[0].address);
        callback(error ?? refused ?? new Error(`no address of ${quote(host)} was found`), '', 0);
      } else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
