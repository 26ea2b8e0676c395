/**
 * libcurl with its own OpenSSL, as PycURL brings it: newer than Debian's curl, which has no early data. Only that is why it is
 * here, so of the rest it shows little.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { axes12, type CaseAxes, groupsOf } from '../cases.ts';
import { hello } from '../conversation.ts';
import { answerOnce, body, serveHttp } from '../http.ts';
import { Command, firstLineOf } from '../processes.ts';
import { opensslCipher, opensslGroup, withWords } from './openssl.ts';
import { type ClientTask, decoyFor, type EarlyClientRun, type EarlyWord, type Peer, type Run } from './peer.ts';

// The one that install.sh has installed for.
const python = 'python3';
const script = fileURLToPath(new URL('../../peers/libcurl/driver.py', import.meta.url));
const installed = fileURLToPath(new URL('../../.cache/pycurl', import.meta.url));

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'],
  group: ['X25519MLKEM768', 'x25519', 'secp256r1'],
  scheme: ['ecdsa_secp256r1_sha256'],
  clientCertificate: ['none', 'required'],
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};

const ofLibcurl12: CaseAxes = {
  ...axes12,
  suite: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
  group: ['x25519', 'secp256r1'],
  scheme: axes.scheme,
  clientCertificate: axes.clientCertificate,
};

export const libcurl: Peer = {
  name: 'libcurl',
  limitsVersions: true,
  missing: 'PyPI package pycurl (interop/install.sh)',
  version: () =>
    firstLineOf('env', `PYTHONPATH=${installed}`, python, script, 'version')?.replace(
      /^(\S+) (\S+) (\S+).*/,
      '$2 $3 by $1',
    ),
  client: {
    axes: [axes, ofLibcurl12],
    start,
    early: {
      start: comeEarly,
      talk: answerOnce,
      alpn: 'http/1.1',
      lacks: { 'to the limit': 'what it is given to send goes out within a request, which is longer' },
    },
    untrustedAlert: 'none',
    ours: () => ({ serve: serveHttp, alpn: 'http/1.1', endsWithoutCloseNotify: true }),
  },
};

/** What came of one text. */
interface Posted {
  readonly answer: string;
  /** Bytes; below zero: they were refused. */
  readonly early: number;
}

interface Posting extends Run {
  readonly posted: Promise<readonly Posted[]>;
}

function post({ row, family, port, versions }: ClientTask, texts: readonly string[], early: boolean): Posting {
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  const command = new Command(python, [script], { PYTHONPATH: installed });
  const task = {
    ...{ port, texts, early, ca: family.caFile, alpn: row.alpn === 'chosen' },
    versions: [versions.at(-1), versions[0]],
    ...(row.version === 'TLS 1.3' ? { suites: row.suite } : { ciphers: opensslCipher(row.suite) }),
    groups: [...(decoy === undefined ? [] : [decoy]), ...groupsOf(row)].map(opensslGroup).join(':'),
    ...(row.clientCertificate === 'required' ? { cert: family.client.certFile, key: family.client.keyFile } : {}),
  };
  command.child.stdin.end(JSON.stringify(task));
  let said = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  const talk = async (): Promise<readonly Posted[]> => {
    const code = await command.exit;
    if (code !== 0) throw new Error(`libcurl's driver ended with ${code}`);
    return said
      .trim()
      .split('\n')
      .map((line): Posted => JSON.parse(line));
  };
  const posted = talk();
  const done = withWords(
    command,
    posted.then(() => undefined),
  );
  return { posted, done, stop: () => command.kill() };
}

/** Posts twice, over one connection. */
function start(task: ClientTask): Run {
  const { posted, done, stop } = post(task, [body, body], false);
  const compare = async (): Promise<void> => {
    await done;
    for (const { answer } of await posted)
      if (answer !== body) throw new Error(`an answer of ${answer.length} bytes that is not what was sent`);
  };
  return { done: compare(), stop };
}

/** Posts twice, over two connections: to each there is one answer. What was refused it sends again by itself. */
function comeEarly(task: ClientTask, text: string): EarlyClientRun {
  const { posted, done, stop } = post(task, [hello, text], true);
  let word: EarlyWord;
  const compare = async (): Promise<void> => {
    await done;
    const both = await posted;
    for (const { answer } of both) if (answer !== hello) throw new Error(`its answer: ${JSON.stringify(answer)}`);
    const [first, second] = both.map(
      ({ early }): EarlyWord => (early === 0 ? 'none' : early > 0 ? 'accepted' : 'rejected'),
    );
    if (first !== 'none') throw new Error(`early data with the first connection: ${first}`);
    word = second;
  };
  return {
    done: compare(),
    stop,
    get word() {
      return word;
    },
  };
}
