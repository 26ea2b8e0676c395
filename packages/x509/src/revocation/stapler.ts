/**
 * A source of OCSP responses for a server's own certificate, to be stapled: it keeps a response as long as it is good and
 * gets the next one long before. There is no timer in it: the handshakes that ask keep it going.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, type MaybePromise, runSettling } from '@handfast/crypto';
import { authorityInfoAccessOf } from '../access.ts';
import { type Certificate, nameOf } from '../certificate.ts';
import { type Fetcher, reasonOf } from '../fetch.ts';
import { ocspRequest } from '../ocsp/request.ts';
import type { SignatureProvider } from '../path/signature.ts';
import { ocspAnswer } from './ocsp.ts';

export interface StaplerOptions {
  readonly provider: SignatureProvider & Pick<CryptoProvider, 'random' | 'digest' | 'legacyDigests'>;
  /** The server's own certificate. */
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly fetch: Fetcher;
  /** The responder. Unless set, the first that the certificate names. */
  readonly url?: string | undefined;
  /** The clock; the system's unless set. */
  readonly time?: (() => Date) | undefined;
  /** Told of responses that could not be had, or not be used; the next is asked for a minute later. */
  readonly onError?: ((why: string) => void) | undefined;
}

/** Milliseconds for one request; a handshake waits for the first alone. */
const timeoutMs = 5_000;

/** Milliseconds before a responder that failed is asked again. */
const retryMs = 60_000;

/** What the parser of responses takes at most. */
const maxBytes = 1 << 16;

interface Kept {
  readonly response: Bytes;
  /** When the next one is asked for, and until when this one may be sent. */
  readonly renewAt: number;
  readonly until: number;
}

/**
 * A credential's `ocspResponse`. The first call waits for a response; later ones answer at once, with what is kept as long as
 * it is good and else with `undefined`, while the next response is on its way from the middle of the last one's life. What
 * does not verify is never sent.
 *
 * @throws RangeError where the certificate names no responder, and none is given
 *
 * @example
 * ```ts
 * const ocspResponse = ocspStapler({ provider, certificate: chain[0], issuer: chain[1], fetch: httpFetcher() });
 * createServer({ credentials: [{ chain, signer, ocspResponse }] });
 * ```
 */
export function ocspStapler(options: StaplerOptions): () => MaybePromise<Bytes | undefined> {
  const { certificate, time = () => new Date(), onError } = options;
  const url = options.url ?? authorityInfoAccessOf(certificate).ocspUrls[0];
  if (url === undefined) throw new RangeError(`certificate for ${nameOf(certificate)} names no OCSP responder`);
  let kept: Kept | undefined;
  let asking: Promise<void> | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;

  const renew = async (): Promise<void> => {
    try {
      kept = await askResponder(options, url, time());
    } catch (error) {
      notBefore = time().getTime() + retryMs;
      onError?.(reasonOf(error));
    } finally {
      asking = undefined;
    }
  };

  return () => {
    const now = time().getTime();
    const current = kept !== undefined && now < kept.until ? kept : undefined;
    if ((current === undefined || now >= current.renewAt) && now >= notBefore) asking ??= renew();
    if (kept === undefined && asking !== undefined) return asking.then(() => kept?.response);
    return current?.response;
  };
}

async function askResponder(options: StaplerOptions, url: string, time: Date): Promise<Kept> {
  const { provider, certificate, issuer, fetch } = options;
  const response = await fetch({
    url,
    method: 'POST',
    body: ocspRequest({ provider, certificate, issuer }),
    contentType: 'application/ocsp-request',
    accept: 'application/ocsp-response',
    maxBytes,
    timeoutMs,
  });
  const answer = await runSettling(ocspAnswer({ provider, certificate, issuer, response, source: 'ocsp', time }));
  if (answer.status === 'unknown') throw new Error(answer.why);
  // Without nextUpdate newer ones are there at any time (RFC 6960 §4.2.2.1): one serves for an hour.
  const until = answer.nextUpdate?.getTime() ?? time.getTime() + 60 * 60_000;
  return { response, renewAt: (time.getTime() + until) / 2, until };
}
