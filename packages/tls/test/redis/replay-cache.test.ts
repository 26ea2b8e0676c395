import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { RedisError, redisReplayCache } from '../../src/redis/index.ts';
import { connectionTo, FakeRedis } from './fake.ts';

const window = 10_000;
const start = 1_000_000;
const binder = (number: number): Uint8Array => new Uint8Array(32).fill(number);

test('what is claimed once is refused ever after, at every server of the fleet', async () => {
  const { redis, servers } = await fleet(4);
  redis.now = start + window;
  const claims = servers.flatMap(({ cache }) => [cache.claim(binder(1), redis.now), cache.claim(binder(1), redis.now)]);
  assert.equal((await Promise.all(claims)).filter(Boolean).length, 1);
  assert.equal(await servers[0]?.cache.claim(binder(2), redis.now), true);
});

test('nothing is taken for one whole window after the start, and what was claimed then is refused later, too', async () => {
  const { redis, servers } = await fleet(1);
  const { cache } = one(servers);
  assert.equal(await cache.claim(binder(1), start), false);
  assert.equal(await cache.claim(binder(2), start + window - 1), false);
  redis.now = start + window;
  assert.equal(await cache.claim(binder(1), start + window), false);
  assert.equal(await cache.claim(binder(3), start + window), true);
});

test('a claim is remembered for twice the window', async () => {
  const { redis, servers } = await fleet(1);
  const { cache } = one(servers);
  redis.now = start + window;
  assert.equal(await cache.claim(binder(1), start + window), true);
  redis.now += 2 * window - 1;
  assert.equal(await cache.claim(binder(1), redis.now), false);
});

for (const [what, lose] of [
  ['was flushed', (redis: FakeRedis) => redis.values.clear()],
  ['restarted without persistence', (redis: FakeRedis) => redis.restart('bbbb')],
  [
    'restarted with an old copy, its marker included',
    (redis: FakeRedis) => {
      redis.run = 'bbbb';
      for (const name of redis.values.keys()) if (name.includes('claim')) redis.values.delete(name);
    },
  ],
] as const) {
  test(`after Redis ${what}, everything is refused for one whole window`, async () => {
    const { redis, servers } = await fleet(2);
    redis.now = start + window;
    const [a, b] = servers;
    assert.ok(a && b);
    assert.equal(await a.cache.claim(binder(1), redis.now), true);
    lose(redis);
    redis.now += 500;
    assert.equal(await b.cache.claim(binder(1), redis.now), false);
    assert.equal(await a.cache.claim(binder(2), redis.now), false);
    redis.now += window - 1;
    assert.equal(await a.cache.claim(binder(3), redis.now), false);
    redis.now += 1;
    assert.equal(await a.cache.claim(binder(4), redis.now), true);
    assert.equal(await b.cache.claim(binder(4), redis.now), false);
  });
}

test('a server that slept through a flush, and finds another’s marker, refuses for a window of its own', async () => {
  const { redis, servers } = await fleet(2);
  const [a, b] = servers;
  assert.ok(a && b);
  redis.now = start + window;
  redis.values.clear();
  assert.equal(await a.cache.claim(binder(1), redis.now), false);
  redis.now += window;
  assert.equal(await a.cache.claim(binder(2), redis.now), true);
  assert.equal(await b.cache.claim(binder(3), redis.now), false);
  redis.now += window;
  assert.equal(await b.cache.claim(binder(4), redis.now), true);
});

test('a flush between the claim and the marker is seen', async () => {
  const { redis, servers } = await fleet(1);
  const { cache } = one(servers);
  redis.now = start + window;
  redis.trouble = ([command, name]) => {
    if (command === 'GET' && name === 'handfast:epoch') redis.values.clear();
    return undefined;
  };
  assert.equal(await cache.claim(binder(1), redis.now), false);
});

test('a Redis back from a failover and back again is another one', async () => {
  const { redis, servers } = await fleet(2);
  const [a, b] = servers;
  assert.ok(a && b);
  redis.now = start + window;
  redis.run = 'bbbb';
  assert.equal(await a.cache.claim(binder(1), redis.now), false);
  redis.run = 'aaaa';
  assert.equal(await b.cache.claim(binder(2), redis.now), false);
});

test('a Redis that does not answer in time, or is gone, means refusal and no rejection', async () => {
  const { redis, servers } = await fleet(1);
  const { cache, told } = one(servers);
  redis.now = start + window;
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    redis.trouble = () => new Promise(() => {});
    const claimed = cache.claim(binder(1), redis.now);
    mock.timers.tick(250);
    assert.equal(await claimed, false);
    assert.equal(await cache.claim(binder(2), redis.now), false);
    redis.trouble = undefined;
    mock.timers.tick(100);
    assert.equal(await cache.claim(binder(3), redis.now), true);
  } finally {
    mock.timers.reset();
  }
  assert.deepEqual(told.map(codeOf), ['timeout']);
});

test('a Redis that may evict is refused at the start, with what to do', async () => {
  for (const policy of ['allkeys-lru', 'volatile-ttl', 'volatile-random']) {
    const redis = new FakeRedis();
    redis.policy = policy;
    const { connection } = await connectionTo(redis);
    await assert.rejects(redisReplayCache({ connection }), {
      code: 'unsuited',
      message:
        `Redis may evict what a replay cache must remember: its maxmemory-policy is ${policy}. Set ` +
        '"maxmemory-policy noeviction" in its configuration, or use a Redis of its own for this',
    });
  }
});

test('a Redis that comes back and may evict is told, and nothing is taken', async () => {
  const { redis, servers } = await fleet(1);
  const { cache, told } = one(servers);
  redis.restart('bbbb');
  redis.policy = 'allkeys-lru';
  for (let claim = 0; claim < 3; claim++) {
    redis.now += 2 * window;
    assert.equal(await cache.claim(binder(claim), redis.now), false);
  }
  assert.deepEqual(told.map(codeOf), ['unsuited', 'unsuited', 'unsuited']);
});

test('a Redis that is not there at the start means refusal, until one window after it came', async () => {
  const redis = new FakeRedis();
  redis.now = start;
  redis.trouble = () => {
    throw new Error('connect ECONNREFUSED');
  };
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { connection } = await connectionTo(redis);
    const cache = await redisReplayCache({ connection, window, time: () => new Date(redis.now) });
    redis.trouble = undefined;
    mock.timers.tick(5000);
    redis.now += window;
    assert.equal(await cache.claim(binder(1), redis.now), false);
    redis.now += window;
    assert.equal(await cache.claim(binder(2), redis.now), true);
  } finally {
    mock.timers.reset();
  }
});

test('a Redis whose INFO may not be asked is refused at the start', async () => {
  const redis = new FakeRedis();
  redis.trouble = ([command]) => {
    if (command === 'INFO') throw new Error("NOPERM User fleet has no permissions to run the 'info' command");
    return undefined;
  };
  const { connection } = await connectionTo(redis);
  await assert.rejects(redisReplayCache({ connection }), { code: 'refused' });
  connection.close();
});

test('a clock that was set back by more than a window takes nothing', async () => {
  const { redis, servers } = await fleet(1);
  const { cache } = one(servers);
  redis.now = start + 5 * window;
  assert.equal(await cache.claim(binder(1), redis.now), true);
  assert.equal(await cache.claim(binder(2), redis.now - window), true);
  assert.equal(await cache.claim(binder(3), redis.now - window - 1), false);
});

test('what is no binder is refused', async () => {
  const { redis, servers } = await fleet(1);
  const { cache } = one(servers);
  redis.now = start + window;
  assert.equal(await cache.claim(new Uint8Array(), redis.now), false);
  assert.equal(await cache.claim(new Uint8Array(256), redis.now), false);
  assert.equal(await cache.claim(binder(1), Number.NaN), false);
});

test('a window that is out of range is refused', async () => {
  const { connection } = await connectionTo(new FakeRedis());
  for (const wrong of [1, 1.5, 86_400_001, Number.NaN]) {
    await assert.rejects(redisReplayCache({ connection, window: wrong }), { name: 'TlsConfigError', option: 'window' });
  }
});

async function fleet(count: number) {
  const redis = new FakeRedis();
  redis.now = start;
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const { connection, told } = await connectionTo(redis);
      return { cache: await redisReplayCache({ connection, window, time: () => new Date(redis.now) }), told };
    }),
  );
  return { redis, servers };
}

function one<T>(list: readonly T[]): T {
  const [first] = list;
  assert.ok(first);
  return first;
}

function codeOf(error: unknown): string {
  return error instanceof RedisError ? error.code : String(error);
}
