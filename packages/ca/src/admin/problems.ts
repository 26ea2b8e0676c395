/**
 * What the dashboard's API answers when it refuses: problem documents (RFC 9457), with a code for programs, words for people, and
 * where there is one a hint. What went wrong inside the CA goes into the log, and never to the client.
 *
 * @module
 */

import { BrokenOff } from '../body.ts';
import { CaError, type CaErrorCode } from '../errors.ts';
import { isUnavailable, unavailableHeaders } from '../unavailable.ts';

export type AdminCode =
  | CaErrorCode
  | 'bad_csr'
  | 'forbidden'
  | 'insecure'
  | 'method_not_allowed'
  | 'rate_limited'
  | 'server_error'
  | 'signed_out'
  | 'token_unknown'
  | 'too_large'
  | 'unavailable'
  | 'unsupported_type'
  | 'wrong_csrf'
  | 'wrong_host'
  | 'wrong_origin';

const table: Readonly<Record<AdminCode, readonly [status: number, title: string]>> = {
  already_done: [409, 'it was done before'],
  bad_csr: [400, 'the certification request cannot be accepted'],
  bad_key: [400, 'the key cannot be certified'],
  bad_request: [400, 'the request is malformed'],
  cannot_sign: [503, 'the CA cannot sign now'],
  forbidden: [403, 'your role may not do this'],
  insecure: [403, 'without TLS the dashboard is for this machine alone'],
  lint: [500, 'the CA met with an error of its own: its log says more'],
  method_not_allowed: [405, 'the resource takes another method'],
  not_allowed: [403, 'the CA does not certify this'],
  not_found: [404, 'there is nothing here'],
  rate_limited: [429, 'too many tokens that are none: wait a minute'],
  server_error: [500, 'the CA met with an error of its own: its log says more'],
  signed_out: [401, 'you are signed out'],
  token_unknown: [401, 'there is no such token, or it is over'],
  too_large: [413, 'the request is too large'],
  unavailable: [503, 'the CA’s records cannot be read or written now: its log says more'],
  unsupported_type: [415, 'a request is application/json'],
  wrong_csrf: [403, 'the page is older than your session: load it again'],
  wrong_host: [421, 'the dashboard is not known by this name'],
  wrong_origin: [403, 'the request comes from another site'],
};

export interface AdminProblemOptions extends ErrorOptions {
  /** Words of ours for the client. */
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export class AdminProblem extends Error {
  override readonly name = 'AdminProblem';
  readonly code: AdminCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly hint: string | undefined;

  constructor(code: AdminCode, { detail, hint, headers = {}, cause }: AdminProblemOptions = {}) {
    const [status, title] = table[code];
    super(detail ?? title, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.headers = headers;
    this.hint = hint;
  }

  /** As it stands in JSON. */
  get document(): object {
    const [status, title] = table[this.code];
    return { type: 'about:blank', title, status, code: this.code, detail: this.message, hint: this.hint };
  }
}

/** The authority's refusals are in its own words, but for what is wrong with the CA itself. */
export function problemOf(error: unknown): AdminProblem {
  if (error instanceof AdminProblem) return error;
  if (error instanceof BrokenOff) return new AdminProblem('bad_request', { detail: error.message, cause: error });
  if (isUnavailable(error)) return new AdminProblem('unavailable', { headers: unavailableHeaders, cause: error });
  if (!(error instanceof CaError)) return new AdminProblem('server_error', { cause: error });
  if (error.code === 'lint') return new AdminProblem('lint', { cause: error });
  return new AdminProblem(error.code, { detail: error.message, hint: error.hint, cause: error });
}
