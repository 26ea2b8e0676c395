/**
 * Which IP addresses the public network routes. What a certificate points to is chosen by whoever made the certificate,
 * so a fetcher that followed it to a private address would be that stranger's hand inside the network.
 *
 * From IANA's registries of special-purpose addresses (RFC 6890 and its updates): whatever is not globally reachable
 * there is refused, and so is an IPv6 form that carries an IPv4 address which is refused (mapped, NAT64, 6to4).
 *
 * @module
 */

import { parseIp } from '../names/ip.ts';
import { quote } from '../text.ts';

/** Ranges that are not public, and their names for messages. */
const ranges: readonly (readonly [string, number, string])[] = [
  ['0.0.0.0', 8, 'this network'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'carrier-grade NAT'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'protocol assignments'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, '6to4 relays'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'benchmarking'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
  ['2001::', 23, 'protocol assignments'],
  ['2001:db8::', 32, 'documentation'],
  ['3fff::', 20, 'documentation'],
];

/** IPv6 is delegated from here alone (RFC 4291 §2.4); the rest is local, multicast, or not assigned. */
const globalUnicast = ['2000::', 3] as const;

/** Where an IPv6 address holds an IPv4 one, and from which octet. */
const carriers: readonly (readonly [string, number, number])[] = [
  ['::ffff:0:0', 96, 12], // IPv4-mapped (RFC 4291 §2.5.5.2)
  ['64:ff9b::', 96, 12], // NAT64 (RFC 6052)
  ['2002::', 16, 2], // 6to4 (RFC 3056)
];

/**
 * Why an address is not public, in a word or two; `undefined` for one that is.
 *
 * @throws RangeError for what is no IP address
 */
export function specialPurpose(address: string): string | undefined {
  const [literal = '', zone] = address.split('%', 2);
  const bytes = parseIp(literal);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${quote(address)}`);
  return zone === undefined ? specialPurposeOf(bytes) : 'link-local';
}

function specialPurposeOf(bytes: Uint8Array): string | undefined {
  for (const [base, length, from] of carriers) {
    if (within(bytes, base, length)) return specialPurposeOf(bytes.subarray(from, from + 4));
  }
  const range = ranges.find(([base, length]) => within(bytes, base, length));
  if (range !== undefined) return range[2];
  return bytes.length === 4 || within(bytes, ...globalUnicast) ? undefined : 'local';
}

function within(bytes: Uint8Array, base: string, length: number): boolean {
  const prefix = parseIp(base);
  if (prefix?.length !== bytes.length) return false;
  return bytes.every((byte, at) => {
    const mask = (0xff00 >> Math.max(0, Math.min(8, length - 8 * at))) & 0xff;
    return ((byte ^ (prefix[at] ?? 0)) & mask) === 0;
  });
}
