/**
 * Headless Chromium: a page in it posts to our server and compares the answer. It trusts the case's root as a person
 * would make it: in the NSS database of its (temporary) home.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromiumFlags, noQuic } from '../../../rig/chromium.ts';
import { axes12, type Case, type CaseAxes, gcmAndChaCha, rsaSchemes } from '../cases.ts';
import { answerWithWord, pageVerdict, serveHttp, wordsOfPage } from '../http.ts';
import { Command, firstLineOf } from '../processes.ts';
import type { Word } from '../words.ts';
import { withWords } from './openssl.ts';
import type { ClientTask, EarlyClientRun, EarlyWord, Peer, ReturningRun, Run } from './peer.ts';

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
    early: {
      alpn: 'http/1.1',
      browses: true,
      // The page's own request, and the one after it, go over the first two connections.
      says: 'GET /2 ',
      start: comeEarly,
      talk: (socket) => answerWithWord(socket, 'new').catch(() => undefined),
      lacks: {
        'client certificate': 'it asks the person before it',
        'to the limit': 'what it sends is a request of its own',
      },
    },
    // It always offers http/1.1 beside h2.
    ours: () => ({ serve: serveHttp, alpn: 'http/1.1', endsWithoutCloseNotify: true }),
  },
  extras: [{ id: 'loads the page of `handfast serve --http` under the development CA', start: visitServe }],
};

/** The command's own server, with the certificate that it makes, under the development CA. */
function visitServe(directory: string): Run {
  const server = startServe([], { XDG_DATA_HOME: join(directory, 'data') });
  let browser: Run | undefined;
  const talk = async (): Promise<void> => {
    const { url, developmentCa } = await server.listening;
    if (developmentCa === null) throw new Error('handfast serve made no certificate');
    browser = visit(url, developmentCa, 'X25519MLKEM768');
    await browser.done;
  };
  return {
    done: talk(),
    stop: () => {
      browser?.stop();
      server.stop();
    },
  };
}

/** `handfast serve --http`, as a process of its own. */
export interface Serve {
  readonly listening: Promise<{ readonly url: string; readonly developmentCa: string | null }>;
  /** How many connections have stood so far. */
  connections(): number;
  stop(): void;
}

export function startServe(args: readonly string[], env: Readonly<Record<string, string>> = {}): Serve {
  const main = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
  const server = new Command(
    process.execPath,
    ['--conditions=@handfast/source', main, 'serve', '0', '--http', '--json', ...args],
    env,
  );
  const listening = Promise.withResolvers<Awaited<Serve['listening']>>();
  let connections = 0;
  // Its standard output is the conversation's.
  createInterface({ input: server.child.stderr }).on('line', (line) => {
    if (line.startsWith('{"event":"listening"')) listening.resolve(JSON.parse(line));
    if (line.startsWith('{"event":"connected"')) connections++;
  });
  server.exit.then(
    (code) => listening.reject(new Error(`handfast serve ended with ${code}: ${server.stderr}`)),
    (error: unknown) => listening.reject(error),
  );
  listening.promise.catch(() => undefined);
  return { listening: listening.promise, connections: () => connections, stop: () => server.kill() };
}

/** Of resumption a browser tells nobody: its word is what the page holds, and that is what our server told it. */
function comeBack({ family, port }: ClientTask): ReturningRun {
  const words: Word[] = [];
  const run = visit(`https://localhost:${port}/`, family.caFile, 'id="words"', (page) => {
    words.push(...wordsOfPage(page));
  });
  return { ...run, words };
}

/** Early data is behind a feature's name; what became of it stands in Chromium's own log, once for each handshake. */
function comeEarly({ family, port }: ClientTask): EarlyClientRun {
  const log = `${family.caFile}.${port}.netlog`;
  let word: EarlyWord;
  const read = (): void => {
    word = earlyWordsOfChromium(readFileSync(log, 'utf8'))[2];
  };
  const more = ['--enable-features=EnableTLS13EarlyData', `--log-net-log=${log}`];
  const run = visit(`https://localhost:${port}/`, family.caFile, 'new, new, new, new', read, more);
  return {
    ...run,
    get word() {
      return word;
    },
  };
}

/** Of BoringSSL's ssl_early_data_reason_t those that a connection ends with here. */
const earlyReasons: Readonly<Record<string, EarlyWord>> = {
  2: 'accepted',
  // Declined; not known any more; HelloRetryRequest.
  4: 'rejected',
  6: 'rejected',
  8: 'rejected',
  // No session; one that early data does not go with.
  5: 'none',
  7: 'none',
};

export function earlyWordsOfChromium(log: string): readonly EarlyWord[] {
  return [...log.matchAll(/"early_data_reason":(\d+)/g)].map(([, reason = '']) => earlyReasons[reason]);
}

/** Loads a page, and wants to find `text` in it. */
function visit(
  url: string,
  caFile: string,
  text: string,
  then?: (page: string) => void,
  more: readonly string[] = [],
): Run {
  const { command, stop } = startBrowser(caFile, [...more, '--dump-dom', url]);
  let page = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    page += chunk.toString('utf8');
  });
  const talk = async (): Promise<void> => {
    const code = await command.exit;
    stop();
    if (code !== 0) throw new Error(`chromium ended with ${code}`);
    if (!page.includes(text)) throw new Error(`the page does not say ${text}: ${page.slice(-400)}`);
    then?.(page);
  };
  return { done: withWords(command, talk()), stop };
}

/** A browser that has never been anywhere, and trusts one root. */
export function startBrowser(
  caFile: string,
  args: readonly string[],
): { readonly command: Command; readonly stop: () => void } {
  const profile = mkdtempSync(`${caFile}.profile-`);
  const command = new Command(
    'chromium',
    [
      ...chromiumFlags,
      ...[noQuic, '--headless', '--disable-dev-shm-usage', '--no-proxy-server'],
      ...[`--user-data-dir=${profile}`, ...args],
    ],
    { HOME: homeThatTrusts(caFile) },
  );
  return {
    command,
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
