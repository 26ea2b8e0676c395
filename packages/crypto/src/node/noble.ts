/**
 * noble, where it is installed: it stands in for what this Node's OpenSSL lacks. Loaded when first needed, synchronously.
 *
 * @module
 */

import { createRequire } from 'node:module';
import type { NobleKem } from '../noble-kem.ts';
import type { NobleDsa } from '../noble-ml-dsa.ts';

/** What is used of each module. */
interface NobleModules {
  readonly 'ml-kem': Readonly<Record<'ml_kem768' | 'ml_kem1024', NobleKem>>;
  readonly 'ml-dsa': Readonly<Record<'ml_dsa44' | 'ml_dsa65' | 'ml_dsa87', NobleDsa>>;
}

/** The module, or `undefined` where the optional dependency is not installed. */
export function loadNoble<Name extends keyof NobleModules>(name: Name): NobleModules[Name] | undefined {
  try {
    // `require` has no types: the interface above states what is there.
    return createRequire(import.meta.url)(`@noble/post-quantum/${name}.js`) as NobleModules[Name];
  } catch {
    return undefined;
  }
}
