/**
 * docs/node-tls.md lists every member of `node:tls`, of the Node that runs this: what it calls the same or better is in ours,
 * what it calls absent is not, and has its reason.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Server as NetServer, Socket } from 'node:net';
import { describe, it } from 'node:test';
import nodeTls from 'node:tls';
import * as ours from '../../src/node/index.ts';
import { connected, modules, type Tls } from './behaviour/support.ts';

type Verdict = 'same' | 'better' | 'absent';

interface Row {
  readonly name: string;
  readonly verdict: Verdict;
  readonly note: string;
}

/** The modules and the prototypes, by name. */
const byName: readonly (readonly [node: Record<string, unknown>, ours: Record<string, unknown>])[] = [
  [nodeTls, { ...ours }],
  [nodeTls.TLSSocket.prototype, ours.TLSSocket.prototype],
  [nodeTls.Server.prototype, ours.Server.prototype],
] as unknown as [Record<string, unknown>, Record<string, unknown>][];
const text = readFileSync(new URL('../../../../docs/node-tls.md', import.meta.url), 'utf8');

/** The table under a heading; a row may name several members. */
function table(heading: string): readonly Row[] {
  const [, section = ''] = text.split(`\n### ${heading}\n`);
  const [body = ''] = section.split(/\n##+ /);
  return body.split('\n').flatMap((line) => {
    const [, names, verdict, note = ''] = /^\| (`.+?`) \| (\w+) \| ?(.*?) ?\|$/.exec(line) ?? [];
    if (names === undefined) return [];
    assert.match(verdict ?? '', /^(same|better|absent)$/, line);
    return [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => ({ name, verdict: verdict as Verdict, note }));
  });
}

const tables = {
  module: table('The module'),
  socket: table('TLSSocket'),
  socketEvents: table('Events of TLSSocket'),
  server: table('Server'),
  serverEvents: table('Events of Server'),
  options: table('Options'),
};

function verdicts(rows: readonly Row[]): ReadonlyMap<string, Verdict> {
  return new Map(rows.map(({ name, verdict }) => [name, verdict]));
}

/** Public names of its own: of a prototype, or of an object beside those that `net` gives it. */
function publicNames(object: object, except: object = {}): readonly string[] {
  return Object.getOwnPropertyNames(object).filter(
    (name) => !name.startsWith('_') && name !== 'constructor' && !Object.hasOwn(except, name),
  );
}

interface Members {
  readonly socket: readonly string[];
  readonly server: readonly string[];
  /** Whether it is there, by whatever way. */
  has(kind: 'socket' | 'server', name: string): boolean;
}

/** What sockets and servers have that stand. */
async function membersOf(tls: Tls): Promise<Members> {
  const { client, server, listener } = await connected(tls);
  const own = [client, server].flatMap((socket) => publicNames(socket, new Socket().setTimeout(0)));
  const members = {
    socket: [...new Set([...publicNames(tls.TLSSocket.prototype), ...own])],
    server: [...new Set([...publicNames(tls.Server.prototype), ...publicNames(listener, new NetServer())])],
    has: (kind: 'socket' | 'server', name: string) => name in (kind === 'socket' ? client : listener),
  };
  client.on('error', () => undefined).destroy();
  server.on('error', () => undefined).destroy();
  listener.close();
  await once(listener, 'close');
  return members;
}

const [theirs, own] = await Promise.all(modules.map(([, tls]) => membersOf(tls)));
assert.ok(theirs && own);

const documented = {
  socketEvents: ['keylog', 'OCSPResponse', 'secure', 'secureConnect', 'session'],
  serverEvents: [
    ...['connection', 'keylog', 'newSession', 'OCSPRequest', 'resumeSession', 'secureConnection', 'tlsClientError'],
  ],
  options: [
    ...['ALPNCallback', 'ALPNProtocols', 'SNICallback', 'allowHalfOpen', 'allowPartialTrustChain', 'ca', 'cert'],
    ...['checkServerIdentity', 'ciphers', 'clientCertEngine', 'crl', 'dhparam', 'ecdhCurve', 'enableTrace'],
    ...['handshakeTimeout', 'honorCipherOrder', 'host', 'key', 'lookup', 'maxVersion', 'minDHSize', 'minVersion'],
    ...['passphrase', 'path', 'pfx', 'port', 'privateKeyEngine', 'privateKeyIdentifier', 'pskCallback'],
    ...['pskIdentityHint', 'rejectUnauthorized', 'requestCert', 'requestOCSP', 'secureContext', 'secureOptions'],
    ...['secureProtocol', 'servername', 'session', 'sessionIdContext', 'sessionTimeout', 'sigalgs', 'socket'],
    ...['ticketKeys', 'timeout'],
  ],
};

describe('docs/node-tls.md', () => {
  it('lists each member of node:tls', () => {
    const missing = (names: readonly string[], rows: readonly Row[]): readonly string[] =>
      names.filter((name) => !verdicts(rows).has(name));
    assert.deepEqual(
      {
        module: missing(publicNames(nodeTls), tables.module),
        socket: missing(theirs.socket, tables.socket),
        server: missing(theirs.server, tables.server),
        socketEvents: missing(documented.socketEvents, tables.socketEvents),
        serverEvents: missing(documented.serverEvents, tables.serverEvents),
        options: missing(documented.options, tables.options),
      },
      { module: [], socket: [], server: [], socketEvents: [], serverEvents: [], options: [] },
    );
  });

  it('lists each once', () => {
    for (const [name, rows] of Object.entries(tables)) assert.equal(verdicts(rows).size, rows.length, name);
  });

  it('calls the same or better what is in ours, and absent what is not', () => {
    const wrong = (rows: readonly Row[], has: (name: string) => boolean): readonly string[] =>
      rows.filter(({ name, verdict }) => has(name) !== (verdict !== 'absent')).map(({ name }) => name);
    assert.deepEqual(
      {
        module: wrong(tables.module, (name) => name in ours),
        socket: wrong(tables.socket, (name) => own.has('socket', name)),
        server: wrong(tables.server, (name) => own.has('server', name)),
      },
      { module: [], socket: [], server: [] },
    );
  });

  it('calls nothing the same that is of another kind', () => {
    const rows = [tables.module, tables.socket, tables.server];
    const wrong = byName.flatMap(([node, own], i) =>
      (rows[i] ?? [])
        .filter(({ name, verdict }) => verdict !== 'absent' && typeof node[name] === 'function')
        .filter(({ name }) => typeof own[name] !== 'function')
        .map(({ name }) => name),
    );
    assert.deepEqual(wrong, []);
  });

  it('has a reason for what is absent, and says what is better', () => {
    const silent = Object.values(tables)
      .flat()
      .filter(({ verdict, note }) => verdict !== 'same' && note === '');
    assert.deepEqual(silent, []);
  });

  it('lists each bit of secureOptions once, and says what comes of it', () => {
    const [, section = ''] = text.split('\n### Bits of `secureOptions`\n');
    const [body = ''] = section.split(/\n##+ /);
    const rows = [...body.matchAll(/^\| (`SSL_OP.+?`) \| (?:honoured|so already|passed by) \| .*\|$/gm)];
    const bits = rows.flatMap(([, names = '']) =>
      [...names.matchAll(/`(SSL_OP_\w+)`/g)].map(([, name]) => String(name)),
    );
    const known = Object.keys(constants).filter((name) => name.startsWith('SSL_OP_'));
    assert.deepEqual(
      known.filter((name) => !bits.includes(name)),
      [],
    );
    assert.equal(new Set(bits).size, bits.length);
  });

  it('names no event that no test of behaviour waits for', () => {
    const folder = new URL('./behaviour/', import.meta.url);
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
    const untested = [...tables.socketEvents, ...tables.serverEvents]
      .filter(({ verdict }) => verdict !== 'absent')
      .filter(({ name }) => !sources.some((source) => source.includes(`'${name}'`)));
    assert.deepEqual(untested, []);
  });
});
