/**
 * DSA keys (RFC 3279 §2.3.2), for RFC 5280's profile alone. A key may leave out its parameters and have them of its
 * issuer (RFC 5280 §6.1.4 (d) to (f)), so that a signature under it can be verified only once the path above is known.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { readAlgorithmIdentifier } from '../algorithms.ts';
import type { Certificate } from '../certificate.ts';
import type { Oid } from '../der/oid.ts';
import { readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';

const dsaOid: Oid = '1.2.840.10040.4.1';

/** Of a larger modulus nobody makes use: FIPS 186-4 ends at 3072. */
const maxDsaBits = 3072;

export interface DsaKey {
  /** The Dss-Parms, DER; `undefined`: those of the issuer. */
  readonly parameters: Bytes | undefined;
  /** The BIT STRING's content: an INTEGER. */
  readonly raw: Bytes;
}

/** What a profile that takes DSA brings along. */
export interface DsaKeys {
  /**
   * A certificate's key where it is one of DSA, else `undefined`.
   *
   * @throws CertificateError `malformed`
   */
  readonly keyOf: (certificate: Certificate) => DsaKey | undefined;
  /** Bits of the prime modulus. */
  readonly bits: (parameters: Bytes) => number;
  /** The SubjectPublicKeyInfo of a key under these parameters. */
  readonly spki: (key: DsaKey, parameters: Bytes) => Bytes;
  /**
   * The parameters that the key of `path[index]` is used with: its own, or those of the next certificate above with a DSA
   * key (the path ends in the anchor). `undefined`: nobody has any.
   */
  readonly parametersOf: (path: readonly Certificate[], index: number) => Bytes | undefined;
}

export const dsaKeys: DsaKeys = { keyOf: dsaKeyOf, bits: dsaBits, spki: dsaSpki, parametersOf: dsaParametersOf };

const known = new WeakMap<Certificate, { readonly key: DsaKey | undefined }>();

export function dsaKeyOf(certificate: Certificate): DsaKey | undefined {
  let found = known.get(certificate);
  if (found === undefined) {
    found = { key: parseDsaKey(certificate.spki) };
    known.set(certificate, found);
  }
  return found.key;
}

function dsaBits(parameters: Bytes): number {
  const what = 'parameters of a DSA key';
  return readDer(parameters, what, (reader) => {
    const dss = reader.sequence();
    const p = dss.unsigned();
    dss.unsigned();
    dss.unsigned();
    dss.end();
    const bits = 8 * p.length - Math.clz32(p[0] ?? 0) + 24;
    if (p.length === 0 || bits > maxDsaBits) throw malformed(what, `a modulus of ${Math.max(bits, 0)} bits`);
    return bits;
  });
}

export function dsaSpki(key: DsaKey, parameters: Bytes): Bytes {
  return der.sequence(der.sequence(der.oid(dsaOid), parameters), der.bitString(key.raw));
}

export function dsaParametersOf(path: readonly Certificate[], index: number): Bytes | undefined {
  for (const certificate of path.slice(index)) {
    const key = dsaKeyOf(certificate);
    // §6.1.4 (e): parameters come only from a key of the same algorithm.
    if (key === undefined) return undefined;
    if (key.parameters !== undefined) return key.parameters;
  }
  return undefined;
}

function parseDsaKey(spki: Bytes): DsaKey | undefined {
  const what = 'DSA public key';
  return readDer(spki, what, (reader) => {
    const info = reader.sequence();
    const { oid, parameters } = readAlgorithmIdentifier(info, what);
    const raw = info.octetAlignedBitString();
    info.end();
    if (oid !== dsaOid) return undefined;
    readDer(raw, what, (inner) => inner.unsigned());
    // §6.1.4 (e): NULL is as good as nothing.
    if (parameters === undefined || parameters[0] === tag.null) return { parameters: undefined, raw };
    dsaBits(parameters);
    return { parameters, raw };
  });
}
