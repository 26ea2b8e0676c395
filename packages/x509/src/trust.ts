/**
 * Trust anchors. A store is readonly and looked up by subject; an empty one trusts nobody. Every certificate in it is an
 * anchor, self-signed or not: an intermediate ends paths there, and a server's own certificate is trusted as itself.
 *
 * @module
 */

import { type Certificate, sameCertificate } from './certificate.ts';
import type { DirectoryName } from './names/directory.ts';

export interface TrustStore {
  readonly anchors: readonly Certificate[];
  /** The anchors whose subject is `name`. */
  bySubject(name: DirectoryName): readonly Certificate[];
  /** Whether exactly this certificate is an anchor. */
  has(certificate: Certificate): boolean;
}

/**
 * A store of these anchors; the same certificate twice is one.
 *
 * @example
 * ```ts
 * const trust = trustStore(parseCertificates(await readFile('root.pem')));
 * ```
 */
export function trustStore(anchors: Iterable<Certificate>): TrustStore {
  const bySubject = new Map<string, Certificate[]>();
  const all: Certificate[] = [];
  for (const anchor of anchors) {
    const same = bySubject.get(keyOf(anchor.subject)) ?? [];
    if (same.some((known) => sameCertificate(known, anchor))) continue;
    same.push(anchor);
    bySubject.set(keyOf(anchor.subject), same);
    all.push(anchor);
  }
  Object.freeze(all);
  return Object.freeze({
    anchors: all,
    bySubject: (name: DirectoryName): readonly Certificate[] => bySubject.get(keyOf(name)) ?? [],
    has: (certificate: Certificate): boolean =>
      bySubject.get(keyOf(certificate.subject))?.some((known) => sameCertificate(known, certificate)) ?? false,
  });
}

/** A map key of a name: its relative names' keys hold no line feed, being JSON. */
function keyOf(name: DirectoryName): string {
  return name.keys.join('\n');
}
