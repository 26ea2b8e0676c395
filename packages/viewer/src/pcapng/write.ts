/**
 * A recording as pcapng (draft-ietf-opsawg-pcapng): packets around the records that it has, and its secrets in a Decryption Secrets
 * Block, so that Wireshark opens it decrypted.
 *
 * @module
 */

import { concat, join, utf8 } from '@handfast/crypto';
import { fromBase64, type RecordedEvent, type Recording } from '@handfast/tls/recording';
import { block, CaptureError, linkType, tlsKeyLog } from './blocks.ts';
import { type Endpoint, Segments } from './segments.ts';

/** Addresses that are nobody's (RFC 5737). */
const client: Endpoint = { address: [192, 0, 2, 1], port: 50_000 };
const serverAddress = [192, 0, 2, 2] as const;

/**
 * @throws CaptureError where the recording has no bytes of the wire: `traceDetails: { wire: true }` records them.
 */
export function writePcapng(recording: Recording): Uint8Array<ArrayBuffer> {
  const wire = recording.events.filter((event) => event.type === 'wire');
  if (wire.length === 0) {
    throw new CaptureError(undefined, 'the recording has no bytes of the wire', {
      hint: 'record the connection with traceDetails: { wire: true }',
    });
  }
  const started = Date.parse(recording.started);
  const segments = new Segments(client, { address: serverAddress, port: portOf(recording.target) });
  const packets = (at: number, made: readonly Uint8Array[]): Uint8Array[] =>
    made.map((one) => packet(started + at, one));
  const first = wire[0]?.at ?? 0;
  const last = recording.events.at(-1)?.at ?? first;
  return join([
    section(),
    description(),
    ...(recording.keyLog ? [secrets(recording.keyLog)] : []),
    ...packets(first, segments.open()),
    ...wire.flatMap((event) => packets(event.at, segments.send(senderOf(event, recording), fromBase64(event.bytes)))),
    ...packets(last, segments.close(recording.role)),
  ]);
}

type Wire = Extract<RecordedEvent, { readonly type: 'wire' }>;

function senderOf({ direction }: Wire, { role }: Recording): 'client' | 'server' {
  return (direction === 'out') === (role === 'client') ? 'client' : 'server';
}

/** The port that the target names; 443, which readers of captures take for TLS. */
function portOf(target = ''): number {
  const port = Number(/:(\d{1,5})$/.exec(target)?.[1] ?? 443);
  return port > 0 && port <= 65_535 && port !== client.port ? port : 443;
}

/** Section Header Block: byte order, version 1.0, a length that is not said, and who wrote it. */
function section(): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, 0x1a2b_3c4d, true);
  view.setUint16(4, 1, true);
  view.setUint32(8, 0xffff_ffff, true);
  view.setUint32(12, 0xffff_ffff, true);
  return block(0x0a0d_0d0a, concat(body, option(4, utf8('handfast')), endOfOptions));
}

/** Interface Description Block: packets begin with their IP header; times are in microseconds. */
function description(): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, linkType.raw, true);
  return block(1, concat(body, option(9, Uint8Array.of(6)), endOfOptions));
}

/** Decryption Secrets Block. */
function secrets(lines: readonly string[]): Uint8Array {
  const text = utf8(lines.map((line) => `${line}\n`).join(''));
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint32(0, tlsKeyLog, true);
  view.setUint32(4, text.length, true);
  return block(10, concat(head, padded(text)));
}

/** Enhanced Packet Block. @param ms since the epoch. */
function packet(ms: number, bytes: Uint8Array): Uint8Array {
  const micros = Math.round(ms * 1000);
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  view.setUint32(4, Math.floor(micros / 2 ** 32), true);
  view.setUint32(8, micros % 2 ** 32, true);
  view.setUint32(12, bytes.length, true);
  view.setUint32(16, bytes.length, true);
  return block(6, concat(head, padded(bytes)));
}

function option(code: number, value: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  return concat(head, padded(value));
}

const endOfOptions: Uint8Array = new Uint8Array(4);

/** To four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array(-bytes.length & 3));
}
