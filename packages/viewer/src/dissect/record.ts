/**
 * Records as fields (RFC 9846 §5, RFC 5246 §6.2): what everybody in between sees, and, as its lengths are known, what lies where in
 * what nobody can read. All suites encrypt in place: where a byte of the message was, there its encrypted one is.
 *
 * @module
 */

import { join } from '@handfast/crypto';
import type { Piece, WireRecord } from '../ladder/records.ts';
import { type About, type Field, Walker } from './field.ts';
import { inHex, oneOf, version } from './words.ts';

/** The bytes of these records, one behind the other. */
export function wireBytes(records: readonly WireRecord[]): Uint8Array {
  return join(records.map(({ bytes }) => bytes));
}

/** These records as fields of `wireBytes`. @param opened false: as somebody sees them who has no keys. */
export function dissectRecords(records: readonly WireRecord[], opened = true): Field {
  const name = records.length === 1 ? 'record' : `${records.length} records`;
  return Walker.walk(wireBytes(records), name, (walker) => {
    for (const record of records) {
      walker.group(structureOf(record), record.bytes.length, (inside) => recordFields(inside, record, opened), {
        section: is13(record) ? 'RFC 9846 §5.2' : record.protected ? 'RFC 5246 §6.2.3' : 'RFC 9846 §5.1',
        ...(opened ? aboutKey(record) : {}),
      });
    }
  });
}

const types = { 20: 'change_cipher_spec', 21: 'alert', 22: 'handshake', 23: 'application_data' } as const;
const contentType = oneOf(types);

/** What the header says that a record holds: `handshake (22)`. */
export function outerType({ bytes }: WireRecord): string {
  return contentType(bytes[0] ?? 0).value ?? '';
}

/** A suite of TLS 1.3, whose name says nothing of key exchange. Unknown: by what every record of it looks like. */
function is13({ protected: isProtected, cipherSuite, bytes }: WireRecord): boolean {
  if (!isProtected) return false;
  return cipherSuite === undefined ? bytes[0] === 23 : !cipherSuite.includes('_WITH_');
}

function structureOf(record: WireRecord): string {
  return record.protected ? 'TLSCiphertext' : 'TLSPlaintext';
}

function aboutKey({ sequence, protection, from, cipherSuite }: WireRecord): About {
  if (sequence === undefined) return {};
  return {
    value: `number ${sequence} under the ${from}’s ${protection} key`,
    meaning: `Protected by ${cipherSuite}. Its number is not sent: both sides count. The nonce, which must never come twice under a key, is made of it.`,
  };
}

function recordFields(walker: Walker, record: WireRecord, opened: boolean): void {
  const hides = is13(record);
  walker.number(hides ? 'opaque_type' : 'type', 1, (type) => ({
    ...contentType(type),
    meaning: hides
      ? 'Always application_data: what it really is stands inside, encrypted.'
      : record.protected
        ? 'What kind of content it is: before TLS 1.3 everybody in between sees that.'
        : 'What kind of content it is.',
  }));
  walker.number('legacy_record_version', 2, (id) => ({
    ...version(id),
    meaning: hides || !record.protected ? 'Says little: TLS 1.3 calls itself TLS 1.2 here.' : 'The version agreed on.',
  }));
  walker.number('length', 2, (length) => ({
    value: `${length} bytes`,
    meaning: record.protected
      ? 'What somebody in between learns of the content: how long it is, about.'
      : 'Of what follows.',
  }));
  if (!record.protected) {
    walker.group(
      'fragment',
      walker.left,
      (inside) => pieces(inside, record.pieces, 'In the clear: everybody in between can read it.'),
      {
        meaning: 'In the clear: everybody in between can read it.',
      },
    );
  } else if (!opened || record.content === undefined) {
    walker.rest('encrypted', {
      value: 'unreadable',
      meaning: opened
        ? 'Nobody has opened it who has written that down.'
        : 'Whoever has no key sees no more than its length.',
    });
  } else sealed(walker, record, record.content);
}

type Content = NonNullable<WireRecord['content']>;

function sealed(walker: Walker, record: WireRecord, content: Content): void {
  const inner = is13(record) ? inner13 : inner12;
  walker.group(
    'encrypted_record',
    walker.left,
    (inside) => inner(inside, record, content),
    (bytes) => ({
      value: `${bytes.length} bytes`,
      meaning: 'What nobody can read who has no key.',
    }),
  );
}

function inner13(walker: Walker, record: WireRecord, content: Content): void {
  const tag = tagLength(record.cipherSuite);
  contentFields(walker, record, content);
  walker.take('type', 1, {
    ...hidden(contentType(content.type).value ?? ''),
    meaning: 'What it really is. Encrypted like the content: from outside all records look alike.',
  });
  const zeros = walker.left - tag;
  if (zeros > 0) {
    walker.take('zeros', zeros, {
      ...hidden(`${zeros} bytes of padding`),
      meaning: 'Zeros, encrypted: they hide how long the content is.',
      section: 'RFC 9846 §5.4',
    });
  }
  walker.rest('tag', aboutTag);
}

const aboutTag = withBytes(
  'Only who has the key can make it: with one bit of the record changed it does not fit any more.',
);

/** By what the suite's name says (RFC 5246 §6.2.3). */
function inner12(walker: Walker, record: WireRecord, content: Content): void {
  const { cipherSuite = '', encryptThenMac } = record;
  if (/_(GCM|CCM|CCM_8|CHACHA20_POLY1305)(_|$)/.test(cipherSuite)) {
    if (!cipherSuite.includes('CHACHA20')) {
      walker.take('nonce_explicit', 8, withBytes('The part of the nonce that is sent along. TLS 1.3 sends none.'));
    }
    contentFields(walker, record, content);
    walker.rest('tag', aboutTag);
    return;
  }
  const block = cipherSuite.includes('_CBC_') ? (cipherSuite.includes('DES_') ? 8 : 16) : 0;
  const versionOfRecord = (record.bytes[1] ?? 0) * 256 + (record.bytes[2] ?? 0);
  if (block > 0 && versionOfRecord >= 0x0302) {
    walker.take('IV', block, withBytes('Random bytes that the first block is mixed with.'));
  }
  contentFields(walker, record, content);
  const mac = macLength(cipherSuite);
  const about = { meaning: 'Proves that nobody has changed the record.' };
  if (block > 0 && encryptThenMac) {
    walker.take('padding', Math.max(0, walker.left - mac), {
      ...hidden('padding'),
      meaning: 'Up to a whole block, and how much it is.',
    });
    walker.rest('MAC', { ...about, section: 'RFC 7366' });
    return;
  }
  walker.take('MAC', Math.min(mac, walker.left), { ...hidden('MAC'), ...about });
  walker.rest('padding', { ...hidden('padding'), meaning: 'Up to a whole block, and how much it is.' });
}

function contentFields(walker: Walker, { pieces: all, cipherSuite }: WireRecord, { length }: Content): void {
  const meaning = cipherSuite?.includes('_NULL_')
    ? 'Not encrypted: this suite only proves that nobody has changed it.'
    : 'Encrypted, byte for byte where the plain one was.';
  const value = all.map(({ title }) => title).join(', ');
  walker.group('content', length, (inside) => pieces(inside, all, meaning), {
    ...(value !== '' && { value }),
    meaning,
  });
}

/** Each message that lies in it; what is between or behind belongs to one that nobody has understood. */
function pieces(walker: Walker, all: readonly Piece[], meaning: string): void {
  let at = 0;
  for (const { title, start, end, from, total } of all) {
    if (start > at) walker.take('(not understood)', start - at);
    const whole = from === 0 && end - start === total;
    walker.take(title, end - start, {
      value: whole ? `${total} bytes, whole` : `bytes ${from}–${from + end - start - 1} of ${total}`,
      meaning,
    });
    at = end;
  }
  walker.rest('(not understood)');
}

/** Bytes that are as they stand there. */
function withBytes(meaning: string): (bytes: Uint8Array) => About {
  return (bytes) => ({ ...inHex(bytes), meaning });
}

/** What stands there is not what the bytes say. */
function hidden(value: string): About {
  return { value: `${value}, encrypted` };
}

function tagLength(cipherSuite = ''): number {
  return cipherSuite.includes('CCM_8') ? 8 : 16;
}

function macLength(cipherSuite: string): number {
  if (cipherSuite.endsWith('SHA256')) return 32;
  if (cipherSuite.endsWith('SHA384')) return 48;
  return cipherSuite.endsWith('MD5') ? 16 : 20;
}
