/**
 * The two encodings of ACME's messages, read strictly: base64url (RFC 7515 §2: no padding, no spare bits, nothing else) and
 * JSON objects in UTF-8.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { malformed } from './problems.ts';

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

/** `undefined` for what is not the one encoding of some bytes. */
export function fromBase64url(text: string): Bytes | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? copyBytes(bytes) : undefined;
}

/** The members of a JSON object, by name. */
export type Members = ReadonlyMap<string, unknown>;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws Problem `malformed` */
export function jsonValue(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw malformed(`${what} is no JSON`);
  }
}

/** @throws Problem `malformed` */
export function jsonMembers(bytes: Uint8Array, what: string): Members {
  return membersOf(jsonValue(bytes, what), what);
}

/** @throws Problem `malformed` */
export function membersOf(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is no JSON object`);
  return new Map(Object.entries(value));
}

/** A member that is a string, or absent. @throws Problem `malformed` */
export function stringMember(members: Members, name: string): string | undefined {
  const value = members.get(name);
  if (value !== undefined && typeof value !== 'string') throw malformed(`"${name}" is no string`);
  return value;
}

/** A member that is true or false, or absent. @throws Problem `malformed` */
export function flagMember(members: Members, name: string): boolean | undefined {
  const value = members.get(name);
  if (value !== undefined && typeof value !== 'boolean') throw malformed(`"${name}" is neither true nor false`);
  return value;
}
