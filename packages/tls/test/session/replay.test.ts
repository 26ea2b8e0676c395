/**
 * A replay cache in memory says yes once, and never in doubt: at the start, when it is full, when the clock goes back.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, utf8 } from '@handfast/crypto';
import fc from 'fast-check';
import { TlsConfigError } from '../../src/errors.ts';
import { type MemoryReplayCacheOptions, memoryReplayCache } from '../../src/session/replay.ts';

const window = 10_000;
const start = 1_800_000_000_000;
const open = start + window;
/** As long as a binder with SHA-256. */
const binder = (n: number): Bytes => utf8(String(n).padStart(32, '0'));

function cacheAt(from: number, options: MemoryReplayCacheOptions = {}): ReturnType<typeof memoryReplayCache> {
  return memoryReplayCache({ time: () => new Date(from), ...options });
}

describe('a replay cache in memory', () => {
  it('takes a key once, and others as well', () => {
    const cache = cacheAt(start);
    assert.equal(cache.claim(binder(1), open), true);
    assert.equal(cache.claim(binder(1), open), false);
    assert.equal(cache.claim(binder(2), open), true);
    assert.equal(cache.claim(binder(2), open + 1), false);
  });

  it('tells keys apart by every byte', () => {
    const cache = cacheAt(start);
    for (let byte = 0; byte < 256; byte++) assert.equal(cache.claim(new Uint8Array(32).fill(byte), open), true);
    assert.equal(cache.claim(new Uint8Array(31), open), true);
    for (let byte = 0; byte < 256; byte++) assert.equal(cache.claim(new Uint8Array(32).fill(byte), open), false);
  });

  it('does not hold on to the memory of a key', () => {
    const cache = cacheAt(start);
    const key = binder(1);
    cache.claim(key, open);
    key.fill(0);
    assert.equal(cache.claim(binder(1), open), false);
  });

  it('refuses for a whole window after it was made, and takes nothing later that it saw then', () => {
    const cache = cacheAt(start);
    assert.equal(cache.claim(binder(1), start), false);
    assert.equal(cache.claim(binder(2), open - 1), false);
    assert.equal(cache.claim(binder(2), open), false);
    assert.equal(cache.claim(binder(3), open), true);
  });

  it('remembers for a whole window at least, and for one and a half at most', () => {
    for (let offset = 0; offset <= window; offset += 250) {
      const cache = cacheAt(start);
      const claimed = open + offset;
      assert.equal(cache.claim(binder(1), claimed), true);
      assert.equal(cache.claim(binder(1), claimed + window), false);
      assert.equal(cache.claim(binder(1), claimed + 1.5 * window), true);
    }
  });

  it('takes nothing twice within a window, whenever it is asked', () => {
    const step = fc.record({ after: fc.nat(6_000), key: fc.nat(5), back: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = cacheAt(start);
        const takenAt = new Map<number, number>();
        let now = open;
        for (const { after, key, back } of steps) {
          now += back ? -after : after;
          if (!cache.claim(binder(key), now)) continue;
          const before = takenAt.get(key);
          assert.ok(before === undefined || now - before > window);
          takenAt.set(key, now);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refuses when it is full, until it has forgotten', () => {
    const cache = cacheAt(start, { most: 3 });
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((n) => cache.claim(binder(n), open)),
      [true, true, true, false, false],
    );
    assert.equal(cache.claim(binder(1), open), false);
    assert.equal(cache.claim(binder(6), open + window), false);
    assert.equal(cache.claim(binder(6), open + 1.5 * window), true);
    assert.equal(cache.claim(binder(7), open + 1.5 * window), true);
  });

  it('has forgotten everything after a long pause', () => {
    const cache = cacheAt(start, { most: 1 });
    assert.equal(cache.claim(binder(1), open), true);
    assert.equal(cache.claim(binder(2), open + 100 * window), true);
  });

  it('refuses while the clock is behind where it was', () => {
    const cache = cacheAt(start);
    assert.equal(cache.claim(binder(1), open + 5 * window), true);
    for (const now of [open, open + 4 * window, open + 5 * window - 1])
      assert.equal(cache.claim(binder(2), now), false);
    assert.equal(cache.claim(binder(1), open + 5 * window), false);
    assert.equal(cache.claim(binder(2), open + 5 * window), true);
  });

  it('refuses before its start', () => {
    assert.equal(cacheAt(start).claim(binder(1), start - 3 * window), false);
  });

  it('refuses what is no time and what is no key', () => {
    const cache = cacheAt(start);
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.equal(cache.claim(binder(1), now), false);
    }
    assert.equal(cache.claim(new Uint8Array(0), open), false);
    assert.equal(cache.claim(new Uint8Array(256), open), false);
    assert.equal(cache.claim(new Uint8Array(255), open), true);
    assert.equal(cache.claim(binder(1), open), true);
  });

  it('has a start that cannot be told from a broken clock, and refuses', () => {
    const cache = memoryReplayCache({ time: () => new Date(Number.NaN) });
    assert.equal(cache.claim(binder(1), open), false);
  });

  it('goes by the clock of the system where none is given', () => {
    const cache = memoryReplayCache({ window: 2 });
    assert.equal(cache.claim(binder(1), Date.now() + 86_400_000), true);
  });

  it('refuses settings that make no sense', () => {
    for (const [option, value] of [
      ['window', 1],
      ['window', 86_400_001],
      ['window', Number.NaN],
      ['most', 0],
      ['most', 1.5],
      ['most', 10_000_001],
    ] as const) {
      assert.throws(
        () => memoryReplayCache({ [option]: value }),
        (error) => error instanceof TlsConfigError && error.option === option,
      );
    }
  });
});
