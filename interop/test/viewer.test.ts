import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceEvent, TraceListener } from '@handfast/tls';
import { type RecordedEvent, type Recorder, type Recording, recorder, toBase64 } from '@handfast/viewer';
import { expired, type Play, play } from '../../packages/viewer/test/support/connection.ts';
import { text } from '../src/report.ts';
import { album, type Picture, recorded, sits } from '../src/viewer/album.ts';
import { render } from '../src/viewer/render.ts';
import { galleryOf } from '../src/viewer/report.ts';

const sitter = { peer: 'somebody', role: 'server', version: 'TLS 1.3', id: 'a case' };

/** Our client's recorder, which `also` hears with. */
function heard(also: TraceListener): Recorder {
  const { trace, ...rest } = recorder();
  return {
    ...rest,
    trace: (event) => {
      trace(event);
      also(event);
    },
  };
}

/** A connection as it hangs in the album. */
function picture(given: Play = {}, change: (recording: Recording) => Recording = (recording) => recording): Picture {
  const events: TraceEvent[] = [];
  const { client } = play({ ...given, recorder: heard((event) => void events.push(event)) });
  return { sitter, recording: change(client), events };
}

const faultsOf = (...given: Parameters<typeof picture>): readonly string[] => render(picture(...given)).faults;

test('a connection is shown whole, good or failed, of either version', () => {
  for (const given of [{}, { version: 'TLS 1.2' }, { server: { credentials: [expired] } }] as const) {
    const { messages, fields, faults } = render(picture(given));
    assert.deepEqual(faults, []);
    assert.ok(messages >= 4 && fields > 100);
  }
});

const changing = (name: string, change: (bytes: Buffer) => Buffer) => (recording: Recording) => ({
  ...recording,
  events: recording.events.map(
    (event): RecordedEvent =>
      event.type === 'message' && event.name === name
        ? { ...event, bytes: toBase64(change(Buffer.from(event.bytes, 'base64'))) }
        : event,
  ),
});

test('bytes that cannot be shown are told, with their place', () => {
  const [cut] = faultsOf(
    {},
    changing('finished', (bytes) => bytes.subarray(0, 20)),
  );
  assert.equal(cut, 'Finished › body: 32 bytes are to follow, and 16 are left');
  const [behind] = faultsOf(
    {},
    changing('finished', (bytes) => Buffer.concat([bytes, Buffer.of(1)])),
  );
  assert.equal(behind, 'Finished › (nothing should follow): these bytes stand where nothing should');
});

test('a number that has no name is told, and so is an extension without words', () => {
  const renamed = changing('encrypted_extensions', () => Buffer.of(8, 0, 0, 8, 0, 6, 0xee, 0xee, 0, 2, 1, 1));
  assert.deepEqual(faultsOf({}, renamed), [
    ...['nobody knows the name of extension 61166', 'nobody knows the name of extension_type, extension 61166 (61166)'],
    'EncryptedExtensions › body › extensions › extension 61166: no words on what it is for',
  ]);
  const suite = changing('server_hello', (bytes) => {
    bytes.writeUInt16BE(0xfefe, 4 + 2 + 32 + 1 + (bytes[38] ?? 0));
    return bytes;
  });
  assert.ok(faultsOf({}, suite).includes('nobody knows the name of cipher_suite, 0xfefe (unknown)'));
});

test('what was left out, what nobody chose and notes without words are told', () => {
  assert.deepEqual(
    faultsOf({ options: {} }, (one) => ({ ...one, dropped: { events: 3, bytes: 0 } })),
    ['3 events were left out'],
  );
  const offered = changing('client_hello', (bytes) => {
    const suites = 4 + 2 + 32 + 1 + (bytes[38] ?? 0);
    bytes.fill(0x0a, suites + 2, suites + 2 + bytes.readUInt16BE(suites));
    return bytes;
  });
  assert.deepEqual(faultsOf({}, offered), ['chosen: TLS_AES_128_GCM_SHA256 (0x1301)']);
  const wordless: RecordedEvent = { at: 9, type: 'session', action: 'passed over' };
  assert.deepEqual(
    faultsOf({}, (one) => ({ ...one, events: [...one.events, wordless] })),
    ['the note of session says "passes a session over: "'],
  );
});

test('what cannot be read at all is told, and not thrown', () => {
  const [fault] = faultsOf({}, (one) => ({ ...one, started: 'yesterday' }));
  assert.match(fault ?? '', /started: it does not match/);
});

test('the album keeps one connection of each kind, by peer, role and version', () => {
  const before = album();
  const visit = (peer: string, given: Play = {}): void => {
    play({ ...given, recorder: heard(sits({ ...sitter, peer }, () => recorded())) });
  };
  visit('first');
  visit('first');
  visit('first', { version: 'TLS 1.2' });
  visit('first', { server: { credentials: [expired] } });
  visit('second');
  const { pictures, seen } = album();
  assert.equal(seen - before.seen, 5);
  assert.deepEqual(
    pictures.slice(before.pictures.length).map(({ sitter: { peer, version }, recording }) => {
      return [peer, version, recording.error?.code ?? 'good'];
    }),
    [
      ['first', 'TLS 1.3', 'good'],
      ['first', 'TLS 1.2', 'good'],
      ['first', 'TLS 1.3', 'certificate_expired'],
      ['second', 'TLS 1.3', 'good'],
    ],
  );
});

test('without a sitter nothing is recorded, and the listener is heard all the same', () => {
  const listener = (): void => undefined;
  assert.equal(recorded(listener), listener);
  let count = 0;
  const { pictures } = album();
  play({ recorder: heard(sits(sitter, () => recorded(() => void count++))) });
  assert.ok(count > 10);
  assert.equal(album().pictures.length, pictures.length + 1);
});

test('the table says what was shown; what was not, and who was never recorded, counts as failed', () => {
  const good = picture();
  const bad = picture({}, (one) => ({ ...one, dropped: { events: 3, bytes: 0 } }));
  const expected = [sitter, { ...sitter, peer: 'nobody' }];
  const gallery = galleryOf({ pictures: [good, bad, bad], seen: 1234 }, expected);
  const lines = text({ outcomes: [], versions: [], gallery, seconds: 1 }).split('\n');
  assert.match(lines[0] ?? '', /of 1,234 connections/);
  assert.match(lines[4] ?? '', /^somebody {2}server {5}TLS 1\.3 {11}3 +\d+ +\d+$/);
  assert.deepEqual(lines.slice(6, 9), [
    'FAILED to show nobody as server, TLS 1.3: nothing was recorded',
    '',
    'FAILED to show somebody as server, a case: 3 events were left out',
  ]);
  assert.equal(lines.at(-2), '0 passed, 2 failed');
});
