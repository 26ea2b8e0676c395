/**
 * DER made into BER that says the same: every constructed value of indefinite length, every OCTET STRING in pieces.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import { DerReader } from '../../src/der/reader.ts';
import * as der from '../../src/der/writer.ts';

const endOfContents = new Uint8Array(2);
const piece = 300;

/** The one value that is all of `bytes`, as BER. */
export function toBer(bytes: Bytes): Bytes {
  const { tag, content } = new DerReader(bytes, 'test').element();
  if (tag === 0x04) {
    const pieces: Bytes[] = [];
    for (let at = 0; at < content.length; at += piece) pieces.push(der.octetString(content.subarray(at, at + piece)));
    return concat(Uint8Array.of(0x24, 0x80), ...pieces, endOfContents);
  }
  if ((tag & 0x20) === 0) return der.value(tag, content);
  const values: Bytes[] = [];
  const reader = new DerReader(content, 'test');
  while (!reader.done) values.push(toBer(reader.element().raw));
  return concat(Uint8Array.of(tag, 0x80), ...values, endOfContents);
}
