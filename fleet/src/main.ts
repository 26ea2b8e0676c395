/**
 * `npm run fleet`: four server processes behind a plain TCP balancer, a real Redis, and clients that come back. Keys rotate
 * meanwhile, Redis is killed and comes back, somebody writes to it. fleet/install.sh installs what this needs.
 *
 * Exit code 0 only if every row of the table is as it must be.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';
import { Balancer } from './balancer.ts';
import { Clients, type Kind, keysSeen } from './clients.ts';
import { clusterRows } from './cluster.ts';
import { type Outcome, run } from './load.ts';
import { makePki, type Pki } from './pki.ts';
import { Redis } from './redis.ts';
import * as replay from './replay.ts';
import { atLeast, exactly, line, type Row } from './report.ts';
import { ServerProcess } from './servers.ts';

const serverCount = 4;
const connections = 5000;
/** Milliseconds: keys rotate at least twice within the 5,000 connections. */
const rotateEvery = 6000;
const opensFor = 300_000;
const within = 2.2 * rotateEvery;
/** Milliseconds without Redis: less than a rotation, since no server makes a key alone. */
const outage = 2500;
const withTickets: readonly Kind[] = ['TLS 1.3 tickets', 'TLS 1.2 tickets'];
const withIdentifiers: Kind = 'TLS 1.2 identifiers';

const rows: Row[] = [];

function add(...more: readonly Row[]): void {
  for (const row of more) {
    rows.push(row);
    process.stdout.write(line(row));
    if (!row.ok) for (const words of row.words ?? []) process.stdout.write(`      ${words}\n`);
  }
}

function resumption(when: string, outcome: Outcome, kinds: readonly Kind[]): readonly Row[] {
  return kinds.map((kind) => {
    const { resumed, connections: all } = outcome.of(kind);
    return atLeast(0.99, `${when}: resumed, ${kind}`, resumed, all, outcome.words);
  });
}

async function fleet(pki: Pki): Promise<void> {
  const redis = await Redis.start();
  const secret = randomBytes(32).toString('base64');
  const shared = { by: 'redis', url: redis.url, secret, window: replay.window } as const;
  const { certificate, key } = pki;
  const servers = await Promise.all(
    Array.from({ length: serverCount }, (_, index) =>
      ServerProcess.start({ type: 'setup', index, certificate, key, rotateEvery, opensFor, shared }),
    ),
  );
  const balancer = await Balancer.start(servers.map(({ port }) => port));
  const clients = new Clients(pki, { 'TLS 1.3 tickets': 100, 'TLS 1.2 tickets': 30, 'TLS 1.2 identifiers': 20 });
  const once = { connections: clients.all.length, within: 0 };
  const come = (load: Parameters<typeof run>[2]): Promise<Outcome> => run(clients.all, balancer.port, load);

  // Each client's first connection: a full handshake. Early data is taken a window after the start.
  await come(once);
  await replay.allTake(servers);

  keysSeen.clear();
  const usual = await come({ connections, within });
  const { resumed, connections: all, elsewhere, failed } = usual.all;
  add(
    ...resumption('5,000 connections', usual, [...withTickets, withIdentifiers]),
    atLeast(0.99, '5,000 connections: resumed in all', resumed, all, usual.words),
    atLeast(0.5, '5,000 connections: resumed at another server than before', elsewhere, all),
    atLeast(0.99, '5,000 connections: early data accepted, TLS 1.3 tickets', ...early(usual)),
    exactly(0, '5,000 connections: failed', failed, usual.words),
    { what: 'ticket keys: rotations meanwhile', count: keysSeen.size - 1, ok: keysSeen.size >= 3 },
    exactly(0, 'ticket keys: sessions lost by them', lost(usual), usual.words),
  );

  const recorded = await replay.onceInAFleet(servers);
  add(...recorded.rows);

  await come(once);
  await redis.kill();
  const gone = await come({ connections: 900, within: outage, cut: true });
  const identifiers = gone.of(withIdentifiers);
  add(
    exactly(0, 'Redis is gone: failed connections', gone.all.failed, gone.words),
    ...resumption('Redis is gone', gone, withTickets),
    atLeast(1, `Redis is gone: full handshakes instead, ${withIdentifiers}`, full(gone), identifiers.connections),
    exactly(0, 'Redis is gone: early data accepted', gone.all.early),
    ...(await replay.whileGone(servers)),
  );

  await redis.up();
  const [back, replayed] = await Promise.all([
    come({ connections: 900, within: outage, cut: true }),
    replay.afterTheRestart(servers, recorded),
  ]);
  add(
    exactly(0, 'Redis is back, and empty: failed connections', back.all.failed, back.words),
    ...resumption('Redis is back', back, withTickets),
    ...replayed,
  );
  await come(once);
  const again = await come({ connections: 600, within: 1000 });
  add(
    ...resumption('Redis is back for a while', again, [...withTickets, withIdentifiers]),
    atLeast(0.99, 'Redis is back for a while: early data accepted, TLS 1.3 tickets', ...early(again)),
    ...(await replay.recordings(pki, servers, redis)),
  );
  await come(once);

  add(...(await foreign(redis, come)), ...(await replay.unsuited(redis.url)));

  balancer.close();
  const ended = await Promise.all(servers.map((server) => server.stop()));
  const unhandled = servers.flatMap((server) => server.unhandled);
  add(
    exactly(serverCount, 'servers that ended by themselves when they were closed', ended.filter(Boolean).length),
    exactly(0, 'rejections that nobody handled', unhandled.length, unhandled),
  );
  await redis.kill();
  if (rows.some(({ ok }) => !ok)) {
    for (const words of new Set(servers.flatMap(({ told }) => [...told])))
      process.stdout.write(`   servers told: ${words}\n`);
  }
}

/** How often early data was accepted, of how many connections that could bring some. */
function early(outcome: Outcome): readonly [number, number] {
  const { early: accepted, resumed } = outcome.of('TLS 1.3 tickets');
  return [accepted, resumed];
}

/** Connections with tickets that came to a full handshake, or to none. */
function lost(outcome: Outcome): number {
  const { connections: all, resumed } = outcome.of(...withTickets);
  return all - resumed;
}

function full(outcome: Outcome): number {
  const { connections: all, resumed, failed } = outcome.of(withIdentifiers);
  return all - resumed - failed;
}

/** Somebody else can write to Redis: nothing of it is taken, and nothing is lost. */
async function foreign(
  redis: Redis,
  come: (load: Parameters<typeof run>[2]) => Promise<Outcome>,
): Promise<readonly Row[]> {
  const other = createClient({ url: redis.url });
  await other.connect();
  const names = await other.keys('handfast:session:*');
  for (const name of [...names, 'handfast:ring'])
    await other.set(name, randomBytes(300).toString('base64'), { KEEPTTL: true });
  await delay(rotateEvery / 2);
  const outcome = await come({ connections: 300, within: 500 });
  await other.del('handfast:ring');
  other.destroy();
  return [
    exactly(
      0,
      'ring and sessions in Redis overwritten by somebody: failed connections',
      outcome.all.failed,
      outcome.words,
    ),
    ...resumption('ring and sessions overwritten', outcome, withTickets),
  ];
}

const started = performance.now();
const pki = await makePki();
await fleet(pki);
add(...(await clusterRows(pki)));
const good = rows.filter(({ ok }) => ok).length;
process.stdout.write(`\n${Math.round((performance.now() - started) / 1000)} seconds\n`);
process.stdout.write(`${good} passed, ${rows.length - good} failed\n`);
process.exit(good === rows.length ? 0 : 1);
