/**
 * Headless Chromium: a page in it posts to our server and compares the answer. It trusts the case's root as a person
 * would make it: in the NSS database of its (temporary) home.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { axes12, type Case, type CaseAxes, gcmAndChaCha, rsaSchemes } from '../cases.ts';
import { answerWithWord, pageVerdict, serveHttp, wordsOfPage } from '../http.ts';
import { Command, firstLineOf } from '../processes.ts';
import type { Word } from '../words.ts';
import { withWords } from './openssl.ts';
import type { ClientTask, Peer, ReturningRun, Run } from './peer.ts';

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: gcmAndChaCha,
  group: ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1'],
  scheme: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', ...rsaSchemes],
  // Asked for a certificate it asks the person before it, and there is none.
  clientCertificate: ['none'],
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};

/** A browser takes seconds to start: of each kind of signature, one. */
const ofChromium12: CaseAxes = {
  ...axes12,
  group: ['x25519', 'secp256r1', 'secp384r1'],
  scheme: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'],
  clientCertificate: ['none'],
};

/** Its first hello shares these two; for any other group it is asked again. */
const shared = new Set(['X25519MLKEM768', 'x25519']);

export const chromium: Peer = {
  name: 'chromium',
  oneAtATime: true,
  missing: 'Debian packages chromium and libnss3-tools (for certutil)',
  version: () => (certutilIsThere() ? firstLineOf('chromium', '--version', '--no-sandbox') : undefined),
  client: {
    axes: [axes, ofChromium12],
    allowed: ({ version, group, retry }: Case) => version !== 'TLS 1.3' || (retry === 'no') === shared.has(group),
    start: ({ family, port }: ClientTask) => visit(`https://localhost:${port}/`, family.caFile, pageVerdict),
    untrustedAlert: 'certificate_unknown',
    returning: {
      visits: 4,
      // It may open a second one at once, to use it later.
      spare: 1,
      byIdentifier: false,
      start: comeBack,
      talk: (socket, resumed) => answerWithWord(socket, resumed ? 'resumed' : 'new'),
    },
    // It always offers http/1.1 beside h2.
    ours: () => ({ serve: serveHttp, alpn: 'http/1.1', endsWithoutCloseNotify: true }),
  },
  extras: [{ id: 'loads the page of `handfast serve --http` under the development CA', start: visitServe }],
};

/** The command's own server, with the certificate that it makes, under the development CA. */
function visitServe(directory: string): Run {
  const main = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
  const server = new Command(
    process.execPath,
    ['--conditions=@handfast/source', main, 'serve', '0', '--http', '--json'],
    { XDG_DATA_HOME: join(directory, 'data') },
  );
  let said = '';
  const announced = Promise.withResolvers<{ readonly url: string; readonly developmentCa: string }>();
  // Its standard output is the conversation's.
  server.child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
    const line = said.split('\n').find((text) => text.startsWith('{"event":"listening"') && text.endsWith('}'));
    if (line !== undefined) announced.resolve(JSON.parse(line));
  });
  server.exit.then(
    (code) => announced.reject(new Error(`handfast serve ended with ${code}: ${server.stderr}`)),
    (error: unknown) => announced.reject(error),
  );
  let browser: Run | undefined;
  const talk = async (): Promise<void> => {
    const { url, developmentCa } = await announced.promise;
    browser = visit(url, developmentCa, 'X25519MLKEM768');
    await browser.done;
  };
  return {
    done: talk(),
    stop: () => {
      browser?.stop();
      server.kill();
    },
  };
}

/** Of resumption a browser tells nobody: its word is what the page holds, and that is what our server told it. */
function comeBack({ family, port }: ClientTask): ReturningRun {
  const words: Word[] = [];
  const run = visit(`https://localhost:${port}/`, family.caFile, 'id="words"', (page) => {
    words.push(...wordsOfPage(page));
  });
  return { ...run, words };
}

/** Loads a page, and wants to find `text` in it. */
function visit(url: string, caFile: string, text: string, then?: (page: string) => void): Run {
  const profile = mkdtempSync(`${caFile}.profile-`);
  const command = new Command(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server'],
      ...[`--user-data-dir=${profile}`, '--dump-dom', url],
    ],
    { HOME: homeThatTrusts(caFile) },
  );
  let page = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    page += chunk.toString('utf8');
  });
  const talk = async (): Promise<void> => {
    const code = await command.exit;
    rmSync(profile, { recursive: true, force: true });
    if (code !== 0) throw new Error(`chromium ended with ${code}`);
    if (!page.includes(text)) throw new Error(`the page does not say ${text}: ${page.slice(-400)}`);
    then?.(page);
  };
  return {
    done: withWords(command, talk()),
    stop: () => {
      command.kill();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const homes = new Map<string, string>();

/** A home with a trust store that holds one root; made once per root, beside its file. */
function homeThatTrusts(caFile: string): string {
  const known = homes.get(caFile);
  if (known !== undefined) return known;
  const home = `${caFile}.home`;
  const database = join(home, '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  execFileSync('certutil', ['-N', '--empty-password', '-d', `sql:${database}`]);
  execFileSync('certutil', ['-A', '-d', `sql:${database}`, '-n', 'interop', '-t', 'C,,', '-i', caFile]);
  homes.set(caFile, home);
  return home;
}

function certutilIsThere(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v certutil'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
