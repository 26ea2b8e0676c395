/**
 * curl (with OpenSSL), a client that posts over HTTPS.
 *
 * @module
 */

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CaseAxes, clientCertificates, ecdsaSchemes, gcmAndChaCha, pssSchemes, rsaSchemes } from '../cases.ts';
import { body, serveHttp } from '../http.ts';
import { Command, firstLineOf } from '../processes.ts';
import { opensslGroup, withWords } from './openssl.ts';
import { type ClientTask, decoyFor, type Peer, type Run } from './peer.ts';

const axes: CaseAxes = {
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
  missing: 'Debian package curl',
  version: () => firstLineOf('curl', '--version')?.split(' zlib')[0],
  client: {
    axes,
    start,
    ours: () => ({ serve: serveHttp, alpn: 'http/1.1', endsWithoutCloseNotify: true }),
  },
};

function start({ row, family, port }: ClientTask): Run {
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  const groups = [...(decoy === undefined ? [] : [decoy]), row.group].map(opensslGroup).join(':');
  const command = new Command('curl', [
    ...['--silent', '--show-error', '--fail', '--max-time', '9', '--noproxy', '*', '--http1.1', '--tlsv1.3'],
    ...['--cacert', family.caFile, '--tls13-ciphers', row.suite, '--curves', groups],
    ...(row.alpn === 'none' ? ['--no-alpn'] : []),
    ...(row.clientCertificate === 'required' ? ['--cert', family.client.certFile, '--key', family.client.keyFile] : []),
    ...['--resolve', `localhost:${port}:127.0.0.1`, '--data-binary', `@${bodyFile(family.caFile)}`],
    ...['--header', 'Expect:'],
    // Twice, over one connection.
    ...[`https://localhost:${port}/1`, `https://localhost:${port}/2`],
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

/** The body, as a file beside the certificates. */
function bodyFile(caFile: string): string {
  const file = join(dirname(caFile), 'body');
  if (!existsSync(file)) writeFileSync(file, body);
  return file;
}
