import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@handfast/crypto';
import { redisSessionStore } from '../../src/redis/index.ts';
import { connectionTo, FakeRedis } from './fake.ts';

const id = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);
const session = new Uint8Array(120).fill(3);

test('a session that one server stored is found by another', async () => {
  const redis = new FakeRedis();
  const [a, b] = [await store(redis), await store(redis)];
  await a.set(id, session, 60_000);
  assert.deepEqual(await b.get(id), session);
  assert.equal(await b.get(other), undefined);
  await b.delete(id);
  assert.equal(await a.get(id), undefined);
});

test('Redis forgets a session when its time is over, and after seven days at the latest', async () => {
  const redis = new FakeRedis();
  const sessions = await store(redis);
  await sessions.set(id, session, 60_000);
  redis.now += 60_000;
  assert.equal(await sessions.get(id), undefined);
  await sessions.set(id, session, Number.MAX_SAFE_INTEGER);
  assert.equal(redis.commands.at(-1)?.at(-1), '604800000');
  const before = redis.commands.length;
  await sessions.set(id, session, 0);
  assert.equal(redis.commands.length, before);
});

test('what somebody else wrote, altered or moved to another identifier is no session', async () => {
  const redis = new FakeRedis();
  const sessions = await store(redis);
  await sessions.set(id, session, 60_000);
  await sessions.set(other, session.with(0, 9), 60_000);
  const [mine = '', theirs = ''] = [...redis.values.keys()];
  const text = redis.get(mine) ?? '';
  const put = (value: string): unknown => redis.values.set(mine, { text: value, until: Number.POSITIVE_INFINITY });
  for (const wrong of [redis.get(theirs) ?? '', `${text.slice(0, 60)}AAAA${text.slice(64)}`, '{"version":772}', '']) {
    put(wrong);
    assert.equal(await sessions.get(id), undefined);
  }
  put(text);
  assert.deepEqual(await sessions.get(id), session);
});

test('Redis sees neither identifiers nor sessions', async () => {
  const redis = new FakeRedis();
  await (await store(redis)).set(id, session, 60_000);
  const seen = JSON.stringify(redis.commands);
  assert.ok(!seen.includes(toHex(id)));
  assert.ok(!seen.includes(Buffer.from(session).toString('base64').slice(8, 40)));
});

test('without Redis a store rejects, and nothing more', async () => {
  const redis = new FakeRedis();
  const sessions = await store(redis);
  redis.trouble = () => {
    throw new Error('Socket closed unexpectedly');
  };
  await assert.rejects(async () => sessions.get(id), { code: 'unreachable' });
  await assert.rejects(async () => sessions.set(id, session, 1000), { code: 'resting' });
  await assert.rejects(async () => sessions.delete(id), { code: 'resting' });
});

async function store(redis: FakeRedis) {
  const { connection } = await connectionTo(redis);
  return redisSessionStore({ connection });
}
