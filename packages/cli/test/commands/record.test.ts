/**
 * `handfast connect --record`: what is in the file, who may read it, and what is said where there can be none.
 *
 * @module
 */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { hasSecrets, hasWire, type Opened, openFiles } from '@handfast/viewer';
import { recordFile } from '../../src/record.ts';
import { finish } from '../support/io.ts';
import { deadPort, tcpServer, tlsServer } from '../support/net.ts';
import { makePki, type Pki } from '../support/pki.ts';

let pki: Pki;
let folder: string;
before(async () => {
  pki = await makePki();
  folder = mkdtempSync(join(tmpdir(), 'handfast-record-'));
});
after(() => {
  pki.remove();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string): string => join(folder, name);
const open = (path: string): Promise<Opened> => openFiles([{ name: path, bytes: readFileSync(path) }], { provider });

/** A conversation with a server that repeats what it hears. */
async function connected(path: string, ...more: readonly string[]): ReturnType<typeof finish> {
  const server = await tlsServer({ credentials: [pki.server] });
  try {
    return await finish(['connect', server.at, '--ca', pki.path('ca.pem'), '--record', path, ...more], 'the password');
  } finally {
    server.close();
  }
}

describe('connect --record', () => {
  for (const ending of ['json', 'pcapng'] as const) {
    test(`keeps the handshake as .${ending}, without secrets and data`, async () => {
      const path = file(`plain.${ending}`);
      const { exitCode, stdout, stderr } = await connected(path);
      assert.deepEqual([exitCode, stdout.text, stderr.lines.length], [0, 'the password', 1]);
      const { connections } = await open(path);
      const [connection] = connections;
      assert.ok(connection);
      assert.deepEqual([connections.length, hasWire(connection), hasSecrets(connection)], [1, true, false]);
      // A capture has no name for an address, and those in it are made up.
      const host = ending === 'json' ? '127.0.0.1' : '192.0.2.2';
      assert.match(connection.client?.target ?? '', new RegExp(`^${host}:\\d+$`));
      const bytes = readFileSync(path).toString('latin1');
      assert.equal(/TRAFFIC_SECRET|the password/.test(bytes) || bytes.includes(btoa('the password')), false);
    });

    test(`keeps all of it as .${ending} with --record-secrets, for its owner alone`, async () => {
      const path = file(`whole.${ending}`);
      writeFileSync(path, 'what was there before', { mode: 0o644 });
      await connected(path, '--record-secrets', '--trace');
      const { connections, notes } = await open(path);
      assert.deepEqual(notes, []);
      const said = connections[0]?.client?.events.flatMap((event) =>
        event.type === 'data' ? [`${event.direction} ${atob(event.bytes)}`] : [],
      );
      assert.deepEqual(said, ['out the password', 'in the password']);
      if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith('.part')),
        [],
      );
    });
  }

  test('tells nobody else what it alone asked for', async () => {
    const plain = await connected(file('json.json'), '--json', '--trace');
    const secret = await connected(file('json.json'), '--json', '--trace', '--record-secrets');
    const events = ({ stderr }: typeof plain): readonly unknown[] =>
      [...new Set(stderr.values.map(({ event }) => event))].sort();
    assert.deepEqual(events(secret), events(plain));
    assert.equal(secret.stderr.text.includes('the password'), false);
    assert.equal(
      events(plain).some((event) => event === 'wire' || event === 'data'),
      false,
    );
  });

  test('keeps a handshake that failed, and says what it says without', async () => {
    const server = await tlsServer({ credentials: [pki.expired] });
    try {
      const path = file('failed.json');
      const { exitCode } = await finish(['connect', server.at, '--ca', pki.path('ca.pem'), '--record', path], '');
      assert.equal(exitCode, 5);
      const { connections } = await open(path);
      assert.equal(connections[0]?.client?.error?.code, 'certificate_expired');
    } finally {
      server.close();
    }
  });

  test('writes nothing where nobody answered', async () => {
    const path = file('nobody.json');
    const { exitCode } = await finish(['connect', `127.0.0.1:${await deadPort()}`, '--record', path], '');
    assert.deepEqual([exitCode, existsSync(path)], [3, false]);
  });

  test('that cannot be written after all leaves the connection its words and its exit code', async () => {
    const own = file('own');
    mkdirSync(own);
    const server = await tcpServer((socket) => {
      rmSync(own, { recursive: true });
      socket.end('no TLS');
    });
    try {
      const argv = ['connect', server.at, '--json', '--record', join(own, 'a.json')];
      const { exitCode, stderr } = await finish(argv, '');
      assert.deepEqual(
        stderr.values.map(({ event, exitCode }) => [event, exitCode]),
        [
          ['error', 4],
          ['error', 1],
        ],
      );
      assert.match(stderr.text, /a\.json\\" cannot be written: no such file or directory/);
      assert.equal(exitCode, 4);
    } finally {
      server.close();
    }
  });

  test('finds before anything is sent what is wrong with the file', async () => {
    const at = `127.0.0.1:${await deadPort()}`;
    mkdirSync(file('folder.pcapng'));
    for (const [options, message] of [
      [['--record', file('a.txt')], /its name ends in no format[\s\S]*name it \.json, \.pcapng or \.html/],
      [
        ['--record', join(folder, 'nowhere', 'a.json')],
        /--record ".*a\.json" cannot be written: no such file or directory/,
      ],
      [['--record', file('folder.pcapng')], /--record ".*folder\.pcapng" cannot be written: it is a folder/],
      [['--record-secrets'], /--record-secrets without --record/],
    ] as const) {
      const { exitCode, stderr } = await finish(['connect', at, ...options], '');
      assert.equal(exitCode, 2, stderr.text);
      assert.match(stderr.text, message);
    }
  });

  test('to a page needs the viewer’s page, and says how to get it', () => {
    const empty = pathToFileURL(`${folder}/`);
    assert.throws(
      () => recordFile({ record: file('a.html') }, 'localhost:443', empty),
      /--record to HTML needs the viewer’s page, which is not built here/,
    );
  });

  test('to a page puts the built page’s script and style around it', async () => {
    const site = file('site');
    mkdirSync(join(site, 'assets'), { recursive: true });
    writeFileSync(join(site, 'assets', 'index-1.js'), 'go("</script>")');
    writeFileSync(join(site, 'assets', 'index-1.css'), 'p { color: red }');
    const html =
      '<script type="module" crossorigin src="./assets/index-1.js"></script>\n<link rel="stylesheet" crossorigin href="./assets/index-1.css">';
    writeFileSync(join(site, 'index.html'), html);
    const path = file('a.html');
    const record = recordFile({ record: path }, 'localhost:443', pathToFileURL(`${site}/`));
    assert.ok(record);
    record.write();
    assert.equal(existsSync(path), false);
    const { trace } = record.beside({});
    assert.ok(trace);
    trace({ type: 'state', state: 'WAIT_SH', at: 0, role: 'client', connection: 1 });
    record.write();
    const text = readFileSync(path, 'utf8');
    assert.match(text, /<script type="module">go\("<\\\/script>"\)<\/script>/);
    assert.match(text, /<style>p \{ color: red \}<\/style>/);
    assert.deepEqual((await open(path)).connections[0]?.client?.target, 'localhost:443');
  });
});
