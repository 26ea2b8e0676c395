/**
 * What the parts of an open authority share.
 *
 * @module
 */

import type { CryptoProvider, Signer } from '@handfast/crypto';
import type { Certificate, TrustStore } from '@handfast/x509';
import { CaError } from './errors.ts';
import type { CompiledPolicy } from './issuing/policy.ts';
import type { Profile } from './issuing/profiles.ts';
import type { Database, Sql } from './store/database.ts';
import { integer, optional } from './store/rows.ts';

export interface CaContext {
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** The certificate that signs leaves first, the root last. */
  readonly chain: readonly Certificate[];
  readonly issuer: Certificate;
  /** The root alone. */
  readonly trust: TrustStore;
  readonly issuerId: string;
  readonly signer: Signer;
  readonly profiles: readonly Profile[];
  readonly policy: CompiledPolicy;
  readonly crlUrl: string | undefined;
  /** For profiles that have it named. */
  readonly ocspUrl: string | undefined;
  readonly clock: () => Date;
  readonly backdateMs: number;
  readonly clockSkewMs: number;
  readonly crlIntervalMs: number;
  readonly crlLifetimeMs: number;
  readonly ocspLifetimeMs: number;
}

/**
 * A clock that went back would put dates into what is signed that contradict what was signed before.
 *
 * @throws CaError `cannot_sign`
 */
export async function refuseClockBehind(sql: Sql, now: Date, clockSkewMs: number): Promise<void> {
  const [row] = await sql.all(
    `SELECT (SELECT max(issued_at) FROM certificates) AS certificate, (SELECT max(issued_at) FROM crls) AS crl`,
  );
  if (row === undefined) return;
  const newest = Math.max(optional(row, 'certificate', integer) ?? 0, optional(row, 'crl', integer) ?? 0);
  const behind = newest - now.getTime();
  if (behind <= clockSkewMs) return;
  throw new CaError(
    'cannot_sign',
    `the clock says ${now.toISOString()}, and something was signed at ${new Date(newest).toISOString()}`,
    { hint: 'set the clock; then sign again' },
  );
}

/** Certificates and CRLs count in seconds. */
export function wholeSeconds(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

/** Whose dates end first: no leaf outlives any of them. */
export function endOf(chain: readonly Certificate[]): number {
  return Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
}
