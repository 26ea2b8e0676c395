/**
 * AlgorithmIdentifiers of hashes and of HMAC, as files under a password name them (RFC 8018 §B.1, RFC 7292 §4).
 *
 * @module
 */

import type { Bytes, PasswordHash } from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../algorithms.ts';
import type { Oid } from '../der/oid.ts';
import { type DerReader, readDer } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { CertificateError } from '../errors.ts';

interface HashRow {
  readonly name: PasswordHash;
  readonly hash: Oid;
  readonly hmac: Oid;
}

// biome-ignore format: a table
const rows: readonly HashRow[] = [
  { name: 'sha1',   hash: '1.3.14.3.2.26',          hmac: '1.2.840.113549.2.7' },
  { name: 'sha224', hash: '2.16.840.1.101.3.4.2.4', hmac: '1.2.840.113549.2.8' },
  { name: 'sha256', hash: '2.16.840.1.101.3.4.2.1', hmac: '1.2.840.113549.2.9' },
  { name: 'sha384', hash: '2.16.840.1.101.3.4.2.2', hmac: '1.2.840.113549.2.10' },
  { name: 'sha512', hash: '2.16.840.1.101.3.4.2.3', hmac: '1.2.840.113549.2.11' },
];

/** A hash, or an HMAC over one, from its AlgorithmIdentifier; its parameters are NULL or absent. */
export function readHashOf(kind: 'hash' | 'hmac', reader: DerReader, what: string): PasswordHash {
  return hashOf(kind, readAlgorithmIdentifier(reader, what), what);
}

export function hashOf(kind: 'hash' | 'hmac', { oid, parameters }: AlgorithmIdentifier, what: string): PasswordHash {
  const row = rows.find((candidate) => candidate[kind] === oid);
  if (row === undefined) {
    throw new CertificateError('unsupported_algorithm', `${what}: the ${kind} ${oid} is not supported`, {
      hint: 'supported are SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512',
    });
  }
  if (parameters !== undefined) readDer(parameters, `${what}, parameters of the ${kind}`, (inner) => inner.null());
  return row.name;
}

/** The AlgorithmIdentifier's DER, its parameters NULL. */
export function encodeHash(kind: 'hash' | 'hmac', name: PasswordHash): Bytes {
  const oid = rows.find((row) => row.name === name)?.[kind];
  if (oid === undefined) throw new RangeError(`no such hash: ${name}`);
  return der.sequence(der.oid(oid), der.nothing());
}
