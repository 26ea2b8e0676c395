/**
 * Certificates as `node:tls` tells of them: the plain object that `getPeerCertificate()` and `getCertificate()` answer, and
 * the `X509Certificate` of `getPeerX509Certificate()` and `getX509Certificate()`.
 *
 * Node writes the object itself (`X509Certificate#toLegacyObject`), so it is Node's field for field, whichever Node runs.
 * That has OpenSSL parse the certificate once more, which takes longer than all that the handshake did with it; so it is
 * done when asked for, and never before. What is verified is our own reading of the certificate.
 *
 * @module
 */

import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { type Certificate, parseCertificate, type TrustStore } from '@handfast/x509';

/** Where issuers are looked for that the peer did not send. */
export type Issuers = Pick<TrustStore, 'bySubject'>;

/**
 * A certificate as `getPeerCertificate()` answers it: `subject` and `issuer` with a list where an attribute stands more than
 * once, `subjectaltname` with what could be misread in quotation marks, `raw` in DER. A fresh object each time.
 *
 * @param chain as the peer sent it, its own certificate first; empty, or with one that OpenSSL cannot read first: the answer
 *   has no properties, as Node's has none where there is no certificate.
 * @param detailed with `issuerCertificate`, up to a self-signed one, which is its own.
 * @param trusted whom we trust: issuers that were not sent come from there.
 *
 * @example
 * ```ts
 * const { subject, fingerprint256 } = peerCertificateOf(negotiated.peer?.chain ?? [], false);
 * ```
 */
export function peerCertificateOf(
  chain: readonly Certificate[],
  detailed: true,
  trusted?: Issuers,
): Partial<DetailedPeerCertificate>;
export function peerCertificateOf(
  chain: readonly Certificate[],
  detailed: boolean,
  trusted?: Issuers,
): Partial<PeerCertificate>;
export function peerCertificateOf(
  [leaf, ...sent]: readonly Certificate[],
  detailed: boolean,
  trusted?: Issuers,
): Partial<DetailedPeerCertificate> {
  const own = leaf && read(leaf);
  if (leaf === undefined || own === undefined) return {};
  const answer: Partial<DetailedPeerCertificate> = own.toLegacyObject();
  if (!detailed) return answer;
  let last: { readonly x509: X509Certificate; readonly told: Partial<DetailedPeerCertificate> } = {
    x509: own,
    told: answer,
  };
  for (const x509 of issuersOf(leaf, own, sent, trusted)) {
    const told = x509.toLegacyObject() as DetailedPeerCertificate;
    last.told.issuerCertificate = told;
    last = { x509, told };
  }
  // Of a self-signed certificate the type says no more than that somebody signed it.
  if (isIssuedBy(last.x509, last.x509)) last.told.issuerCertificate = last.told as DetailedPeerCertificate;
  return answer;
}

/**
 * A certificate as `getPeerX509Certificate()` answers it. Its `issuerCertificate` is the one that was sent next, which nobody
 * has looked at; without a next one it is undefined.
 *
 * @param chain as the peer sent it, its own certificate first; or our own.
 * @returns undefined for an empty chain, and for a certificate that OpenSSL cannot read.
 */
export function x509CertificateOf(chain: readonly Certificate[]): X509Certificate | undefined {
  return chain.reduceRight<X509Certificate | undefined>((issuer, certificate) => {
    const x509 = read(certificate);
    // Node has no other way to say which certificate came beside another.
    if (x509 && issuer) Object.defineProperty(x509, 'issuerCertificate', { value: issuer });
    return x509;
  }, undefined);
}

/**
 * Undefined for a certificate that OpenSSL cannot read where we can (a BMPString of an odd length), or whose key it cannot: who
 * asks for a certificate of the peer's must not be made to throw by it, nor to crash: `toLegacyObject` of Node 24.21 reads
 * through a null pointer where the key does not decode, and a peer may send any key beside its own.
 */
function read({ raw }: Certificate): X509Certificate | undefined {
  try {
    const x509 = new X509Certificate(raw);
    return x509.publicKey === undefined ? undefined : x509;
  } catch {
    return undefined;
  }
}

/** The issuer, its issuer and so on: from what was sent, in any order, then from who is trusted; a self-signed one is the last. */
function* issuersOf(
  leaf: Certificate,
  own: X509Certificate,
  sent: readonly Certificate[],
  trusted: Issuers | undefined,
): Generator<X509Certificate> {
  const left = sent.flatMap((certificate) => read(certificate) ?? []);
  let [name, x509] = [leaf.issuer, own];
  for (;;) {
    const position = left.findIndex((candidate) => isIssuedBy(x509, candidate));
    const [found] = position < 0 ? [] : left.splice(position, 1);
    if (found === undefined) break;
    x509 = found;
    name = parseCertificate(found.raw).issuer;
    yield found;
  }
  const seen = new Set<string>();
  while (trusted !== undefined && !isIssuedBy(x509, x509)) {
    const found = trusted
      .bySubject(name)
      .flatMap((certificate) => {
        const candidate = read(certificate);
        return candidate && isIssuedBy(x509, candidate) ? { certificate, x509: candidate } : [];
      })
      .at(0);
    // Two authorities may have signed each other.
    if (found === undefined || seen.has(found.x509.fingerprint256)) break;
    seen.add(found.x509.fingerprint256);
    x509 = found.x509;
    name = found.certificate.issuer;
    yield x509;
  }
}

/** By names and key identifiers, as Node links certificates; the signature is not looked at. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer);
}
