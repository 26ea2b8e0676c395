/**
 * GnuTLS's tools: `gnutls-cli` and `gnutls-serv`. Debian 12 has 3.7: no ML-KEM, no ML-DSA. The server is an echo and no
 * more.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  alpnProtocol,
  axes12,
  type Case,
  type CaseAxes,
  clientCertificates,
  ecdsaSchemes,
  ffdheGroups,
  gcmAndChaCha,
  groupsOf,
  pssSchemes,
  rsaSchemes,
} from '../cases.ts';
import { echoAll, hello, pageOf, Reader, shortParts, speakAsClient } from '../conversation.ts';
import { Command, firstLineOf, listeningPort } from '../processes.ts';
import { type Word, wordOfGnutls, wordsOfGnutlsCli } from '../words.ts';
import { withWords } from './openssl.ts';
import {
  type ClientTask,
  decoyFor,
  type GivenKey,
  type Peer,
  type ReturningRun,
  type Run,
  type ServerRun,
  type Task,
} from './peer.ts';

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: [...gcmAndChaCha, 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'],
  group: ['x25519', 'secp256r1', 'x448', 'secp384r1', 'secp521r1', ...ffdheGroups],
  scheme: [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours', 'peer'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};

const ciphers: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'AES-128-GCM',
  TLS_AES_256_GCM_SHA384: 'AES-256-GCM',
  TLS_CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
  TLS_AES_128_CCM_SHA256: 'AES-128-CCM',
  TLS_AES_128_CCM_8_SHA256: 'AES-128-CCM-8',
};

/** Ciphers go by the same name in both versions; key exchanges are TLS 1.2's matter. */
function suiteWords({ version, suite }: Case): readonly string[] {
  if (version === 'TLS 1.3') return ['-CIPHER-ALL', `+${ciphers[suite]}`];
  const [exchange = '', cipher = ''] = suite.replace('TLS_', '').split('_WITH_');
  return ['-CIPHER-ALL', `+${ciphers[`TLS_${cipher}`]}`, '-KX-ALL', `+${exchange.replace('_', '-')}`];
}

/** A priority string: these versions, this suite, these groups. */
function priority({ row, versions, withoutTickets, givenKey }: Task, groups: readonly string[]): string {
  return [
    ...['NORMAL', '-VERS-ALL', ...versions.map((version) => `+VERS-${version.replace(' ', '')}`)],
    ...suiteWords(row),
    // Which also says how a key goes in TLS 1.3: psk_dhe_ke alone.
    ...(givenKey === undefined ? [] : ['-KX-ALL', '+ECDHE-PSK']),
    ...(withoutTickets ? ['%NO_TICKETS'] : []),
    ...['-GROUP-ALL', ...groups.map((name) => `+GROUP-${name.toUpperCase()}`)],
  ].join(':');
}

export const gnutls: Peer = {
  name: 'gnutls',
  limitsVersions: true,
  missing: 'Debian package gnutls-bin',
  version: () => {
    const version = firstLineOf('gnutls-cli', '--version');
    return version === undefined ? undefined : version.replace('gnutls-cli', 'GnuTLS');
  },
  client: {
    axes: [axes, axes12].map((one) => ({ ...one, closing: ['half', 'full'] })),
    start: client,
    untrustedAlert: 'bad_certificate',
    // gnutls-cli stops reading when its input ends, and sends no close_notify when the server was first.
    returning: { visits: 2, byIdentifier: true, start: comeBack, talk: echoAll },
    givenKeys: { sha256: ['no', 'yes'] },
    ours: ({ closing }) => ({
      parts: shortParts,
      ...(closing === 'half' ? { withoutBye: true } : { endsWithoutCloseNotify: true }),
    }),
  },
  server: {
    axes: [
      { ...axes, closing: ['half'], keyUpdate: ['none', 'ours'] },
      { ...axes12, closing: ['half'] },
    ],
    start: server,
    limitsGroups: true,
    staples: 'good',
    // Quiet, its page would say nothing of the session.
    returning: {
      byIdentifier: true,
      start: (task) => serve(task, ['--http']),
      talk: async (socket) => wordOfGnutls(await pageOf(socket)),
    },
    givenKeys: { sha256: ['no', 'yes'] },
    ours: () => ({ withoutBye: true }),
  },
};

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** gnutls-cli at a case. Its own words go to a file: standard output is the conversation's. */
export function gnutlsCli(task: ClientTask, log: string, more: readonly string[] = []): Command {
  const { row, family, port, givenKey } = task;
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  return new Command('gnutls-cli', [
    ...[
      '--port',
      String(port),
      '--x509cafile',
      family.caFile,
      '--sni-hostname=localhost',
      '--verify-hostname=localhost',
    ],
    ...['--priority', priority(task, [...(decoy === undefined ? [] : [decoy]), ...groupsOf(row)])],
    ...(givenKey === undefined ? [] : ['--pskusername', givenKey.identity, '--pskkey', hexOf(givenKey.key)]),
    ...['--single-key-share', '--inline-commands', `--logfile=${log}`, ...more],
    ...(row.alpn === 'none' ? [] : [`--alpn=${alpnProtocol}`]),
    ...(row.clientCertificate === 'required'
      ? ['--x509certfile', family.client.certFile, '--x509keyfile', family.client.keyFile]
      : []),
    '127.0.0.1',
  ]);
}

function client(task: ClientTask): Run {
  const { row, family, port } = task;
  const log = `${family.caFile}.${port}.log`;
  const command = gnutlsCli(task, log);
  const talk = async (): Promise<void> => {
    try {
      await speakAsClient(command.duplex(), {
        closing: row.closing,
        parts: shortParts,
        withoutBye: row.closing === 'half',
        keyUpdate: async () => {
          if (row.keyUpdate === 'peer') await command.readInput('^rekey^\n');
        },
      });
    } catch (error) {
      if (existsSync(log)) command.stderr += readFileSync(log, 'utf8');
      throw error;
    }
    const code = await command.exit;
    if (code !== 0) throw new Error(`gnutls-cli ended with ${code}`);
  };
  return { done: withWords(command, talk()), stop: () => command.kill() };
}

/** gnutls-cli that leaves after its handshake, having said nothing and waited for a ticket, and comes back, once. */
function comeBack(task: ClientTask): ReturningRun {
  const log = `${task.family.caFile}.${task.port}.log`;
  const command = gnutlsCli(task, log, ['--resume', ...(task.row.version === 'TLS 1.3' ? ['--waitresumption'] : [])]);
  const words: Word[] = [];
  const talk = async (): Promise<void> => {
    const duplex = command.duplex();
    duplex.write(hello);
    await new Reader(duplex).expect(hello, 'the echo');
    duplex.end();
    const code = await command.exit;
    if (code !== 0) throw new Error(`gnutls-cli ended with ${code}`);
    words.push(...wordsOfGnutlsCli(readFileSync(log, 'utf8')));
  };
  const told = async (): Promise<void> => {
    try {
      await talk();
    } catch (error) {
      if (existsSync(log)) command.stderr += readFileSync(log, 'utf8');
      throw error;
    }
  };
  return { words, done: withWords(command, told()), stop: () => command.kill() };
}

function server(task: Task): Promise<ServerRun> {
  return serve(task, ['--echo', '--quiet']);
}

async function serve(task: Task, more: readonly string[]): Promise<ServerRun> {
  const { row, family, serverIdentity, ocspFile, givenKey } = task;
  const ask =
    { none: ['--disable-client-cert'], requested: ['--verify-client-cert'], required: ['--require-client-cert'] }[
      row.clientCertificate
    ] ?? [];
  const command = new Command('gnutls-serv', [
    ...[...more, '--port', '0', '--x509cafile', family.caFile, ...ask],
    ...(givenKey === undefined
      ? ['--x509certfile', serverIdentity.certFile, '--x509keyfile', serverIdentity.keyFile]
      : ['--pskpasswd', namesIn(givenKey, `${family.caFile}.${givenKey.identity}.names`)]),
    ...['--priority', priority(task, groupsOf(row))],
    ...(ocspFile === undefined ? [] : [`--ocsp-response=${ocspFile}`]),
    ...(row.alpn === 'none' ? [] : [`--alpn=${alpnProtocol}`]),
  ]);
  // It serves until it is stopped; what our client saw is what counts.
  command.child.stdout.resume();
  command.exit.catch(() => undefined);
  const port = await listeningPort(command);
  return { port, done: Promise.resolve(), stop: () => command.kill(), said: () => command.stderr };
}

/** A file of names and keys, of one. */
function namesIn({ identity, key }: GivenKey, file: string): string {
  writeFileSync(file, `${identity}:${hexOf(key)}\n`);
  return file;
}
