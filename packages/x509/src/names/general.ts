/**
 * GeneralName (RFC 5280 §4.2.1.6): the names of subjectAltName, and the bases of name constraints. Forms that nothing
 * here compares are kept by their kind, so that a constraint on them can be noticed.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { contextConstructed, contextPrimitive, type DerReader } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import { ascii, quote } from '../text.ts';
import { type DirectoryName, parseDirectoryName } from './directory.ts';
import { formatIp } from './ip.ts';

export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly text: string }
  /** 4 or 16 octets in a subjectAltName; 8 or 32, address and mask, in a constraint. */
  | { readonly kind: 'ip'; readonly bytes: Bytes }
  | { readonly kind: 'directory'; readonly name: DirectoryName }
  | { readonly kind: 'other' | 'x400' | 'ediParty' | 'registeredId'; readonly raw: Bytes };

export type GeneralNameKind = GeneralName['kind'];

/** The context tag of each form (RFC 5280 §4.2.1.6). */
const kinds: ReadonlyMap<number, GeneralNameKind> = new Map<number, GeneralNameKind>([
  [contextConstructed(0), 'other'],
  [contextPrimitive(1), 'email'],
  [contextPrimitive(2), 'dns'],
  [contextConstructed(3), 'x400'],
  [contextConstructed(4), 'directory'],
  [contextConstructed(5), 'ediParty'],
  [contextPrimitive(6), 'uri'],
  [contextPrimitive(7), 'ip'],
  [contextPrimitive(8), 'registeredId'],
]);

export function readGeneralName(reader: DerReader, what: string): GeneralName {
  const element = reader.element();
  const kind = kinds.get(element.tag);
  switch (kind) {
    case undefined:
      throw malformed(what, `a name of unknown form 0x${element.tag.toString(16)}`);
    case 'dns':
    case 'email':
    case 'uri': {
      const text = ascii(element.content);
      if (text === undefined) throw malformed(what, `a name of form ${kind} that is not ASCII`);
      return { kind, text };
    }
    case 'ip':
      return { kind, bytes: element.content };
    case 'directory':
      return { kind, name: parseDirectoryName(element.content, what) };
    default:
      return { kind, raw: element.raw };
  }
}

/** `DNS "db.internal"`, `IP 192.0.2.1`: for messages. */
export function describeGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
      return `DNS ${quote(name.text)}`;
    case 'email':
      return `email ${quote(name.text)}`;
    case 'uri':
      return `URI ${quote(name.text)}`;
    case 'ip':
      return `IP ${describeIp(name.bytes)}`;
    case 'directory':
      return `directory name ${quote(name.name.toString())}`;
    default:
      return `name of form ${name.kind}`;
  }
}

function describeIp(bytes: Bytes): string {
  const half = bytes.length / 2;
  if (bytes.length === 4 || bytes.length === 16) return formatIp(bytes);
  if (bytes.length === 8 || bytes.length === 32)
    return `${formatIp(bytes.subarray(0, half))}/${formatIp(bytes.subarray(half))}`;
  return `of ${bytes.length} octets`;
}
