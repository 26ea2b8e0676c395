/**
 * What enrolment answers when it refuses: problem documents (RFC 9457), with a code of their own for programs. Each code has its
 * status and its words here. What went wrong inside the CA goes into the log, and never to the client.
 *
 * @module
 */

export type EnrolmentCode =
  | 'bad_key'
  | 'bad_request'
  | 'bad_csr'
  | 'busy'
  | 'cannot_sign'
  | 'certificate_expired'
  | 'certificate_missing'
  | 'certificate_revoked'
  | 'certificate_unknown'
  | 'method_not_allowed'
  | 'not_allowed'
  | 'not_found'
  | 'not_renewable'
  | 'rate_limited'
  | 'renewed_too_often'
  | 'server_error'
  | 'token_expired'
  | 'token_missing'
  | 'token_revoked'
  | 'token_unknown'
  | 'token_used'
  | 'too_large'
  | 'unavailable'
  | 'unsupported_type';

const table: Readonly<Record<EnrolmentCode, readonly [status: number, title: string]>> = {
  bad_key: [400, 'the key cannot be certified'],
  bad_request: [400, 'the request is malformed'],
  bad_csr: [400, 'the certification request cannot be accepted'],
  busy: [503, 'a request with this token is being answered: try again'],
  cannot_sign: [503, 'the CA cannot sign now: try again later'],
  certificate_expired: [403, 'the certificate has expired: enrol with a new token'],
  certificate_missing: [401, 'a renewal shows the certificate that it is for, in TLS'],
  certificate_revoked: [403, 'the certificate is revoked: enrol with a new token'],
  certificate_unknown: [403, 'the certificate is not one of this CA’s'],
  method_not_allowed: [405, 'the resource takes another method'],
  not_allowed: [403, 'the CA does not certify this, or no longer'],
  not_found: [404, 'there is no such resource'],
  not_renewable: [403, 'the certificate was issued another way, and is renewed that way'],
  rate_limited: [429, 'too many tokens that are none: try again later'],
  renewed_too_often: [429, 'the certificate was renewed ten times within a day: go on with the newest'],
  server_error: [500, 'the CA met with an error of its own'],
  token_expired: [403, 'the token has expired'],
  token_missing: [401, 'a token is needed: Authorization: Bearer TOKEN'],
  token_revoked: [403, 'the token is revoked'],
  token_unknown: [401, 'there is no such token'],
  token_used: [403, 'the token was used, with another key'],
  too_large: [413, 'the request is too large'],
  unavailable: [503, 'the CA’s records cannot be read or written now: try again later'],
  unsupported_type: [415, 'a request is application/json or application/pkcs10'],
};

export interface EnrolmentProblemOptions extends ErrorOptions {
  /** Words of ours for the client. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal on its way to the client. */
export class EnrolmentProblem extends Error {
  override readonly name = 'EnrolmentProblem';
  readonly code: EnrolmentCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: EnrolmentCode, { detail, headers = {}, cause }: EnrolmentProblemOptions = {}) {
    const [status, title] = table[code];
    super(detail ?? title, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.headers =
      status === 401 && code !== 'certificate_missing' ? { 'www-authenticate': 'Bearer', ...headers } : headers;
  }

  /** As it stands in JSON. */
  get document(): object {
    const [, title] = table[this.code];
    return { type: 'about:blank', title, status: this.status, code: this.code, detail: this.message };
  }
}
