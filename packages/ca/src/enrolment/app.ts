/**
 * Enrolment over HTTPS, where no challenge can be answered: a token gets a certificate, and a certificate gets its successor.
 * `fetch` takes a request and answers it; whoever calls it listens, and says which certificate the connection was made with.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import { type Certificate, parseCertificate, toPem } from '@handfast/x509';
import type { Issued } from '../authority.ts';
import { BrokenOff, readBody } from '../body.ts';
import { CaError } from '../errors.ts';
import type { OpenAuthority } from '../open.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/schema.ts';
import { isUnavailable, unavailableHeaders } from '../unavailable.ts';
import { defaultGuessLimits, Guesses, type GuessLimits } from './guesses.ts';
import { type EnrolmentCode, EnrolmentProblem } from './problems.ts';
import { redeem } from './redeem.ts';
import { renew, renewalAdvice } from './renew.ts';
import { enrolmentSchema } from './schema.ts';
import type { EnrolmentService } from './service.ts';
import { forgetTokens } from './tokens.ts';

export interface EnrolmentOptions {
  readonly authority: OpenAuthority;
  /** The authority's own: a token is used up in the transaction that puts the certificate's intent down. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** Profiles whose certificates are renewed: all of the authority's, unless set. */
  readonly renewedProfiles?: readonly string[];
  readonly guesses?: Partial<GuessLimits>;
  readonly clock?: () => Date;
  readonly log?: (event: EnrolmentEvent) => void;
}

/** What is known of the connection. */
export interface EnrolmentConnection {
  /**
   * The certificate that the client has shown, and proven in TLS to hold the key of; nothing else need be verified. As DER, or
   * parsed.
   */
  readonly clientCertificate?: Certificate | Uint8Array | undefined;
  /** The client's IP address, by which wrong tokens are counted. */
  readonly address?: string | undefined;
}

/** What the log is told; never a token. */
export type EnrolmentEvent =
  | { readonly event: 'issued'; readonly serial: string; readonly renewal: boolean }
  | { readonly event: 'refused'; readonly path: string; readonly code: EnrolmentCode; readonly cause: unknown }
  | { readonly event: 'error'; readonly path: string; readonly error: unknown };

export interface Enrolment {
  /** Answers a request; whatever goes wrong is a problem document. */
  fetch(request: Request, connection?: EnrolmentConnection): Promise<Response>;
  /** Forgets tokens that ended long ago. To be called now and then. */
  maintain(): Promise<void>;
}

/** Where the resources are. */
export const enrolmentPaths = {
  roots: '/enrol/v1/roots',
  certificates: '/enrol/v1/certificates',
  renewals: '/enrol/v1/renewals',
} as const;

/** Bytes of a request. */
const maxBody = 64 * 1024;

/** After its end a token is still listed for so long. */
const keptMs = 30 * 86_400_000;

/**
 * Enrolment by tokens, and renewal over mutual TLS. Its tables are brought to the newest form first.
 *
 * @example
 * ```ts
 * const enrolment = await createEnrolment({ authority, database, provider });
 * const response = await enrolment.fetch(request, { clientCertificate, address });
 * ```
 */
export async function createEnrolment(options: EnrolmentOptions): Promise<Enrolment> {
  const { authority, database, provider, clock = () => new Date(), log = () => undefined } = options;
  await migrate(database, [enrolmentSchema], clock);
  const renewed = new Set(options.renewedProfiles ?? authority.profiles.map(({ name }) => name));
  const service: EnrolmentService = { authority, database, provider, clock, renewed };
  const guesses = new Guesses({ ...defaultGuessLimits, ...options.guesses });
  return {
    async fetch(request, connection = {}) {
      const path = pathOf(request);
      try {
        return await answer(service, guesses, path, request, connection, log);
      } catch (error) {
        const problem = problemOf(error);
        if (problem.code === 'server_error' || problem.code === 'unavailable') log({ event: 'error', path, error });
        else log({ event: 'refused', path, code: problem.code, cause: problem.cause ?? problem });
        return refusal(problem);
      }
    },
    async maintain() {
      while (await forgetTokens(database, clock().getTime() - keptMs, 1000));
    },
  };
}

function pathOf({ url }: Request): string {
  return new URL(url).pathname;
}

async function answer(
  service: EnrolmentService,
  guesses: Guesses,
  path: string,
  request: Request,
  connection: EnrolmentConnection,
  log: (event: EnrolmentEvent) => void,
): Promise<Response> {
  const { authority } = service;
  const certificate = (): Certificate | undefined => parsed(connection.clientCertificate);
  switch (path) {
    case enrolmentPaths.roots:
      allow(request, 'GET', 'HEAD');
      return respond(200, pem(authority.roots), 'application/x-pem-file');
    case enrolmentPaths.certificates: {
      allow(request, 'POST');
      const issued = await guarded(guesses, connection.address, service.clock, async () => {
        const token = bearerOf(request);
        return await redeem(service, token, await csrOf(request));
      });
      log({ event: 'issued', serial: issued.certificate.serialNumberHex, renewal: false });
      return respond(201, JSON.stringify(issuedJson(issued)));
    }
    case enrolmentPaths.renewals: {
      if (allow(request, 'GET', 'HEAD', 'POST') !== 'POST') {
        const { serial, notAfter, renewAt } = await renewalAdvice(service, certificate());
        return respond(200, JSON.stringify({ serial, notAfter, renewAt }));
      }
      const issued = await renew(service, certificate(), await csrOf(request));
      log({ event: 'issued', serial: issued.certificate.serialNumberHex, renewal: true });
      return respond(201, JSON.stringify(issuedJson(issued)));
    }
    default:
      throw new EnrolmentProblem('not_found');
  }
}

function allow({ method }: Request, ...methods: readonly string[]): string {
  if (methods.includes(method)) return method;
  throw new EnrolmentProblem('method_not_allowed', { headers: { allow: methods.join(', ') } });
}

/** Wrong tokens are counted, and after many of them none is looked at. */
async function guarded<T>(
  guesses: Guesses,
  address: string | undefined,
  clock: () => Date,
  work: () => Promise<T>,
): Promise<T> {
  const now = clock().getTime();
  const until = guesses.refusedUntil(address, now);
  if (until !== undefined) {
    const seconds = String(Math.ceil((until - now) / 1000));
    throw new EnrolmentProblem('rate_limited', { headers: { 'retry-after': seconds } });
  }
  try {
    return await work();
  } catch (error) {
    if (error instanceof EnrolmentProblem && error.code === 'token_unknown') guesses.add(address, now);
    throw error;
  }
}

/** RFC 6750 §2.1. */
function bearerOf({ headers }: Request): string {
  const [, token] = /^Bearer +([\w.~+/-]{1,200}=*)$/i.exec(headers.get('authorization') ?? '') ?? [];
  if (token === undefined) throw new EnrolmentProblem('token_missing');
  return token;
}

/** `{ "csr": "…" }`, or the request itself. */
async function csrOf(request: Request): Promise<string> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json' && type !== 'application/pkcs10') throw new EnrolmentProblem('unsupported_type');
  const body = await bodyOf(request);
  if (type === 'application/pkcs10') return body;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new EnrolmentProblem('bad_request', { detail: 'the request is no JSON', cause });
  }
  const csr = typeof value === 'object' && value !== null && 'csr' in value ? value.csr : undefined;
  if (typeof csr === 'string') return csr;
  throw new EnrolmentProblem('bad_request', { detail: '"csr" is a certification request, PEM or base64' });
}

async function bodyOf(request: Request): Promise<string> {
  const body = await readBody(request, maxBody);
  if (body === undefined) throw new EnrolmentProblem('too_large');
  return body.toString('utf8');
}

function parsed(given: Certificate | Uint8Array | undefined): Certificate | undefined {
  try {
    return given instanceof Uint8Array ? parseCertificate(given) : given;
  } catch (cause) {
    throw new EnrolmentProblem('certificate_unknown', { cause });
  }
}

const refusals: Readonly<Partial<Record<CaError['code'], EnrolmentCode>>> = {
  not_allowed: 'not_allowed',
  bad_key: 'bad_key',
  bad_request: 'bad_request',
  cannot_sign: 'cannot_sign',
};

/** A refusal of the authority's is in its own words, but for what is wrong with the CA itself. */
function problemOf(error: unknown): EnrolmentProblem {
  if (error instanceof EnrolmentProblem) return error;
  if (error instanceof BrokenOff) return new EnrolmentProblem('bad_request', { detail: error.message, cause: error });
  if (isUnavailable(error)) return new EnrolmentProblem('unavailable', { headers: unavailableHeaders, cause: error });
  const code = error instanceof CaError ? refusals[error.code] : undefined;
  if (!(error instanceof CaError) || code === undefined) return new EnrolmentProblem('server_error', { cause: error });
  return new EnrolmentProblem(code, { cause: error, ...(code !== 'cannot_sign' && { detail: error.message }) });
}

function issuedJson({ certificate, chain }: Issued): object {
  const { serialNumberHex: serial, notBefore, notAfter } = certificate;
  return { serial, notBefore, notAfter, chain: pem(chain) };
}

function pem(certificates: readonly Certificate[]): string {
  return certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
}

function refusal({ status, document, headers }: EnrolmentProblem): Response {
  return respond(status, JSON.stringify(document), 'application/problem+json', headers);
}

function respond(
  status: number,
  body: string,
  type = 'application/json',
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, { status, headers: { 'content-type': type, 'cache-control': 'no-store', ...headers } });
}
