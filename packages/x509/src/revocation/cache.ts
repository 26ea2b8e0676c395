/**
 * What was fetched about revocation, for as long as it is good: CRLs by URL, OCSP responses by the certificate that they
 * are about, each until its nextUpdate; and, for a short while, that nothing usable was to be had. Shared by connections.
 *
 * Nothing in here is believed because it is here: signatures and dates are checked whenever an entry is used. Bounded in
 * number and in bytes; what was used longest ago goes first.
 *
 * @module
 */

import type { Crl } from '../crl.ts';
import type { OcspResponse } from '../ocsp/response.ts';

export interface RevocationCacheOptions {
  /** Entries; 1,000 unless set. */
  readonly maxEntries?: number;
  /** Bytes of all that is kept; 64 MiB unless set, six of the largest public CRLs. */
  readonly maxBytes?: number;
  /** Milliseconds for which a failure is remembered; a minute unless set. */
  readonly failureMs?: number;
}

const defaultMaxEntries = 1000;
const defaultMaxBytes = 64 << 20;
const defaultFailureMs = 60_000;

/** What is known: something parsed, or why there is nothing. */
export type CachedStatus =
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'ocsp'; readonly response: OcspResponse }
  | { readonly kind: 'failure'; readonly why: string };

interface Entry {
  readonly status: CachedStatus;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * A cache for `checkRevocation`. One for a whole program will do.
 *
 * @example
 * ```ts
 * const cache = new RevocationCache();
 * const revocation = { mode: 'prefer', fetch: cachingFetcher(httpFetcher()), cache } as const;
 * ```
 */
export class RevocationCache {
  /** The one that was used longest ago stands first. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #failureMs: number;
  #bytes = 0;

  /** @throws RangeError for a limit that is none */
  constructor(options: RevocationCacheOptions = {}) {
    const { maxEntries = defaultMaxEntries, maxBytes = defaultMaxBytes, failureMs = defaultFailureMs } = options;
    for (const limit of [maxEntries, maxBytes, failureMs]) {
      if (!(limit >= 0)) throw new RangeError(`a limit of the revocation cache is ${limit}`);
    }
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#failureMs = failureMs;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of DER that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  /** What is known under a key, a URL or the name of a certificate, at `time`. */
  get(key: string, time: Date): CachedStatus | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.until <= time.getTime()) {
      this.#drop(key, entry);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.status;
  }

  /** Keeps what was parsed until `nextUpdate`; not at all where there is none. */
  keep(key: string, status: Exclude<CachedStatus, { kind: 'failure' }>, nextUpdate: Date | undefined): void {
    if (nextUpdate === undefined) return;
    const { raw } = status.kind === 'crl' ? status.crl : status.response;
    this.#set(key, { status, bytes: raw.length, until: nextUpdate.getTime() });
  }

  /** Keeps for a while that there was nothing, and why. */
  fail(key: string, why: string, time: Date): void {
    this.#set(key, { status: { kind: 'failure', why }, bytes: why.length, until: time.getTime() + this.#failureMs });
  }

  #set(key: string, entry: Entry): void {
    this.#drop(key, this.#entries.get(key));
    if (entry.bytes > this.#maxBytes) return;
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, old] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest, old);
    }
  }

  #drop(key: string, entry: Entry | undefined): void {
    this.#bytes -= entry?.bytes ?? 0;
    this.#entries.delete(key);
  }
}
