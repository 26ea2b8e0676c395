/**
 * The order of a bundle: from the certificate that signed none of the others, step by step to whoever signed it. At each
 * step the certificates whose subject is the issuer's name and whose key made the signature are candidates; the one that is
 * valid now is taken first, then the one that stood first. Whether anybody should trust the result is for `verify`.
 *
 * @module
 */

import { equalBytes, runSettling } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, CertificateError, verifySignature } from '@handfast/x509';

/** A bundle, put in order. */
export interface Ordered {
  /** The leaf first. */
  readonly path: readonly Certificate[];
  /** What is not in the path, in the order it had. */
  readonly others: readonly Certificate[];
}

/** @param certificates one at least, each once */
export function orderChain(certificates: readonly Certificate[], time: Date): Ordered {
  const path: Certificate[] = [];
  for (let next = leafOf(certificates); next !== undefined; ) {
    path.push(next);
    next = isSelfSigned(next) ? undefined : issuerAmong(next, certificates, path, time);
  }
  return { path, others: certificates.filter((certificate) => !path.includes(certificate)) };
}

/** The same certificate twice is one. */
export function distinct(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter(
    (certificate, index) => certificates.findIndex(({ raw }) => equalBytes(raw, certificate.raw)) === index,
  );
}

/** Whether its own key signed it. */
export function isSelfSigned(certificate: Certificate): boolean {
  return certificate.selfIssued && signedBy(certificate, certificate);
}

/** The certificate that signed this one, if it is among these and not in `path` already. */
export function issuerAmong(
  certificate: Certificate,
  candidates: readonly Certificate[],
  path: readonly Certificate[],
  time: Date,
): Certificate | undefined {
  const issuers = candidates.filter(
    (candidate) => !path.includes(candidate) && names(certificate, candidate) && signedBy(certificate, candidate),
  );
  return issuers.find((issuer) => isValidAt(issuer, time)) ?? issuers[0];
}

export function isValidAt({ notBefore, notAfter }: Certificate, time: Date): boolean {
  return time >= notBefore && time <= notAfter;
}

/** Nobody's issuer; among several (or none: a ring), the first that is no CA, else the first. */
function leafOf(certificates: readonly Certificate[]): Certificate | undefined {
  const leaves = certificates.filter(
    (candidate) => !certificates.some((other) => other !== candidate && names(other, candidate)),
  );
  return leaves.find((leaf) => !isCa(leaf)) ?? leaves[0] ?? certificates[0];
}

function names(certificate: Certificate, issuer: Certificate): boolean {
  const [wanted, found] = [certificate.issuer.keys, issuer.subject.keys];
  return wanted.length === found.length && wanted.every((key, index) => key === found[index]);
}

function isCa(certificate: Certificate): boolean {
  return quietly(() => certificate.basicConstraints?.ca === true);
}

/** By a signature of today; those over SHA-1, which are not verified here, are taken at their name. */
function signedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { signatureAlgorithm: algorithm, tbs, signature } = certificate;
  if (algorithm === undefined) return true;
  return quietly(
    () => runSettling(verifySignature(nodeProvider, issuer.publicKey, algorithm, tbs, signature)) === true,
  );
}

/** What cannot be read is no CA, and signed nothing. */
function quietly(read: () => boolean): boolean {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}
