/**
 * How an encrypted PKCS#8 file (RFC 5958 §3) is encrypted, in words, without opening it. For people: whether it can be
 * opened, and at what price, is for the library.
 *
 * @module
 */

import { elements } from './shape.ts';

const oids = {
  pbes2: '06092a864886f70d01050d',
  pbkdf2: '06092a864886f70d01050c',
  scrypt: '06092b06010401da47040b',
} as const;

/** What came before PBES2 (RFC 8018 §A.3, RFC 7292 §C). */
const schemes: ReadonlyMap<string, string> = new Map([
  ['06092a864886f70d010501', 'pbeWithMD2AndDES-CBC'],
  ['06092a864886f70d010503', 'pbeWithMD5AndDES-CBC'],
  ['06092a864886f70d010504', 'pbeWithMD2AndRC2-CBC'],
  ['06092a864886f70d010506', 'pbeWithMD5AndRC2-CBC'],
  ['06092a864886f70d01050a', 'pbeWithSHA1AndDES-CBC'],
  ['06092a864886f70d01050b', 'pbeWithSHA1AndRC2-CBC'],
  ['060a2a864886f70d010c0103', 'pbeWithSHAAnd3-KeyTripleDES-CBC'],
  ['060a2a864886f70d010c0104', 'pbeWithSHAAnd2-KeyTripleDES-CBC'],
  ['060a2a864886f70d010c0105', 'pbeWithSHAAnd128BitRC2-CBC'],
  ['060a2a864886f70d010c0106', 'pbeWithSHAAnd40BitRC2-CBC'],
]);

/** Ciphers of PBES2 (RFC 8018 §B.2, NIST's AES), by the hexadecimal of their OBJECT IDENTIFIER. */
const ciphers: ReadonlyMap<string, string> = new Map([
  ['0609608648016503040102', 'AES-128-CBC'],
  ['0609608648016503040116', 'AES-192-CBC'],
  ['060960864801650304012a', 'AES-256-CBC'],
  ['06082a864886f70d0307', 'DES-EDE3-CBC, out of use'],
  ['06082a864886f70d0302', 'RC2-CBC, out of use'],
  ['06052b0e030207', 'DES-CBC, out of use'],
]);

/** HMACs of PBKDF2 (RFC 8018 §B.1.1); SHA-1 where none is named. */
const hmacs: ReadonlyMap<string, string> = new Map([
  ['06082a864886f70d0207', 'HMAC-SHA1'],
  ['06082a864886f70d0208', 'HMAC-SHA224'],
  ['06082a864886f70d0209', 'HMAC-SHA256'],
  ['06082a864886f70d020a', 'HMAC-SHA384'],
  ['06082a864886f70d020b', 'HMAC-SHA512'],
]);

/**
 * `AES-256-CBC, by PBKDF2 with HMAC-SHA256 and 600,000 iterations`
 *
 * @param der an EncryptedPrivateKeyInfo
 */
export function encryptionOf(der: Uint8Array): string {
  const [info] = elements(der);
  const [algorithm] = elements(info?.content);
  const [scheme, parameters] = elements(algorithm?.content);
  if (scheme === undefined) return 'a scheme that cannot be read';
  if (hex(scheme.raw) !== oids.pbes2) return `${schemes.get(hex(scheme.raw)) ?? 'an unknown scheme'}, out of use`;
  const [derivation, encryption] = elements(parameters?.content);
  const [cipher] = elements(encryption?.content);
  const name = cipher === undefined ? undefined : ciphers.get(hex(cipher.raw));
  return `${name ?? 'an unknown cipher'}, by ${derivationText(derivation?.content)}`;
}

function derivationText(content: Uint8Array | undefined): string {
  const [kind, parameters] = elements(content);
  const fields = elements(parameters?.content);
  switch (kind === undefined ? '' : hex(kind.raw)) {
    case oids.pbkdf2: {
      // PBKDF2-params ::= SEQUENCE { salt, iterationCount INTEGER, keyLength INTEGER OPTIONAL, prf DEFAULT hmacWithSHA1 }
      const prf = fields.slice(2).find(({ tag }) => tag === 0x30);
      const [hmac] = elements(prf?.content);
      const hash = hmac === undefined ? 'HMAC-SHA1' : (hmacs.get(hex(hmac.raw)) ?? 'an unknown HMAC');
      return `PBKDF2 with ${hash} and ${numberText(fields[1]?.content)} iterations`;
    }
    case oids.scrypt: {
      const [n, r, p] = fields.slice(1).map(({ content: number }) => numberText(number));
      return `scrypt with N = ${n}, r = ${r}, p = ${p}`;
    }
    default:
      return 'an unknown key derivation';
  }
}

function numberText(content: Uint8Array | undefined): string {
  if (content === undefined || content.length === 0 || content.length > 8) return '?';
  return BigInt(`0x${hex(content)}`).toLocaleString('en-US');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
