/**
 * A kind of challenge: which identifiers it can prove, and how it is looked at. Kinds are rows that the server is given; nothing
 * else knows their names.
 *
 * @module
 */

import type { Identifier, Subject } from '../identifiers.ts';
import type { ProblemType } from '../problems.ts';

export interface ValidationRequest {
  readonly identifier: Identifier;
  readonly token: string;
  /** `token.thumbprint` (RFC 8555 §8.1). */
  readonly keyAuthorization: string;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

export interface Challenge {
  /** As the client sees it: `http-01`. */
  readonly type: string;
  offers(subject: Subject): boolean;
  /** Returns where the identifier is proven. @throws ValidationFailure */
  validate(request: ValidationRequest): Promise<void>;
}

/** What a client learns of a validation that failed: a type and a fixed sentence. */
export type FailureType = Extract<
  ProblemType,
  'caa' | 'connection' | 'dns' | 'incorrectResponse' | 'serverInternal' | 'tls' | 'unauthorized'
>;

export class ValidationFailure extends Error {
  override readonly name = 'ValidationFailure';
  readonly type: FailureType;
  /** One of our own sentences for the client; `message` and `cause` are for the log. */
  readonly detail: string;

  constructor(type: FailureType, detail: string, message: string = detail, options: ErrorOptions = {}) {
    super(message, options);
    this.type = type;
    this.detail = detail;
  }
}
