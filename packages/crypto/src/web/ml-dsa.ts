/**
 * ML-DSA (FIPS 204).
 *
 * @module
 */

import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { mlDsaByNoble } from '../noble-ml-dsa.ts';
import type { SignatureVerifier } from '../provider.ts';
import { pureKeys, pureVerifier } from './pure.ts';
import type { PrivateKeyRow } from './signers.ts';

const signature44 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-44', ml_dsa44);
const signature65 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-65', ml_dsa65);
const signature87 = /* @__PURE__ */ mlDsaByNoble('ml-dsa-87', ml_dsa87);

export const mlDsa44: SignatureVerifier = /* @__PURE__ */ pureVerifier(signature44);
export const mlDsa44Keys: PrivateKeyRow = /* @__PURE__ */ pureKeys(signature44);
export const mlDsa65: SignatureVerifier = /* @__PURE__ */ pureVerifier(signature65);
export const mlDsa65Keys: PrivateKeyRow = /* @__PURE__ */ pureKeys(signature65);
export const mlDsa87: SignatureVerifier = /* @__PURE__ */ pureVerifier(signature87);
export const mlDsa87Keys: PrivateKeyRow = /* @__PURE__ */ pureKeys(signature87);
