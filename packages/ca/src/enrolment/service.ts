/**
 * What the parts of enrolment work with.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import type { RequestedName } from '../issuing/policy.ts';
import type { KeylessRequest } from '../issuing/request.ts';
import type { OpenAuthority } from '../open.ts';
import type { Database } from '../store/database.ts';

export interface EnrolmentService {
  readonly authority: Pick<
    OpenAuthority,
    'chain' | 'checkRequest' | 'find' | 'findByOrigin' | 'issue' | 'issuers' | 'profiles' | 'roots'
  >;
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** Profiles that are renewed. */
  readonly renewed: ReadonlySet<string>;
  readonly clock: () => Date;
}

/** What the authority's records call the origin of a certificate begins so, where enrolment has issued it. */
export const enrolled = 'enrolment ';

/** Names as a request has them. */
export function asRequested(names: readonly RequestedName[]): Pick<KeylessRequest, 'names' | 'emails'> {
  const of = (mailboxes: boolean): readonly string[] =>
    names.filter(({ kind }) => (kind === 'email') === mailboxes).map(({ name }) => name);
  return { names: of(false), emails: of(true) };
}
