/**
 * AlgorithmIdentifier ↔ `SignatureAlgorithm`, as one table: object identifier, parameters, the keys that can do it
 * (RFC 4055, RFC 5758, RFC 8410, RFC 9881). RSA-PSS parameters are taken in one shape only: the same hash in MGF1, a
 * salt as long as the hash.
 *
 * Algorithms that are only recognised, so that a message can name them, stand in `weakSignatures`; those of them that an
 * explicit policy may still take, in `legacySignatures`.
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

/** Everything that certificates need to know about one signature algorithm. */
interface SignatureRow {
  readonly algorithm: SignatureAlgorithm;
  readonly oid: Oid;
  /** `null`: RFC 4055 §5, written NULL, read also where absent. `pss`: RFC 4055 §3.1. */
  readonly parameters: 'absent' | 'null' | { readonly pss: HashName };
  readonly keys: readonly KeyType[];
}

const rsaSsaPss: Oid = '1.2.840.113549.1.1.10';
const mgf1: Oid = '1.2.840.113549.1.1.8';

const hashOids: readonly (readonly [HashName, Oid])[] = [
  ['sha256', '2.16.840.1.101.3.4.2.1'],
  ['sha384', '2.16.840.1.101.3.4.2.2'],
  ['sha512', '2.16.840.1.101.3.4.2.3'],
];

const ec: readonly KeyType[] = ['secp256r1', 'secp384r1', 'secp521r1'];
const rsa: readonly KeyType[] = ['rsa', 'rsa-pss'];

// biome-ignore format: a table
const signatureRows: readonly SignatureRow[] = [
  { algorithm: 'ecdsa-sha256',     oid: '1.2.840.10045.4.3.2',     parameters: 'absent',          keys: ec },
  { algorithm: 'ecdsa-sha384',     oid: '1.2.840.10045.4.3.3',     parameters: 'absent',          keys: ec },
  { algorithm: 'ecdsa-sha512',     oid: '1.2.840.10045.4.3.4',     parameters: 'absent',          keys: ec },
  { algorithm: 'rsa-pkcs1-sha256', oid: '1.2.840.113549.1.1.11',   parameters: 'null',            keys: ['rsa'] },
  { algorithm: 'rsa-pkcs1-sha384', oid: '1.2.840.113549.1.1.12',   parameters: 'null',            keys: ['rsa'] },
  { algorithm: 'rsa-pkcs1-sha512', oid: '1.2.840.113549.1.1.13',   parameters: 'null',            keys: ['rsa'] },
  { algorithm: 'rsa-pss-sha256',   oid: rsaSsaPss,                 parameters: { pss: 'sha256' }, keys: rsa },
  { algorithm: 'rsa-pss-sha384',   oid: rsaSsaPss,                 parameters: { pss: 'sha384' }, keys: rsa },
  { algorithm: 'rsa-pss-sha512',   oid: rsaSsaPss,                 parameters: { pss: 'sha512' }, keys: rsa },
  { algorithm: 'ed25519',          oid: '1.3.101.112',             parameters: 'absent',          keys: ['ed25519'] },
  { algorithm: 'ed448',            oid: '1.3.101.113',             parameters: 'absent',          keys: ['ed448'] },
  { algorithm: 'ml-dsa-44',        oid: '2.16.840.1.101.3.4.3.17', parameters: 'absent',          keys: ['ml-dsa-44'] },
  { algorithm: 'ml-dsa-65',        oid: '2.16.840.1.101.3.4.3.18', parameters: 'absent',          keys: ['ml-dsa-65'] },
  { algorithm: 'ml-dsa-87',        oid: '2.16.840.1.101.3.4.3.19', parameters: 'absent',          keys: ['ml-dsa-87'] },
];

/** Signatures that nobody should rely on any more, by the name that messages use. */
const weakSignatures: ReadonlyMap<Oid, string> = new Map([
  ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
  ['1.2.840.113549.1.1.14', 'sha224WithRSAEncryption'],
  ['1.3.14.3.2.29', 'sha1WithRSASignature'],
  ['1.2.840.10040.4.3', 'dsa-with-sha1'],
  ['2.16.840.1.101.3.4.3.1', 'dsa-with-sha224'],
  ['2.16.840.1.101.3.4.3.2', 'dsa-with-sha256'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ['1.2.840.10045.4.3.1', 'ecdsa-with-SHA224'],
]);

/** A signature that is verified only where a policy or a profile says so. */
export interface LegacySignature {
  readonly algorithm: LegacySignatureAlgorithm;
  readonly oid: Oid;
  /** For messages. */
  readonly name: string;
  /** `null`: RFC 3279 §2.2.1; `absent`: §2.2.2, §2.2.3. */
  readonly parameters: 'absent' | 'null';
  readonly key: 'rsa' | 'ec' | 'dsa';
  /** Whether it is over SHA-1. */
  readonly sha1: boolean;
  readonly dsa: boolean;
}

const legacySignatures: readonly LegacySignature[] = [
  legacyRow('rsa-pkcs1-sha1', '1.2.840.113549.1.1.5', 'sha1WithRSAEncryption', 'rsa'),
  legacyRow('rsa-pkcs1-sha1', '1.3.14.3.2.29', 'sha1WithRSASignature', 'rsa'),
  legacyRow('ecdsa-sha1', '1.2.840.10045.4.1', 'ecdsa-with-SHA1', 'ec'),
  legacyRow('dsa-sha1', '1.2.840.10040.4.3', 'dsa-with-sha1', 'dsa'),
  legacyRow('dsa-sha256', '2.16.840.1.101.3.4.3.2', 'dsa-with-sha256', 'dsa'),
];

function legacyRow(
  algorithm: LegacySignatureAlgorithm,
  oid: Oid,
  name: string,
  key: LegacySignature['key'],
): LegacySignature {
  const parameters = key === 'rsa' ? 'null' : 'absent';
  return { algorithm, oid, name, parameters, key, sha1: algorithm.endsWith('sha1'), dsa: key === 'dsa' };
}

/** The row of a signature that only an explicit policy takes, or `undefined`. */
export function legacySignature(oid: Oid): LegacySignature | undefined {
  return legacySignatures.find((row) => row.oid === oid);
}

/** The legacy algorithm, or `undefined` where it, or its parameters, are none. */
export function legacySignatureAlgorithmOf(identifier: AlgorithmIdentifier): LegacySignatureAlgorithm | undefined {
  const row = legacySignature(identifier.oid);
  return row !== undefined && parametersFit(row.parameters, identifier.parameters, undefined)
    ? row.algorithm
    : undefined;
}

/** The name of a signature algorithm that is too weak to trust, or `undefined`. */
export function weakSignatureName(oid: Oid): string | undefined {
  return weakSignatures.get(oid);
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
  const row = signatureRows.find(
    ({ oid, parameters }) => oid === identifier.oid && parametersFit(parameters, identifier.parameters, pss),
  );
  return row?.algorithm;
}

/** The AlgorithmIdentifier's DER. */
export function encodeSignatureAlgorithm(algorithm: SignatureAlgorithm): Bytes {
  const { oid, parameters } = rowOf(algorithm);
  if (parameters === 'absent') return der.sequence(der.oid(oid));
  if (parameters === 'null') return der.sequence(der.oid(oid), der.nothing());
  return der.sequence(der.oid(oid), encodePssParameters(parameters.pss));
}

/** Whether a key of this type can make such signatures at all. */
export function keyTypeFits(algorithm: SignatureAlgorithm, type: KeyType): boolean {
  return rowOf(algorithm).keys.includes(type);
}

/** The algorithm's object identifier. */
export function signatureOid(algorithm: SignatureAlgorithm): Oid {
  return rowOf(algorithm).oid;
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

function rowOf(algorithm: SignatureAlgorithm): SignatureRow {
  const row = signatureRows.find((candidate) => candidate.algorithm === algorithm);
  if (row === undefined) throw new RangeError(`no such signature algorithm: ${algorithm}`);
  return row;
}

function parametersFit(
  wanted: SignatureRow['parameters'],
  found: Bytes | undefined,
  pss: HashName | undefined,
): boolean {
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
