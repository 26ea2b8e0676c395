/**
 * A client's sessions in memory: how many are kept, which goes out first, and that what goes out is wiped.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyBytes, isThenable } from '@handfast/crypto';
import fc from 'fast-check';
import { TlsConfigError } from '../../src/errors.ts';
import { type MemorySessionCacheOptions, memorySessionCache } from '../../src/session/memory-cache.ts';
import type { Session } from '../../src/session/session.ts';

const none = new Uint8Array(0);

/** A session that is known by its number. */
function session(number: number): Session {
  return {
    version: 0x0304,
    cipherSuite: 0x1301,
    secret: new Uint8Array(32).fill(number),
    ticket: Uint8Array.of(number),
    sessionId: none,
    received: 0,
    lifetimeMs: 1000,
    authenticated: 0,
    maxEarlyData: 0,
    ticketAgeAdd: 0,
    alpnProtocol: undefined,
    serverName: undefined,
    verifyName: undefined,
    proof: { chain: [], ocspResponse: undefined, signedCertificateTimestamps: undefined },
    ownLeaf: undefined,
    askedForCertificate: false,
    extendedMasterSecret: true,
  };
}

const isWiped = ({ secret }: Session): boolean => secret.every((byte) => byte === 0);

/** A cache that answers at once, as this one does. */
function cacheOf(options?: MemorySessionCacheOptions) {
  const cache = memorySessionCache(options);
  const take = (peer: string): Session | undefined => {
    const taken = cache.take(peer);
    assert.ok(!isThenable(taken));
    return taken as Session | undefined;
  };
  const put = (peer: string, ...all: readonly Session[]): void => {
    for (const one of all) void cache.put(peer, one);
  };
  const remove = (peer: string, one: Session): void => void cache.remove(peer, one);
  return { take, put, remove };
}

describe('a cache of sessions in memory', () => {
  it('has nothing to begin with', () => {
    assert.equal(cacheOf().take('a'), undefined);
  });

  it('gives what was put last, and each session once', () => {
    const { take, put } = cacheOf();
    const [one, two, three] = [session(1), session(2), session(3)];
    put('a', one, two, three);
    assert.deepEqual([take('a'), take('a'), take('a'), take('a')], [three, two, one, undefined]);
    assert.ok(!isWiped(one) && !isWiped(two) && !isWiped(three));
  });

  it('keeps the sessions of each peer apart', () => {
    const { take, put } = cacheOf();
    const [one, two] = [session(1), session(2)];
    put('a', one);
    put('b', two);
    assert.equal(take('c'), undefined);
    assert.equal(take('a'), one);
    assert.equal(take('a'), undefined);
    assert.equal(take('b'), two);
  });

  it('takes any name of a peer, those of objects included', () => {
    const { take, put } = cacheOf();
    for (const peer of ['', '__proto__', 'constructor', '\0']) {
      assert.equal(take(peer), undefined);
      const one = session(1);
      put(peer, one);
      assert.equal(take(peer), one);
    }
  });

  it('wipes the oldest session of a peer that has too many: four are kept unless told otherwise', () => {
    const { take, put } = cacheOf();
    const all = [1, 2, 3, 4, 5, 6].map(session);
    put('a', ...all);
    assert.deepEqual(all.map(isWiped), [true, true, false, false, false, false]);
    assert.deepEqual([take('a'), take('a'), take('a'), take('a'), take('a')], [...all.slice(2).reverse(), undefined]);

    const small = cacheOf({ perPeer: 1 });
    const [one, two] = [session(1), session(2)];
    small.put('a', one, two);
    assert.ok(isWiped(one));
    assert.equal(small.take('a'), two);
    assert.equal(small.take('a'), undefined);
  });

  it('wipes the session of the peer that was put to longest ago, where there are too many in all', () => {
    const { take, put } = cacheOf({ most: 3 });
    const [a1, b1, a2, c1, d1] = [session(1), session(2), session(3), session(4), session(5)] as const;
    put('a', a1);
    put('b', b1);
    put('a', a2);
    put('c', c1);
    assert.ok(isWiped(b1), 'b was longest ago');
    put('d', d1);
    assert.ok(isWiped(a1) && !isWiped(a2), 'of a the older one');
    assert.deepEqual([take('a'), take('b'), take('c'), take('d')], [a2, undefined, c1, d1]);
  });

  it('keeps a thousand in all unless told otherwise', () => {
    const { take, put } = cacheOf();
    const all = Array.from({ length: 1001 }, (_, index) => session((index % 255) + 1));
    for (const [index, one] of all.entries()) put(String(index), one);
    assert.equal(all.filter(isWiped).length, 1);
    assert.equal(take('0'), undefined);
    assert.equal(take('1'), all[1]);
  });

  it('forgets and wipes what is removed, and that alone', () => {
    const { take, put, remove } = cacheOf();
    const [one, two] = [session(1), session(2)];
    put('a', one, two);
    remove('a', two);
    assert.ok(isWiped(two) && !isWiped(one));
    assert.equal(take('a'), one);
    put('a', one);
    remove('a', one);
    assert.equal(take('a'), undefined);
  });

  it('is told to remove what it has not, and leaves it alone', () => {
    const { take, put, remove } = cacheOf({ most: 2 });
    const [one, stranger] = [session(1), session(1)];
    remove('a', stranger);
    put('a', one);
    remove('a', stranger);
    remove('b', one);
    assert.ok(!isWiped(one) && !isWiped(stranger));
    assert.equal(take('a'), one);
    // Taken, it is the taker's.
    remove('a', one);
    assert.ok(!isWiped(one));
    // What was not there is not counted as gone.
    const more = [session(2), session(3), session(4)];
    for (const [index, next] of more.entries()) put(String(index), next);
    assert.deepEqual(more.map(isWiped), [true, false, false]);
  });

  it('counts right whatever is done to it', () => {
    const action = fc.record({ peer: fc.constantFrom('a', 'b', 'c'), what: fc.constantFrom('put', 'take', 'remove') });
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (actions, most, perPeer) => {
          const { take, put, remove } = cacheOf({ most, perPeer });
          // A model: all sessions in the order in which they came, and the peers in the order of their last put.
          const kept: { readonly peer: string; readonly one: Session }[] = [];
          const order: string[] = [];
          const drop = (peer: string): void => {
            const at = kept.findIndex((entry) => entry.peer === peer);
            const [gone] = kept.splice(at, 1);
            assert.ok(gone && isWiped(gone.one));
          };
          for (const [index, { peer, what }] of actions.entries()) {
            const theirs = kept.filter((entry) => entry.peer === peer);
            const newest = theirs.at(-1);
            if (what === 'put') {
              const one = session((index % 255) + 1);
              put(peer, one);
              kept.push({ peer, one });
              if (order.includes(peer)) order.splice(order.indexOf(peer), 1);
              order.push(peer);
              if (theirs.length === perPeer) drop(peer);
              if (kept.length > most) drop(order.find((name) => kept.some((entry) => entry.peer === name)) ?? '');
            } else if (what === 'take') {
              assert.equal(take(peer), newest?.one);
              if (newest) kept.splice(kept.indexOf(newest), 1);
            } else if (newest) {
              remove(peer, newest.one);
              kept.splice(kept.indexOf(newest), 1);
              assert.ok(isWiped(newest.one));
            }
            assert.ok(kept.every(({ one }) => !isWiped(one)));
          }
          for (const { peer, one } of kept.reverse()) assert.equal(take(peer), one);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('wipes the secret itself, and no copy of it', () => {
    const { put } = cacheOf({ perPeer: 1 });
    const one = session(1);
    const copy = copyBytes(one.secret);
    put('a', one, session(2));
    assert.deepEqual(copy, new Uint8Array(32).fill(1));
    assert.deepEqual(one.secret, new Uint8Array(32));
  });

  for (const [option, value] of [
    ['most', 0],
    ['most', -1],
    ['most', 1.5],
    ['most', Number.NaN],
    ['most', Number.POSITIVE_INFINITY],
    ['perPeer', 0],
    ['perPeer', 2.5],
    ['perPeer', '4' as never],
  ] as const) {
    it(`refuses ${option}: ${JSON.stringify(value)}${Number.isNaN(value) ? ' (NaN)' : ''}`, () => {
      assert.throws(
        () => memorySessionCache({ [option]: value }),
        (error) =>
          error instanceof TlsConfigError && error.message.includes(`${option}: ${value} is not a whole number from 1`),
      );
    });
  }
});
