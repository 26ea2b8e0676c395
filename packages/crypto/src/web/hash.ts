/**
 * SHA-2, and SHA-1 as the name of things.
 *
 * @module
 */

import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CryptoProvider, HashName } from '../provider.ts';
import { type Hashes, hashesByNoble } from './noble-hash.ts';

export const sha2: Hashes<HashName> = /* @__PURE__ */ hashesByNoble({ sha256, sha384, sha512 });

export const legacyDigests: NonNullable<CryptoProvider['legacyDigests']> = { sha1: (data) => sha1(data) };
