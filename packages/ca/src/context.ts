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

/** An issuer whose key is here. */
export interface SigningIssuer {
  /** SHA-256 of its SubjectPublicKeyInfo, hexadecimal. */
  readonly id: string;
  readonly certificate: Certificate;
  /** It first, the root last. */
  readonly chain: readonly Certificate[];
  /** Other ways up from it, to other roots. */
  readonly alternateChains: readonly (readonly Certificate[])[];
  /** The root of `chain` alone. */
  readonly trust: TrustStore;
  readonly signer: Signer;
  /** It signs lists and OCSP answers, and no leaf. */
  readonly retired: boolean;
}

export interface CaContext {
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** By id. */
  readonly issuers: ReadonlyMap<string, SigningIssuer>;
  /** Signs what no profile says otherwise of. */
  readonly defaultIssuer: SigningIssuer;
  /** Every CA in every chain, those whose keys are elsewhere included. */
  readonly authorities: readonly Certificate[];
  readonly profiles: readonly Profile[];
  readonly policy: CompiledPolicy;
  readonly baseUrl: string | undefined;
  /** Among how many lists an issuer's leaves are spread: 0 where they name the complete one. */
  readonly crlShards: number;
  readonly clock: () => Date;
  readonly backdateMs: number;
  readonly clockSkewMs: number;
  readonly crlIntervalMs: number;
  readonly crlLifetimeMs: number;
  readonly ocspLifetimeMs: number;
  readonly keptMs: number;
}

/** Who signs certificates of a profile. */
export function issuerOf({ issuers, defaultIssuer }: CaContext, { issuer }: Profile): SigningIssuer {
  if (issuer === undefined) return defaultIssuer;
  const named = issuers.get(issuer);
  if (named === undefined) throw new Error(`the issuer ${issuer} is not here`); // looked at when the authority was opened
  return named;
}

/** Where a list is, below a base URL. */
export function crlUrl(baseUrl: string, issuerId: string, list: 'complete' | 'delta' | number): string {
  const name = list === 'complete' ? '' : list === 'delta' ? '-delta' : `/${list}`;
  return `${baseUrl}/crl/${issuerId}${name}.crl`;
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
