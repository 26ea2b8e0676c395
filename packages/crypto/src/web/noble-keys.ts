/**
 * Private keys that sign by noble, as rows of a web provider.
 *
 * @module
 */

import { type NobleSignature, nobleSigner } from '../noble-signature.ts';
import type { PrivateKeyRow } from './signers.ts';
import { random } from './subtle.ts';

export function nobleKeys(signature: NobleSignature): PrivateKeyRow {
  return {
    types: [signature.type],
    import: async ({ privateKey }) => nobleSigner(signature, privateKey),
    generate: async () => signature.generate(random),
  };
}
