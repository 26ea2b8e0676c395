/**
 * GnuTLS's gnutls-serv and gnutls-cli. One gnutls-serv serves every suite of its versions; it echoes lines as they are.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tls12CipherSuite } from '@handfast/tls';
import { Command, firstLineOf, listeningPort } from '../../processes.ts';
import { type LegacyCase, serverKind, usesPreSharedKey, versionNamed, versions } from '../cases.ts';
import { type Identities, preShared } from '../identities.ts';
import { speakThrough } from '../lines.ts';
import type { LegacyPeer, PeerServer } from '../peer.ts';

/** GnuTLS's names, by IANA's. */
const exchanges: Readonly<Record<string, string>> = {
  ...{ RSA: 'RSA', DHE_RSA: 'DHE-RSA', ECDHE_RSA: 'ECDHE-RSA', ECDHE_ECDSA: 'ECDHE-ECDSA' },
  ...{ PSK: 'PSK', RSA_PSK: 'RSA-PSK', DHE_PSK: 'DHE-PSK', ECDHE_PSK: 'ECDHE-PSK' },
  ...{ DH_anon: 'ANON-DH', ECDH_anon: 'ANON-ECDH' },
};
const ciphers: Readonly<Record<string, string>> = { RC4_128: 'ARCFOUR-128', '3DES_EDE_CBC': '3DES-CBC' };
const macs: Readonly<Record<string, string>> = { SHA: 'SHA1' };

/** Key exchange, cipher and MAC of a suite. */
function partsOf({ name }: Tls12CipherSuite): readonly [string, string, string] {
  const [exchange = '', rest = ''] = name.replace('TLS_', '').split('_WITH_');
  const aead = /GCM|CCM|POLY1305/.test(rest);
  const [, cipher = rest, mac = ''] = (aead ? /^(.*?)(?:_SHA\d+)?$/ : /^(.*)_(\w+)$/).exec(rest) ?? [];
  return [
    exchanges[exchange] ?? '',
    ciphers[cipher] ?? cipher.replaceAll('_', '-'),
    aead ? 'AEAD' : (macs[mac] ?? mac),
  ];
}

/** What GnuTLS has beside its `ALL`, which leaves out what is weak. */
const everything = [
  ...Object.values(exchanges),
  ...['CIPHER-ALL', 'ARCFOUR-128', '3DES-CBC', 'NULL', 'CAMELLIA-128-CBC', 'CAMELLIA-256-CBC'],
  ...['CAMELLIA-128-GCM', 'CAMELLIA-256-GCM', 'AES-128-CCM-8', 'AES-256-CCM-8'],
  ...['MAC-ALL', 'MD5', 'SHA256', 'SHA384'],
];

/** A priority string: some versions, one suite or all. */
function priorityOf({ lowest, highest, suite, plain, fallback }: LegacyCase, role: 'server' | 'client'): string {
  const [least, most] = [versionNamed(lowest).id, versionNamed(highest).id];
  const spoken = versions.filter(({ id }) => id >= least && id <= most);
  const certificates = everything.filter((word) => !/PSK|ANON|NULL/.test(word));
  // With keys of RSA-PSK it would give up TLS 1.3.
  const words = suite === undefined ? certificates : role === 'server' ? everything : partsOf(suite);
  return [
    ...['NONE', ...spoken.map(({ name }) => `+VERS-${name.replace(' ', '')}`), ...words.map((word) => `+${word}`)],
    ...['+SIGN-ALL', '+SIGN-RSA-SHA1', '+SIGN-ECDSA-SHA1', '+GROUP-ALL', '+COMP-NULL', '+CTYPE-X509'],
    ...['%VERIFY_ALLOW_SIGN_WITH_SHA1', ...(plain ? ['%NO_ETM', '%NO_SESSION_HASH'] : [])],
    ...(fallback && role === 'client' ? ['%FALLBACK_SCSV'] : []),
  ].join(':');
}

export const gnutls: LegacyPeer = {
  name: 'gnutls',
  missing: 'Debian package gnutls-bin',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
  least: 500,
  answers: 'same',
  plain: true,
  fallback: ['server', 'client'],
  inspect: async () => {
    const version = firstLineOf('gnutls-cli', '--version');
    if (version === undefined || firstLineOf('gnutls-serv', '--version') === undefined) return undefined;
    const list = execFileSync('gnutls-cli', ['--list'], { encoding: 'latin1' });
    const rows = [...list.matchAll(/^TLS_\S+\s+0x(..), 0x(..)/gm)];
    const ids = new Set(rows.map(([, high = '', low = '']) => Number.parseInt(high + low, 16)));
    return { version: version.replace('gnutls-cli', 'GnuTLS'), has: ({ id }) => ids.has(id) };
  },
  // gnutls-cli 3.7 crashes when it prints what it has agreed on with these, whoever the server is.
  cannot: ({ suite }, role) => role === 'client' && /_(?:EC)?DHE_PSK_/.test(suite?.name ?? ''),
  server,
  client,
  close: () => servers.clear(),
};

/** By what their command lines say. */
const servers = new Map<string, Promise<{ readonly command: Command; readonly port: number }>>();

async function server(row: LegacyCase, identities: Identities): Promise<PeerServer> {
  const { certFile, keyFile } = identities.server[serverKind(row)];
  const keys = join(identities.directory, 'psk.txt');
  if (!existsSync(keys)) writeFileSync(keys, `${preShared.identity}:${preShared.key.toString('hex')}\n`);
  const args = [
    ...['--echo', '--quiet', '--port', '0', '--priority', priorityOf(row, 'server')],
    ...['--x509certfile', certFile, '--x509keyfile', keyFile, '--pskpasswd', keys, '--x509cafile', identities.caFile],
    row.clientKey === undefined ? '--disable-client-cert' : '--require-client-cert',
  ];
  const key = args.join(' ');
  const started =
    servers.get(key) ??
    (async () => {
      const command = new Command('gnutls-serv', args);
      command.child.stdout.resume();
      return { command, port: await listeningPort(command) };
    })();
  servers.set(key, started);
  const { command, port } = await started;
  const before = command.stderr.length;
  return { port, done: Promise.resolve(), words: () => command.stderr.slice(before), stop: () => undefined };
}

async function client(row: LegacyCase, port: number, identities: Identities): Promise<void> {
  const identity = row.clientKey === undefined ? undefined : identities.client[row.clientKey];
  // Its own words go to a file: standard output is the conversation's.
  const log = join(identities.directory, `gnutls-cli-${port}.log`);
  const command = new Command('gnutls-cli', [
    ...['--port', String(port), '--x509cafile', identities.caFile, '--priority', priorityOf(row, 'client')],
    ...['--sni-hostname=localhost', '--verify-hostname=localhost', `--logfile=${log}`],
    ...(usesPreSharedKey(row) ? ['--pskusername', preShared.identity, '--pskkey', preShared.key.toString('hex')] : []),
    ...(identity === undefined ? [] : ['--x509certfile', identity.certFile, '--x509keyfile', identity.keyFile]),
    '127.0.0.1',
  ]);
  await speakThrough(command, row, () => (existsSync(log) ? readFileSync(log, 'utf8') : ''));
}
