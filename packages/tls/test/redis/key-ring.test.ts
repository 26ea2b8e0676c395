import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type TicketKey, ticketKeys } from '../../src/index.ts';
import { redisKeyRing } from '../../src/redis/index.ts';
import { sealingKey } from '../../src/session/key-ring.ts';
import { connectionTo, FakeRedis, settled } from './fake.ts';

const hour = 3_600_000;
const start = 1000 * hour;

test('whoever comes first makes the keys, and all others have the same', async () => {
  const redis = new FakeRedis();
  const rings = await Promise.all(Array.from({ length: 4 }, () => server(redis)));
  const all = await Promise.all(rings.map(async ({ ring }) => names(await ring.keys(start))));
  assert.equal(all[0]?.length, 2);
  for (const one of all) assert.deepEqual(one, all[0]);
});

test('the next key is known to all one whole rotation before it is used', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await server(redis), await server(redis)];
  const first = await a.ring.keys(start);
  const next = first.find(({ sealsFrom }) => sealsFrom === start + hour);
  assert.ok(next);
  assert.ok(names(await b.ring.keys(start)).includes(toHex(next.name)));
  const [later] = [await a.ring.keys(start + hour)];
  assert.deepEqual(sealingKey(later, start + hour)?.name, next.name);
});

test('a ticket of one server opens at another, over two rotations', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await server(redis), await server(redis)].map(({ ring }) => ticketKeys({ provider, ring }));
  assert.ok(a && b);
  const state = new Uint8Array([1, 2, 3]);
  for (let step = 0; step <= 8; step++) {
    const now = start + (step * hour) / 4;
    const ticket: Uint8Array | undefined = await a.seal(state, now);
    await settled();
    assert.ok(ticket);
    assert.deepEqual(await b.open(ticket, now), state);
    assert.deepEqual(await b.open(ticket, now + hour / 2), state);
    await settled();
  }
});

test('keys in memory are given at once, and go on without Redis until they are over', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  const before = names(await ring.keys(start));
  gone(redis);
  for (const now of [start + 1, start + hour / 2, start + hour, start + 2 * hour - 1]) {
    const keys = ring.keys(now);
    assert.ok(Array.isArray(keys));
    assert.deepEqual(names(keys).toSorted(), before.toSorted());
    assert.ok(sealingKey(keys, now));
    await settled();
  }
  const late = await ring.keys(start + 2 * hour);
  assert.equal(sealingKey(late, start + 2 * hour), undefined);
  assert.equal(late.length, 1);
});

test('without Redis from the start there are no keys, and no error', async () => {
  const redis = new FakeRedis();
  gone(redis);
  const { ring, told } = await server(redis);
  assert.deepEqual(await ring.keys(start), []);
  assert.deepEqual(await ring.keys(start), []);
  assert.equal(told.length, 1);
  redis.trouble = undefined;
});

test('a Redis that comes back empty is filled by those who have the keys, not by new ones', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await server(redis), await server(redis)];
  const before = names(await a.ring.keys(start));
  redis.restart('bbbb');
  // A server that has just come finds them after the first look of one that has them.
  a.ring.keys(start + hour / 4);
  await settled();
  assert.deepEqual(names(await b.ring.keys(start + hour / 4)).toSorted(), before.toSorted());
});

test('where a new server was the first at an empty Redis, each soon has the other’s keys', async () => {
  const redis = new FakeRedis();
  const [a, fresh] = [await server(redis), await server(redis)];
  const before = names(await a.ring.keys(start));
  redis.restart('bbbb');
  const others = names(await fresh.ring.keys(start + 1));
  assert.ok(!others.some((name) => before.includes(name)));
  a.ring.keys(start + hour / 2);
  await settled();
  fresh.ring.keys(start + hour / 2 + 1);
  await settled();
  const now = start + hour / 2 + 2;
  const both = [await a.ring.keys(now), await fresh.ring.keys(now)];
  for (const keys of both) assert.deepEqual(names(keys).toSorted(), [...before, ...others].toSorted());
  assert.deepEqual(both[0] && sealingKey(both[0], now)?.name, both[1] && sealingKey(both[1], now)?.name);
});

test('a key is taken as Redis has it, never as it was made', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await server(redis), await server(redis)];
  const theirs = names(await b.ring.keys(start));
  const value = redis.values.get('handfast:ring');
  assert.ok(value);
  redis.values.delete('handfast:ring');
  // Another server's write comes between ours and our reading it again.
  redis.trouble = ([command, name]) => {
    if (command === 'GET' && redis.count('SET') > 3 && name === 'handfast:ring') redis.values.set(name, value);
    return undefined;
  };
  assert.deepEqual(names(await a.ring.keys(start)).toSorted(), theirs.toSorted());
});

test('who finds the lease taken waits for the keys of whoever has it', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  redis.values.set('handfast:lease', { text: '1', until: Number.POSITIVE_INFINITY });
  const waiting = ring.keys(start);
  await settled();
  assert.equal(redis.get('handfast:ring'), null);
  redis.values.delete('handfast:lease');
  const made = names(await (await server(redis)).ring.keys(start));
  assert.deepEqual(names(await waiting), made);
});

test('the lease is given back, and ends by itself where its holder died', async () => {
  const redis = new FakeRedis();
  await (await server(redis)).ring.keys(start);
  assert.equal(redis.get('handfast:lease'), null);
  const taken = redis.commands.find(([, name]) => name === 'handfast:lease');
  assert.deepEqual(taken, ['SET', 'handfast:lease', '1', 'NX', 'PX', '10000']);
});

test('one look serves all who ask, and Redis is not looked at again for a while', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  await Promise.all(Array.from({ length: 50 }, () => ring.keys(start)));
  const asked = redis.commands.length;
  for (let second = 1; second < 7; second++) ring.keys(start + second * 1000);
  await settled();
  assert.equal(redis.commands.length, asked);
  ring.keys(start + 13_000);
  await settled();
  assert.equal(redis.commands.length, asked + 1);
});

test('nothing in Redis shows a key', async () => {
  const redis = new FakeRedis();
  const keys = await (await server(redis)).ring.keys(start);
  const text = redis.get('handfast:ring') ?? '';
  const bytes = toHex(Uint8Array.from(Buffer.from(text, 'base64')));
  for (const { name, secret } of keys) {
    assert.ok(!bytes.includes(toHex(name)));
    assert.ok(!bytes.includes(toHex(secret)));
  }
});

test('a ring that somebody else wrote is left as it is, told, and changes no key', async () => {
  for (const forged of ['', 'AAAA', 'A'.repeat(400), 'not base64 at all']) {
    const redis = new FakeRedis();
    const { ring, told } = await server(redis);
    const before = names(await ring.keys(start));
    redis.values.set('handfast:ring', { text: forged, until: Number.POSITIVE_INFINITY });
    ring.keys(start + hour / 2);
    await settled();
    assert.deepEqual(names(await ring.keys(start + hour / 2)), before);
    assert.match(String(told[0]), /handfast:ring in Redis is not sealed under our secret, and was left as it is/);
    assert.equal(redis.get('handfast:ring'), forged);
  }
});

test('an old ring that somebody put back brings no key back', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  await ring.keys(start);
  const old = redis.get('handfast:ring') ?? '';
  let now = start;
  for (; now < start + 4 * hour; now += hour / 2) {
    await ring.keys(now);
    await settled();
  }
  await ring.keys(now);
  await settled();
  const before = names(await ring.keys(now)).toSorted();
  redis.values.set('handfast:ring', { text: old, until: Number.POSITIVE_INFINITY });
  ring.keys(now + hour / 4);
  await settled();
  assert.deepEqual(names(await ring.keys(now + hour / 4)).toSorted(), before);
});

test('a key is wiped when its time is over, and all are when the ring is disposed of', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  const [...first] = await ring.keys(start);
  const current = sealingKey(first, start);
  await ring.keys(start + 2 * hour);
  assert.ok(current?.secret.every((byte) => byte === 0));
  const [...left] = await ring.keys(start + 2 * hour);
  ring.dispose();
  assert.ok(left.every(({ secret }) => secret.every((byte) => byte === 0)));
  assert.throws(() => ring.keys(start), /disposed of/);
});

test('servers that rotate at different lengths for a while keep each other’s keys', async () => {
  const redis = new FakeRedis();
  const { connection } = await connectionTo(redis);
  const slow = redisKeyRing({ connection, rotateEvery: 24 * hour });
  const { ring: quick } = await server(redis);
  let now = Math.ceil(start / (24 * hour)) * 24 * hour;
  const theirs = names(await slow.keys(now));
  for (const end = now + 3 * hour; now < end; now += hour / 2) {
    quick.keys(now);
    await settled();
    slow.keys(now);
    await settled();
  }
  const both = [names(await slow.keys(now)), names(await quick.keys(now))].map((list) => list.toSorted());
  assert.deepEqual(both[0], both[1]);
  for (const name of theirs) assert.ok(both[0]?.includes(name));
});

test('a ring that is disposed of while it rotates writes nothing', async () => {
  const redis = new FakeRedis();
  const { ring } = await server(redis);
  redis.trouble = ([, name]) => {
    if (name === 'handfast:lease') ring.dispose();
    return undefined;
  };
  assert.deepEqual(await ring.keys(start), []);
  await settled();
  assert.equal(redis.get('handfast:ring'), null);
});

test('keys in memory are given also when the connection was closed', async () => {
  const redis = new FakeRedis();
  const { connection, told } = await connectionTo(redis);
  const ring = redisKeyRing({ connection, rotateEvery: hour });
  const before = names(await ring.keys(start));
  connection.close();
  assert.deepEqual(names(await ring.keys(start + hour / 2)), before);
  await settled();
  assert.equal(told.length, 0);
});

test('fleets of different prefixes share nothing', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await server(redis, { prefix: 'a' }), await server(redis, { prefix: 'b' })];
  const theirs = names(await a.ring.keys(start));
  assert.ok(!names(await b.ring.keys(start)).some((name) => theirs.includes(name)));
  assert.deepEqual([...redis.values.keys()].toSorted(), ['a:ring', 'b:ring']);
});

test('settings of a ring that cannot work are refused', async () => {
  const { connection } = await connectionTo(new FakeRedis());
  for (const [options, option] of [
    [{ rotateEvery: 999 }, 'rotateEvery'],
    [{ rotateEvery: 4000, lookAgain: 1001 }, 'lookAgain'],
    [{ rotateEvery: 4000, lookAgain: 0 }, 'lookAgain'],
    [{ rotateEvery: 4000, opensFor: -1 }, 'opensFor'],
  ] as const) {
    assert.throws(() => redisKeyRing({ connection, ...options }), { name: 'TlsConfigError', option });
  }
});

async function server(redis: FakeRedis, options: { prefix?: string } = {}) {
  const { connection, told } = await connectionTo(redis, options);
  return { ring: redisKeyRing({ connection, rotateEvery: hour }), told };
}

function gone(redis: FakeRedis): void {
  redis.trouble = () => {
    throw new Error('connect ECONNREFUSED 127.0.0.1:6379');
  };
}

function names(keys: readonly TicketKey[]): string[] {
  return keys.map(({ name }) => toHex(name));
}
