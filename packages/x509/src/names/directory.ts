/**
 * Directory names (RFC 5280 §4.1.2.4): parsed, printed as RFC 4514 says, compared, and made. Two names are equal where
 * their attributes are, in order, after folding of ASCII case and white space (RFC 5280 §7.1, in the part that occurs),
 * whichever string type each was written in. What Unicode folds beyond that makes no names equal; it only keeps a name
 * from slipping out of an excluded subtree.
 *
 * @module
 */

import { type Bytes, equalBytes, toHex } from '@handfast/crypto';
import { attributeNames, type Oid } from '../der/oid.ts';
import { type DerElement, type DerReader, readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';
import { ascii, asciiLowerCase, codeUnitText, latin1, utf8Text } from '../text.ts';

/** One attribute of a name, such as `CN=db.internal`. */
export interface NameAttribute {
  readonly type: Oid;
  /** The text, or `undefined` where the value is no (valid) string. */
  readonly text: string | undefined;
  /** The value's DER. */
  readonly raw: Bytes;
}

/** A distinguished name: relative names from the root of the tree down, each of one attribute or more. */
export interface DirectoryName {
  /** The Name's DER. */
  readonly raw: Bytes;
  readonly rdns: readonly (readonly NameAttribute[])[];
  /** The most specific common name. For display: nothing is ever matched against it. */
  readonly commonName: string | undefined;
  /** Equal for equal names, and for no others. One entry a relative name, so that a prefix is a prefix. */
  readonly keys: readonly string[];
  /** RFC 4514, most specific first: `CN=db.internal,O=Example`. Control characters are escaped. */
  toString(): string;
}

/** What a name is made of; fields come in this order, from the root down. */
export interface NameFields {
  /** Two letters (ISO 3166). */
  readonly country?: string;
  readonly state?: string;
  readonly locality?: string;
  readonly organization?: string;
  readonly organizationalUnit?: string;
  readonly commonName?: string;
}

const fieldOids: readonly (readonly [keyof NameFields, Oid])[] = [
  ['country', '2.5.4.6'],
  ['state', '2.5.4.8'],
  ['locality', '2.5.4.7'],
  ['organization', '2.5.4.10'],
  ['organizationalUnit', '2.5.4.11'],
  ['commonName', '2.5.4.3'],
];

const commonNameOid: Oid = '2.5.4.3';

/** Relative names in one name; the limbo suite's hostile ones have 2,048, people's about six. */
const maxRdns = 4096;

/**
 * A name from its DER.
 *
 * @throws CertificateError `malformed`
 */
export function parseDirectoryName(raw: Bytes, what = 'directory name'): DirectoryName {
  return new ParsedName(
    raw,
    readDer(raw, what, (reader) => readRdns(reader, what)),
  );
}

/** A name from fields. Throws `RangeError` for an empty value, or a country that is not two letters. */
export function directoryName(fields: NameFields): DirectoryName {
  const rdns: Bytes[] = [];
  for (const [field, oid] of fieldOids) {
    const text = fields[field];
    if (text === undefined) continue;
    if (text === '') throw new RangeError(`an empty ${field} in a directory name`);
    if (field === 'country' && !/^[A-Z]{2}$/.test(text)) throw new RangeError('a country is two capital letters');
    const value = field === 'country' ? der.printableString(text) : der.utf8String(text);
    rdns.push(der.setOf(der.sequence(der.oid(oid), value)));
  }
  return parseDirectoryName(der.sequence(...rdns));
}

/** Whether two names are equal (RFC 5280 §7.1). */
export function sameName(a: DirectoryName, b: DirectoryName): boolean {
  if (a === b) return true;
  if (a.rdns.length !== b.rdns.length) return false;
  // CAs copy names byte for byte, as a rule; and what differs, differs at the end.
  return equalBytes(a.raw, b.raw) || (sameLastValue(a, b) && startsWithName(a, b));
}

/** Whether two names can be equal by their last attributes, where those are plain enough to tell. */
function sameLastValue(a: DirectoryName, b: DirectoryName): boolean {
  const [first, ...others] = a.rdns.at(-1) ?? [];
  const [second, ...more] = b.rdns.at(-1) ?? [];
  if (first === undefined || second === undefined || others.length > 0 || more.length > 0) return true;
  return first.type === second.type && sameValue(first, second);
}

function sameValue(a: NameAttribute, b: NameAttribute): boolean {
  if (a.text === undefined || b.text === undefined) return a.text === b.text && equalBytes(a.raw, b.raw);
  return foldText(a.text) === foldText(b.text);
}

/** Whether `name` lies in the subtree under `base`: its first relative names are those of `base`. */
export function startsWithName(name: DirectoryName, base: DirectoryName): boolean {
  return base.keys.length <= name.keys.length && base.keys.every((key, index) => key === name.keys[index]);
}

/**
 * Whether `name` might lie in the subtree under `base`, to somebody who folds all of Unicode (RFC 4518): true wherever
 * `startsWithName` is, and for more.
 */
export function mayStartWithName(name: DirectoryName, base: DirectoryName): boolean {
  const fold = (key: string): string => key.normalize('NFKC').toLowerCase();
  return (
    base.keys.length <= name.keys.length &&
    base.keys.every((key, index) => key === name.keys[index] || fold(key) === fold(name.keys[index] ?? ''))
  );
}

class ParsedName implements DirectoryName {
  readonly raw: Bytes;
  readonly rdns: readonly (readonly NameAttribute[])[];
  #keys: readonly string[] | undefined;

  constructor(raw: Bytes, rdns: readonly (readonly NameAttribute[])[]) {
    this.raw = raw;
    this.rdns = rdns;
  }

  get commonName(): string | undefined {
    return this.rdns.findLast((rdn) => rdn.some(isCommonName))?.find(isCommonName)?.text;
  }

  get keys(): readonly string[] {
    this.#keys ??= this.rdns.map(rdnKey);
    return this.#keys;
  }

  toString(): string {
    return this.rdns
      .toReversed()
      .map((rdn) => rdn.map(printAttribute).join('+'))
      .join(',');
  }
}

function readRdns(reader: DerReader, what: string): (readonly NameAttribute[])[] {
  const name = reader.sequence();
  const rdns = name.list(() => {
    const rdn = name.inside(tag.set, what);
    const attributes = rdn.list(() => {
      const attribute = rdn.sequence();
      const type = attribute.oid();
      const value = attribute.element();
      attribute.end();
      return { type, text: stringText(value), raw: value.raw };
    });
    if (attributes.length === 0) throw malformed(what, 'an empty relative name');
    return attributes;
  });
  if (rdns.length > maxRdns) throw malformed(what, `${rdns.length} relative names`);
  return rdns;
}

/** Each string type's decoder. TeletexString is read as ISO 8859-1, which is what people wrote into it. */
const stringDecoders: ReadonlyMap<number, (content: Uint8Array) => string | undefined> = new Map([
  [tag.utf8String, utf8Text],
  [tag.printableString, ascii],
  [tag.numericString, ascii],
  [tag.ia5String, ascii],
  [tag.visibleString, ascii],
  [tag.teletexString, latin1],
  [tag.bmpString, (content: Uint8Array) => codeUnitText(content, 2)],
  [tag.universalString, (content: Uint8Array) => codeUnitText(content, 4)],
]);

function stringText(value: DerElement): string | undefined {
  return stringDecoders.get(value.tag)?.(value.content);
}

function isCommonName(attribute: NameAttribute): boolean {
  return attribute.type === commonNameOid;
}

/** Equal for equal relative names. Several attributes are quoted as JSON, so that no value can imitate a separator. */
function rdnKey(rdn: readonly NameAttribute[]): string {
  const [only, ...others] = rdn.map(attributeKey);
  if (only !== undefined && others.length === 0) return only;
  return JSON.stringify(rdn.map(attributeKey).toSorted());
}

/** Equal for equal attributes: type and text, or type and DER. */
function attributeKey({ type, text, raw }: NameAttribute): string {
  return text === undefined ? `${type}#${toHex(raw)}` : `${type}=${foldText(text)}`;
}

function foldText(text: string): string {
  return asciiLowerCase(foldSpaces(text));
}

/** White space at the ends is none, and within is one space (RFC 4518 §2.6.1, §2.2). */
function foldSpaces(text: string): string {
  return oddSpace.test(text) ? text.replace(spaces, ' ').replace(/^ | $/g, '') : text;
}

/** White space other than one space between two words. */
const oddSpace = /^ | $|[\t-\r]| {2}/;
const spaces = /[\t-\r ]+/g;

function printAttribute(attribute: NameAttribute): string {
  const name = attributeNames.get(attribute.type);
  if (name === undefined || attribute.text === undefined) return `${name ?? attribute.type}=#${toHex(attribute.raw)}`;
  return `${name}=${escapeValue(attribute.text)}`;
}

/** RFC 4514 §2.4; what could move a cursor or reorder a line becomes the hexadecimal of its UTF-8 as well. */
function escapeValue(text: string): string {
  return text
    .replace(/["+,;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => encodeURIComponent(character).replaceAll('%', '\\'));
}
