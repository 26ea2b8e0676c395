/**
 * curl (with OpenSSL), a client that posts over HTTPS.
 *
 * @module
 */

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  axes12,
  type CaseAxes,
  clientCertificates,
  ecdsaSchemes,
  gcmAndChaCha,
  groupsOf,
  pssSchemes,
  rsaSchemes,
} from '../cases.ts';
import { hello } from '../conversation.ts';
import { answerOnce, body, serveHttp } from '../http.ts';
import { Command, firstLineOf } from '../processes.ts';
import { type Word, wordsOfCurl } from '../words.ts';
import { opensslCipher, opensslGroup, withWords } from './openssl.ts';
import { type ClientTask, decoyFor, type Peer, type ReturningRun, type Run } from './peer.ts';

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: [...gcmAndChaCha, 'TLS_AES_128_CCM_SHA256'],
  group: ['x25519', 'secp256r1', 'x448', 'secp384r1', 'secp521r1'],
  scheme: [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};

export const curl: Peer = {
  name: 'curl',
  limitsVersions: true,
  missing: 'Debian package curl',
  version: () => firstLineOf('curl', '--version')?.split(' zlib')[0],
  client: {
    axes: [axes, axes12],
    start,
    // Before TLS 1.3 it turns tickets off by itself.
    returning: { visits: 3, byIdentifier: true, start: comeBack, talk: answerOnce },
    early: "Debian 12's curl, 7.88, has no --tls-earlydata: that came with 8.11, and libcurl shows it",
    ours: () => ({ serve: serveHttp, alpn: 'http/1.1', endsWithoutCloseNotify: true }),
  },
};

function curlAt({ row, family, port, versions }: ClientTask, more: readonly string[]): Command {
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  const groups = [...(decoy === undefined ? [] : [decoy]), ...groupsOf(row)].map(opensslGroup).join(':');
  const [highest = row.version, lowest = highest] = [versions[0], versions.at(-1)];
  return new Command('curl', [
    ...['--silent', '--show-error', '--fail', '--max-time', '9', '--noproxy', '*', '--http1.1'],
    ...[`--tlsv${lowest.replace('TLS ', '')}`, '--tls-max', highest.replace('TLS ', '')],
    ...(row.version === 'TLS 1.3' ? ['--tls13-ciphers', row.suite] : ['--ciphers', opensslCipher(row.suite)]),
    ...['--cacert', family.caFile, '--curves', groups],
    ...(row.alpn === 'none' ? ['--no-alpn'] : []),
    ...(row.clientCertificate === 'required' ? ['--cert', family.client.certFile, '--key', family.client.keyFile] : []),
    ...['--resolve', `localhost:${port}:127.0.0.1`, ...more],
  ]);
}

/** Posts twice, over one connection. */
function start(task: ClientTask): Run {
  const command = curlAt(task, [
    ...['--data-binary', `@${bodyFile(task.family.caFile)}`, '--header', 'Expect:'],
    ...[`https://localhost:${task.port}/1`, `https://localhost:${task.port}/2`],
  ]);
  let answer = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  const talk = async (): Promise<void> => {
    const code = await command.exit;
    if (code !== 0) throw new Error(`curl ended with ${code}`);
    if (answer !== body + body) throw new Error(`an answer of ${answer.length} bytes that is not what was sent`);
  };
  return { done: withWords(command, talk()), stop: () => command.kill() };
}

/** Asks again and again, for as many connections: each answer is the last of its own. */
function comeBack(task: ClientTask): ReturningRun {
  const urls = Array.from({ length: task.visits ?? 1 }, (_, round) => `https://localhost:${task.port}/${round}`);
  const command = curlAt(task, ['--verbose', ...urls]);
  let answer = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  const words: Word[] = [];
  const talk = async (): Promise<void> => {
    const code = await command.exit;
    if (code !== 0) throw new Error(`curl ended with ${code}`);
    if (answer !== urls.map(() => hello).join('')) throw new Error(`its answers: ${JSON.stringify(answer)}`);
    words.push(...wordsOfCurl(command.stderr));
  };
  return { words, done: withWords(command, talk()), stop: () => command.kill() };
}

/** The body, as a file beside the certificates. */
function bodyFile(caFile: string): string {
  const file = join(dirname(caFile), 'body');
  if (!existsSync(file)) writeFileSync(file, body);
  return file;
}
