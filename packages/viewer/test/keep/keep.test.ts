/**
 * Connections as files: what is in them, what is not unless somebody asks, and that what stands in them is never more than text.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Validator } from '@cfworker/json-schema';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { file as schema } from '../../../../scripts/recording-schema.ts';
import {
  aboutSize,
  CaptureError,
  hasSecrets,
  hasWire,
  keepConnection,
  openFiles,
  type RecordedConnection,
  readCapture,
  readConnections,
} from '../../src/index.ts';
import { expired, type Play, play } from '../support/connection.ts';

const all = { details: { wire: true, plaintext: true }, secrets: true, said: ['the password', 'the answer'] } as const;
/** A script that speaks of elements, as the page's own does. */
const script =
  'const a = "<script type=\\"application/json\\" id=\\"handfast-recordings\\"></script><!--<script>"; go(a)';
const html = { page: { script, style: 'p { color: red }' }, hashes: provider };
const connection = (given: Play = all): RecordedConnection => ({
  title: 'Second connection',
  ...play(given),
  serverOffset: -1.5,
});
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const open = (bytes: Uint8Array) => openFiles([{ name: 'file', bytes }], { provider });

/** What nobody but both sides should know, in every form in which a file could have it. */
function secretsIn(bytes: Uint8Array, { client }: RecordedConnection): readonly string[] {
  const text = Buffer.from(bytes).toString('latin1');
  const secrets = (client?.keyLog ?? []).flatMap((line) => line.split(' ').slice(2));
  assert.ok(secrets.length > 3);
  const data = Buffer.from('the password');
  return [...secrets, data.toString('latin1'), data.toString('base64')].filter((one) => text.includes(one));
}

describe('a connection that is kept', () => {
  it('as JSON comes back as it was, from both sides', async () => {
    const made = connection();
    const bytes = keepConnection(made, 'json', { secrets: true });
    assert.deepEqual(readConnections(JSON.parse(textOf(bytes))), [made]);
    assert.deepEqual((await open(bytes)).connections, [made]);
  });

  it('as a page comes back as it was, by its text alone', async () => {
    const made = connection();
    const bytes = keepConnection(made, 'html', { secrets: true, ...html });
    assert.ok(textOf(bytes).startsWith('<!doctype html>'));
    assert.deepEqual((await open(bytes)).connections, [made]);
  });

  it('as pcapng is opened decrypted, with the secrets of either side', async () => {
    const { client, server } = play(all);
    assert.ok(client && server);
    const { keyLog: _, ...without } = client;
    const bytes = keepConnection({ client: without, server }, 'pcapng', { secrets: true });
    const { recordings, notes } = await readCapture(bytes, { provider });
    assert.deepEqual(notes, []);
    assert.ok(recordings[0]?.events.some(({ type }) => type === 'data'));
  });

  it('has no secrets and no data unless somebody asks', () => {
    const made = connection();
    assert.equal(hasSecrets(made), true);
    for (const format of ['json', 'pcapng', 'html'] as const) {
      assert.deepEqual(secretsIn(keepConnection(made, format, html), made), [], format);
    }
    const json = keepConnection(made, 'json', { secrets: true });
    assert.ok(secretsIn(json, made).length > 3);
    const [kept] = readConnections(JSON.parse(textOf(keepConnection(made, 'json'))));
    assert.ok(kept);
    assert.deepEqual([hasSecrets(kept), hasWire(kept)], [false, true]);
  });

  it('is about as large as is said before it is made', () => {
    const long = connection({ ...all, said: ['a question', new Uint8Array(100_000)] });
    for (const made of [connection(), long, connection({ ...all, server: { credentials: [expired] } })]) {
      for (const format of ['json', 'html', 'pcapng'] as const) {
        for (const secrets of [false, true]) {
          const options = { secrets, page: { script: ' '.repeat(10_000), style: '' }, hashes: provider };
          const ratio = aboutSize(made, format, options) / keepConnection(made, format, options).length;
          assert.ok(ratio > 0.75 && ratio < 1.25, `${format}: ${ratio}`);
        }
      }
    }
  });

  it('as pcapng needs the bytes of the wire', () => {
    const made = connection({});
    assert.deepEqual([hasWire(made), hasSecrets(made)], [false, false]);
    const noWire = (error: unknown): boolean =>
      error instanceof CaptureError && /no bytes of the wire/.test(error.message);
    assert.throws(() => keepConnection(made, 'pcapng'), noWire);
    assert.throws(() => keepConnection({}, 'pcapng'), /there is no recording/);
  });

  it('as a page needs the page, and what makes hashes', () => {
    const missing = new TypeError('HTML is made of a page, and of hashes');
    assert.throws(() => keepConnection(connection(), 'html'), missing);
    assert.throws(() => keepConnection(connection(), 'html', { page: html.page }), missing);
  });

  it('as a page allows its own script and style by their hashes, and nothing else', () => {
    const text = textOf(keepConnection(connection(), 'html', html));
    const inside = (element: string): string =>
      new RegExp(`<${element}(?: type="module")?>([\\s\\S]*?)</${element}>`).exec(text)?.[1] ?? '';
    const hash = (part: string): string => `'sha256-${createHash('sha256').update(part).digest('base64')}'`;
    assert.ok(inside('script').endsWith('go(a)'));
    assert.equal(inside('style'), html.page.style);
    const policy = [
      ...["default-src 'none'", `script-src ${hash(inside('script'))}`, `style-src ${hash(inside('style'))}`],
      ...["base-uri 'none'", "form-action 'none'"],
    ].join('; ');
    assert.ok(text.includes(`<meta http-equiv="Content-Security-Policy" content="${policy}">`));
    // What the script says is what it said.
    assert.equal(
      new Function(`${inside('script').replace('go(a)', 'return a')}`)(),
      new Function(script.replace('go(a)', 'return a'))(),
    );
  });

  it('ends no element and begins none, whatever its names are', async () => {
    const hostile = '</script><script>alert(1)</script><!--<script>$&$`\u2028\u001b[2J';
    const { client } = play({ options: { target: hostile } });
    const text = textOf(keepConnection({ title: hostile, client }, 'html', html));
    const usual = textOf(keepConnection(play({}), 'html', html));
    assert.equal(text.split('<').length, usual.split('<').length);
    const { connections } = await open(new TextEncoder().encode(text));
    assert.deepEqual([connections[0]?.title, connections[0]?.client?.target], [hostile, hostile]);
  });

  it('is what the JSON Schema says', () => {
    const validator = new Validator(JSON.parse(readFileSync(schema, 'utf8')), '2020-12');
    for (const made of [connection(), connection({}), connection({ server: { credentials: [expired] } })]) {
      const json = JSON.parse(textOf(keepConnection(made, 'json', { secrets: true })));
      assert.equal(validator.validate(json).valid, true);
      for (const wrong of [
        { ...json, version: 2 },
        { ...json, more: 1 },
        { ...json, connections: {} },
        {
          ...json,
          connections: [{ ...json.connections[0], client: { ...json.connections[0].client, role: 'proxy' } }],
        },
        { ...json, connections: [{ title: 1 }] },
      ]) {
        assert.equal(validator.validate(wrong).valid, false);
        assert.throws(() => readConnections(wrong));
      }
    }
  });
});
