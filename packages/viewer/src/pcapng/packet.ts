/**
 * A packet of a capture, down to its TCP segment: link layers that tools capture on, IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293).
 * What is anything else, or cut off, is passed over.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { linkType } from './blocks.ts';
import { flags } from './segments.ts';

export interface Segment {
  /** Address and port, in hexadecimal: who sent it, and to whom. */
  readonly from: string;
  readonly to: string;
  /** For people: `192.0.2.2:443`. */
  readonly fromText: string;
  readonly toText: string;
  readonly sequence: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly data: Uint8Array;
}

/** A segment, where the packet holds one. */
export function segmentOf(link: number, packet: Uint8Array): Segment | undefined {
  const ip = ipOf(link, packet);
  if (ip === undefined) return undefined;
  const version = (ip[0] ?? 0) >> 4;
  return version === 4 ? v4(ip) : version === 6 ? v6(ip) : undefined;
}

/** From the network layer's header on. */
function ipOf(link: number, packet: Uint8Array): Uint8Array | undefined {
  if (link === linkType.raw || link === linkType.ipv4 || link === linkType.ipv6) return packet;
  if (link === linkType.null || link === linkType.loop) return packet.subarray(4);
  if (link === linkType.linuxSll) return isIp(u16(packet, 14)) ? packet.subarray(16) : undefined;
  if (link === linkType.linuxSll2) return isIp(u16(packet, 0)) ? packet.subarray(20) : undefined;
  if (link !== linkType.ethernet) return undefined;
  let at = 12;
  // VLAN tags, two at most: 802.1Q and 802.1ad.
  for (let tags = 0; tags < 2 && [0x8100, 0x88a8].includes(u16(packet, at)); tags++) at += 4;
  return isIp(u16(packet, at)) ? packet.subarray(at + 2) : undefined;
}

function isIp(type: number): boolean {
  return type === 0x0800 || type === 0x86dd;
}

function v4(ip: Uint8Array): Segment | undefined {
  const headerLength = ((ip[0] ?? 0) & 15) * 4;
  // Zero where the network card cuts segments: then the packet says it.
  const length = u16(ip, 2) || ip.length;
  const isFragment = (u16(ip, 6) & 0x3fff) !== 0;
  if (headerLength < 20 || ip[9] !== 6 || isFragment || ip.length < headerLength) return undefined;
  const text = (at: number): string => ip.subarray(at, at + 4).join('.');
  return tcp(ip.subarray(headerLength, length), ip.subarray(12, 16), ip.subarray(16, 20), text(12), text(16));
}

/** Extension headers that may stand before TCP: hop-by-hop, routing, destination options. */
const passedOver: ReadonlySet<number> = new Set([0, 43, 60]);

function v6(ip: Uint8Array): Segment | undefined {
  if (ip.length < 40) return undefined;
  const end = u16(ip, 4) === 0 ? ip.length : 40 + u16(ip, 4);
  let next = ip[6] ?? 0;
  let at = 40;
  for (let headers = 0; headers < 8 && passedOver.has(next); headers++) {
    next = ip[at] ?? 59;
    at += ((ip[at + 1] ?? 0) + 1) * 8;
  }
  if (next !== 6) return undefined;
  return tcp(ip.subarray(at, end), ip.subarray(8, 24), ip.subarray(24, 40), text6(ip, 8), text6(ip, 24));
}

function text6(ip: Uint8Array, at: number): string {
  return `[${Array.from({ length: 8 }, (_, index) => u16(ip, at + 2 * index).toString(16)).join(':')}]`;
}

function tcp(
  segment: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  sourceText: string,
  destinationText: string,
): Segment | undefined {
  const headerLength = ((segment[12] ?? 0) >> 4) * 4;
  if (segment.length < 20 || headerLength < 20 || headerLength > segment.length) return undefined;
  const flag = segment[13] ?? 0;
  const [from, to] = [u16(segment, 0), u16(segment, 2)];
  return {
    from: `${toHex(source)}:${from}`,
    to: `${toHex(destination)}:${to}`,
    fromText: `${sourceText}:${from}`,
    toText: `${destinationText}:${to}`,
    sequence: u16(segment, 4) * 0x1_0000 + u16(segment, 6),
    syn: (flag & flags.syn) !== 0,
    ack: (flag & flags.ack) !== 0,
    fin: (flag & flags.fin) !== 0,
    rst: (flag & flags.rst) !== 0,
    data: segment.subarray(headerLength),
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
