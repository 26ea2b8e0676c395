/**
 * What the doctor has of the world beside its options: how to dial, to fetch, to wait, what time it is. Passed in, so that
 * tests decide.
 *
 * @module
 */

import { rootCertificates } from 'node:tls';
import { cachingFetcher, type Fetcher, type TrustStore, trustStore } from '@handfast/x509';
import { httpFetcher } from '@handfast/x509/node';
import { dial } from '../dial.ts';

/** What is waited for. */
export type Wait =
  /** TCP, the proxy and STARTTLS, and then the handshake. */
  | 'connect'
  | 'handshake'
  /** What a server answers, over TLS or in a dialogue before it. */
  | 'answer'
  /** What a server says in plaintext without being asked. */
  | 'banner';

export interface DoctorWorld {
  readonly dial: typeof dial;
  /** For certificates and revocation lists that certificates point to; undefined: nothing is fetched. */
  readonly fetch: Fetcher | undefined;
  readonly now: () => Date;
  /** Milliseconds. */
  readonly patience: (wait: Wait) => number;
  /** The roots that browsers trust, to tell a public root that is missing here from a private one. */
  readonly publicRoots: () => TrustStore;
}

/** Longer than a server on the other side of the earth takes for a banner. */
const longestSilenceMs = 3000;

/**
 * The real one.
 * @param timeoutMs for connecting, and again for the handshake
 */
export function realWorld(timeoutMs: number, fetches: boolean): DoctorWorld {
  return {
    dial,
    fetch: fetches ? cachingFetcher(httpFetcher()) : undefined,
    now: () => new Date(),
    patience: (wait) =>
      wait === 'connect' || wait === 'handshake' ? timeoutMs : Math.min(timeoutMs, longestSilenceMs),
    publicRoots: () => trustStore(rootCertificates),
  };
}
