/**
 * OpenSSL's s_server and s_client, at its security level 0. One s_server serves every suite of its versions; it knows how
 * to turn lines around.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tls12CipherSuite } from '@handfast/tls';
import { Command, firstLineOf, listeningPort } from '../../processes.ts';
import { isAnonymous, type LegacyCase, usesPreSharedKey, type VersionName } from '../cases.ts';
import { type Identities, preShared } from '../identities.ts';
import { speakThrough } from '../lines.ts';
import type { LegacyPeer, PeerServer } from '../peer.ts';

/** Every suite that is compiled in. */
export const all = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';

/** OpenSSL's own names of suites, by number. */
let names: ReadonlyMap<number, string> = new Map();

/** @throws where OpenSSL is not installed. */
export function suiteNames(): ReadonlyMap<number, string> {
  const table = execFileSync('openssl', ['ciphers', '-V', all], { encoding: 'latin1' });
  const rows = [...table.matchAll(/0x(..),0x(..) - (\S+)/g)];
  return new Map(rows.map(([, high = '', low = '', name = '']) => [Number.parseInt(high + low, 16), name]));
}

const flags: Readonly<Record<VersionName, string>> = {
  'TLS 1.3': 'TLSv1.3',
  'TLS 1.2': 'TLSv1.2',
  'TLS 1.1': 'TLSv1.1',
  'TLS 1.0': 'TLSv1',
  'SSL 3.0': 'SSLv3',
};

export const openssl: LegacyPeer = {
  name: 'openssl',
  missing: 'Debian package openssl',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
  least: 450,
  answers: 'reversed',
  plain: true,
  fallback: ['server', 'client'],
  inspect: async () => {
    const version = firstLineOf('openssl', 'version');
    if (version === undefined) return undefined;
    names = suiteNames();
    return { version, has: ({ id }: Tls12CipherSuite) => names.has(id) };
  },
  server,
  client,
  close: () => servers.clear(),
};

function contextOf({ lowest, highest }: LegacyCase): readonly string[] {
  return ['-min_protocol', flags[lowest], '-max_protocol', flags[highest]];
}

/** Only a configuration file can take the extended master secret away. */
function environmentOf({ plain }: LegacyCase, { directory }: Identities): Readonly<Record<string, string>> {
  if (!plain) return {};
  const file = join(directory, 'openssl-plain.cnf');
  if (!existsSync(file)) writeFileSync(file, plainConfiguration);
  return { OPENSSL_CONF: file };
}

const plainConfiguration = `openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = plain
[plain]
Options = -ExtendedMasterSecret,-EncryptThenMac
`;

/** By what their command lines say. */
const servers = new Map<string, Promise<{ readonly command: Command; readonly port: number }>>();

async function server(row: LegacyCase, identities: Identities): Promise<PeerServer> {
  const { rsa, ecdsa } = identities.server;
  const args = [
    ...['s_server', '-quiet', '-rev', '-accept', '127.0.0.1:0', '-cipher', all, ...contextOf(row)],
    ...['-cert', rsa.certFile, '-key', rsa.keyFile, '-dcert', ecdsa.certFile, '-dkey', ecdsa.keyFile],
    ...['-dhparam', dhParameters(identities)],
    ...(row.version === 'TLS 1.3' ? [] : ['-psk', preShared.key.toString('hex'), '-psk_hint', 'whose?']),
    ...(row.clientKey === undefined
      ? []
      : ['-Verify', '2', '-verify_return_error', '-verify_quiet', '-CAfile', identities.caFile]),
  ];
  const environment = environmentOf(row, identities);
  const key = [...args, environment.OPENSSL_CONF].join(' ');
  const started =
    servers.get(key) ??
    (async () => {
      const command = new Command('openssl', args, environment);
      command.child.stdout.resume();
      return { command, port: await listeningPort(command) };
    })();
  servers.set(key, started);
  const { command, port } = await started;
  const before = command.stderr.length;
  return { port, done: Promise.resolve(), words: () => command.stderr.slice(before), stop: () => undefined };
}

/** A file with RFC 3526's group of 2,048 bits: one that no client knows by the names of RFC 7919. */
export function dhParameters({ directory }: Identities): string {
  const file = join(directory, 'modp2048.pem');
  if (!existsSync(file)) {
    execFileSync('openssl', ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:modp_2048', '-out', file]);
  }
  return file;
}

async function client(row: LegacyCase, port: number, identities: Identities): Promise<void> {
  const { suite, clientKey } = row;
  const args = [
    // Quiet, and yet with an end at the end of input.
    ...['s_client', '-quiet', '-no_ign_eof', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'],
    ...['-cipher', suite === undefined ? all : `${names.get(suite.id)}:@SECLEVEL=0`, ...contextOf(row)],
    ...(isAnonymous(row) ? [] : ['-CAfile', identities.caFile, '-verify_return_error', '-verify_quiet']),
    ...(usesPreSharedKey(row) ? ['-psk', preShared.key.toString('hex'), '-psk_identity', preShared.identity] : []),
    ...(row.fallback ? ['-fallback_scsv'] : []),
    ...(clientKey === undefined
      ? []
      : ['-cert', identities.client[clientKey].certFile, '-key', identities.client[clientKey].keyFile]),
  ];
  await speakThrough(new Command('openssl', args, environmentOf(row, identities)), row);
}
