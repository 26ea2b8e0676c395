/**
 * Values in words, as fields show them.
 *
 * @module
 */

import { isGrease } from '@handfast/tls';
import { groupName, schemeName, suiteName, versionName } from '../names.ts';
import type { About } from './field.ts';

/** Bytes that are shown of a value that is only bytes. */
const shownBytes = 32;

/** `17 03 03 …`, cut after some. */
export function hex(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, shownBytes)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > shownBytes ? `${shown} … (${bytes.length} bytes)` : shown;
}

export const inHex = (bytes: Uint8Array): About => ({ value: bytes.length === 0 ? '(empty)' : hex(bytes) });

/** Visible ASCII as it is, anything else escaped. */
export function text(bytes: Uint8Array): string {
  let said = '';
  for (const byte of bytes.subarray(0, 512)) {
    said +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return bytes.length > 512 ? `${said}…` : said;
}

const hexId = (id: number): string => `0x${id.toString(16).padStart(4, '0').toUpperCase()}`;

/** A name with its number behind it; what has no name is its number already. */
const named =
  (nameOf: (id: number) => string) =>
  (id: number): About => {
    const name = nameOf(id);
    if (isGrease(id))
      return {
        value: name,
        meaning: 'A value that means nothing: it keeps servers used to unknown ones.',
        section: 'RFC 8701',
      };
    return { value: /^0x/i.test(name) ? `${name} (unknown)` : `${name} (${hexId(id)})` };
  };

export const version: (id: number) => About = named(versionName);
export const suite: (id: number) => About = named(suiteName);
export const group: (id: number) => About = named(groupName);
export const scheme: (id: number) => About = named(schemeName);

/** One of a few numbers, by name. */
export function oneOf(names: Readonly<Record<number, string>>): (id: number) => About {
  return (id) => ({ value: names[id] === undefined ? `${id} (unknown)` : `${names[id]} (${id})` });
}

/** `2 h 5 min` */
export function seconds(total: number): string {
  const parts: string[] = [];
  let rest = total;
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}
