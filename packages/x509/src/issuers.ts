/**
 * Missing intermediates: the certificates that a certificate says its issuer's are (caIssuers, RFC 5280 §4.2.2.1), through
 * a fetcher of the caller's. What comes is a candidate like those that a peer sends, no more: the path search judges it.
 *
 * @module
 */

import { type MaybePromise, runSettling, type Settling, settle } from '@handfast/crypto';
import { authorityInfoAccessOf } from './access.ts';
import { type Certificate, parseCertificates } from './certificate.ts';
import { CertificateError } from './errors.ts';
import { type AbortSignalLike, type Fetcher, reasonOf } from './fetch.ts';
import { parsePkcs7 } from './pkcs7.ts';

export interface FetchIssuersOptions {
  /** Milliseconds for each URL; 10 seconds unless set. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignalLike | undefined;
}

export interface FetchedIssuers {
  readonly certificates: readonly Certificate[];
  /** Why URLs gave nothing, each in words. */
  readonly failures: readonly string[];
}

/** Firefox's limit for a fetch that it waits for (`security.OCSP.timeoutMilliseconds.hard`). */
const defaultTimeoutMs = 10_000;

/** One certificate is below 4 KiB; a CA's bundle of all its cross-signed ones has been seen with 40 KiB. */
const maxBytes = 1 << 18;

/** URLs in one certificate that are followed; real ones have one, rarely two. */
const maxUrls = 3;

/** Certificates of one bundle that become candidates. */
const maxCertificates = 32;

/**
 * The certificates at a certificate's caIssuers URLs, from the first that has any: DER, PEM or PKCS#7. Never throws for
 * what a URL gives: that is in `failures`.
 *
 * @throws CertificateError (or rejects with it) `malformed` where the certificate's own extension is
 *
 * @example
 * ```ts
 * const { certificates } = await fetchIssuers(leaf, cachingFetcher(httpFetcher()));
 * ```
 */
export function fetchIssuers(
  certificate: Certificate,
  fetcher: Fetcher,
  options: FetchIssuersOptions = {},
): MaybePromise<FetchedIssuers> {
  return runSettling(issuersOf(certificate, fetcher, options));
}

/** `fetchIssuers` as a computation, for callers that are one themselves. */
export function* issuersOf(
  certificate: Certificate,
  fetcher: Fetcher,
  options: FetchIssuersOptions = {},
): Settling<FetchedIssuers> {
  const { timeoutMs = defaultTimeoutMs, signal } = options;
  const failures: string[] = [];
  const urls = authorityInfoAccessOf(certificate).issuerUrls.filter((url) => /^http:/i.test(url));
  for (const url of urls.slice(0, maxUrls)) {
    try {
      const accept = 'application/pkix-cert, application/pkcs7-mime';
      const bytes = yield* settle(fetcher({ url, method: 'GET', accept, maxBytes, timeoutMs, signal }));
      const certificates = certificatesIn(bytes).slice(0, maxCertificates);
      if (certificates.length > 0) return { certificates, failures };
      failures.push('a bundle without any certificate');
    } catch (error) {
      failures.push(reasonOf(error));
    }
  }
  return { certificates: [], failures };
}

/** A certificate is told from a bundle by trying: both begin with a SEQUENCE, and servers' types are often wrong. */
function certificatesIn(bytes: Uint8Array): readonly Certificate[] {
  try {
    return parseCertificates(bytes);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    try {
      return parsePkcs7(bytes).certificates;
    } catch (other) {
      // Of the two, the first is what it should have been.
      throw other instanceof CertificateError ? error : other;
    }
  }
}
