/**
 * Ed448 (RFC 8032, with an empty context).
 *
 * @module
 */

import { ed448 as nobleEd448 } from '@noble/curves/ed448.js';
import { wipe } from '../bytes.ts';
import { elements, encode, only, tag, withLength } from '../der.ts';
import type { NobleSignature } from '../noble-signature.ts';
import type { SignatureVerifier } from '../provider.ts';
import { pureKeys, pureVerifier } from './pure.ts';
import type { PrivateKeyRow } from './signers.ts';

const keyLength = 57;

const signature: NobleSignature = {
  type: 'ed448',
  publicKeyLength: keyLength,
  signatureLength: 114,
  // RFC 8032 encodings alone: noble's default takes the looser ones of ZIP 215.
  verify: (signature, data, publicKey) => nobleEd448.verify(signature, data, publicKey, { zip215: false }),
  sign: (data, secretKey) => nobleEd448.sign(data, secretKey),
  publicKey: (secretKey) => nobleEd448.getPublicKey(secretKey),
  // CurvePrivateKey ::= OCTET STRING (RFC 8410 §7)
  readPrivateKey: (content) => withLength(only(elements(content), tag.octetString).content, keyLength),
  generate(random) {
    const secretKey = random(keyLength);
    const content = encode(tag.octetString, secretKey);
    wipe(secretKey);
    return content;
  },
};

export const ed448: SignatureVerifier = /* @__PURE__ */ pureVerifier(signature);
export const ed448Keys: PrivateKeyRow = /* @__PURE__ */ pureKeys(signature);
