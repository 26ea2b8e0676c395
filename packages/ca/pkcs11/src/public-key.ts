/**
 * The public half of a token's key, as its attributes give it (PKCS #11 2.40 §2.1 and §2.3; Ed25519 as in 3.0 §2.3).
 *
 * @module
 */

import { createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto';
import { copyBytes, type PublicKeyInfo, toHex } from '@handfast/crypto';
import { parsePublicKey } from '@handfast/x509';
import { Pkcs11Error } from './errors.ts';

export type PublicAttributes =
  | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: Uint8Array }
  | { readonly kind: 'ec'; readonly parameters: Uint8Array; readonly point: Uint8Array }
  /** A SubjectPublicKeyInfo. */
  | { readonly kind: 'spki'; readonly spki: Uint8Array }
  | { readonly kind: 'certificate'; readonly der: Uint8Array };

/** @throws Pkcs11Error `unsupported`, `key` */
export function publicKeyOf(attributes: PublicAttributes): PublicKeyInfo {
  try {
    return parsePublicKey(spkiOf(attributes));
  } catch (cause) {
    if (cause instanceof Pkcs11Error) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Pkcs11Error('key', `the token’s public key is none that we can read: ${reason}`, { cause });
  }
}

function spkiOf(attributes: PublicAttributes): Uint8Array {
  switch (attributes.kind) {
    case 'rsa':
      return ofJwk({ kty: 'RSA', n: base64url(attributes.modulus), e: base64url(attributes.exponent) });
    case 'ec':
      return ofJwk(curveKey(attributes.parameters, attributes.point));
    case 'spki':
      return attributes.spki;
    case 'certificate':
      return new X509Certificate(attributes.der).publicKey.export({ type: 'spki', format: 'der' });
  }
}

function ofJwk(key: JsonWebKey): Uint8Array {
  return copyBytes(createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' }));
}

interface Curve {
  readonly crv: string;
  /** Bytes of a coordinate. */
  readonly length: number;
}

const ed25519: Curve = { crv: 'Ed25519', length: 32 };

/** By CKA_EC_PARAMS: an OBJECT IDENTIFIER, or for Edwards curves its name as a PrintableString. */
const curves: ReadonlyMap<string, Curve> = new Map([
  ['06082a8648ce3d030107', { crv: 'P-256', length: 32 }],
  ['06052b81040022', { crv: 'P-384', length: 48 }],
  ['06052b81040023', { crv: 'P-521', length: 66 }],
  ['06032b6570', ed25519],
  ['130c656477617264733235353139', ed25519],
]);

function curveKey(parameters: Uint8Array, point: Uint8Array): JsonWebKey {
  const curve = curves.get(toHex(parameters));
  if (curve === undefined) {
    throw new Pkcs11Error('unsupported', `keys on the curve ${toHex(parameters)} are not for certificates here`, {
      hint: 'P-256, P-384, P-521 and Ed25519 are',
    });
  }
  const { crv, length } = curve;
  if (curve === ed25519) return { kty: 'OKP', crv, x: base64url(bare(point, length)) };
  const coordinates = bare(point, 1 + 2 * length);
  if (coordinates[0] !== 4) throw new Error('its point is compressed');
  return {
    kty: 'EC',
    crv,
    x: base64url(coordinates.subarray(1, 1 + length)),
    y: base64url(coordinates.subarray(1 + length)),
  };
}

/** CKA_EC_POINT is an OCTET STRING; of some modules a BIT STRING, or the point alone. */
function bare(point: Uint8Array, length: number): Uint8Array {
  const sizes = (content: number): readonly number[] => (content < 0x80 ? [content] : [0x81, content]);
  const heads = [[], [0x04, ...sizes(length)], [0x03, ...sizes(length + 1), 0]];
  const head = toHex(point.subarray(0, Math.max(0, point.length - length)));
  if (point.length < length || !heads.some((known) => toHex(Uint8Array.from(known)) === head)) {
    throw new Error(`its point has ${point.length} bytes, and ${length} were expected`);
  }
  return point.subarray(point.length - length);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
