/**
 * Files of whoever: what is opened, what is refused, and that the refusal says which file, what and where.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  checkSize,
  type GivenFile,
  handshakeOf,
  keepConnection,
  maxOpenBytes,
  OpenError,
  type Opened,
  openFiles,
  type RecordedConnection,
  readConnections,
  writePcapng,
} from '../../src/index.ts';
import { play } from '../support/connection.ts';

const details = { wire: true, plaintext: true } as const;
const both = play({ details, secrets: true, said: ['a question', 'an answer'] });
const pageOptions = { page: { script: '1', style: 'p{}' }, hashes: provider };
const json = keepConnection(both, 'json', { secrets: true });
const page = keepConnection(both, 'html', { secrets: true, ...pageOptions });
const capture = keepConnection(both, 'pcapng');
const keys = (both.client.keyLog ?? []).join('\r\n');

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const file = (content: string | Uint8Array, name = 'a file'): GivenFile => ({
  name,
  bytes: typeof content === 'string' ? utf8(content) : content,
});
const open = (...files: readonly GivenFile[]): Promise<Opened> => openFiles(files, { provider });

async function refused(content: string | Uint8Array, message: RegExp, hint?: RegExp): Promise<void> {
  await assert.rejects(open(file(content)), (error) => {
    assert.ok(error instanceof OpenError, String(error));
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return true;
  });
}

const hasData = ({ client }: RecordedConnection): boolean =>
  client?.events.some(({ type }) => type === 'data') ?? false;

describe('files that are opened', () => {
  it('are known by what they hold, and not by their names', async () => {
    for (const [bytes, count] of [
      [json, 1],
      [page, 1],
      [capture, 1],
      [writePcapng(both.client), 1],
      [utf8(JSON.stringify(both.server)), 1],
      [utf8(`\uFEFF\n ${JSON.stringify(both.client)}`), 1],
    ] as const) {
      const { connections } = await open(file(bytes, 'evening.mp3'));
      assert.equal(connections.length, count);
      for (const one of connections) handshakeOf(one);
    }
  });

  it('may be a recording of one side alone, which knows its side', async () => {
    const { connections } = await open(file(JSON.stringify(both.server)));
    assert.deepEqual(connections, [{ server: both.server }]);
  });

  it('may be a capture, with its key log beside it in any order', async () => {
    const alone = await open(file(capture));
    assert.equal(alone.connections.some(hasData), false);
    assert.match(alone.notes.join(), /records could not be decrypted/);
    for (const files of [
      [file(capture), file(keys)],
      [file(`# of the browser\n${keys}\n`), file(capture)],
    ]) {
      const { connections, notes } = await open(...files);
      assert.deepEqual([connections.map(hasData), notes], [[true], []]);
    }
  });

  it('may be several at once: notes say then of which they are', async () => {
    const { connections, notes } = await open(file(json, 'one'), file(capture, 'two'), file(page, 'three'));
    assert.equal(connections.length, 3);
    assert.ok(notes.length > 0 && notes.every((note) => note.startsWith('"two": connection 1 (')));
  });

  it('may hold more than is drawn: the beginning is kept, and how it ended', async () => {
    const { client } = both;
    const end = client.events.at(-1);
    assert.equal(end?.type, 'closed');
    const many = { at: 1e6, type: 'state', state: 'CONNECTED' };
    const events = [...client.events.slice(0, -1), ...Array(30_000).fill(many), end];
    const { connections, notes } = await open(file(JSON.stringify({ ...client, events })));
    const [kept] = connections;
    const more = events.length - 20_000;
    assert.deepEqual(notes, [`connection 1 has ${more} events more, which are left out`]);
    assert.deepEqual([kept?.client?.events.length, kept?.client?.events.at(-1)], [20_000, end]);
    assert.deepEqual(kept?.client?.dropped, { events: more, bytes: 0 });
  });

  it('may be none', async () => {
    assert.deepEqual(await open(), { connections: [], notes: [] });
  });
});

describe('files that are refused', () => {
  it('are so by what they are', async () => {
    await refused('', /^"a file": it is empty$/);
    await refused('hello', /it is neither a recording \(JSON\), nor a page/);
    await refused(Uint8Array.of(0x89, 0x50, 0x4e, 0x47), /it is neither/);
    await refused(gzipSync(json), /it is compressed/, /gunzip/);
    await refused('PK\u0003\u0004', /it is a ZIP archive/, /unpack/);
    await refused(keys, /"a file" is a key log, and there is nothing to be read with it/, /together with its capture/);
    await refused('<!doctype html><p>hello', /it is HTML, and no page that was made of recordings/);
    await refused(Uint8Array.of(0x7b, 0xff, 0xfe), /^"a file": it is no UTF-8$/);
    await refused('[]', /it is neither/);
    await refused('{}', /^"a file": the recording: format is missing$/);
    await refused('{"format":"har"}', /format: it is not "handfast-recording"/);
  });

  it('are named, also where it is the key log beside a capture', async () => {
    const keyLog = file(Buffer.concat([utf8(`${keys}\n`.repeat(2)), Uint8Array.of(0xff)]), 'keys.log');
    await assert.rejects(open(file(capture), keyLog), /^OpenError: "keys\.log": it is no UTF-8$/);
  });

  it('are so before they are read, where they are too large', async () => {
    const name = 'evening.pcapng';
    assert.throws(
      () => checkSize([{ name, size: 2 ** 30 }]),
      (error) =>
        error instanceof OpenError &&
        error.message === '"evening.pcapng" has 1,024 MiB, and 64 MiB are the most that is opened' &&
        /tshark -r LARGE/.test(error.hint ?? ''),
    );
    const half = maxOpenBytes / 2;
    checkSize([
      { name, size: half },
      { name, size: half },
    ]);
    assert.throws(
      () =>
        checkSize([
          { name, size: half },
          { name, size: half + 1 },
        ]),
      /^OpenError: these 2 files have 64 MiB/,
    );
    await refused(new Uint8Array(maxOpenBytes + 1), /64 MiB are the most/);
  });

  it('may end anywhere: the file is named, and what is missing', async () => {
    for (const whole of [json, page]) {
      const step = Math.ceil(whole.length / 60);
      for (let length = 1; length < whole.length; length += step) {
        const cut = whole.subarray(0, length);
        const inData = whole === json || new TextDecoder().decode(cut).includes('"connections"');
        try {
          await open(file(cut));
          assert.ok(
            whole === page &&
              length >= whole.length - '</script>\n<script type="module">1</script>\n</body>\n</html>\n'.length,
            String(length),
          );
        } catch (error) {
          assert.ok(error instanceof OpenError, String(error));
          assert.match(error.message, inData ? /^"a file": it is no JSON: / : /^"a file": /);
          if (inData) assert.match(error.hint ?? '', /cut off/);
        }
      }
    }
    for (let length = 0; length < capture.length; length += 499) {
      try {
        const { notes } = await open(file(capture.subarray(0, length)));
        assert.ok(notes.length > 0);
      } catch (error) {
        assert.ok(error instanceof OpenError, String(error));
        assert.match(error.message, /^"a file": /);
      }
    }
  });

  it('say where a value is of a wrong type', async () => {
    const changed = (change: (whole: { connections: Record<string, unknown>[] }) => void): string => {
      const whole = JSON.parse(new TextDecoder().decode(json));
      change(whole);
      return JSON.stringify(whole);
    };
    const first = (change: object): string =>
      changed(({ connections }) => {
        connections[0] = { ...connections[0], ...change };
      });
    await refused(first({ client: null }), /connections\[0\]\.client: it is no object/);
    await refused(first({ client: both.server }), /connections\[0\]\.client\.role: it is not client/);
    await refused(first({ server: both.client }), /connections\[0\]\.server\.role: it is not server/);
    await refused(first({ serverOffset: '0' }), /connections\[0\]\.serverOffset: it is no number/);
    await refused(first({ incidents: [{ at: 0 }] }), /connections\[0\]\.incidents\[0\]: text is missing/);
    await refused(first({ title: 'x'.repeat(257) }), /connections\[0\]\.title: it has 257 characters/);
    await refused(first({ onload: 'alert(1)' }), /connections\[0\]: "onload" is no property of it/);
    const events = [{ at: 0, type: 'message', direction: 'in', name: 'finished', bytes: [1, 2] }];
    await refused(
      first({ client: { ...both.client, events } }),
      /connections\[0\]\.client\.events\[0\]\.bytes: it is no string/,
    );
    await refused(
      changed(({ connections }) => connections.push({ title: 'nobody' })),
      /connections\[1\]: it has neither client nor server/,
    );
    await refused(
      changed(({ connections }) => connections.splice(0, 1, ...Array(1001).fill({}))),
      /connections: it has 1001 items, where 1000 are the most/,
    );
  });

  it('hold no more than a recording may, all connections together', () => {
    const bytes = 'A'.repeat(160_000);
    const event = { at: 0, type: 'wire', direction: 'out', bytes };
    const client = { ...both.client, events: Array(100).fill(event) };
    const connections = Array(9).fill({ client });
    assert.throws(
      () => readConnections({ format: 'handfast-recordings', version: 1, connections }),
      /^RecordingError: connections\[5\]\.client\.events\[\d+\]\.bytes: here the recording holds more bytes than are taken$/,
    );
  });

  it('are not moved by prototypes, and move none', async () => {
    const evil = '{"__proto__":{"format":"handfast-recordings","version":1,"connections":[]}}';
    await refused(evil, /"__proto__" is no property of it/);
    const inside = new TextDecoder()
      .decode(json)
      .replace('"connections":[{', '"connections":[{"__proto__":{"polluted":1},');
    await refused(inside, /connections\[0\]: "__proto__" is no property of it/);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  it('may be nested as deep as they like', async () => {
    const deep = 200_000;
    await refused(
      `{"format":${'['.repeat(deep)}${']'.repeat(deep)}}`,
      /format: it is not "handfast-recording"|nested too deep/,
    );
    await refused(`${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`, /"a" is no property of it|nested too deep/);
    await refused('{"a":'.repeat(deep), /it is no JSON: /);
  });

  it('may claim a gigabyte', async () => {
    const claims = (at: number): Uint8Array => {
      const copy = Uint8Array.from(capture);
      new DataView(copy.buffer).setUint32(at, 2 ** 30, true);
      return copy;
    };
    const { notes } = await open(file(claims(4)));
    assert.match(notes.join(), /a block of 1073741824 bytes begins here, and \d+ are left: the file is cut off/);
    const { notes: more } = await open(file(capture.slice(0, capture.length - 3)));
    assert.match(more.join(), /the file is cut off/);
  });

  it('may have names that are HTML, or mean something to a terminal: they are text, quoted', async () => {
    const name = '<img src=x onerror=alert(1)>\u001b[2J"';
    await assert.rejects(openFiles([file('hello', name)], { provider }), (error) => {
      assert.ok(error instanceof OpenError);
      assert.ok(error.message.startsWith('"<img src=x onerror=alert(1)>\\u001b[2J\\"": it is neither'));
      return true;
    });
  });

  it('are refused and nothing else, whatever their bytes are', async () => {
    // A small generator, so that every run sees the same files.
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (const whole of [json, page, capture]) {
      for (let turn = 0; turn < 60; turn++) {
        const copy = Uint8Array.from(whole);
        for (let changes = 1 + random(4); changes > 0; changes--) copy[random(copy.length)] = random(256);
        try {
          const { connections } = await open(file(copy), file(keys));
          for (const one of connections) handshakeOf(one);
        } catch (error) {
          assert.ok(error instanceof OpenError, String(error));
        }
      }
    }
  });
});
