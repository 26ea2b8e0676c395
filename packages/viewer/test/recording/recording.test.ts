/**
 * A connection as JSON: what is recorded, that it comes back as it was, and that nothing else is taken for one.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Validator } from '@cfworker/json-schema';
import { parseCertificate } from '@handfast/x509';
import { file, schemaText } from '../../../../scripts/recording-schema.ts';
import {
  fromBase64,
  type RecordedEvent,
  type Recording,
  RecordingError,
  readRecording,
  recorder,
} from '../../src/index.ts';
import { clientCredential, expired, now, play } from '../support/connection.ts';

const everything = { wire: true, plaintext: true } as const;
const typesOf = ({ events }: Recording): readonly string[] => [...new Set(events.map(({ type }) => type))].sort();

describe('a recording', () => {
  for (const version of ['TLS 1.3', 'TLS 1.2'] as const) {
    it(`of ${version} says what was agreed on, who the peer is and why it is believed, and all that happened`, () => {
      const { client } = play({
        ...{ version, details: everything, secrets: true, said: ['hello'] },
        server: { clientCertificate: 'require', alpnProtocols: ['h2'] },
        client: { credentials: [clientCredential], alpnProtocols: ['h2'] },
      });
      const { format, role, target, started, negotiated, peer, error, dropped } = client;
      assert.deepEqual([format, client.version, role, target], ['handfast-recording', 1, 'client', 'localhost:443']);
      assert.deepEqual([started, error, dropped], [now.toISOString(), undefined, undefined]);
      assert.deepEqual(
        [negotiated?.version, negotiated?.group, negotiated?.alpnProtocol, negotiated?.resumed, negotiated?.serverName],
        [version, 'x25519', 'h2', false, 'localhost'],
      );
      assert.equal(peer?.verified, true);
      assert.deepEqual(
        peer?.chain.map((der) => parseCertificate(fromBase64(der)).subject.commonName),
        ['localhost'],
      );
      const [path, ...more] = peer?.paths ?? [];
      assert.deepEqual([path?.rule, more], [undefined, []]);
      assert.deepEqual(
        path?.certificates.map(({ checks }) => checks.map(({ rule, passed }) => [rule, passed])),
        [
          [
            ['name', true],
            ['validity', true],
            ['key', true],
            ['purpose', true],
            ['signature', true],
          ],
          [
            ['validity', true],
            ['key', true],
            ['purpose', true],
            ['ca', true],
            ['anchor', true],
          ],
        ],
      );
      assert.deepEqual(typesOf(client), [
        ...[
          'alert',
          'certificate',
          'closed',
          'data',
          'established',
          'key',
          'message',
          'record',
          'state',
          'wire',
          'work',
        ],
      ]);
      assert.ok((client.keyLog?.length ?? 0) > 0);
    });
  }

  it('of a failure says what was wrong, on which side, and what was tried', () => {
    const { client, server } = play({ server: { credentials: [expired] } });
    assert.deepEqual(
      [
        client.error?.code,
        client.error?.origin,
        client.error?.alert,
        client.error?.phase,
        client.error?.certificateCode,
      ],
      ['certificate_expired', 'local', 'certificate_expired', 'handshake', 'expired'],
    );
    assert.deepEqual([server.error?.code, server.error?.origin], ['peer_alert', 'peer']);
    assert.equal(client.peer?.verified, false);
    assert.equal(client.peer?.chain.length, 1);
    const [path] = client.peer?.paths ?? [];
    assert.equal(path?.rule, 'expired');
    assert.deepEqual(
      path?.certificates.map(({ checks }) => checks.map(({ rule, passed }) => [rule, passed])),
      [[['expired', false]]],
    );
    assert.deepEqual(client.events.at(-1), { at: client.events.at(-1)?.at, type: 'closed', failed: true });
  });

  it('has no secret, no data and no wire bytes that nobody asked for', () => {
    const { client } = play({ said: ['the password'] });
    assert.equal(client.keyLog, undefined);
    assert.deepEqual(
      client.events.filter(({ type }) => type === 'wire' || type === 'data'),
      [],
    );
    assert.equal(JSON.stringify(client).includes(Buffer.from('the password').toString('base64')), false);
  });

  it('is of the first connection that its listener hears of', () => {
    const options = { details: everything, recorder: recorder({ now: () => now }) };
    const made = play(options).client;
    assert.deepEqual(play(options).client, made);
    assert.equal(made.events.at(-1)?.type, 'closed');
  });

  it('takes no key log lines of another connection', () => {
    const other = play({ secrets: true }).client.keyLog ?? [];
    const { client } = play({ secrets: true, between: () => undefined });
    assert.deepEqual(
      other.filter((line) => client.keyLog?.includes(line)),
      [],
    );
  });

  it('stops at its limits, says how much it left out, and keeps what came of it', () => {
    const said = Array.from({ length: 10 }, () => new Uint8Array(10_000));
    const few = play({ details: everything, said, options: { maxBytes: 8_000 } }).client;
    const bytes = few.events.flatMap((event) => ('bytes' in event ? [fromBase64(event.bytes).length] : []));
    assert.ok(bytes.reduce((sum, length) => sum + length, 0) <= 8_000);
    assert.ok((few.dropped?.bytes ?? 0) > 200_000);
    assert.equal(few.events.at(-1)?.type, 'closed');
    const short = play({ details: everything, said, options: { maxEvents: 20 } }).client;
    assert.equal(short.events.length, 20);
    assert.equal(short.events.at(-1)?.type, 'closed');
    assert.equal(short.negotiated?.version, 'TLS 1.3');
    assert.ok((short.dropped?.events ?? 0) > 20);
  });

  it('never throws into the connection that it looks at', () => {
    const failing = recorder({
      now: () => {
        throw new Error('no time');
      },
    });
    failing.trace({ type: 'state', state: 'WAIT_SH', at: 0, role: 'client', connection: 1 });
    assert.equal(failing.recording(), undefined);
    failing.keyLog('nonsense');
  });
});

const sample = (): Recording => play({ details: everything, secrets: true, said: ['hello', 'hello to you'] }).client;
const copy = (): Record<string, unknown> & { events: Record<string, unknown>[] } =>
  JSON.parse(JSON.stringify(sample()));

function refused(json: unknown, path: string, reason: RegExp): void {
  assert.throws(
    () => readRecording(json),
    (error) => {
      assert.ok(error instanceof RecordingError, String(error));
      assert.equal(error.path, path);
      assert.match(error.message, reason);
      return true;
    },
  );
}

describe('a recording that is read', () => {
  it('is what was written', () => {
    for (const recording of [
      sample(),
      play({ version: 'TLS 1.2', secrets: true }).server,
      play({ server: { credentials: [expired] } }).client,
    ]) {
      assert.deepEqual(readRecording(JSON.parse(JSON.stringify(recording))), recording);
    }
  });

  it('is refused by the path of what is wrong', () => {
    refused(null, '', /^the recording: it is no object$/);
    refused([], '', /it is no object/);
    refused({}, '', /^the recording: format is missing$/);
    refused({ ...copy(), format: 'har' }, 'format', /^format: it is not "handfast-recording"$/);
    refused({ ...copy(), version: 2 }, 'version', /^version: it is not 1$/);
    refused({ ...copy(), role: 'proxy' }, 'role', /it is not client or server/);
    refused({ ...copy(), started: 'yesterday' }, 'started', /does not match/);
    refused({ ...copy(), more: 1 }, '', /"more" is no property of it/);
    refused({ ...copy(), events: {} }, 'events', /it is no array/);
    refused({ ...copy(), keyLog: ['CLIENT_RANDOM zz 00'] }, 'keyLog[0]', /does not match/);
    refused({ ...copy(), target: 'x'.repeat(1025) }, 'target', /it has 1025 characters, where 1024 are the most/);
  });

  it('is refused by the path of an event that is wrong', () => {
    const broken = (index: number, change: object): unknown => {
      const json = copy();
      json.events[index] = { ...json.events[index], ...change };
      return json;
    };
    const wire = sample().events.findIndex(({ type }: RecordedEvent) => type === 'wire');
    refused(broken(3, { type: 'constructor' }), 'events[3]', /its type "constructor" is not record or message/);
    refused(broken(3, { type: '__proto__' }), 'events[3]', /its type "__proto__" is not/);
    refused(broken(3, { type: { toString: 1 } }), 'events[3]', /its type object is not record or/);
    refused(broken(wire, { bytes: 'ab=c' }), `events[${wire}].bytes`, /it is no base64/);
    refused(broken(wire, { bytes: 'abc' }), `events[${wire}].bytes`, /it is no base64/);
    refused(broken(wire, { bytes: 'A'.repeat(4 << 18) }), `events[${wire}].bytes`, /more than 131072 bytes/);
    refused(broken(wire, { direction: 'up' }), `events[${wire}].direction`, /it is not in or out/);
    refused(broken(0, { at: -1 }), 'events[0].at', /it is not from 0 to/);
    refused(broken(0, { at: Number.NaN }), 'events[0].at', /it is no number/);
    refused(broken(0, { at: '0' }), 'events[0].at', /it is no number/);
    refused({ ...copy(), events: [copy().events[0], null] }, 'events[1]', /it is no object/);
  });

  it('holds no more than its limits', () => {
    const event = { at: 0, type: 'state', state: 'WAIT_SH' };
    refused(
      { ...copy(), events: Array(200_001).fill(event) },
      'events',
      /it has 200001 items, where 200000 are the most/,
    );
    const large = { at: 0, type: 'wire', direction: 'in', bytes: 'A'.repeat(160_000) };
    refused({ ...copy(), events: Array(1000).fill(large) }, 'events[559].bytes', /more bytes than are taken/);
  });

  it('is not moved by prototypes', () => {
    const json = JSON.parse(JSON.stringify(copy()).replace('{', '{"__proto__":{"role":"server"},'));
    refused(json, '', /"__proto__" is no property of it/);
    const { role: _, ...withoutRole } = copy();
    const inherited: unknown = Object.assign(Object.create({ role: 'server' }), withoutRole);
    refused(inherited, '', /role is missing/);
    const read = readRecording(copy());
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
  });
});

describe('the JSON Schema of recordings', () => {
  it('is what the shapes say that recordings are read by: npm run docs writes it', () => {
    assert.ok(readFileSync(file, 'utf8') === schemaText());
  });

  it('takes and refuses what readRecording takes and refuses', () => {
    const validator = new Validator(JSON.parse(readFileSync(file, 'utf8')), '2020-12');
    const failed = play({ server: { credentials: [expired] } });
    const samples: unknown[] = [sample(), play({ version: 'TLS 1.2' }).server, failed.client, failed.server];
    const [event, ...events] = copy().events;
    for (const change of [
      ...[{ format: 'har' }, { version: 2 }, { role: 'proxy' }, { started: 'today' }, { more: 1 }, { events: {} }],
      ...[
        { keyLog: ['nonsense'] },
        { keyLog: 'nonsense' },
        { target: 'x'.repeat(1025) },
        { peer: {} },
        { error: null },
      ],
      ...[{ type: 'other' }, { at: -1 }, { at: '0' }, { more: 1 }].map((one) => ({ events: [{ ...event, ...one }] })),
      { events: [...events, null] },
      { events: [{ at: 0, type: 'wire', direction: 'in', bytes: 'ab=c' }] },
      { events: [{ at: 0, type: 'wire', direction: 'in', bytes: 'abc' }] },
      { events: [{ at: 0, type: 'wire', direction: 'in', bytes: 'abc=' }] },
      { events: [{ at: 0, type: 'wire', direction: 'up', bytes: '' }] },
      { dropped: { events: 1.5, bytes: 0 } },
      { dropped: { events: 1, bytes: 0 } },
    ]) {
      samples.push({ ...copy(), ...change });
    }
    const takes = (json: unknown): boolean => {
      try {
        readRecording(json);
        return true;
      } catch {
        return false;
      }
    };
    const plain = samples.map((one): unknown => JSON.parse(JSON.stringify(one)));
    assert.deepEqual(
      plain.map((one) => validator.validate(one).valid),
      plain.map(takes),
    );
    assert.equal(plain.filter(takes).length, 6);
  });
});
