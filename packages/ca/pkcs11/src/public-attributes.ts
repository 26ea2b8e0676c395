/**
 * Where a token keeps the public half of a private key: in an object beside it, in the key itself, or in a certificate.
 *
 * @module
 */

import {
  type Attribute,
  CKA_CLASS,
  CKA_EC_PARAMS,
  CKA_EC_POINT,
  CKA_ID,
  CKA_KEY_TYPE,
  CKA_LABEL,
  CKA_MODULUS,
  CKA_PUBLIC_EXPONENT,
  CKA_PUBLIC_KEY_INFO,
  CKA_VALUE,
  CKK_EC,
  CKK_EC_EDWARDS,
  CKK_RSA,
  CKO_CERTIFICATE,
  CKO_PUBLIC_KEY,
  type Cryptoki,
  type Handle,
} from './cryptoki.ts';
import { Pkcs11Error } from './errors.ts';
import { attribute, findObjects, ulongOf } from './names.ts';
import type { PublicAttributes } from './public-key.ts';

/** @throws Pkcs11Error `unsupported`, `key`; what the module throws */
export function publicAttributes(cryptoki: Cryptoki, session: Handle, privateKey: Handle): PublicAttributes {
  const type = attribute(cryptoki, session, privateKey, CKA_KEY_TYPE);
  const kind = type === undefined ? undefined : kinds.get(ulongOf(type));
  if (kind === undefined) {
    throw new Pkcs11Error('unsupported', 'this is a kind of key that cannot sign certificates', {
      hint: 'RSA, ECDSA on P curves and Ed25519 can',
    });
  }
  // A private RSA key has its modulus, and as a rule its exponent.
  const own = attributesOf(cryptoki, session, privateKey, kind);
  if (own !== undefined) return own;
  const beside = besides(cryptoki, session, privateKey);
  for (const object of findObjects(cryptoki, session, [{ type: CKA_CLASS, value: CKO_PUBLIC_KEY }, ...beside])) {
    const found = attributesOf(cryptoki, session, object, kind);
    if (found !== undefined) return found;
  }
  const spki = attribute(cryptoki, session, privateKey, CKA_PUBLIC_KEY_INFO);
  if (spki !== undefined) return { kind: 'spki', spki: Uint8Array.from(spki) };
  for (const object of findObjects(cryptoki, session, [{ type: CKA_CLASS, value: CKO_CERTIFICATE }, ...beside])) {
    const der = attribute(cryptoki, session, object, CKA_VALUE);
    if (der !== undefined) return { kind: 'certificate', der: Uint8Array.from(der) };
  }
  throw new Pkcs11Error('key', 'the token has no public key to this private key', {
    hint: 'put the public key beside it, with the same id: pkcs11-tool --write-object key.pub --type pubkey --id …',
  });
}

type Kind = 'rsa' | 'ec';

const kinds: ReadonlyMap<number, Kind> = new Map([
  [CKK_RSA, 'rsa'],
  [CKK_EC, 'ec'],
  [CKK_EC_EDWARDS, 'ec'],
]);

function attributesOf(cryptoki: Cryptoki, session: Handle, object: Handle, kind: Kind): PublicAttributes | undefined {
  const [first, second] = (kind === 'rsa' ? [CKA_MODULUS, CKA_PUBLIC_EXPONENT] : [CKA_EC_PARAMS, CKA_EC_POINT])
    .map((type) => attribute(cryptoki, session, object, type))
    .map((value) => (value === undefined ? undefined : Uint8Array.from(value)));
  if (first === undefined || second === undefined) return undefined;
  return kind === 'rsa' ? { kind, modulus: first, exponent: second } : { kind, parameters: first, point: second };
}

/** What belongs together has the same id; where a key has none, the same label. */
function besides(cryptoki: Cryptoki, session: Handle, key: Handle): Attribute[] {
  for (const type of [CKA_ID, CKA_LABEL]) {
    const value = attribute(cryptoki, session, key, type);
    if (value !== undefined) return [{ type, value }];
  }
  throw new Pkcs11Error('key', 'the private key has neither id nor label: its public key cannot be told', {
    hint: 'give both the same id with the token’s own tools',
  });
}
