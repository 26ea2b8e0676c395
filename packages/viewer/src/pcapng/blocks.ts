/**
 * The blocks of pcapng (draft-ietf-opsawg-pcapng), and the packets of the older pcap: a file cut into packets and key logs. Lengths
 * are checked before they are believed; a file that ends in the middle is read as far as it goes.
 *
 * @module
 */

import { concat } from '@handfast/crypto';

/** A capture cannot be read, or none can be made. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  /** Where in the file, in bytes from its beginning. */
  readonly offset: number | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(offset: number | undefined, reason: string, options: { readonly hint?: string } = {}) {
    super(offset === undefined ? reason : `at byte ${offset}: ${reason}`);
    this.offset = offset;
    this.hint = options.hint;
  }
}

/** What packets begin with. */
export const linkType = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;

/** "TLSK": secrets as an SSLKEYLOGFILE. */
export const tlsKeyLog = 0x544c_534b;

export type Item =
  | {
      readonly type: 'packet';
      readonly offset: number;
      readonly linkType: number;
      /** Milliseconds since the epoch. */
      readonly ms: number;
      readonly bytes: Uint8Array;
      /** Whether the capture kept all of it. */
      readonly whole: boolean;
    }
  | { readonly type: 'secrets'; readonly text: string }
  /** The file goes on with what cannot be read: cut off, most often. */
  | { readonly type: 'end'; readonly offset: number; readonly why: string };

/** A block with its type and both lengths, little-endian. The body's length is a multiple of four. */
export function block(type: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(8);
  const tail = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, type, true);
  new DataView(head.buffer).setUint32(4, body.length + 12, true);
  new DataView(tail.buffer).setUint32(0, body.length + 12, true);
  return concat(head, body, tail);
}

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of time a second. */
  readonly perSecond: number;
  /** Seconds that are added. */
  readonly offset: number;
}

/** An attacker's file could describe one with every twelve bytes. */
const maxInterfaces = 1024;
const maxKeyLog = 16 * 1024 * 1024;

const magic = { section: 0x0a0d_0d0a, micros: 0xa1b2_c3d4, nanos: 0xa1b2_3c4d } as const;

/**
 * What a file holds, in order.
 * @throws CaptureError where the beginning is no capture's.
 */
export function* readItems(file: Uint8Array): Generator<Item, void> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 4) throw noCapture();
  if (view.getUint32(0) === magic.section) yield* pcapng(view, file);
  else {
    const littleEndian = [magic.micros, magic.nanos].some((known) => known === view.getUint32(0, true));
    const first = view.getUint32(0, littleEndian);
    if (first !== magic.micros && first !== magic.nanos) throw noCapture();
    yield* pcap(view, file, littleEndian, first === magic.nanos ? 1e9 : 1e6);
  }
}

function noCapture(): CaptureError {
  return new CaptureError(0, 'this is no capture: neither pcapng nor pcap begins so');
}

function* pcapng(view: DataView, file: Uint8Array): Generator<Item, void> {
  let littleEndian = true;
  let interfaces: Interface[] = [];
  let keyLog = 0;
  for (let at = 0; at < file.length; ) {
    const end = (why: string): Item => ({ type: 'end', offset: at, why });
    if (file.length - at < 12) return yield end(`${file.length - at} bytes are left, where a block has 12 at least`);
    if (view.getUint32(at) === magic.section) {
      if (file.length - at < 28) return yield end('the file ends inside a section header');
      const order = view.getUint32(at + 8);
      if (order !== 0x1a2b_3c4d && order !== 0x4d3c_2b1a) {
        throw new CaptureError(at + 8, 'a section header without the byte-order magic');
      }
      littleEndian = order === 0x4d3c_2b1a;
      const major = view.getUint16(at + 12, littleEndian);
      if (major !== 1) throw new CaptureError(at + 12, `pcapng of version ${major}, where 1 is known`);
      interfaces = [];
    }
    const type = view.getUint32(at, littleEndian);
    const length = view.getUint32(at + 4, littleEndian);
    if (length < 12 || length % 4 !== 0)
      throw new CaptureError(at + 4, `a block of ${length} bytes: none has such a length`);
    if (length > file.length - at) {
      return yield end(`a block of ${length} bytes begins here, and ${file.length - at} are left: the file is cut off`);
    }
    const again = view.getUint32(at + length - 4, littleEndian);
    if (again !== length)
      throw new CaptureError(at + length - 4, `a block's two lengths differ: ${length} and ${again}`);
    const body = new BlockBody(view, file, at + 8, at + length - 4, littleEndian);
    if (type === 1) {
      if (interfaces.length >= maxInterfaces) throw new CaptureError(at, `more than ${maxInterfaces} interfaces`);
      interfaces.push(interfaceOf(body));
    } else if (type === 2 || type === 3 || type === 6) yield packetOf(type, body, interfaces);
    else if (type === 10) {
      const text = secretsOf(body);
      keyLog += text?.length ?? 0;
      if (keyLog > maxKeyLog) throw new CaptureError(at, `key logs of more than ${maxKeyLog} bytes`);
      if (text !== undefined) yield { type: 'secrets', text };
    }
    at += length;
  }
}

/** A block's content, by offsets from its beginning. */
class BlockBody {
  readonly start: number;
  readonly length: number;
  readonly #view: DataView;
  readonly #file: Uint8Array;
  readonly #littleEndian: boolean;

  constructor(view: DataView, file: Uint8Array, start: number, end: number, littleEndian: boolean) {
    this.#view = view;
    this.#file = file;
    this.start = start;
    this.length = end - start;
    this.#littleEndian = littleEndian;
  }

  u16(at: number): number {
    this.#need(at, 2);
    return this.#view.getUint16(this.start + at, this.#littleEndian);
  }

  u32(at: number): number {
    this.#need(at, 4);
    return this.#view.getUint32(this.start + at, this.#littleEndian);
  }

  bytes(at: number, length: number): Uint8Array {
    this.#need(at, length);
    return this.#file.subarray(this.start + at, this.start + at + length);
  }

  #need(at: number, length: number): void {
    if (at + length <= this.length) return;
    throw new CaptureError(
      this.start + at,
      `${length} bytes should follow, and the block has ${Math.max(0, this.length - at)}`,
    );
  }
}

function interfaceOf(body: BlockBody): Interface {
  let perSecond = 1e6;
  let offset = 0;
  const found = { linkType: body.u16(0), snapLength: body.u32(4) };
  for (let at = 8; at + 4 <= body.length; ) {
    const code = body.u16(at);
    const length = body.u16(at + 2);
    if (code === 0) break;
    const value = body.bytes(at + 4, length);
    if (code === 9 && length === 1) {
      const resolution = value[0] ?? 6;
      perSecond = resolution < 0x80 ? 10 ** Math.min(resolution, 18) : 2 ** Math.min(resolution & 0x7f, 60);
    } else if (code === 14 && length === 8) offset = body.u32(at + 4);
    at += 4 + length + (-length & 3);
  }
  return { ...found, perSecond, offset };
}

function packetOf(type: 2 | 3 | 6, body: BlockBody, interfaces: readonly Interface[]): Item {
  const id = type === 3 ? 0 : type === 2 ? body.u16(0) : body.u32(0);
  const source = interfaces[id];
  if (source === undefined) throw new CaptureError(body.start, `a packet of interface ${id}, which nobody described`);
  const { linkType, perSecond, offset } = source;
  const common = { type: 'packet', offset: body.start, linkType } as const;
  if (type === 3) {
    const length = body.u32(0);
    const kept = Math.min(length, source.snapLength || length, body.length - 4);
    return { ...common, ms: 0, bytes: body.bytes(4, kept), whole: kept === length };
  }
  const units = body.u32(4) * 2 ** 32 + body.u32(8);
  const kept = body.u32(12);
  return {
    ...common,
    ms: (units / perSecond + offset) * 1000,
    bytes: body.bytes(20, kept),
    whole: kept === body.u32(16),
  };
}

function secretsOf(body: BlockBody): string | undefined {
  if (body.u32(0) !== tlsKeyLog) return undefined;
  return new TextDecoder().decode(body.bytes(8, body.u32(4)));
}

function* pcap(view: DataView, file: Uint8Array, littleEndian: boolean, perSecond: number): Generator<Item, void> {
  if (file.length < 24) return yield { type: 'end', offset: 0, why: 'the file ends inside its header' };
  const linkType = view.getUint32(20, littleEndian) & 0x0fff_ffff;
  for (let at = 24; at < file.length; ) {
    const left = file.length - at - 16;
    const kept = left >= 0 ? view.getUint32(at + 8, littleEndian) : 0;
    if (left < 0 || kept > left) {
      return yield { type: 'end', offset: at, why: 'a packet begins here that is not all there: the file is cut off' };
    }
    const seconds = view.getUint32(at, littleEndian) + view.getUint32(at + 4, littleEndian) / perSecond;
    const whole = kept === view.getUint32(at + 12, littleEndian);
    const bytes = file.subarray(at + 16, at + 16 + kept);
    yield { type: 'packet', offset: at, linkType, ms: seconds * 1000, bytes, whole };
    at += 16 + kept;
  }
}
