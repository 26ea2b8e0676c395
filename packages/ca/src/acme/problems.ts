/**
 * What an ACME server answers when it refuses: problem documents (RFC 7807) with the types of RFC 8555 §6.7, RFC 9773 §7.4 and
 * the profiles draft. Each type has its status and its words here, in one table. What a validation fetched, and what went wrong
 * inside the CA, goes into the log and never to the client.
 *
 * @module
 */

import type { Identifier } from './identifiers.ts';

export type ProblemType =
  | 'accountDoesNotExist'
  | 'alreadyReplaced'
  | 'alreadyRevoked'
  | 'badCSR'
  | 'badNonce'
  | 'badPublicKey'
  | 'badRevocationReason'
  | 'badSignatureAlgorithm'
  | 'caa'
  | 'compound'
  | 'connection'
  | 'dns'
  | 'externalAccountRequired'
  | 'incorrectResponse'
  | 'invalidContact'
  | 'invalidProfile'
  | 'malformed'
  | 'orderNotReady'
  | 'rateLimited'
  | 'rejectedIdentifier'
  | 'serverInternal'
  | 'tls'
  | 'unauthorized'
  | 'unsupportedContact'
  | 'unsupportedIdentifier'
  | 'userActionRequired';

const table: Readonly<Record<ProblemType, readonly [status: number, detail: string]>> = {
  accountDoesNotExist: [400, 'there is no such account'],
  alreadyReplaced: [409, 'the certificate was replaced by an earlier order'],
  alreadyRevoked: [400, 'the certificate is revoked already'],
  badCSR: [400, 'the certification request cannot be accepted'],
  badNonce: [400, 'the anti-replay nonce is unknown, used or expired: take the new one'],
  badPublicKey: [400, 'keys of this kind or size are not accepted'],
  badRevocationReason: [400, 'this reason is not for a client to give'],
  badSignatureAlgorithm: [400, 'requests are signed with ES256, ES384, RS256 or EdDSA'],
  caa: [403, 'CAA records forbid this CA to issue'],
  compound: [400, 'there are several errors: see the subproblems'],
  connection: [400, 'the validation target could not be connected to'],
  dns: [400, 'a DNS query for the identifier failed'],
  externalAccountRequired: [403, 'a new account needs an external account binding'],
  incorrectResponse: [403, 'what the validation target answered is not what the challenge asks for'],
  invalidContact: [400, 'a contact is no plain mailto URL with one address'],
  invalidProfile: [400, 'the CA has no such profile'],
  malformed: [400, 'the request is malformed'],
  orderNotReady: [403, 'the order cannot be finalized in its present state'],
  rateLimited: [429, 'too many requests: try again later'],
  rejectedIdentifier: [403, 'the CA does not issue for this identifier'],
  serverInternal: [500, 'the CA met with an error of its own'],
  tls: [400, 'the validation target failed in TLS'],
  unauthorized: [403, 'this is not for the account, or the key, that asks'],
  unsupportedContact: [400, 'contacts are mailto URLs'],
  unsupportedIdentifier: [400, 'identifiers are of type "dns" or "ip"'],
  userActionRequired: [403, 'the terms of service must be agreed to'],
};

/** As it stands in JSON, and in the database. */
export interface ProblemDocument {
  readonly type: string;
  readonly detail: string;
  readonly status?: number;
  readonly identifier?: Identifier;
  readonly subproblems?: readonly ProblemDocument[];
  /** For `badSignatureAlgorithm` (RFC 8555 §6.2). */
  readonly algorithms?: readonly string[];
  /** For `userActionRequired`. */
  readonly instance?: string;
}

export interface ProblemOptions {
  /** Words of ours for the client, where the table's say too little. Never anything fetched. */
  readonly detail?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subproblems?: readonly ProblemDocument[];
  readonly algorithms?: readonly string[];
  readonly instance?: string;
  /** For the log. */
  readonly cause?: unknown;
}

/** A refusal on its way to the client. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: ProblemType;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: ProblemDocument;

  constructor(type: ProblemType, options: ProblemOptions = {}) {
    const [status, detail] = table[type];
    super(options.detail ?? detail, { cause: options.cause });
    this.type = type;
    this.status = options.status ?? status;
    this.headers = options.headers ?? {};
    const { subproblems, algorithms, instance } = options;
    this.document = {
      ...problemDocument(type, options.detail),
      status: this.status,
      ...(subproblems && { subproblems }),
      ...(algorithms && { algorithms }),
      ...(instance !== undefined && { instance }),
    };
  }
}

/** One for a challenge, an order, or a subproblem, which name their identifier. */
export function problemDocument(type: ProblemType, detail?: string, identifier?: Identifier): ProblemDocument {
  return {
    type: `urn:ietf:params:acme:error:${type}`,
    detail: detail ?? table[type][1],
    ...(identifier && { identifier }),
  };
}

export function malformed(detail: string, status = 400): Problem {
  return new Problem('malformed', { detail, status });
}
