/**
 * RC4, the stream cipher of TLS's oldest suites (RFC 5246 §6.2.3.1; forbidden by RFC 7465). No library that the house
 * uses has it, and it is twenty lines, so it is written here: the single cipher that is.
 *
 * Its keystream is biased and its S-box is read by secret indices, so it neither hides what is sent often nor runs in
 * constant time. Nothing here can mend that.
 *
 * @module
 */

import { type Bytes, CryptoError, type StreamCipher, type StreamCipherKey } from '../provider.ts';

/** RC4 as the suites of TLS use it: a key of 16 bytes. */
export const rc4: StreamCipher = {
  name: 'rc4',
  keyLength: 16,
  key(raw) {
    if (raw.length !== 16) throw new RangeError(`a key of rc4 has 16 bytes, not ${raw.length}`);
    return rc4Key(raw);
  },
};

/** RC4 under a key of 1 to 256 bytes; RFC 6229 has vectors from 5 to 32. The bytes of `raw` are read at once. */
export function rc4Key(raw: Uint8Array): StreamCipherKey {
  if (raw.length < 1 || raw.length > 256) throw new RangeError(`a key of rc4 has 1 to 256 bytes, not ${raw.length}`);
  const box = scheduled(raw);
  let i = 0;
  let j = 0;
  let disposed = false;

  return {
    process(data): Bytes {
      if (disposed) throw new CryptoError('failed', 'this rc4 key has been disposed of');
      const out = new Uint8Array(data.length);
      for (let n = 0; n < data.length; n++) {
        i = (i + 1) & 0xff;
        const x = at(box, i);
        j = (j + x) & 0xff;
        const y = at(box, j);
        box[i] = y;
        box[j] = x;
        out[n] = at(data, n) ^ at(box, (x + y) & 0xff);
      }
      return out;
    },
    dispose() {
      box.fill(0);
      i = 0;
      j = 0;
      disposed = true;
    },
  };
}

/** The key schedule: 0 to 255, shuffled by the key. */
function scheduled(raw: Uint8Array): Uint8Array {
  const box = new Uint8Array(256);
  for (let i = 0; i < 256; i++) box[i] = i;
  for (let i = 0, j = 0; i < 256; i++) {
    const x = at(box, i);
    j = (j + x + at(raw, i % raw.length)) & 0xff;
    box[i] = at(box, j);
    box[j] = x;
  }
  return box;
}

/** The byte at an index that is always inside. */
function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
