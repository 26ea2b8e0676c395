/**
 * Certificates that come again with every connection — a server's own, its intermediates — parsed once: a certificate
 * remembers its decoded fields, its imported key and whose signature it was found to carry. Everything that depends on
 * the moment (time, name, revocation, the path) is decided anew.
 *
 * Kept beside a trust store, since those are what connections share. Bounded in number and in bytes; the certificate that
 * was used longest ago goes first.
 *
 * @module
 */

import { type Bytes, equalBytes, toHex } from '@handfast/crypto';
import { type Certificate, parseCertificate, type TrustStore } from '@handfast/x509';

const maxCertificates = 64;
const maxBytes = 256 * 1024;

export class CertificateCache {
  readonly #byEnd = new Map<string, Certificate>();
  #bytes = 0;

  /**
   * The certificate of these bytes.
   * @throws CertificateError `malformed`
   */
  parse(der: Bytes): Certificate {
    // Its last bytes are of the signature: no two certificates that we meet by chance share them. Chance is not relied on.
    const end = toHex(der.subarray(-12));
    const known = this.#byEnd.get(end);
    if (known !== undefined && equalBytes(known.raw, der)) {
      this.#byEnd.delete(end);
      this.#byEnd.set(end, known);
      return known;
    }
    const certificate = parseCertificate(der);
    this.#add(end, certificate);
    return certificate;
  }

  #add(end: string, certificate: Certificate): void {
    this.#remove(end);
    this.#byEnd.set(end, certificate);
    this.#bytes += certificate.raw.length;
    for (const oldest of this.#byEnd.keys()) {
      if (this.#byEnd.size <= maxCertificates && this.#bytes <= maxBytes) return;
      this.#remove(oldest);
    }
  }

  #remove(end: string): void {
    this.#bytes -= this.#byEnd.get(end)?.raw.length ?? 0;
    this.#byEnd.delete(end);
  }
}

const caches = new WeakMap<TrustStore, CertificateCache>();

/** The cache that goes with a trust store. */
export function certificateCacheOf(trust: TrustStore): CertificateCache {
  let cache = caches.get(trust);
  if (cache === undefined) {
    cache = new CertificateCache();
    caches.set(trust, cache);
  }
  return cache;
}
