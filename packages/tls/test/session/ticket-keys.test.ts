/**
 * Tickets are opened as they were sealed, for as long as their key opens, and nothing else is ever opened; keys follow each
 * other whatever the clock does.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Bytes,
  type CryptoProvider,
  copyBytes,
  isThenable,
  type MaybePromise,
  toHex,
  utf8,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import fc from 'fast-check';
import { TlsConfigError } from '../../src/errors.ts';
import { keysAt, memoryKeyRing, sealingKey, type TicketKey, type TicketKeyRing } from '../../src/session/key-ring.ts';
import { ticketKeys } from '../../src/session/ticket-keys.ts';
import { providers } from '../support/pair.ts';

const hour = 3_600_000;
const start = 500_000 * hour;
const state = utf8('who, when, and the secret');
/** Key name, salt, tag. */
const overhead = 16 + 32 + 16;

async function sealed(keys: ReturnType<typeof ticketKeys>, now: number, what: Uint8Array = state): Promise<Bytes> {
  const ticket = await keys.seal(what, now);
  assert.ok(ticket);
  return ticket;
}

/** A ring that is asked for its failure. */
function failing(error: Error, how: 'throws' | 'rejects'): TicketKeyRing {
  return {
    keys: () => {
      if (how === 'throws') throw error;
      return Promise.reject(error);
    },
  };
}

/** The keys of a ring in memory, which has them at once. */
function at(keys: MaybePromise<readonly TicketKey[]>): readonly TicketKey[] {
  assert.ok(!isThenable(keys));
  return keys as readonly TicketKey[];
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** `provider`, with every AEAD key that it makes in `made`: how it was made, and whether it was disposed of. */
function watched(provider: CryptoProvider, made: { readonly raw: Uint8Array; disposed: boolean }[]): CryptoProvider {
  const aead = provider.aeads['aes-256-gcm'];
  assert.ok(aead);
  const key: typeof aead.key = (raw) => {
    const entry = { raw, disposed: false };
    made.push(entry);
    const inner = aead.key(raw);
    return {
      seal: (...parameters) => inner.seal(...parameters),
      open: (...parameters) => inner.open(...parameters),
      dispose: () => {
        entry.disposed = true;
        inner.dispose();
      },
    };
  };
  return { ...provider, aeads: { ...provider.aeads, 'aes-256-gcm': { ...aead, key } } };
}

for (const provider of providers) {
  describe(`tickets, with the ${provider.name} provider`, () => {
    it('are opened as they were sealed, in the form that is written down', async () => {
      const ring = memoryKeyRing({ provider });
      const keys = ticketKeys({ provider, ring });
      const ticket = await sealed(keys, start);
      assert.equal(ticket.length, state.length + overhead);
      assert.deepEqual(ticket.subarray(0, 16), sealingKey(at(ring.keys(start)), start)?.name);
      assert.deepEqual(await keys.open(ticket, start), state);
    });

    it('may be empty, and as long as a ticket can be', async () => {
      const told: unknown[] = [];
      const keys = ticketKeys({ provider, onError: (error) => told.push(error) });
      const most = new Uint8Array(32_768 - overhead).fill(7);
      for (const what of [new Uint8Array(0), most]) {
        assert.deepEqual(await keys.open(await sealed(keys, start, what), start), what);
      }
      assert.equal(await keys.seal(new Uint8Array(most.length + 1), start), undefined);
      assert.equal(await keys.open(new Uint8Array(65_536), start), undefined);
    });

    it('are never alike', async () => {
      const keys = ticketKeys({ provider });
      const tickets = await Promise.all(Array.from({ length: 20 }, () => sealed(keys, start)));
      assert.equal(new Set(tickets.map((ticket) => toHex(ticket.subarray(16, 48)))).size, 20);
      assert.equal(new Set(tickets.map((ticket) => toHex(ticket.subarray(48)))).size, 20);
    });

    it('open to nothing once a bit is changed, bytes are cut off or put on', async () => {
      const told: unknown[] = [];
      const keys = ticketKeys({ provider, onError: (error) => told.push(error) });
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 100 }),
          fc.nat(),
          fc.nat(),
          fc.uint8Array({ minLength: 1, maxLength: 40 }),
          async (what, bit, cut, more) => {
            const ticket = await sealed(keys, start, what);
            const flipped = copyBytes(ticket);
            const at = bit % (8 * ticket.length);
            flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
            assert.equal(await keys.open(flipped, start), undefined);
            assert.equal(await keys.open(ticket.subarray(0, cut % ticket.length), start), undefined);
            assert.equal(await keys.open(Uint8Array.of(...ticket, ...more), start), undefined);
            assert.deepEqual(await keys.open(ticket, start), copyBytes(what));
          },
        ),
        { numRuns: 60 },
      );
      assert.deepEqual(told, []);
    });

    it('open to nothing where they are random bytes, also under a name that is known', async () => {
      const told: unknown[] = [];
      const ring = memoryKeyRing({ provider });
      const keys = ticketKeys({ provider, ring, onError: (error) => told.push(error) });
      const name = sealingKey(at(ring.keys(start)), start)?.name ?? [];
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          assert.equal(await keys.open(bytes, start), undefined);
          assert.equal(await keys.open(Uint8Array.of(...name, ...bytes), start), undefined);
        }),
        { numRuns: 60 },
      );
      assert.deepEqual(told, []);
    });

    it("open to nothing under another ring's keys", async () => {
      const ticket = await sealed(ticketKeys({ provider }), start);
      assert.equal(await ticketKeys({ provider }).open(ticket, start), undefined);
    });

    it('are opened until their key is over, and not at that moment', async () => {
      const ring = memoryKeyRing({ provider, rotateEvery: hour, opensFor: 2 * hour });
      const keys = ticketKeys({ provider, ring });
      const ticket = await sealed(keys, start + hour - 1);
      for (const later of [hour, 2 * hour, 3 * hour - 1])
        assert.deepEqual(await keys.open(ticket, start + later), state);
      assert.equal(await keys.open(ticket, start + 3 * hour), undefined);
    });

    it('are not opened under an outdated key that a ring still gives', async () => {
      const held = at(memoryKeyRing({ provider, rotateEvery: hour, opensFor: hour }).keys(start));
      const keys = ticketKeys({ provider, ring: { keys: () => held } });
      const ticket = await sealed(keys, start);
      assert.deepEqual(await keys.open(ticket, start + 2 * hour - 1), state);
      assert.equal(await keys.open(ticket, start + 2 * hour), undefined);
    });

    it('are none where the ring fails, which is told', async () => {
      const error = new Error('no keys today');
      for (const how of ['throws', 'rejects'] as const) {
        const told: unknown[] = [];
        const keys = ticketKeys({ provider, ring: failing(error, how), onError: (what) => told.push(what) });
        assert.equal(await keys.seal(state, start), undefined);
        assert.equal(await keys.open(new Uint8Array(100), start), undefined);
        assert.deepEqual(told, [error, error]);
      }
    });

    it('are none where the ring fails and the one who is told fails too', async () => {
      const onError = () => {
        throw new Error('the log is full');
      };
      const keys = ticketKeys({ provider, ring: failing(new Error('no keys today'), 'rejects'), onError });
      assert.equal(await keys.seal(state, start), undefined);
    });

    it('are none where no key seals, which is told', async () => {
      const told: unknown[] = [];
      const keys = ticketKeys({ provider, ring: { keys: () => [] }, onError: (error) => told.push(error) });
      assert.equal(await keys.seal(state, start), undefined);
      assert.match(String(told[0]), /no ticket key that seals now/);
    });

    it('are never sealed or opened under a key that was wiped', async () => {
      const told: unknown[] = [];
      const ring = memoryKeyRing({ provider });
      const held = ring.keys(start);
      const keys = ticketKeys({ provider, ring: { keys: () => held }, onError: (error) => told.push(error) });
      const ticket = await sealed(keys, start);
      ring.dispose();
      assert.equal(await keys.seal(state, start), undefined);
      assert.equal(await keys.open(ticket, start), undefined);
      assert.equal(told.length, 2);
      for (const error of told) assert.match(String(error), /was wiped/);
    });

    it('leave no key of their own behind', async () => {
      const made: { readonly raw: Uint8Array; disposed: boolean }[] = [];
      const keys = ticketKeys({ provider: watched(provider, made), ring: memoryKeyRing({ provider }) });
      const ticket = await sealed(keys, start);
      await keys.open(ticket, start);
      ticket[60] = (ticket[60] ?? 0) ^ 1;
      await keys.open(ticket, start);
      assert.equal(made.length, 3);
      for (const { raw, disposed } of made) assert.ok(disposed && isZero(raw));
    });

    it('are none after the end, and only a ring of their own ends with them', async () => {
      const told: unknown[] = [];
      const ring = memoryKeyRing({ provider });
      const keys = ticketKeys({ provider, ring, onError: (error) => told.push(error) });
      const ticket = await sealed(keys, start);
      keys.dispose();
      assert.equal(await keys.seal(state, start), undefined);
      assert.equal(await keys.open(ticket, start), undefined);
      assert.deepEqual(told, []);
      assert.deepEqual(await ticketKeys({ provider, ring }).open(ticket, start), state);
    });
  });
}

describe('tickets', () => {
  it('are sealed and opened at once where ring and provider are synchronous', () => {
    const keys = ticketKeys({ provider: nodeProvider });
    const ticket = keys.seal(state, start);
    assert.ok(ticket instanceof Uint8Array);
    assert.deepEqual(keys.open(ticket, start), state);
  });

  it('go from one server to another that has the same ring', async () => {
    const ring = memoryKeyRing({ provider: nodeProvider });
    const [one, two] = providers.map((provider) => ticketKeys({ provider, ring }));
    assert.ok(one && two);
    assert.deepEqual(await two.open(await sealed(one, start), start), state);
  });

  it('need AES-256-GCM', () => {
    assert.throws(
      () => ticketKeys({ provider: { ...nodeProvider, aeads: {} } }),
      (error) => error instanceof TlsConfigError && error.option === 'provider',
    );
  });
});

describe('a ring of keys in memory', () => {
  const rotation = { rotateEvery: hour, opensFor: 2 * hour };
  const newRing = () => memoryKeyRing({ provider: nodeProvider, ...rotation });
  const named = (key: TicketKey | undefined) => toHex(key?.name ?? new Uint8Array(0));

  it('has the current key and the next, from the start', () => {
    const keys = at(newRing().keys(start + 1));
    assert.deepEqual(
      keys
        .map(({ sealsFrom, sealsUntil, opensUntil }) => [sealsFrom, sealsUntil, opensUntil].map((t) => t - start))
        .sort(),
      [
        [0, hour, 3 * hour],
        [hour, 2 * hour, 4 * hour],
      ],
    );
    for (const { name, secret } of keys)
      assert.deepEqual([name.length, secret.length, isZero(secret)], [16, 32, false]);
  });

  it('makes each key a whole rotation before it seals', () => {
    const ring = newRing();
    for (let turn = 0; turn < 5; turn++) {
      const now = start + turn * hour;
      const next = sealingKey(at(ring.keys(now)), now + hour);
      assert.ok(next);
      assert.equal(sealingKey(at(ring.keys(now + hour)), now + hour), next);
    }
  });

  it('keeps a key while it opens, and wipes it then', () => {
    const ring = newRing();
    const [first] = at(ring.keys(start));
    assert.ok(first);
    assert.ok(at(ring.keys(start + 3 * hour - 1)).includes(first));
    assert.equal(isZero(first.secret), false);
    assert.ok(!at(ring.keys(start + 3 * hour)).includes(first));
    assert.equal(isZero(first.secret), true);
  });

  it('has no hole after a long sleep, and none of the keys from before', () => {
    const ring = newRing();
    const before = at(ring.keys(start));
    const now = start + 1000 * hour + 5;
    const after = at(ring.keys(now));
    assert.equal(after.length, 2);
    assert.ok(sealingKey(after, now) && sealingKey(after, now + hour));
    assert.ok(before.every(({ secret }) => isZero(secret)));
  });

  it('goes on with its keys where the clock goes back a little', () => {
    const ring = newRing();
    const current = sealingKey(at(ring.keys(start)), start);
    ring.keys(start + hour);
    assert.equal(sealingKey(at(ring.keys(start + hour - 1)), start + hour - 1), current);
  });

  it('always has a key that seals and one that follows, wherever the clock goes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40 * hour), { minLength: 1, maxLength: 30 }), (offsets) => {
        const ring = newRing();
        for (const now of offsets.map((offset) => start + offset)) {
          const keys = at(ring.keys(now));
          const current = sealingKey(keys, now);
          assert.ok(current && sealingKey(keys, current.sealsUntil));
          assert.ok(keys.every((key) => now < key.opensUntil && !isZero(key.secret)));
          assert.ok(keys.length <= 6);
          assert.equal(new Set(keys.map(named)).size, keys.length);
        }
      }),
    );
  });

  it('forgets keys of a future that was none', () => {
    const ring = newRing();
    const wrong = at(ring.keys(start + 90_000 * hour));
    const right = at(ring.keys(start));
    assert.ok(right.every((key) => !wrong.includes(key)));
    assert.ok(wrong.every(({ secret }) => isZero(secret)));
  });

  it('gives the same keys again where nothing has changed', () => {
    const ring = newRing();
    assert.equal(ring.keys(start), ring.keys(start + hour - 1));
  });

  it('keeps keys that were made under another setting until their time is over', () => {
    const keys = keysAt([], start, nodeProvider, { rotateEvery: 2 * hour, opensFor: hour });
    const current = sealingKey(keys, start);
    const changed = keysAt(keys, start + 1, nodeProvider, rotation);
    assert.equal(sealingKey(changed, start + 1), current);
  });

  it('wipes all of its keys at its end, and has none afterwards', () => {
    const ring = newRing();
    const keys = at(ring.keys(start));
    ring.dispose();
    ring.dispose();
    assert.ok(keys.every(({ secret }) => isZero(secret)));
    assert.throws(() => ring.keys(start), /disposed of/);
  });

  it('refuses settings that make no sense', () => {
    const provider = nodeProvider;
    for (const [option, value] of [
      ['rotateEvery', 999],
      ['rotateEvery', 1000.5],
      ['rotateEvery', Number.NaN],
      ['rotateEvery', 604_800_001],
      ['opensFor', -1],
      ['opensFor', 604_800_001],
    ] as const) {
      assert.throws(
        () => memoryKeyRing({ provider, [option]: value }),
        (error) => error instanceof TlsConfigError && error.option === option,
      );
    }
  });
});
