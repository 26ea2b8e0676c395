/**
 * What OCSP's requests and responses share beside CertID: the nonce (RFC 6960 §4.4.1, RFC 9654), critical extensions, and
 * GeneralizedTime.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { type Oid, ocspOids } from '../der/oid.ts';
import { contextConstructed, type DerReader, readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';
import { type Extension, encodeExtension, readExtensions } from '../extensions.ts';

/** RFC 9654 §2.1: `Nonce ::= OCTET STRING(SIZE(1..128))`; clients send 32 octets. */
export const nonceLengths = { least: 1, sent: 32, most: 128 } as const;

/** `[number] EXPLICIT Extensions OPTIONAL`; none where it is absent. */
export function readOptionalExtensions(reader: DerReader, number: number, what: string): readonly Extension[] {
  if (reader.nextTag !== contextConstructed(number)) return [];
  const wrapper = reader.inside(contextConstructed(number), what);
  const extensions = readExtensions(wrapper, what);
  wrapper.end();
  return extensions;
}

/** The nonce among `extensions`, or `undefined`. */
export function nonceOf(extensions: readonly Extension[], what: string): Bytes | undefined {
  const extension = extensions.find(({ oid }) => oid === ocspOids.nonce);
  if (extension === undefined) return undefined;
  const nonce = readDer(extension.value, `${what}, nonce`, (reader) => reader.octetString());
  if (nonce.length < nonceLengths.least || nonce.length > nonceLengths.most) {
    throw malformed(what, `a nonce of ${nonce.length} octets, not ${nonceLengths.least} to ${nonceLengths.most}`);
  }
  return nonce;
}

/** The nonce's Extension. Throws `RangeError` for a length that RFC 9654 does not have. */
export function encodeNonce(nonce: Uint8Array): Bytes {
  if (nonce.length < nonceLengths.least || nonce.length > nonceLengths.most) {
    throw new RangeError(`a nonce has ${nonceLengths.least} to ${nonceLengths.most} octets, not ${nonce.length}`);
  }
  return encodeExtension(ocspOids.nonce, false, der.octetString(nonce));
}

/** The critical extensions that are not among those processed: one is reason enough not to use what they stand in. */
export function unknownCritical(extensions: readonly Extension[], processed: readonly Oid[]): readonly Oid[] {
  return extensions.filter(({ oid, critical }) => critical && !processed.includes(oid)).map(({ oid }) => oid);
}

/** A time that may not be a UTCTime. */
export function readGeneralizedTime(reader: DerReader, what: string): Date {
  if (reader.nextTag !== tag.generalizedTime) throw malformed(what, 'a time that is no GeneralizedTime');
  return reader.time();
}
