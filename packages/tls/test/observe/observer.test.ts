/**
 * A connection of others, read from outside: what both sides told in their traces is what an observer with the key log finds.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  memoryReplayCache,
  memorySessionCache,
  namedGroups,
  type TraceEvent,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { KeyLogSecrets, type Observed, Observer, type Side } from '../../src/observe/index.ts';
import { clientCredential, pki } from '../support/identities.ts';
import { exchange, type Pair, type PairOptions, pair, providers, settled } from '../support/pair.ts';

interface Passed {
  readonly wire: readonly (readonly [Side, Uint8Array])[];
  readonly keyLog: readonly string[];
  /** The client's, with what it sent as the client's. */
  readonly told: readonly string[];
}

const short = (type: string, from: Side, what: string): string => `${from} ${type} ${what}`;

function toldBy(event: TraceEvent): string | undefined {
  if (!('direction' in event)) return undefined;
  const from = event.direction === 'out' ? 'client' : 'server';
  if (event.type === 'message') return short('message', from, toHex(event.message.raw));
  if (event.type === 'data') return short('data', from, toHex(event.bytes));
  if (event.type === 'alert') return short('alert', from, event.alert);
  if (event.type === 'key') return short('key', from, `${event.level} ${event.cipherSuite} ${event.generation}`);
  // A trace tells of those ChangeCipherSpecs alone that go out.
  if (event.type === 'record' && event.contentType === 20) return undefined;
  if (event.type === 'record') {
    return short('record', from, `${event.contentType} ${event.length} ${event.protected}`);
  }
  return event.type === 'wire' ? short('wire', from, toHex(event.bytes)) : undefined;
}

function foundBy(event: Observed): string | undefined {
  const { type, from } = event;
  if (type === 'message') return short(type, from, toHex(event.raw));
  if (type === 'data' || type === 'wire') return short(type, from, toHex(event.bytes));
  if (type === 'alert') return short(type, from, event.alert);
  if (type === 'key') return short(type, from, `${event.level} ${event.cipherSuite} ${event.generation}`);
  if (type === 'record' && event.contentType === 20) return undefined;
  if (type === 'record') return short(type, from, `${event.contentType} ${event.length} ${event.protected}`);
  return `${from} ${type}`;
}

/** Of one kind and side, in order: two sides' events are interleaved otherwise in a capture than in a trace. */
function lanes(told: readonly (string | undefined)[]): Readonly<Record<string, readonly string[]>> {
  const lists: Record<string, string[]> = {};
  for (const line of told) {
    if (line === undefined) continue;
    const [from = '', type = ''] = line.split(' ');
    const key = `${from} ${type}`;
    lists[key] ??= [];
    lists[key].push(line);
  }
  return lists;
}

async function passed(options: PairOptions, talk: (both: Pair) => void = () => undefined): Promise<Passed> {
  const wire: [Side, Uint8Array][] = [];
  const keyLog: string[] = [];
  const told: string[] = [];
  const both = pair({
    ...options,
    client: {
      ...options.client,
      trace: (event) => {
        const line = toldBy(event);
        if (line !== undefined) told.push(line);
      },
      traceDetails: { wire: true, plaintext: true },
      keyLog: (line) => keyLog.push(line),
    },
  });
  const carry = (): Promise<void> =>
    exchange(both, (bytes, from) => {
      wire.push([from, bytes.slice()]);
      return [bytes];
    });
  await settled(both.client);
  if ((both.client.earlyLimit ?? 0) > 0) both.client.connection.writeEarlyData(Buffer.from('early'));
  await carry();
  assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
  talk(both);
  await carry();
  both.client.connection.write(Buffer.from('a question'));
  await carry();
  both.server.connection.write(Buffer.from('an answer'));
  await carry();
  both.client.connection.closeWrite();
  await carry();
  both.server.connection.closeWrite();
  await carry();
  return { wire, keyLog, told };
}

async function observed(
  { wire, keyLog }: Pick<Passed, 'wire' | 'keyLog'>,
  provider: PairOptions['provider'],
): Promise<readonly Observed[]> {
  assert.ok(provider);
  const secrets = new KeyLogSecrets();
  secrets.add(keyLog.join('\n'));
  const events: Observed[] = [];
  const observer = new Observer({ provider, secrets, observed: (event) => events.push(event) });
  for (const [from, bytes] of wire) {
    // In pieces: what a capture has of a stream is cut anywhere.
    for (let at = 0; at < bytes.length; at += 700) await observer.receive(from, bytes.subarray(at, at + 700));
  }
  observer.end();
  return events;
}

const group = (name: string) => namedGroups.filter((one) => one.name === name);
const namesOf = (events: readonly Observed[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'message' ? [event.name] : []));

for (const provider of providers) {
  describe(`an observer, provider ${provider.name}`, () => {
    const credentials = [clientCredential];
    const mutual = { clientCertificate: 'require', trust: pki.trust } as const;
    const cases: Readonly<Record<string, readonly [PairOptions, ((both: Pair) => void)?]>> = {
      'TLS 1.3 with certificates of both sides': [{ client: { credentials }, server: mutual }],
      'TLS 1.3 with a second hello': [
        { client: { keyShares: [] }, server: { groups: [...group('secp256r1'), ...group('x25519')] } },
      ],
      'TLS 1.3 with key updates': [
        {},
        ({ client, server }) => {
          client.connection.updateKeys({ requestPeer: true });
          client.connection.write(Buffer.from('x'));
          server.connection.updateKeys();
        },
      ],
      'TLS 1.2 with certificates of both sides': [
        { client: { versions: [tls12], credentials }, server: { versions: [tls12], ...mutual } },
      ],
      'TLS 1.2 by a client that offers more': [{ client: { versions: [tls13, tls12] }, server: { versions: [tls12] } }],
    };
    for (const [name, [options, talk]] of Object.entries(cases)) {
      it(`finds in ${name} what the client’s trace tells`, async () => {
        const given = await passed({ provider, ...options }, talk);
        const events = await observed(given, provider);
        assert.deepEqual(lanes(events.map(foundBy)), lanes(given.told));
      });
    }

    for (const [name, versions] of Object.entries({ 'TLS 1.3': [tls13], 'TLS 1.2': [tls12] })) {
      it(`reads a resumed session of ${name}${versions[0] === tls13 ? ', with early data' : ''}`, async () => {
        const sessions = memorySessionCache();
        const keys = ticketKeys({ provider });
        const early = versions[0] === tls13;
        const options: PairOptions = {
          provider,
          client: { versions, sessions, ...(early && { earlyData: 100 }) },
          server: { versions, tickets: { keys }, ...(early && { earlyData: { replay: memoryReplayCache() } }) },
        };
        await passed(options);
        const given = await passed(options);
        const events = await observed(given, provider);
        assert.equal(namesOf(events).includes('certificate') || namesOf(events).includes('certificate_12'), false);
        const data = events.flatMap((event) => (event.type === 'data' ? [Buffer.from(event.bytes).toString()] : []));
        assert.deepEqual(data, [...(early ? ['early'] : []), 'a question', 'an answer']);
        assert.deepEqual(lanes(events.map(foundBy)), lanes(given.told));
      });
    }

    it('tells without secrets what is in the clear, and the lengths of the rest', async () => {
      const given = await passed({ provider, client: { versions: [tls13] } });
      const events = await observed({ ...given, keyLog: [] }, provider);
      assert.deepEqual(namesOf(events), ['client_hello', 'server_hello']);
      const sealed = events.filter((event) => event.type === 'record' && !event.opened);
      assert.ok(sealed.length >= 6);
      assert.equal(
        events.some(({ type }) => type === 'data' || type === 'key' || type === 'unreadable'),
        false,
      );
    });

    it('reads what the secrets that there are open, wherever they begin', async () => {
      const given = await passed({ provider });
      const later = given.keyLog.filter((line) => /^(CLIENT|SERVER)_TRAFFIC_SECRET_0/.test(line));
      const events = await observed({ ...given, keyLog: later }, provider);
      const data = events.flatMap((event) => (event.type === 'data' ? [Buffer.from(event.bytes).toString()] : []));
      assert.deepEqual(data, ['a question', 'an answer']);
      const keys = events.flatMap((event) => (event.type === 'key' ? [`${event.from} ${event.level}`] : []));
      assert.deepEqual(keys.sort(), ['client application', 'server application']);
    });
  });
}

describe('an observer of what is wrong', () => {
  it('says where a direction is no TLS any more, and reads the other one on', async () => {
    const given = await passed({ provider });
    const [hello] = given.wire;
    assert.ok(hello);
    const wire = [hello, ['client', Buffer.from('GET / HTTP/1.1')] as [Side, Uint8Array], ...given.wire.slice(1)];
    const events = await observed({ ...given, wire }, provider);
    const broken = events.flatMap((event) => (event.type === 'unreadable' ? [`${event.from}: ${event.why}`] : []));
    assert.deepEqual(broken, ['client: a record of unknown type 71 came']);
    assert.equal(namesOf(events).includes('finished'), true);
  });

  it('tells of messages that cannot be decoded by their type alone', async () => {
    const body = Buffer.from('0100000401020304', 'hex');
    const odd = Buffer.from('63000000', 'hex');
    const record = (content: Buffer): Buffer => Buffer.concat([Buffer.from([22, 3, 3, 0, content.length]), content]);
    const events = await observed(
      {
        wire: [
          ['client', record(body)],
          ['server', record(odd)],
        ],
        keyLog: [],
      },
      provider,
    );
    const messages = events.flatMap((event) => (event.type === 'message' ? [[event.name, event.message]] : []));
    assert.deepEqual(messages, [
      ['client_hello', undefined],
      ['message of type 99', undefined],
    ]);
  });

  it('puts no message together that is larger than any', async () => {
    const events = await observed(
      { wire: [['client', Buffer.from('160303000401ffffff', 'hex')]], keyLog: [] },
      provider,
    );
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'unreadable' ? [event.why] : [])),
      ['ClientHello announces 16777215 bytes, where 262144 are the most that we take'],
    );
  });
});

describe('the secrets of a key log', () => {
  it('are found by random and label; comments and nonsense are passed over', () => {
    const secrets = new KeyLogSecrets();
    const random = 'ab'.repeat(32);
    secrets.add(
      `# comment\r\n\nCLIENT_RANDOM ${random.toUpperCase()} ${'01'.repeat(48)}\r\nRSA 00 11\nCLIENT_RANDOM ${random} 0\n__proto__ ${random} 00\n`,
    );
    assert.deepEqual(secrets.lines(random), [`CLIENT_RANDOM ${random} ${'01'.repeat(48)}`]);
    assert.equal(secrets.find('CLIENT_RANDOM', random)?.length, 48);
    assert.equal(secrets.find('CLIENT_RANDOM', '00'.repeat(32)), undefined);
    assert.equal(secrets.find('SERVER_TRAFFIC_SECRET_0', random), undefined);
  });
});
