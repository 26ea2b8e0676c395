/**
 * OpenSSL's own tools: `s_client` and `s_server`. Debian 12 has 3.0: no ML-KEM, no ML-DSA.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Duplex, type Readable, Transform } from 'node:stream';
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
import { echoAll, hello, pageOf, Reader, speakAsClient, speakAsServer } from '../conversation.ts';
import { Command, firstLineOf, listeningPort } from '../processes.ts';
import { type Word, wordOfOpenssl } from '../words.ts';
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

/** In place of a case's group: a key goes on without a key exchange (psk_ke). */
export const noGroup = 'none';

/** OpenSSL's own names. */
const groupNames: Readonly<Record<string, string>> = {
  x25519: 'X25519',
  secp256r1: 'P-256',
  x448: 'X448',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

export const opensslGroup = (name: string): string => groupNames[name] ?? name;

/** The groups that a side lists; where none is to be used, its own. */
function groupArguments({ group }: Case, names: readonly string[]): readonly string[] {
  return group === noGroup ? [] : ['-groups', names.map(opensslGroup).join(':')];
}

/** OpenSSL's own name of a suite of TLS 1.2. */
export function opensslCipher(suite: string): string {
  return suite
    .replace(/^TLS_|_WITH|_SHA256$/g, '')
    .replace('AES_', 'AES')
    .replaceAll('_', '-')
    .replace('128-GCM', '128-GCM-SHA256');
}

/** CCM-8 counts as 64 bits, which the default level refuses. */
const anySuite = ['-cipher', 'DEFAULT@SECLEVEL=0'];

function suiteArguments({ version, suite }: Case): readonly string[] {
  return version === 'TLS 1.3' ? ['-ciphersuites', suite, ...anySuite] : ['-cipher', opensslCipher(suite)];
}

/** OpenSSL's own name of a scheme of TLS 1.2. Not said in TLS 1.3: there the key is enough. */
function schemeArguments({ version, scheme }: Case): readonly string[] {
  if (version === 'TLS 1.3') return [];
  const name = scheme.replace(/^ecdsa_secp\d+r1_sha/, 'ECDSA+SHA').replace('rsa_pkcs1_sha', 'RSA+SHA');
  return ['-sigalgs', name, '-client_sigalgs', name];
}

/** One version by name; both are the default. */
function versionArguments(versions: readonly string[]): readonly string[] {
  const [only, ...others] = versions;
  return others.length > 0 ? [] : [only === 'TLS 1.3' ? '-tls1_3' : '-tls1_2'];
}

export const openssl: Peer = {
  name: 'openssl',
  limitsVersions: true,
  missing: 'Debian package openssl',
  version: () => firstLineOf('openssl', 'version'),
  client: {
    axes: [axes, axes12],
    start: client,
    returning: { visits: 3, byIdentifier: true, start: comeBack, talk: echoAll },
    early: { start: comeEarly, talk: echoAll },
    // After HelloRetryRequest s_client offers a key that came as a session no more: to nobody, s_server included.
    givenKeys: { sha256: ['no', 'yes'], sha384: ['no'] },
  },
  server: {
    axes: [axes, axes12].map((one) => ({ ...one, closing: ['half', 'full'] })),
    start: server,
    limitsGroups: true,
    staples: 'anything',
    returning: { byIdentifier: true, start: serveWww, talk: readPage },
    early: { start: serveEarly },
    givenKeys: { sha256: ['no', 'yes'], sha384: ['no', 'yes'] },
    looksFurther: true,
    // s_server closes when its client does, and has no way to close by itself with close_notify.
    ours: ({ closing }) => (closing === 'half' ? { withoutBye: true } : { clientEndsFirst: true }),
  },
};

/** s_client at a case, with more arguments perhaps. */
export function sClient({ row, family, port, versions, givenKey }: ClientTask, more: readonly string[]): Command {
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  const groups = [...(decoy === undefined ? [] : [decoy]), ...groupsOf(row)];
  return new Command('openssl', [
    ...['s_client', ...more, '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'],
    ...['-CAfile', family.caFile, '-verify_hostname', 'localhost', '-verify_return_error', '-verify_quiet'],
    ...suiteArguments(row),
    ...schemeArguments(row),
    ...[...groupArguments(row, groups), ...versionArguments(versions)],
    ...(row.alpn === 'none' ? [] : ['-alpn', alpnProtocol]),
    ...(row.clientCertificate === 'required' ? ['-cert', family.client.certFile, '-key', family.client.keyFile] : []),
    ...(givenKey === undefined ? [] : keyArguments(givenKey, `${family.caFile}.${port}.psk`)),
    ...modeArguments({ row, family, givenKey }),
  ]);
}

/** Given as it is, a key is of SHA-256; of another hash it comes as a session, in a file. */
function keyArguments({ identity, key, hash }: GivenKey, file: string): readonly string[] {
  if (hash === 'sha256') return ['-psk_identity', identity, '-psk', Buffer.from(key).toString('hex')];
  writeFileSync(file, sessionOf(key));
  return ['-psk_identity', identity, '-psk_session', file];
}

/** Where no group is to be used. Only a trace tells whether one was. */
function modeArguments(task: Pick<Task, 'row' | 'family' | 'givenKey'>): readonly string[] {
  return task.row.group === noGroup ? ['-allow_no_dhe_kex', '-trace', '-msgfile', traceFile(task)] : [];
}

function traceFile({ family, givenKey }: Pick<Task, 'family' | 'givenKey'>): string {
  return `${family.caFile}.${givenKey?.identity}.trace`;
}

/** Once it is done. @throws Error if a group was used where none was to be */
function checkMode(task: Task): void {
  if (task.row.group !== noGroup) return;
  const [, serverHello = ''] = /^ +ServerHello,(.*?)\n\n/ms.exec(readFileSync(traceFile(task), 'latin1')) ?? [];
  const types = [...serverHello.matchAll(/extension_type=(\w+)/g)].map(([, type]) => type);
  if (types.includes('psk') && !types.includes('key_share')) return;
  throw new Error(`OpenSSL's trace has a ServerHello with ${types.join(', ') || 'nothing'}`);
}

/** OpenSSL's SSL_SESSION: its own version, TLS 1.3, TLS_AES_256_GCM_SHA384, no identifier, the key. */
function sessionOf(key: Uint8Array): string {
  const der = (tag: number, ...content: readonly number[]): readonly number[] => [tag, content.length, ...content];
  const fields = [der(2, 1), der(2, 3, 4), der(4, 0x13, 2), der(4), der(4, ...key)];
  const body = Buffer.from(der(0x30, ...fields.flat())).toString('base64');
  const lines = body.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN SSL SESSION PARAMETERS-----', ...lines, '-----END SSL SESSION PARAMETERS-----', ''].join('\n');
}

/** Quiet, and yet with command letters and an end at the end of input. */
export const quietClient = ['-quiet', '-no_ign_eof'] as const;

function client(task: ClientTask): Run {
  const { row } = task;
  const command = sClient(task, quietClient);
  const talk = async (): Promise<void> => {
    await speakAsClient(command.duplex(), {
      closing: row.closing,
      keyUpdate: async () => {
        if (row.keyUpdate !== 'peer') return;
        command.child.stdin.write('K\n');
        await command.said('KEYUPDATE');
      },
    });
    const code = await command.exit;
    if (code !== 0) throw new Error(`s_client ended with ${code}`);
    checkMode(task);
  };
  return { done: withWords(command, talk()), stop: () => command.kill() };
}

/** For one connection: s_server that takes command letters unless it is quiet. */
export const oneConnection = ['-naccept', '1'] as const;

/** s_server at a case, with more arguments. */
export function sServer(task: Task, more: readonly string[]): Command {
  const { row, family, serverIdentity, versions, ocspFile, givenKey } = task;
  const ask = { none: [], requested: ['-verify', '3'], required: ['-Verify', '3'] }[row.clientCertificate] ?? [];
  return new Command('openssl', [
    ...['s_server', ...more, '-accept', '127.0.0.1:0'],
    ...(givenKey === undefined
      ? ['-cert', serverIdentity.certFile, '-key', serverIdentity.keyFile]
      : ['-nocert', ...keyArguments(givenKey, `${family.caFile}.${givenKey.identity}.psk`)]),
    ...['-CAfile', family.caFile, '-verify_return_error', '-verify_quiet', ...ask],
    ...suiteArguments(row),
    ...schemeArguments(row),
    ...[...groupArguments(row, groupsOf(row)), ...versionArguments(versions)],
    ...(row.alpn === 'none' ? [] : ['-alpn', alpnProtocol]),
    ...(ocspFile === undefined ? [] : ['-status_file', ocspFile]),
    ...modeArguments(task),
  ]);
}

async function server(task: Task): Promise<ServerRun> {
  const { row } = task;
  const commands = row.keyUpdate === 'peer';
  const command = sServer(task, commands ? oneConnection : ['-quiet', ...oneConnection]);
  const talk = async (): Promise<void> => {
    const duplex = command.duplex(commands ? withoutWords() : undefined);
    await speakAsServer(duplex, {
      withoutBye: row.closing === 'half',
      end: () => undefined,
      keyUpdate: async () => {
        if (!commands) return;
        // What follows the letter in the same read is dropped: nothing does until it was read.
        await command.readInput('K\n');
      },
    });
    await command.exit;
    checkMode(task);
  };
  const done = withWords(command, talk());
  return { port: await listeningPort(command), done, stop: () => command.kill() };
}

/**
 * s_client, once for each visit: what it kept goes by a file. It writes of tickets and data at once, so the echo may stand in
 * the middle of a line.
 */
function comeBack(task: ClientTask): ReturningRun {
  const file = `${task.family.caFile}.${task.port}.session`;
  const words: Word[] = [];
  let stopped = false;
  let current: Command | undefined;
  const talk = async (command: Command): Promise<void> => {
    let said = '';
    const heard = new Promise<void>((resolve) => {
      command.child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
        if (said.includes(hello)) resolve();
      });
    });
    command.child.stdin.write(hello);
    await Promise.race([heard, command.exit]);
    command.child.stdin.end();
    const code = await command.exit;
    if (code !== 0) throw new Error(`s_client ended with ${code}`);
    if (!said.includes(hello)) throw new Error('s_client did not show the echo');
    words.push(wordOfOpenssl(said));
  };
  const visits = async (): Promise<void> => {
    for (let round = 0; round < (task.visits ?? 1) && !stopped; round++) {
      const kept = existsSync(file) ? ['-sess_in', file] : [];
      current = sClient(task, ['-no_ign_eof', ...withoutTickets(task), ...kept, '-sess_out', file]);
      await withWords(current, talk(current));
    }
  };
  return {
    words,
    done: visits(),
    stop: () => {
      stopped = true;
      current?.kill();
    },
  };
}

function withoutTickets(task: Task): readonly string[] {
  return task.withoutTickets ? ['-no_ticket'] : [];
}

/** s_server that answers each connection with a page about it. */
async function serveWww(task: Task): Promise<ServerRun> {
  const command = sServer(task, ['-www', ...withoutTickets(task)]);
  command.child.stdout.resume();
  command.exit.catch(() => undefined);
  const port = await listeningPort(command);
  return { port, done: Promise.resolve(), stop: () => command.kill(), said: () => command.stderr };
}

async function readPage(socket: Duplex): Promise<Word> {
  return wordOfOpenssl(await pageOf(socket));
}

/** s_client, twice; what it is to send early goes by a file, and again by its input. */
function comeEarly(task: ClientTask, text: string): EarlyClientRun {
  const file = `${task.family.caFile}.${task.port}`;
  writeFileSync(`${file}.early`, text);
  let word: EarlyWord;
  let current: Command | undefined;
  const visit = async (more: readonly string[], typed: string, echo: string): Promise<string> => {
    const command = sClient(task, ['-no_ign_eof', ...more]);
    current = command;
    const said = transcriptOf(command.child.stdout);
    const talk = async (): Promise<void> => {
      command.child.stdin.write(typed);
      await said.until(echo);
      command.child.stdin.end();
      const code = await command.exit;
      if (code !== 0) throw new Error(`s_client ended with ${code}`);
    };
    await withWords(command, talk());
    return said.text;
  };
  const visits = async (): Promise<void> => {
    await visit(['-sess_out', `${file}.session`], hello, hello);
    word = earlyWordOfOpenssl(await visit(['-sess_in', `${file}.session`, '-early_data', `${file}.early`], '', text));
  };
  return {
    done: visits(),
    get word() {
      return word;
    },
    again: () => void current?.child.stdin.write(text),
    stop: () => current?.kill(),
  };
}

/** s_server that takes early data. It says of each connection what it got so, and then is a conversation. */
async function serveEarly(task: Task): Promise<EarlyServerRun> {
  // Against replays it forgets a session as it comes, and so does not know it in a second hello.
  const forgetful = task.row.retry === 'no' ? [] : ['-no_anti_replay'];
  const command = sServer(task, ['-early_data', ...forgetful]);
  const said = transcriptOf(command.child.stdout);
  command.exit.catch(() => undefined);
  const port = await listeningPort(command);
  let mark = 0;
  const talk = async (socket: Duplex, text: string): Promise<EarlyWord> => {
    const reader = new Reader(socket);
    await said.until(/End of early data\n|Early data was rejected\n|No early data received\n/, mark);
    const word = earlyWordOfOpenssl(said.text.slice(mark), text);
    if (word === 'none' || word === 'rejected') await said.until(text, mark);
    command.child.stdin.write(hello);
    await reader.expect(hello, 'its answer');
    socket.end();
    await reader.expectEnd();
    mark = said.text.length;
    return word;
  };
  return { port, talk, done: Promise.resolve(), stop: () => command.kill(), said: () => command.stderr };
}

/**
 * Of what s_client or s_server prints of one connection. s_server's own lines wait in a buffer, and overtake nothing: what came
 * early stands somewhere before the last of them.
 * @param text what must have come early.
 */
export function earlyWordOfOpenssl(said: string, text = ''): EarlyWord {
  if (/^No early data received$|^Early data was not sent$/m.test(said)) return 'none';
  if (/^Early data was rejected$/m.test(said)) return 'rejected';
  const [early, ...rest] = said.split(/^Early data was accepted$|^End of early data$/m);
  return rest.length === 1 && early?.includes(text) ? 'accepted' : undefined;
}

/** What a command has said on one of its outputs, and a wait for more. */
export interface Transcript {
  readonly text: string;
  /** Waits for it to stand there, from an offset on. @throws Error if the command ends before. */
  until(what: string | RegExp, from?: number): Promise<void>;
}

export function transcriptOf(output: Readable): Transcript {
  let text = '';
  let ended = false;
  let wake: () => void = () => undefined;
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    wake();
  });
  output.once('end', () => {
    ended = true;
    wake();
  });
  return {
    get text() {
      return text;
    },
    until: async (what, from = 0) => {
      const isThere = (part: string): boolean => (typeof what === 'string' ? part.includes(what) : what.test(part));
      while (!isThere(text.slice(from))) {
        const shown = String(what).slice(0, 60);
        if (ended) throw new Error(`it ended before it said ${shown}: ${text.slice(from).slice(-400)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/**
 * s_server with command letters talks on standard output as well: before the first data, then in lines that begin with a
 * capital, and after `DONE`. The conversation has no capitals.
 */
function withoutWords(): Transform {
  let state: 'preamble' | 'data' | 'done' = 'preamble';
  let pending = '';
  const data = (): string => {
    let out = '';
    for (;;) {
      const start = state === 'preamble' ? 0 : pending.search(/[A-Z]/);
      const end = pending.indexOf('\n', Math.max(start, 0));
      if (state === 'done') return out;
      if (start < 0) {
        out += pending;
        pending = '';
        return out;
      }
      out += pending.slice(0, start);
      pending = pending.slice(start);
      if (end < 0) return out;
      const line = pending.slice(0, end - start);
      pending = pending.slice(end - start + 1);
      if (line.startsWith('Secure Renegotiation IS')) state = 'data';
      if (line === 'DONE' || line === 'ERROR') state = 'done';
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      pending += chunk.toString('latin1');
      callback(null, data());
    },
  });
}

/** A failure with what the command said on standard error. */
export async function withWords(command: Command, talk: Promise<void>): Promise<void> {
  try {
    await talk;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}; the peer's words: ${command.stderr.trim() || 'none'}`, { cause: error });
  }
}
