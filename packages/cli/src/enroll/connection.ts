/**
 * A request to the CA: a connection of its own by our TLS, HTTP/1.1 on it, and an answer that is bounded.
 *
 * @module
 */

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { quote } from '@handfast/tls';
import { connect, type TLSSocket, type ConnectOptions as TlsOptions } from '@handfast/tls/node';
import { escapeText } from '@handfast/x509';
import { dial } from '../dial.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import { formatHostPort, type HostPort } from '../options.ts';

/** Where the CA is reached. */
export interface CaUrl extends HostPort {
  /** `https://ca.corp.example:8555` */
  readonly origin: string;
}

export interface CaRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface CaAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Milliseconds after which to ask again, where the CA says so. */
  readonly retryAfterMs: number | undefined;
}

/** Whom to trust, and who we are. */
export type CaTls = Pick<TlsOptions, 'ca' | 'credentials' | 'verifyPeer'>;

const timeoutMs = 30_000;

/** More than any answer has. */
const maxAnswer = 1 << 20;

/** `https://HOST:PORT`, as `handfast ca token` prints it. */
export function parseCaUrl(what: string, text: string): CaUrl {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:' || url.hostname === '') {
    throw usageError(
      `${what} ${quote(text)} is no URL of a CA`,
      'write https://HOST:PORT, as handfast ca token prints it',
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw usageError(`${what} ${quote(text)} has more than host and port`, `write ${url.protocol}//${url.host}`);
  }
  const port = url.port === '' ? 443 : Number(url.port);
  return { origin: url.origin, host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

/** Opens a connection, has `use` speak on it, and closes it. Nothing is sent before the handshake is done. */
export async function withConnection<T>(
  { host, port }: CaUrl,
  tls: CaTls,
  interrupted: AbortSignal,
  use: (socket: TLSSocket, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(timeoutMs)]);
  try {
    const transport = await dial({ target: { host, port }, signal });
    // A certificate that cannot be used leaves no open transport behind.
    transport.on('error', () => undefined);
    try {
      const socket = connect({ ...tls, host, socket: transport, ALPNProtocols: ['http/1.1'] });
      try {
        await once(socket, 'secureConnect', { signal });
        return await use(socket, signal);
      } finally {
        socket.on('error', () => undefined);
        socket.destroy();
      }
    } finally {
      transport.destroy();
    }
  } catch (error) {
    if (interrupted.aborted) throw new CliError(exitCodes.interrupted, 'interrupted');
    if (!signal.aborted) throw error;
    throw new CliError(
      exitCodes.cannotConnect,
      `no answer from the CA at ${formatHostPort({ host, port })} within ${timeoutMs / 1000} s`,
    );
  }
}

/** Asks on a connection that is then done with. */
export async function ask(
  socket: TLSSocket,
  { method, path, headers = {}, body }: CaRequest,
  { host, port }: CaUrl,
  signal: AbortSignal,
): Promise<CaAnswer> {
  const outgoing = httpRequest({
    ...{ method, path, signal },
    headers: { host: formatHostPort({ host, port }), connection: 'close', ...headers },
    createConnection: () => socket,
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length > maxAnswer) throw new CliError(exitCodes.failed, 'the CA answers with more than a certificate');
  }
  const retryAfter = response.headers['retry-after'] ?? '';
  return {
    status: response.statusCode ?? 0,
    type: response.headers['content-type'] ?? '',
    body: text,
    retryAfterMs: /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined,
  };
}

/** A refusal of the CA's, as its problem document says it. */
export class CaRefusal extends CliError {
  readonly code: string;
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, code: string, { status, retryAfterMs }: CaAnswer, hint: string | undefined) {
    super(exitCodes.failed, message, hint === undefined ? {} : { hint });
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const newToken = 'handfast ca token makes a token at the CA; handfast enroll takes it here';

const hints: ReadonlyMap<string, string> = new Map([
  ['token_used', newToken],
  ['token_expired', newToken],
  ['token_revoked', newToken],
  ['token_unknown', 'is it whole, and of this CA? It begins with hfe_'],
  ['certificate_expired', newToken],
  ['certificate_revoked', newToken],
  ['certificate_unknown', newToken],
  ['not_renewable', 'what ACME has issued the ACME client renews'],
]);

/** The fields of an answer. @throws CaRefusal */
export function fieldsOf(answer: CaAnswer): ReadonlyMap<string, unknown> {
  const fields = jsonFields(answer.body);
  if (answer.status >= 200 && answer.status < 300) return fields;
  const [code, detail] = [fields.get('code'), fields.get('detail')];
  const known = typeof code === 'string' ? code : 'unknown';
  const words = typeof detail === 'string' ? escapeText(detail) : `HTTP status ${answer.status}`;
  throw new CaRefusal(`the CA refuses: ${words}`, known, answer, hints.get(known));
}

function jsonFields(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return new Map(Object.entries(value));
  } catch {
    // A page of some proxy's, say.
  }
  return new Map();
}
