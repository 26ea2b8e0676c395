/**
 * IP addresses: text to octets and back, as names in certificates and as references to check against them. IPv4 is
 * dotted decimal with no leading zeros (RFC 3986 §3.2.2), IPv6 is RFC 4291 §2.2 without zone; printed as RFC 5952 says.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';

/** The 4 or 16 octets of an IP literal, without brackets; `undefined` for anything else. */
export function parseIp(text: string): Bytes | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** The text of 4 or 16 octets. Throws `RangeError` for another number of them. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 octets, not ${bytes.length}`);
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  const zeros = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (zeros.length < 2) return hex.join(':');
  return `${hex.slice(0, zeros.start).join(':')}::${hex.slice(zeros.start + zeros.length).join(':')}`;
}

function parseIpv4(text: string): Bytes | undefined {
  const parts = text.split('.', 5);
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Bytes | undefined {
  if (text.length > 45 || !text.includes(':')) return undefined;
  const halves = text.split('::', 3);
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (head === undefined || halves.length > 2 || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  // "::" stands for at least one group (RFC 4291 §2.2 as read by RFC 5952 §4.2.2).
  if (tail === undefined ? given !== 8 : given > 7) return undefined;
  const groups = [...head, ...Array<number>(8 - given).fill(0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The groups of one side of a `::`; at the `end` of the address, dotted decimal is two of them. */
function groupsOf(text: string, end: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const ipv4 = end && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** The first longest run of zero groups (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
