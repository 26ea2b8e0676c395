/**
 * A server's sessions in memory, by identifier: bounds, who is pushed out, what is forgotten.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memorySessionStore, type SessionStore, TlsConfigError } from '../../src/index.ts';

const id = (value: number): Uint8Array => new Uint8Array(32).fill(value);
const session = (value: number): Uint8Array => Uint8Array.of(value, value);
const lifetimeMs = 7_200_000;

/** The store's answers for these identifiers. */
const answers = (store: SessionStore, ...ids: readonly number[]): readonly unknown[] =>
  ids.map((value) => store.get(id(value)));

function filled(most: number | undefined, ...values: readonly number[]): SessionStore {
  const store = memorySessionStore(most === undefined ? undefined : { most });
  for (const value of values) store.set(id(value), session(value), lifetimeMs);
  return store;
}

describe('memorySessionStore', () => {
  it('answers at once: what was stored under these bytes, and undefined for all else', () => {
    const store = filled(undefined, 1);
    assert.deepEqual(store.get(id(1)), session(1));
    // Other bytes, and other objects of the same bytes.
    assert.deepEqual(store.get(Uint8Array.from(id(1))), session(1));
    assert.equal(store.get(id(2)), undefined);
    assert.equal(store.get(id(1).subarray(0, 31)), undefined);
    assert.equal(store.get(new Uint8Array(0)), undefined);
  });

  it('keeps a session that was asked for: it may go on any number of times', () => {
    const store = filled(undefined, 1);
    for (let time = 0; time < 5; time++) assert.deepEqual(store.get(id(1)), session(1));
  });

  it('goes by the identifier as it was, whatever becomes of the array that it came in', () => {
    const store = memorySessionStore();
    const borrowed = id(1);
    store.set(borrowed, session(1), lifetimeMs);
    borrowed.fill(9);
    assert.deepEqual(answers(store, 1, 9), [session(1), undefined]);
  });

  it('keeps as many as it may, and drops the oldest first', () => {
    const store = filled(3, 1, 2, 3);
    assert.deepEqual(answers(store, 1, 2, 3), [session(1), session(2), session(3)]);
    store.set(id(4), session(4), lifetimeMs);
    assert.deepEqual(answers(store, 1, 2, 3, 4), [undefined, session(2), session(3), session(4)]);
    store.set(id(5), session(5), lifetimeMs);
    assert.deepEqual(answers(store, 1, 2, 3, 4, 5), [undefined, undefined, session(3), session(4), session(5)]);
  });

  it('drops by the time of storing, not of asking', () => {
    const store = filled(2, 1, 2);
    assert.deepEqual(store.get(id(1)), session(1));
    store.set(id(3), session(3), lifetimeMs);
    assert.deepEqual(answers(store, 1, 2, 3), [undefined, session(2), session(3)]);
  });

  it('drops one for one: what is stored again takes no place of another', () => {
    const store = filled(2, 1, 2);
    store.set(id(2), session(7), lifetimeMs);
    assert.deepEqual(answers(store, 1, 2), [session(1), session(7)]);
  });

  it('keeps one where that is all it may', () => {
    const store = filled(1, 1, 2);
    assert.deepEqual(answers(store, 1, 2), [undefined, session(2)]);
  });

  it('keeps 10,000 unless told otherwise', () => {
    const store = memorySessionStore();
    const numbered = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
    for (let value = 0; value <= 10_000; value++) store.set(numbered(value), session(1), lifetimeMs);
    assert.deepEqual(
      [0, 1, 10_000].map((value) => store.get(numbered(value))),
      [undefined, session(1), session(1)],
    );
  });

  it('forgets what is deleted, and nothing else', () => {
    const store = filled(3, 1, 2);
    assert.equal(store.delete(id(1)), undefined);
    assert.deepEqual(answers(store, 1, 2), [undefined, session(2)]);
  });

  it('does nothing where there is nothing to delete', () => {
    const store = filled(3, 1);
    store.delete(id(2));
    store.delete(id(2));
    store.delete(new Uint8Array(0));
    assert.deepEqual(answers(store, 1), [session(1)]);
  });

  it('has room again where something was deleted', () => {
    const store = filled(2, 1, 2);
    store.delete(id(2));
    store.set(id(3), session(3), lifetimeMs);
    assert.deepEqual(answers(store, 1, 2, 3), [session(1), undefined, session(3)]);
  });

  it('shares nothing with another', () => {
    const [one, other] = [filled(2, 1), filled(2, 2)];
    assert.deepEqual(answers(one, 1, 2), [session(1), undefined]);
    assert.deepEqual(answers(other, 1, 2), [undefined, session(2)]);
  });

  for (const most of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number]) {
    it(`refuses ${typeof most === 'string' ? 'text' : most} for its bound`, () => {
      assert.throws(
        () => memorySessionStore({ most }),
        (error) =>
          error instanceof TlsConfigError &&
          error.option === 'most' &&
          error.message.includes(`${most} is not a whole number from 1`),
      );
    });
  }
});
