/**
 * GnuTLS's tools: `gnutls-cli` and `gnutls-serv`. Debian 12 has 3.7: no ML-KEM, no ML-DSA. The server is an echo and no
 * more.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
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
import { noGroup, type Transcript, transcriptOf, withWords } from './openssl.ts';
import {
  type ClientTask,
  decoyFor,
  type EarlyClientRun,
  type EarlyServerRun,
  type EarlyWord,
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
    // Which also says how a key goes in TLS 1.3: psk_dhe_ke alone, or psk_ke alone.
    ...(givenKey === undefined ? [] : ['-KX-ALL', row.group === noGroup ? '+PSK' : '+ECDHE-PSK']),
    ...(withoutTickets ? ['%NO_TICKETS'] : []),
    ...(row.group === noGroup ? [] : ['-GROUP-ALL', ...groups.map((name) => `+GROUP-${name.toUpperCase()}`)]),
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
    early: {
      start: comeEarly,
      talk: echoAll,
      lacks: { HelloRetryRequest: 'GnuTLS 3.7 sends its second hello under its early keys, to any server' },
    },
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
    early: {
      start: serveEarly,
      lacks: {
        HelloRetryRequest: 'GnuTLS 3.7 reads the second hello under early keys, of any client',
        'session used twice': 'it lets a session in again: the same hello alone is refused',
      },
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
  const command = gnutlsCli(task, log, modeArguments(task));
  const everything = transcriptOf(command.child.stderr);
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
    checkMode(row, everything);
  };
  return { done: withWords(command, talk()), stop: () => command.kill() };
}

/** Whether a group was used it tells only where it tells of everything. */
function modeArguments({ row }: Task): readonly string[] {
  return row.group === noGroup ? ['--debug=5'] : [];
}

/** @throws Error if a group was used where none was to be */
function checkMode({ group }: Case, { text }: Transcript): void {
  if (group !== noGroup) return;
  const used = /HSK\[\w+\]: Selected group (\w+)/.exec(text)?.[1];
  if (used !== undefined || !text.includes('selected PSK mode')) {
    throw new Error(`GnuTLS tells of ${used === undefined ? 'no key' : `the group ${used}`}`);
  }
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

/** gnutls-cli as above, which comes back with early data from a file. Of that it tells only where it tells of everything. */
function comeEarly(task: ClientTask, text: string): EarlyClientRun {
  const file = `${task.family.caFile}.${task.port}`;
  writeFileSync(`${file}.early`, text);
  const more = ['--resume', '--waitresumption', `--earlydata=${file}.early`, '--debug=5'];
  const command = gnutlsCli(task, `${file}.log`, more);
  const said = transcriptOf(command.child.stdout);
  const log = transcriptOf(command.child.stderr);
  let word: EarlyWord;
  const talk = async (): Promise<void> => {
    await said.until(text);
    command.child.stdin.end();
    const code = await command.exit;
    if (code !== 0) throw new Error(`gnutls-cli ended with ${code}`);
    const offer = log.text.indexOf('Sending extension Early Data/42');
    if (offer < 0) throw new Error('gnutls-cli offered no early data');
    word = log.text.includes('END OF EARLY DATA was queued', offer) ? 'accepted' : 'rejected';
  };
  return {
    done: withWords(command, talk()),
    get word() {
      return word;
    },
    again: () => void command.child.stdin.write(text),
    stop: () => command.kill(),
  };
}

/**
 * gnutls-serv that takes early data, and then drops it: a program of 3.7 reads over it what comes next. So what arrived is
 * counted where it tells of everything, and the echo is of what comes when the handshake is done.
 */
async function serveEarly(task: Task): Promise<EarlyServerRun> {
  const { command, run } = await served(task, ['--echo', '--earlydata', '--debug=5']);
  const log = transcriptOf(command.child.stderr);
  let mark = 0;
  const talk = async (socket: Duplex, text: string): Promise<EarlyWord> => {
    const reader = new Reader(socket);
    await log.until(/ FINISHED \(20\) was received/, mark);
    socket.write(hello);
    const word = earlyWordOfGnutls(log.text.slice(mark), text.length);
    if (word !== 'accepted') await reader.expect(text, 'the echo of what was said again');
    await reader.expect(hello, 'the echo');
    socket.end();
    await reader.expectEnd();
    mark = log.text.length;
    return word;
  };
  return { ...run, talk };
}

/** Of what gnutls-serv tells of one connection when it tells of everything. @param length what must have come early, in bytes. */
export function earlyWordOfGnutls(log: string, length: number): EarlyWord {
  if (!log.includes("Parsing extension 'Early Data/42'")) return 'none';
  if (!log.includes('early data accepted')) return 'rejected';
  const lengths = [...log.matchAll(/decrypted early data with length: (\d+)/g)].map(([, digits]) => Number(digits));
  return lengths.reduce((sum, one) => sum + one, 0) === length ? 'accepted' : undefined;
}

function server(task: Task): Promise<ServerRun> {
  return task.row.group === noGroup ? serveWithoutGroup(task) : serve(task, ['--echo', '--quiet']);
}

/** It serves on, so its word on the one connection is what ends its part. */
async function serveWithoutGroup(task: Task): Promise<ServerRun> {
  const { command, run } = await served(task, ['--echo', ...modeArguments(task)]);
  const log = transcriptOf(command.child.stderr);
  const told = log.until(/ FINISHED \(20\) was received/).then(() => checkMode(task.row, log));
  return { ...run, done: withWords(command, told) };
}

async function serve(task: Task, more: readonly string[]): Promise<ServerRun> {
  const { run } = await served(task, more);
  return run;
}

async function served(
  task: Task,
  more: readonly string[],
): Promise<{ readonly command: Command; readonly run: ServerRun }> {
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
  const run = { port, done: Promise.resolve(), stop: () => command.kill(), said: () => command.stderr };
  return { command, run };
}

/** A file of names and keys, of one. */
function namesIn({ identity, key }: GivenKey, file: string): string {
  writeFileSync(file, `${identity}:${hexOf(key)}\n`);
  return file;
}
