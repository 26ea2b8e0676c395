import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ascii, latin1 } from '../src/text.ts';

describe('the text of bytes', () => {
  it('has a character a byte, however many there are', () => {
    for (const length of [0, 1, 1023, 1024, 1025, 2048, 300_000]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
      assert.equal(latin1(bytes), Buffer.from(bytes).toString('latin1'));
    }
  });
  it('is that of ASCII alone, where ASCII is asked for', () => {
    assert.equal(ascii(Uint8Array.of(0, 0x41, 0x7f)), '\0A\x7f');
    assert.equal(ascii(new Uint8Array(5000).fill(0x61)), 'a'.repeat(5000));
    assert.equal(ascii(Uint8Array.of(0x41, 0x80)), undefined);
  });
});
