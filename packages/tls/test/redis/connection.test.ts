import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { RedisError, redisConnection } from '../../src/redis/index.ts';
import { connectionTo, FakeRedis, secret, settled } from './fake.ts';

const never = (): Promise<void> => new Promise(() => {});

test('a command that is not answered in time is given up, and told', async () => {
  const redis = new FakeRedis();
  redis.trouble = never;
  const { connection, told } = await connectionTo(redis);
  await withTimers(async () => {
    const asked = assert.rejects(connection.ask('GET', 'x'), { name: 'RedisError', code: 'timeout' });
    mock.timers.tick(249);
    await settled();
    assert.equal(told.length, 0);
    mock.timers.tick(1);
    await asked;
  });
  assert.deepEqual(codes(told), ['timeout']);
});

test('after a failure Redis is left alone for a moment, and nobody waits', async () => {
  const redis = new FakeRedis();
  redis.trouble = () => {
    throw new Error('connect ECONNREFUSED');
  };
  const { connection, told } = await connectionTo(redis);
  await withTimers(async () => {
    await assert.rejects(connection.ask('GET', 'x'), { code: 'unreachable' });
    for (let again = 0; again < 100; again++) await assert.rejects(connection.ask('GET', 'x'), { code: 'resting' });
  });
  assert.equal(redis.commands.length, 1);
  assert.deepEqual(codes(told), ['unreachable']);
});

test('what fails at the same time is one failure, and told once', async () => {
  const redis = new FakeRedis();
  redis.trouble = never;
  const { connection, told } = await connectionTo(redis);
  await withTimers(async () => {
    const asked = Array.from({ length: 20 }, () => assert.rejects(connection.ask('GET', 'x'), { code: 'timeout' }));
    await settled();
    mock.timers.tick(250);
    await Promise.all(asked);
  });
  assert.equal(told.length, 1);
});

test('after the pause one command asks whether Redis is back, and the others do not wait for it', async () => {
  const redis = new FakeRedis();
  redis.trouble = () => {
    throw new Error('Socket closed unexpectedly');
  };
  const { connection } = await connectionTo(redis);
  await withTimers(async () => {
    await assert.rejects(connection.ask('GET', 'x'), { code: 'unreachable' });
    mock.timers.tick(100);
    redis.trouble = undefined;
    const first = connection.ask('GET', 'x');
    await assert.rejects(connection.ask('GET', 'x'), { code: 'resting' });
    assert.equal(await first, null);
    assert.deepEqual(await Promise.all([connection.ask('GET', 'x'), connection.ask('GET', 'y')]), [null, null]);
  });
});

test('pauses double up to five seconds, half of each by chance', async () => {
  const redis = new FakeRedis();
  redis.trouble = () => {
    throw new Error('connect ECONNREFUSED');
  };
  // What is drawn is the largest.
  const largest = { ...provider, random: (length: number) => new Uint8Array(length).fill(255) };
  const connection = await redisConnection({ client: redis, secret, provider: largest });
  const pauses: number[] = [];
  await withTimers(async () => {
    await assert.rejects(connection.ask('GET', 'x'), { code: 'unreachable' });
    while (pauses.length < 8) {
      const tried = redis.commands.length;
      let waited = 0;
      for (; redis.commands.length === tried; waited += 100) {
        mock.timers.tick(100);
        await assert.rejects(connection.ask('GET', 'x'));
      }
      pauses.push(waited);
    }
  });
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test('an error that Redis answers is told as such', async () => {
  const redis = new FakeRedis();
  redis.trouble = () => {
    throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
  };
  const { connection, told } = await connectionTo(redis);
  await assert.rejects(connection.ask('SET', 'x', '1'), {
    code: 'refused',
    message: "Redis refused: OOM command not allowed when used memory > 'maxmemory'.",
  });
  assert.deepEqual(codes(told), ['refused']);
  connection.close();
});

test('a listener that throws changes nothing', async () => {
  const redis = new FakeRedis();
  redis.trouble = () => {
    throw new Error('gone');
  };
  const onError = (): void => {
    throw new Error('of the listener');
  };
  const connection = await redisConnection({ client: redis, secret, provider, onError });
  await assert.rejects(connection.ask('GET', 'x'), { code: 'unreachable' });
  connection.close();
});

test('a closed connection asks nothing, and a client of the caller stays open', async () => {
  const redis = new FakeRedis();
  const { connection } = await connectionTo(redis);
  connection.close();
  connection.close();
  await assert.rejects(connection.ask('GET', 'x'), { code: 'closed' });
  assert.equal(redis.commands.length, 0);
});

test('a value opens under its own name alone, and under our secret alone', async () => {
  const { connection } = await connectionTo(new FakeRedis());
  const other = (await connectionTo(new FakeRedis(), { secret: new Uint8Array(32).fill(8) })).connection;
  const value = new Uint8Array([1, 2, 3]);
  const text = await connection.sealer.seal('a', value);
  assert.notEqual(await connection.sealer.seal('a', value), text);
  assert.deepEqual(await connection.sealer.open('a', text), value);
  assert.equal(await connection.sealer.open('b', text), undefined);
  assert.equal(await other.sealer.open('a', text), undefined);
  for (const bad of ['', 'no base64!', text.slice(0, -4), `${text}AAAA`, 7, undefined, 'A'.repeat(300_000)]) {
    assert.equal(await connection.sealer.open('a', bad), undefined);
  }
});

test('a secret is replaced by giving the new one first and the old one second', async () => {
  const old = new Uint8Array(32).fill(8);
  const before = (await connectionTo(new FakeRedis(), { secret: old })).connection;
  const after = (await connectionTo(new FakeRedis(), { secret: [secret, old] })).connection;
  const value = new Uint8Array([1, 2, 3]);
  assert.deepEqual(await after.sealer.open('a', await before.sealer.seal('a', value)), value);
  assert.equal(await before.sealer.open('a', await after.sealer.seal('a', value)), undefined);
});

test('settings that cannot work are refused when the connection is made', async () => {
  const client = new FakeRedis();
  for (const [options, option] of [
    [{ client, secret: new Uint8Array(31) }, 'secret'],
    [{ client, secret: new Uint8Array(32) }, 'secret'],
    [{ client, secret: [] }, 'secret'],
    [{ secret }, 'url'],
    [{ client, url: 'redis://127.0.0.1', secret }, 'url'],
    [{ url: 'http://127.0.0.1', secret }, 'url'],
    [{ url: 'redis://[', secret }, 'url'],
    [{ client, secret, prefix: '' }, 'prefix'],
    [{ client, secret, timeout: 0 }, 'timeout'],
    [{ client, secret, timeout: 20_000 }, 'timeout'],
  ] as const) {
    await assert.rejects(redisConnection({ provider, ...options }), { name: 'TlsConfigError', option });
  }
});

async function withTimers(run: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    await run();
  } finally {
    mock.timers.reset();
  }
}

function codes(told: readonly unknown[]): readonly string[] {
  return told.map((error) => (error instanceof RedisError ? error.code : String(error)));
}
