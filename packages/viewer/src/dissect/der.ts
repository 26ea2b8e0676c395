/**
 * DER (X.690) as fields: each value with its identifier, its length and its content, named by the grammar that is given. What no
 * grammar names is shown by its type.
 *
 * @module
 */

import type { About, Walker } from './field.ts';
import { oidName } from './oids.ts';
import { hex, inHex, text } from './words.ts';

/** What a value is, and what its parts are. */
export interface Shape {
  readonly name: string;
  readonly meaning?: string;
  readonly section?: string;
  /** What its content says, in words, where its type alone does not tell. */
  readonly says?: (content: Uint8Array) => string | undefined;
  /** Its parts: of a SEQUENCE, by their order and tag; of an OCTET STRING or BIT STRING that holds DER, what is in it. */
  readonly part?: (index: number, tag: number, parent: Uint8Array) => Shape | undefined;
}

const tagNames: Readonly<Record<number, string>> = {
  1: 'BOOLEAN',
  2: 'INTEGER',
  3: 'BIT STRING',
  4: 'OCTET STRING',
  5: 'NULL',
  6: 'OBJECT IDENTIFIER',
  10: 'ENUMERATED',
  12: 'UTF8String',
  16: 'SEQUENCE',
  17: 'SET',
  18: 'NumericString',
  19: 'PrintableString',
  20: 'TeletexString',
  22: 'IA5String',
  23: 'UTCTime',
  24: 'GeneralizedTime',
  26: 'VisibleString',
  28: 'UniversalString',
  30: 'BMPString',
};

function typeName(tag: number): string {
  const number = tag & 0x1f;
  if (tag >> 6 === 2) return `[${number}]`;
  return tag >> 6 === 0 ? (tagNames[number] ?? `universal ${number}`) : `tag 0x${tag.toString(16)}`;
}

/** One value, the next of the walker's; what is not in DER's form is shown as bytes. */
export function walkDer(walker: Walker, shape?: Shape): void {
  const header = headerOf(walker.peek(6));
  if (header === undefined) {
    walker.rest(shape?.name ?? '(not DER)', (bytes) => ({ value: hex(bytes), problem: 'this is no value in DER' }));
    return;
  }
  const { tag, headerLength, length } = header;
  walker.group(
    shape?.name ?? typeName(tag),
    headerLength + length,
    (inner) => {
      inner.take('header', headerLength, { value: `${typeName(tag)}, ${length} byte${length === 1 ? '' : 's'}` });
      walkContent(inner, tag, shape);
    },
    (bytes) => about(tag, bytes.subarray(headerLength), shape),
  );
}

function walkContent(inner: Walker, tag: number, shape: Shape | undefined): void {
  const content = inner.peek(inner.left);
  if ((tag & 0x20) !== 0) {
    for (let index = 0; inner.left > 0; index++) {
      walkDer(inner, shape?.part?.(index, inner.peek(1)[0] ?? 0, content));
    }
    return;
  }
  if (tag === 3 && content.length > 0) inner.number('unused bits', 1);
  // An extension's value, a key: DER inside a string.
  const held = tag === 3 || tag === 4 ? shape?.part?.(0, tag, content) : undefined;
  if (held !== undefined && inner.left > 0) walkDer(inner, held);
  else inner.rest('content', inHex);
}

function about(tag: number, content: Uint8Array, shape: Shape | undefined): About {
  // What holds other values is told by them.
  const holds = (tag === 3 || tag === 4) && shape?.part?.(0, tag, content) !== undefined;
  const value = shape?.says?.(content) ?? (holds ? undefined : wordsOf(tag, content));
  return {
    ...(value !== undefined && { value }),
    ...(shape?.meaning !== undefined && { meaning: shape.meaning }),
    ...(shape?.section !== undefined && { section: shape.section }),
  };
}

function headerOf(
  bytes: Uint8Array,
): { readonly tag: number; readonly headerLength: number; readonly length: number } | undefined {
  const [tag, first] = bytes;
  // Tags above 30 do not occur in what is shown here.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  if (first < 0x80) return { tag, headerLength: 2, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || bytes.length < 2 + count) return undefined;
  let length = 0;
  for (const byte of bytes.subarray(2, 2 + count)) length = length * 256 + byte;
  return { tag, headerLength: 2 + count, length };
}

function wordsOf(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case 1:
      return content[0] === 0 ? 'FALSE' : 'TRUE';
    case 2:
    case 10:
      return integer(content);
    case 5:
      return 'NULL';
    case 6:
      return oidName(content);
    case 12:
      return utf8(content);
    case 18:
    case 19:
    case 20:
    case 22:
    case 26:
      return text(content);
    case 23:
    case 24:
      return time(tag, content);
    case 30:
      return utf16(content);
    default:
      return (tag & 0x20) === 0 ? hex(tag === 3 ? content.subarray(1) : content) : undefined;
  }
}

function integer(content: Uint8Array): string {
  if (content.length > 6) return hex(content);
  let value = 0;
  for (const byte of content) value = value * 256 + byte;
  return String((content[0] ?? 0) >= 0x80 ? value - 256 ** content.length : value);
}

/** `2026-11-22 03:00:00 UTC` of `261122030000Z`. */
function time(tag: number, content: Uint8Array): string {
  const said = text(content);
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z$/.exec(said);
  const [, year = '', month, day, hour, minute, second = '00'] = match ?? [];
  if (match === null || (tag === 23) !== (year.length === 2)) return said;
  // RFC 5280 §4.1.2.5.1
  const full = tag === 23 ? `${Number(year) >= 50 ? '19' : '20'}${year}` : year;
  return `${full}-${month}-${day} ${hour}:${minute}:${second} UTC`;
}

function utf8(content: Uint8Array): string {
  let said = '';
  for (const character of new TextDecoder().decode(content.subarray(0, 1024))) {
    // Controls, and what turns text around, do nothing here but be seen.
    said += /[\p{C}\\]/u.test(character) ? `\\u{${character.codePointAt(0)?.toString(16)}}` : character;
  }
  return said;
}

function utf16(content: Uint8Array): string {
  const units: number[] = [];
  for (let i = 0; i + 1 < Math.min(content.length, 1024); i += 2)
    units.push(((content[i] ?? 0) << 8) | (content[i + 1] ?? 0));
  return utf8(new TextEncoder().encode(String.fromCharCode(...units)));
}
