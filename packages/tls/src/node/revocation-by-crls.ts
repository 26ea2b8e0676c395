/**
 * Revocation as the option `crl` of `node:tls` has it: with any list given, each certificate of the path must be covered by
 * one, the root included (OpenSSL's X509_V_FLAG_CRL_CHECK_ALL), and nothing is fetched.
 *
 * Two things are stricter than in OpenSSL: a list that does not say when the next one is due covers nothing, and lists for
 * some reasons of revocation alone must cover all of them together.
 *
 * @module
 */

import { X509Certificate } from 'node:crypto';
import type { Settling } from '@handfast/crypto';
import {
  type Certificate,
  CertificateError,
  type Crl,
  type Revocation,
  type RevocationQuestion,
  type RevocationVerdict,
  revocation,
} from '@handfast/x509';
import { quote } from '../errors.ts';

/** What goes with the lists. */
export interface CrlsBeside {
  /** Is asked first, as where it believes staples; its refusals count, its answers do not stand for a list's. */
  readonly also?: Revocation | undefined;
  /**
   * All that are trusted. For us an intermediate among them ends a path, for Node only a root does: what is above it is
   * looked for here, and must be covered as well.
   */
  readonly trusted?: readonly Certificate[] | undefined;
}

/**
 * How certificates are looked up in lists that the program gave.
 *
 * A refusal is a `CertificateError`, `revoked` or `revocation_unknown`; `crlErrorCode` has what Node calls it.
 *
 * @example
 * ```ts
 * const { crls, trustedCertificates: trusted } = readKeyMaterial({ ca, crl });
 * const config = clientConfig({ provider, versions, trust, revocation: revocationByCrls(crls, { trusted }) });
 * ```
 */
export function revocationByCrls(crls: readonly Crl[], { also, trusted = [] }: CrlsBeside = {}): Revocation {
  // Without slack, as OpenSSL: a list is out of date by the second.
  const lists = revocation({ mode: 'require', scope: 'chain', crls, mustStaple: false, clockSkewMs: 0 });
  function* look(question: RevocationQuestion): Settling<readonly RevocationVerdict[]> {
    if (also !== undefined) yield* also(question);
    const { staple: _unheard, path, ...rest } = question;
    const verdicts = yield* lists({ ...rest, path: toItsRoot(path, trusted) });
    return verdicts.slice(0, path.length - 1);
  }
  return Object.assign(look, { fetches: also?.fetches ?? false });
}

/** Refusals for want of a root. */
const rootless = new WeakSet<CertificateError>();

/** A path through to its root, with the root once more: it is its own issuer, and so is asked about as well. */
function toItsRoot(path: readonly Certificate[], trusted: readonly Certificate[]): readonly Certificate[] {
  const whole = [...path];
  for (let last = path.at(-1); last !== undefined; ) {
    const issuer = last.selfIssued ? last : trusted.find((one) => !whole.includes(one) && hasSigned(one, last));
    if (issuer === undefined) throw noRoot(last);
    whole.push(issuer);
    last = issuer === last ? undefined : issuer;
  }
  return whole;
}

function hasSigned(issuer: Certificate, certificate: Certificate | undefined): boolean {
  if (certificate === undefined) return false;
  const [upper, lower] = [new X509Certificate(issuer.raw), new X509Certificate(certificate.raw)];
  return lower.checkIssued(upper) && lower.verify(upper.publicKey);
}

function noRoot(certificate: Certificate): CertificateError {
  const error = new CertificateError(
    'revocation_unknown',
    `it is not known whether ${quote(certificate.subject.toString())} was revoked, and we require to know: its issuer, who would sign the list, is not trusted`,
    { certificate, hint: 'give the root among `ca`' },
  );
  rootless.add(error);
  return error;
}

/** What `node:tls` calls a refusal by `revocationByCrls`. */
export type CrlErrorCode =
  | 'CERT_REVOKED'
  | 'UNABLE_TO_GET_CRL'
  | 'CRL_HAS_EXPIRED'
  | 'CRL_NOT_YET_VALID'
  | 'CRL_SIGNATURE_FAILURE';

/**
 * Node's code for a refusal; `undefined` for one that is not about lists. Said by the lists of the certificate's issuer: where
 * nothing is wrong with the time of one, and it is for all that its issuer signed, its signature is what did not verify.
 */
export function crlErrorCode(error: CertificateError, crls: readonly Crl[], time: Date): CrlErrorCode | undefined {
  if (error.code === 'revoked') return 'CERT_REVOKED';
  if (error.code !== 'revocation_unknown') return undefined;
  if (rootless.has(error)) return 'UNABLE_TO_GET_CRL';
  const name = error.certificate?.issuer.toString();
  const found = new Set(
    crls
      .filter(({ issuer }) => issuer.toString() === name)
      .map((crl) => (isForAll(crl) ? faultOf(crl, time) : undefined)),
  );
  return precedence.find((code) => found.has(code)) ?? 'UNABLE_TO_GET_CRL';
}

/** OpenSSL looks at the best list, and a good time is better than a bad one. */
const precedence = ['CRL_SIGNATURE_FAILURE', 'CRL_HAS_EXPIRED', 'CRL_NOT_YET_VALID'] as const;

function faultOf({ thisUpdate, nextUpdate }: Crl, time: Date): CrlErrorCode | undefined {
  if (thisUpdate > time) return 'CRL_NOT_YET_VALID';
  if (nextUpdate === undefined) return undefined;
  return nextUpdate < time ? 'CRL_HAS_EXPIRED' : 'CRL_SIGNATURE_FAILURE';
}

/** Whether a list is complete, and for every certificate of its issuer. */
function isForAll(crl: Crl): boolean {
  try {
    return crl.issuingDistributionPoint === undefined && crl.baseNumber === undefined && crl.unprocessed === undefined;
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}
