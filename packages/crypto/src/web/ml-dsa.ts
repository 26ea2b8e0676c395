/**
 * ML-DSA (FIPS 204) by noble.
 *
 * @module
 */

import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { mlDsaByNoble } from '../noble-ml-dsa.ts';
import { nobleVerifier } from '../noble-signature.ts';
import type { SignatureVerifier } from '../provider.ts';
import { nobleKeys } from './noble-keys.ts';
import type { PrivateKeyRow } from './signers.ts';

const signature44 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-44', ml_dsa44);
const signature65 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-65', ml_dsa65);
const signature87 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-87', ml_dsa87);

export const mlDsa44: SignatureVerifier = /* @__PURE__ */ nobleVerifier(signature44);
export const mlDsa44Keys: PrivateKeyRow = /* @__PURE__ */ nobleKeys(signature44);
export const mlDsa65: SignatureVerifier = /* @__PURE__ */ nobleVerifier(signature65);
export const mlDsa65Keys: PrivateKeyRow = /* @__PURE__ */ nobleKeys(signature65);
export const mlDsa87: SignatureVerifier = /* @__PURE__ */ nobleVerifier(signature87);
export const mlDsa87Keys: PrivateKeyRow = /* @__PURE__ */ nobleKeys(signature87);
