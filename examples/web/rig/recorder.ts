/**
 * What somebody on the way has seen, and what TLS leaves him of it.
 *
 * @module
 */

import assert from 'node:assert/strict';

export type Direction = 'page' | 'tcp';

export interface Recorder {
  readonly tap: (from: Direction, bytes: Buffer) => Buffer;
  seen(from: Direction): Buffer;
}

export function recorder(): Recorder {
  const chunks: Record<Direction, Buffer[]> = { page: [], tcp: [] };
  return {
    tap(from, bytes) {
      chunks[from].push(Buffer.from(bytes));
      return bytes;
    },
    seen: (from) => Buffer.concat(chunks[from]),
  };
}

/** Content types of a record, RFC 9846 §5.1. */
const types = { handshake: 22, applicationData: 23 };

/** The types of the records that bytes begin with, and how many bytes the last of them lacks. */
function recordsOf(bytes: Buffer): { readonly kinds: readonly number[]; readonly lacks: number } {
  const kinds: number[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    kinds.push(bytes.readUInt8(at));
    assert.equal(bytes[at + 1], 3, `the version of the record at ${at}`);
    at += 5 + bytes.readUInt16BE(at + 3);
  }
  return { kinds, lacks: at - bytes.length };
}

/** Whether the last byte is that of a whole encrypted record. */
export function endsInCiphertext(bytes: Buffer): boolean {
  const { kinds, lacks } = recordsOf(bytes);
  return lacks === 0 && kinds.at(-1) === types.applicationData;
}

/**
 * Asserts that bytes are whole TLS records after `prefix`: one or two handshake messages to agree on keys, then nothing but
 * encrypted records; and that none of the words is among them.
 */
export function assertOnlyCiphertext(bytes: Buffer, prefix: readonly number[], words: readonly string[]): void {
  assert.deepEqual([...bytes.subarray(0, prefix.length)], prefix);
  const { kinds, lacks } = recordsOf(bytes.subarray(prefix.length));
  const told = `records: ${kinds.join(' ')}`;
  assert.equal(lacks, 0, told);
  assert.equal(kinds[0], types.handshake, told);
  assert.ok(kinds.filter((type) => type === types.handshake).length <= 2, told);
  const later = kinds.slice(kinds.indexOf(types.applicationData));
  assert.ok(later.length > 2 && later.every((type) => type === types.applicationData), told);
  for (const word of words) assert.ok(!bytes.includes(word), `"${word}" is in the clear`);
}
