/**
 * TCP over IPv4 as a capture would have it (RFC 791, RFC 9293): packets of a connection that was never on a wire, with the right
 * numbers and checksums, so that any reader of captures takes them.
 *
 * @module
 */

export interface Endpoint {
  readonly address: readonly [number, number, number, number];
  readonly port: number;
}

export const flags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

/** Bytes of data in a packet: what Ethernet leaves. */
const segmentSize = 1460;

/** One side's numbers. */
interface Sender {
  readonly own: Endpoint;
  next: number;
  packets: number;
}

/** A connection's packets, in the order of the calls. */
export class Segments {
  readonly #sides: Readonly<Record<'client' | 'server', Sender>>;

  constructor(client: Endpoint, server: Endpoint) {
    // Any first numbers will do: fixed ones make the same recording the same file.
    this.#sides = {
      client: { own: client, next: 0x1000_0000, packets: 0 },
      server: { own: server, next: 0x2000_0000, packets: 0 },
    };
  }

  open(): Uint8Array[] {
    return [
      this.#packet('client', flags.syn, none),
      this.#packet('server', flags.syn | flags.ack, none),
      this.#packet('client', flags.ack, none),
    ];
  }

  send(from: 'client' | 'server', bytes: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += segmentSize) {
      const push = at + segmentSize >= bytes.length ? flags.psh : 0;
      packets.push(this.#packet(from, flags.ack | push, bytes.subarray(at, at + segmentSize)));
    }
    return packets;
  }

  close(first: 'client' | 'server'): Uint8Array[] {
    const second = first === 'client' ? 'server' : 'client';
    return [
      this.#packet(first, flags.fin | flags.ack, none),
      this.#packet(second, flags.fin | flags.ack, none),
      this.#packet(first, flags.ack, none),
    ];
  }

  #packet(from: 'client' | 'server', flag: number, data: Uint8Array): Uint8Array {
    const side = this.#sides[from];
    const peer = this.#sides[from === 'client' ? 'server' : 'client'];
    const packet = new Uint8Array(40 + data.length);
    const view = new DataView(packet.buffer);
    // IPv4: version and header length, length, identification, don't fragment, time to live, TCP.
    view.setUint16(0, 0x4500);
    view.setUint16(2, packet.length);
    view.setUint16(4, ++side.packets & 0xffff);
    view.setUint16(6, 0x4000);
    view.setUint16(8, 0x4006);
    packet.set(side.own.address, 12);
    packet.set(peer.own.address, 16);
    view.setUint16(10, checksum(packet.subarray(0, 20)));
    // TCP: ports, numbers, header length and flags, window.
    view.setUint16(20, side.own.port);
    view.setUint16(22, peer.own.port);
    view.setUint32(24, side.next);
    view.setUint32(28, (flag & flags.ack) === 0 ? 0 : peer.next);
    view.setUint16(32, 0x5000 | flag);
    view.setUint16(34, 0xffff);
    packet.set(data, 40);
    const pseudo = new Uint8Array([...packet.subarray(12, 20), 0, 6, 0, 0]);
    new DataView(pseudo.buffer).setUint16(10, packet.length - 20);
    view.setUint16(36, checksum(pseudo, packet.subarray(20)));
    side.next = (side.next + data.length + ((flag & (flags.syn | flags.fin)) === 0 ? 0 : 1)) >>> 0;
    return packet;
  }
}

const none: Uint8Array = new Uint8Array(0);

/** The Internet checksum (RFC 1071); every part but the last has an even length. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}
