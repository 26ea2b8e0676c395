/**
 * A trust store whose paths end at self-signed certificates alone, as OpenSSL has it unless told otherwise
 * (`X509_V_FLAG_PARTIAL_CHAIN`): what else is in it helps to build paths, as what a peer sends does.
 *
 * @module
 */

import type { Settling } from '@handfast/crypto';
import { type Certificate, keyIdentifierFits } from './certificate.ts';
import type { DirectoryName } from './names/directory.ts';
import { type VerifiedPath, type VerifyOptions, verify } from './path/build.ts';
import type { SkippedAnchor, TrustStore } from './trust.ts';
import type { AnchorLimits } from './trust-limits.ts';

/**
 * The same certificates, of which only the self-signed ones are anchors. Limits of the others limit nothing.
 *
 * @example
 * ```ts
 * const trust = rootsOnly(trustStore(pem));
 * ```
 */
export function rootsOnly(store: TrustStore): TrustStore {
  return Object.freeze(new RootStore(store));
}

class RootStore implements TrustStore {
  readonly #store: TrustStore;
  #anchors: readonly Certificate[] | undefined;

  constructor(store: TrustStore) {
    this.#store = store;
  }

  /** Helpers too are counted: nothing is parsed for this. */
  get size(): number {
    return this.#store.size;
  }

  get anchors(): readonly Certificate[] {
    this.#anchors ??= Object.freeze(this.#store.anchors.filter(isSelfSigned));
    return this.#anchors;
  }

  get skipped(): readonly SkippedAnchor[] {
    return this.#store.skipped;
  }

  bySubject(name: DirectoryName): readonly Certificate[] {
    return this.#store.bySubject(name).filter(isSelfSigned);
  }

  has(certificate: Certificate): boolean {
    return isSelfSigned(certificate) && this.#store.has(certificate);
  }

  helpersBySubject(name: DirectoryName): readonly Certificate[] {
    return this.#store.bySubject(name).filter((one) => !isSelfSigned(one));
  }

  limitsOf(anchor: Certificate): readonly AnchorLimits[] {
    return this.#store.limitsOf(anchor);
  }

  verify(options: Omit<VerifyOptions, 'trust'>): Settling<VerifiedPath> {
    return verify({ ...options, trust: this });
  }
}

/** By its names and key identifiers: a CA that took a new key signs that one by its old key, under one name. */
function isSelfSigned(certificate: Certificate): boolean {
  return certificate.selfIssued && keyIdentifierFits(certificate, certificate) !== false;
}
