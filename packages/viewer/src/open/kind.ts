/**
 * What a file is, by its first bytes.
 *
 * @module
 */

export type FileKind = 'capture' | 'recording' | 'page' | 'keyLog';

export type Kind =
  | { readonly kind: FileKind; readonly problem?: never; readonly hint?: never }
  | { readonly kind?: never; readonly problem: string; readonly hint?: string };

/** First bytes of pcapng, and of pcap with times in micro- and in nanoseconds, in both orders of bytes. */
const captures: ReadonlySet<number> = new Set([0x0a0d_0d0a, 0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1]);

/** A label in capitals, or a comment, as an SSLKEYLOGFILE begins (RFC 9850). */
const keyLogLine = /^(?:#|[A-Z][A-Z0-9_]{2,60} [0-9a-fA-F]{64} )/;

export function kindOf(bytes: Uint8Array): Kind {
  if (bytes.length === 0) return { problem: 'it is empty' };
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (captures.has(((a << 24) | (b << 16) | (c << 8) | d) >>> 0)) return { kind: 'capture' };
  if (a === 0x1f && b === 0x8b) return { problem: 'it is compressed', hint: 'gunzip it first' };
  if (a === 0x50 && b === 0x4b && c === 3) return { problem: 'it is a ZIP archive', hint: 'unpack it first' };
  const start = new TextDecoder().decode(bytes.subarray(0, 512)).trimStart();
  if (start.startsWith('{')) return { kind: 'recording' };
  if (start.startsWith('<')) return { kind: 'page' };
  if (keyLogLine.test(start)) return { kind: 'keyLog' };
  return {
    problem:
      'it is neither a recording (JSON), nor a page made of one (HTML), nor a capture (pcapng, pcap), nor a key log',
  };
}
