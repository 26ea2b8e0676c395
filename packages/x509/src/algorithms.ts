/**
 * AlgorithmIdentifier ↔ `SignatureAlgorithm`: object identifier and parameters (RFC 4055, RFC 5758, RFC 8410, RFC 9881). RSA-PSS parameters are taken in one shape only: the same hash in MGF1, a
 * salt as long as the hash.
 *
 * Algorithms that are only recognised, so that a message can name them, stand in `weakSignatures`, those among them that an
 * explicit policy may still take.
 *
 * @module
 */

import {
  type Bytes,
  type HashName,
  hashLength,
  type KeyType,
  type LegacySignatureAlgorithm,
  type SignatureAlgorithm,
  signatureMethods,
} from '@handfast/crypto';
import type { Oid } from './der/oid.ts';
import { contextConstructed, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { malformed } from './errors.ts';

/** An AlgorithmIdentifier as it stood. */
export interface AlgorithmIdentifier {
  readonly oid: Oid;
  /** The parameters' DER; absent is not the same as NULL. */
  readonly parameters: Bytes | undefined;
  readonly raw: Bytes;
}

const rsaSsaPss: Oid = '1.2.840.113549.1.1.10';
const mgf1: Oid = '1.2.840.113549.1.1.8';

const hashOids: readonly (readonly [HashName, Oid])[] = [
  ['sha256', '2.16.840.1.101.3.4.2.1'],
  ['sha384', '2.16.840.1.101.3.4.2.2'],
  ['sha512', '2.16.840.1.101.3.4.2.3'],
];

const signatureOids: Readonly<Record<SignatureAlgorithm, Oid>> = {
  'ecdsa-sha256': '1.2.840.10045.4.3.2',
  'ecdsa-sha384': '1.2.840.10045.4.3.3',
  'ecdsa-sha512': '1.2.840.10045.4.3.4',
  'rsa-pkcs1-sha256': '1.2.840.113549.1.1.11',
  'rsa-pkcs1-sha384': '1.2.840.113549.1.1.12',
  'rsa-pkcs1-sha512': '1.2.840.113549.1.1.13',
  'rsa-pss-sha256': rsaSsaPss,
  'rsa-pss-sha384': rsaSsaPss,
  'rsa-pss-sha512': rsaSsaPss,
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  'ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa-65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa-87': '2.16.840.1.101.3.4.3.19',
};

/** What stands beside the OID. `null`: RFC 4055 §5, written NULL, read also where absent. `pss`: RFC 4055 §3.1. */
type Parameters = 'absent' | 'null' | { readonly pss: HashName };

function parametersOf(algorithm: SignatureAlgorithm): Parameters {
  const { kind, hash } = signatureMethods[algorithm];
  return kind === 'pss' && hash !== null ? { pss: hash } : kind === 'pkcs1' ? 'null' : 'absent';
}

/** Signatures that nobody should rely on any more, by the name that messages use; and those that a policy may still take. */
const weakSignatures: readonly (readonly [oid: Oid, name: string, algorithm?: LegacySignatureAlgorithm])[] = [
  ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption', 'rsa-pkcs1-sha1'],
  ['1.2.840.113549.1.1.14', 'sha224WithRSAEncryption'],
  ['1.3.14.3.2.29', 'sha1WithRSASignature', 'rsa-pkcs1-sha1'],
  ['1.2.840.10040.4.3', 'dsa-with-sha1', 'dsa-sha1'],
  ['2.16.840.1.101.3.4.3.1', 'dsa-with-sha224'],
  ['2.16.840.1.101.3.4.3.2', 'dsa-with-sha256', 'dsa-sha256'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1', 'ecdsa-sha1'],
  ['1.2.840.10045.4.3.1', 'ecdsa-with-SHA224'],
];

/** A signature that nobody should rely on. */
export interface WeakSignature {
  /** For messages. */
  readonly name: string;
  /** Set where a policy or a profile may take it all the same. */
  readonly algorithm: LegacySignatureAlgorithm | undefined;
}

export function weakSignature(oid: Oid): WeakSignature | undefined {
  const [, name, algorithm] = weakSignatures.find(([known]) => known === oid) ?? [];
  return name === undefined ? undefined : { name, algorithm };
}

/** The legacy algorithm, or `undefined` where it, or its parameters, are none. */
export function legacySignatureAlgorithmOf({
  oid,
  parameters,
}: AlgorithmIdentifier): LegacySignatureAlgorithm | undefined {
  const algorithm = weakSignature(oid)?.algorithm;
  // NULL: RFC 3279 §2.2.1; absent: §2.2.2, §2.2.3.
  const wanted = algorithm?.startsWith('rsa') ? 'null' : 'absent';
  return parametersFit(wanted, parameters, undefined) ? algorithm : undefined;
}

/** Reads an AlgorithmIdentifier (RFC 5280 §4.1.1.2); its parameters are left to whom they concern. */
export function readAlgorithmIdentifier(reader: DerReader, what: string): AlgorithmIdentifier {
  const element = reader.element(tag.sequence);
  const inner = reader.within(element.content, what);
  const oid = inner.oid();
  const parameters = inner.done ? undefined : inner.element().raw;
  inner.end();
  return { oid, parameters, raw: element.raw };
}

/** The algorithm, or `undefined` where it, or its parameters, are none that we verify. */
export function signatureAlgorithmOf(identifier: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  const pss = identifier.oid === rsaSsaPss ? readPssParameters(identifier.parameters) : undefined;
  // The keys of our own table, which `Object.keys` widens to strings.
  const algorithms = Object.keys(signatureOids) as SignatureAlgorithm[];
  return algorithms.find(
    (algorithm) =>
      signatureOids[algorithm] === identifier.oid && parametersFit(parametersOf(algorithm), identifier.parameters, pss),
  );
}

/** The AlgorithmIdentifier's DER. */
export function encodeSignatureAlgorithm(algorithm: SignatureAlgorithm): Bytes {
  const oid = signatureOid(algorithm);
  const parameters = parametersOf(algorithm);
  if (parameters === 'absent') return der.sequence(der.oid(oid));
  if (parameters === 'null') return der.sequence(der.oid(oid), der.nothing());
  return der.sequence(der.oid(oid), encodePssParameters(parameters.pss));
}

/** Whether a key of this type can make such signatures at all. */
export function keyTypeFits(algorithm: SignatureAlgorithm, type: KeyType): boolean {
  signatureOid(algorithm);
  return signatureMethods[algorithm].keyTypes.includes(type);
}

/** The algorithm's object identifier. */
export function signatureOid(algorithm: SignatureAlgorithm): Oid {
  if (!Object.hasOwn(signatureOids, algorithm)) throw new RangeError(`no such signature algorithm: ${algorithm}`);
  return signatureOids[algorithm];
}

/** RSASSA-PSS-params of our shape: its hash. Anything else is `undefined`. */
export function readPssParameters(parameters: Bytes | undefined): HashName | undefined {
  if (parameters === undefined) return undefined;
  return readDer(parameters, 'RSASSA-PSS-params', (reader) => {
    const params = reader.sequence();
    // The defaults (SHA-1, MGF1 with SHA-1, 20) are none that we take, so each field must be there.
    const hash = explicitly(params, 0, readHash);
    const mgfHash = explicitly(params, 1, readMgf1);
    const saltLength = explicitly(params, 2, (inner) => inner.smallInteger());
    const trailer = explicitly(params, 3, (inner) => inner.smallInteger());
    params.end();
    if (trailer !== undefined)
      throw malformed('RSASSA-PSS-params', 'a trailer field, which is 1 by default and may only be 1');
    return hash !== undefined && hash === mgfHash && saltLength === hashLength[hash] ? hash : undefined;
  });
}

function encodePssParameters(hash: HashName): Bytes {
  const oid = hashOids.find(([name]) => name === hash)?.[1] ?? '';
  const hashIdentifier = der.sequence(der.oid(oid), der.nothing());
  return der.sequence(
    der.explicit(0, hashIdentifier),
    der.explicit(1, der.sequence(der.oid(mgf1), hashIdentifier)),
    der.explicit(2, der.smallInteger(hashLength[hash])),
  );
}

function parametersFit(wanted: Parameters, found: Bytes | undefined, pss: HashName | undefined): boolean {
  if (wanted === 'absent') return found === undefined;
  if (wanted === 'null') return found === undefined || isNull(found);
  return wanted.pss === pss;
}

function explicitly<T>(reader: DerReader, number: number, read: (inner: DerReader) => T): T | undefined {
  if (reader.nextTag !== contextConstructed(number)) return undefined;
  const inner = reader.inside(contextConstructed(number));
  const value = read(inner);
  inner.end();
  return value;
}

/** A hash's AlgorithmIdentifier: parameters NULL or absent, both of which RFC 4055 §2.1 wants accepted. */
function readHash(reader: DerReader): HashName | undefined {
  const { oid, parameters } = readAlgorithmIdentifier(reader, 'hash algorithm');
  if (parameters !== undefined && !isNull(parameters))
    throw malformed('hash algorithm', 'parameters that are not NULL');
  return hashOids.find(([, known]) => known === oid)?.[0];
}

function readMgf1(reader: DerReader): HashName | undefined {
  const { oid, parameters } = readAlgorithmIdentifier(reader, 'mask generation function');
  return oid === mgf1 && parameters !== undefined ? readDer(parameters, 'MGF1 hash', readHash) : undefined;
}

function isNull(parameters: Bytes): boolean {
  return parameters.length === 2 && parameters[0] === tag.null && parameters[1] === 0;
}
