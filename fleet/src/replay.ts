/**
 * Replay: what may be taken once in a fleet is taken once, whatever becomes of Redis. By first flights that were recorded and
 * are sent again, and by asking the cache itself, with keys as binders are.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { RedisError, redisConnection, redisReplayCache } from '@handfast/tls/redis';
import { createClient } from 'redis';
import type { Pki } from './pki.ts';
import { recordFlight, replay } from './recording.ts';
import type { Redis } from './redis.ts';
import { exactly, type Row } from './report.ts';
import type { ServerProcess } from './servers.ts';

/** Milliseconds for which a first flight is fresh. */
export const window = 6000;
/** How long servers may need to find a Redis that is back: a pause, a connection, a window. */
const returnMs = 25_000;

const binders = (count: number): readonly Uint8Array[] => Array.from({ length: count }, () => randomBytes(32));

/** How many of the keys were taken, all servers together. */
async function taken(servers: readonly ServerProcess[], keys: readonly Uint8Array[]): Promise<number> {
  const answers = await Promise.all(servers.map((server) => server.claim(keys)));
  return answers.flat().filter(Boolean).length;
}

/** Until each server takes what is new. */
export async function allTake(servers: readonly ServerProcess[]): Promise<boolean> {
  for (const since = performance.now(); performance.now() - since < returnMs; await delay(50)) {
    const answers = await Promise.all(servers.map((server) => server.claim(binders(1))));
    if (answers.every(([one]) => one === true)) return true;
  }
  return false;
}

/** What all servers decided about early data since they were last asked. */
async function decisions(
  servers: readonly ServerProcess[],
): Promise<{ readonly accepted: number; readonly seen: number }> {
  const sums = { accepted: 0, seen: 0 };
  for (const each of await Promise.all(servers.map((server) => server.early()))) {
    for (const [decision, count] of Object.entries(each)) {
      if (decision === 'accepted') sums.accepted += count;
      if (decision.startsWith('the replay cache')) sums.seen += count;
    }
  }
  return sums;
}

/** One first flight, recorded, 200 times at all four servers; then across a restart of Redis, which forgets all. */
export async function recordings(pki: Pki, servers: readonly ServerProcess[], redis: Redis): Promise<readonly Row[]> {
  await allTake(servers);
  const ports = servers.map(({ port }) => port);
  const everywhere = Array.from({ length: 200 / ports.length }, () => ports).flat();
  const [first = 0] = ports;
  const flight = await recordFlight(pki, first);
  await decisions(servers);
  await replay(flight, everywhere);
  const once = await decisions(servers);
  await redis.kill();
  await redis.up();
  await replay(flight, everywhere);
  const after = await decisions(servers);
  return [
    exactly(1, 'early data: one first flight, 200 times at all four servers: accepted', once.accepted),
    exactly(199, 'early data: one first flight, 200 times at all four servers: refused as a replay', once.seen),
    exactly(0, 'early data: the same flight when Redis has been killed and is back: accepted', after.accepted),
    exactly(200, 'early data: the same flight when Redis has been killed and is back: refused as unknown', after.seen),
  ];
}

export interface Recorded {
  readonly rows: readonly Row[];
  /** What was taken, to come again later. */
  readonly keys: readonly Uint8Array[];
}

export async function onceInAFleet(servers: readonly ServerProcess[]): Promise<Recorded> {
  await allTake(servers);
  const one = binders(1);
  const same = Array.from({ length: 200 }, () => one).flat();
  const many = binders(200);
  return {
    keys: [...one, ...many],
    rows: [
      exactly(1, 'replay cache: one key, 200 times at all four servers: taken', await taken(servers, same)),
      exactly(200, 'replay cache: 200 keys, each at all four servers: taken', await taken(servers, many)),
    ],
  };
}

export async function whileGone(servers: readonly ServerProcess[]): Promise<readonly Row[]> {
  return [exactly(0, 'replay cache: while Redis is gone, taken', await taken(servers, binders(10)))];
}

export async function afterTheRestart(servers: readonly ServerProcess[], before: Recorded): Promise<readonly Row[]> {
  const since = performance.now();
  const early = await taken(servers, [...before.keys, ...binders(10)]);
  const returned = await allTake(servers);
  const waited = performance.now() - since;
  return [
    exactly(0, 'replay cache: what was taken before, when Redis is back and empty: taken again', early),
    {
      what: `replay cache: milliseconds until all servers take again (a window is ${window})`,
      count: Math.round(waited),
      ok: returned && waited >= window,
    },
  ];
}

/** A Redis that may evict is refused at the start. */
export async function unsuited(url: string): Promise<readonly Row[]> {
  const admin = createClient({ url });
  await admin.connect();
  const connection = await redisConnection({ url, secret: randomBytes(32), provider });
  let code: string | undefined;
  try {
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    await redisReplayCache({ connection });
  } catch (error) {
    code = error instanceof RedisError ? error.code : String(error);
  } finally {
    await admin.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']);
    admin.destroy();
    connection.close();
  }
  return [
    exactly(1, 'replay cache: a Redis that may evict is refused at the start', Number(code === 'unsuited'), [
      `${code}`,
    ]),
  ];
}
