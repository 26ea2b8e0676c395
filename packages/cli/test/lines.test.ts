/**
 * The published schemas of `--json`: they are what the shapes say, they hold every event and message that there is, and nothing else.
 * All other tests of `connect`, `serve` and `doctor` hold what they print to them, too.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { memoryReplayCache, memorySessionCache, type TraceEvent, ticketKeys } from '@handfast/tls';
import { type ConnectOptions, connect } from '@handfast/tls/node';
import { trustStore } from '@handfast/x509';
import { commandSchemas } from '../../../scripts/command-schemas.ts';
import { textOf } from '../../../scripts/json-schema.ts';
import { traceShapes } from '../src/lines/trace.ts';
import { traceJson } from '../src/trace-json.ts';
import { finish, start } from './support/io.ts';
import { tlsServer } from './support/net.ts';
import { makePki, type Pki } from './support/pki.ts';
import { assertLines } from './support/schema.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

type Values = readonly Readonly<Record<string, unknown>>[];

const own = (): readonly string[] => ['--cert', pki.path('server.pem'), '--key', pki.path('server-key.pem')];
const asked = (): readonly string[] => ['--client-ca', pki.path('ca.pem'), '--require-client-cert'];
const shown = (): readonly string[] => ['--cert', pki.path('client.pem'), '--key', pki.path('client-key.pem')];

/** What both commands say of a conversation, `connect`'s first. */
async function conversation(ofServe: readonly string[], ofConnect: readonly string[]): Promise<Values> {
  const server = start(['serve', '0', '--echo', '--json', '--trace', ...own(), ...ofServe]);
  await server.stderr.match(/"listening".*\n/);
  const at = `localhost:${server.stderr.values.find(({ event }) => event === 'listening')?.port}`;
  const client = await finish(
    ['connect', at, '--ca', pki.path('ca.pem'), '--json', '--trace', '--showcerts', ...ofConnect],
    'hello',
  );
  server.interrupt.abort();
  assert.equal(await server.exitCode, 0);
  return [...client.stderr.values, ...server.stderr.values];
}

/** What a connection of the library's own tells, where the commands have no option for it. */
async function told(tracing: (trace: (event: TraceEvent) => void) => Promise<void>): Promise<Values> {
  const values: Record<string, unknown>[] = [];
  await tracing((event) => void values.push(JSON.parse(JSON.stringify(traceJson(event)))));
  assertLines(values);
  return values;
}

/** Two connections, the second with early data; the first has its keys changed. */
async function earlyData(trace: (event: TraceEvent) => void): Promise<void> {
  const details = { traceDetails: { wire: true, plaintext: true } };
  const server = await tlsServer({
    ...{ credentials: [pki.server], trace, ...details, tickets: { keys: ticketKeys({ provider }) } },
    earlyData: { replay: memoryReplayCache({ time: () => new Date(0) }) },
  });
  const sessions = memorySessionCache();
  const { port } = server;
  const options: ConnectOptions = { host: '127.0.0.1', port, servername: 'localhost', trust: trustStore([pki.ca]) };
  const visit = async (): Promise<void> => {
    const socket = connect({ ...options, sessions, earlyData: 1000, trace, ...details });
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject).once('close', resolve);
    socket.once('earlyDataReady', () => socket.writeEarlyData('early'));
    socket.once('secureConnect', () => {
      socket.updateKeys();
      socket.write('late');
    });
    socket.once('data', () => socket.end());
    await ended;
  };
  try {
    await visit();
    await visit();
  } finally {
    server.close();
  }
}

/** Messages that none of the commands brings about: a request for another handshake, and a stapled OCSP response. */
const asIfSeen = async (trace: (event: TraceEvent) => void): Promise<void> => {
  const where = { type: 'message', connection: 1, at: 0, role: 'client', direction: 'in' } as const;
  const raw = Uint8Array.of(0, 0, 0, 0);
  trace({ ...where, message: { type: 'hello_request', raw } });
  trace({ ...where, message: { type: 'certificate_status', raw, ocspResponse: raw } });
};

const tls12 = ['--max-version', '1.2'];

/** Everything that is told below, by what it is told of. */
const scenes: Readonly<Record<string, () => Promise<Values>>> = {
  'TLS 1.3, a second hello, a client certificate': () =>
    conversation(['--groups', 'secp256r1', ...asked(), '--alpn', 'a'], ['--alpn', 'a', ...shown()]),
  'TLS 1.2, a client certificate': () => conversation([...asked()], [...tls12, ...shown()]),
  'what is old': () => {
    const legacy = ['--legacy', '--max-version', '1.0'];
    return conversation(['--legacy', ...asked()], [...legacy, ...shown()]);
  },
  'a failure': () => conversation(['--cert', pki.path('expired.pem'), '--key', pki.path('expired-key.pem')], []),
  'a certificate that nobody looks at': () =>
    conversation(['--cert', pki.path('expired.pem'), '--key', pki.path('expired-key.pem')], ['--insecure']),
  'early data, wire and data': () => told(earlyData),
  'what is seldom seen': () => told(asIfSeen),
};

describe('the lines of --json', () => {
  const all: Record<string, unknown>[] = [];
  for (const [name, scene] of Object.entries(scenes)) {
    test(`are as they were published: ${name}`, async () => {
      const values = await scene();
      all.push(...values);
      assert.ok(values.length > 0);
      const events = values.filter(({ at }) => at !== undefined);
      assert.ok(events.every(({ connection }) => Number.isInteger(connection)));
    });
  }

  test('have met every event and every message that there is', () => {
    const seen = new Set(all.map(({ event }) => event));
    assert.deepEqual(
      Object.keys(traceShapes).filter((event) => !seen.has(event)),
      [],
    );
    const messages = new Set(all.map(({ event, message }) => (event === 'message' ? message : undefined)));
    const published = [...readFileSync(commandSchemas.events.url, 'utf8').matchAll(/"const": "([A-Z]\w+)"/g)];
    assert.deepEqual(
      published.flatMap(([, message]) => (messages.has(message) ? [] : [message])),
      [],
    );
  });

  test('tell connections of one process apart', async () => {
    const values = (await told(earlyData)).filter(({ event }) => event === 'established');
    assert.equal(new Set(values.map(({ connection }) => connection)).size, 4);
  });
});

describe('events.schema.json', () => {
  const state = { event: 'state', connection: 1, at: 0.5, role: 'client', state: 'WAIT_SH' };

  test('and doctor.schema.json are what the shapes say: npm run docs writes them', () => {
    for (const { url, schema } of Object.values(commandSchemas)) {
      assert.ok(readFileSync(url, 'utf8') === textOf(schema), url.pathname);
    }
  });

  test('refuses what was not published', () => {
    assertLines([state, { ...state, client: '127.0.0.1:1' }, { event: 'stopped' }]);
    for (const change of [
      { more: 1 },
      { connection: undefined },
      { connection: 0 },
      { connection: 1.5 },
      { at: '0.5' },
      { role: 'proxy' },
      { event: 'other' },
      { event: 'message', message: 'Other' },
      { event: 'record' },
    ]) {
      const line: unknown = JSON.parse(JSON.stringify({ ...state, ...change }));
      assert.throws(() => assertLines([line]), /is not as .*events\.schema\.json has it/, JSON.stringify(change));
    }
    assert.throws(() => assertLines([{ event: 'stopped', why: '' }]), /is not as/);
  });
});
