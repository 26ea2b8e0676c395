/**
 * Signatures by `node:crypto`: how each is made and verified. Private keys are in `keys.ts`.
 *
 * @module
 */

import { constants, type KeyObject, type SignKeyObjectInput, verify } from 'node:crypto';
import { equalBytes } from '../bytes.ts';
import { writeSpki } from '../key-containers.ts';
import { nobleVerifier } from '../noble-signature.ts';
import { CryptoError, type PublicKeyInfo, type SignatureAlgorithm, type SignatureVerifier } from '../provider.ts';
import { fitsKey, type SignatureMethod, signatureMethods } from '../signature-methods.ts';
import { hasNativeMlDsa, isMlDsa, nobleMlDsa } from './mldsa.ts';
import { importSpki } from './public-key.ts';

/** What this runtime can verify. ML-DSA came with OpenSSL 3.5 in Node 24.7; noble stands in, else it is absent. */
export function signatureRows(): Readonly<Partial<Record<SignatureAlgorithm, SignatureVerifier>>> {
  const rows: Partial<Record<SignatureAlgorithm, SignatureVerifier>> = {};
  for (const [key, method] of Object.entries(signatureMethods)) {
    // The keys of our own table, which `Object.entries` widens to strings.
    const algorithm = key as SignatureAlgorithm;
    if (!isMlDsa(algorithm) || hasNativeMlDsa()) {
      rows[algorithm] = verifier(method);
      continue;
    }
    const byNoble = nobleMlDsa()[algorithm];
    if (byNoble !== undefined) rows[algorithm] = nobleVerifier(byNoble);
  }
  return rows;
}

function verifier(method: SignatureMethod): SignatureVerifier {
  return {
    verify(key, data, signature) {
      if (!fitsKey(method, key)) return false;
      const publicKey = publicKeyOf(key);
      try {
        return verify(method.hash, data, keyInput(publicKey, method), signature);
      } catch {
        // Some malformed signatures are exceptions in OpenSSL, others are false.
        return false;
      }
    },
  };
}

/**
 * The key as `sign` and `verify` take it. A bare KeyObject, where the defaults are right (ECDSA in DER, PKCS #1 v1.5 for a key
 * of type `rsa`, pure schemes), is much cheaper than an object around it.
 */
export function keyInput(key: KeyObject, { kind }: SignatureMethod): KeyObject | SignKeyObjectInput {
  // The default would sign with the longest salt and verify any.
  if (kind === 'pss') {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return key;
}

const imported = new WeakMap<PublicKeyInfo, KeyObject>();

/** The key in OpenSSL's hands, remembered as long as its `PublicKeyInfo` lives. */
function publicKeyOf(info: PublicKeyInfo): KeyObject {
  const known = imported.get(info);
  if (known !== undefined) return known;
  checkForm(info);
  try {
    const key = importSpki(info.spki);
    imported.set(info, key);
    return key;
  } catch (cause) {
    throw new CryptoError('invalid_key', `OpenSSL refuses this ${info.type} public key`, { cause });
  }
}

/** OpenSSL would take another kind of key, explicit parameters, and compressed and hybrid points. */
function checkForm({ type, spki, raw }: PublicKeyInfo): void {
  if (type === 'rsa' || type === 'rsa-pss') return;
  if (!equalBytes(spki, writeSpki(raw, type))) {
    throw new CryptoError('invalid_key', `the SubjectPublicKeyInfo is not that of a ${type} key`);
  }
  if (type.startsWith('secp') && raw[0] !== 4) {
    throw new CryptoError('invalid_key', `the point of a ${type} public key must be uncompressed`);
  }
}
