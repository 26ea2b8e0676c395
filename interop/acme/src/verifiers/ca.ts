/**
 * A CA that is made and served by the command, as its operator does it; with it a server's certificate and a client's that are good,
 * and one of each that is revoked.
 *
 * @module
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Running } from '../../../../programs/src/processes.ts';
import { runHere } from '../world/processes.ts';
import type { Site } from '../world/site.ts';

export type Standing = 'good' | 'revoked';

/** Files, PEM. */
export interface Credential {
  /** With the intermediate behind it. */
  readonly chain: string;
  readonly key: string;
}

export interface CommandCa extends AsyncDisposable {
  readonly site: Site;
  readonly root: string;
  readonly intermediate: string;
  /** Both, for who believes a list of no issuer that it does not trust. */
  readonly issuers: string;
  /** What `handfast ca crl export` wrote. */
  readonly crls: string;
  readonly ocspUrl: string;
  /** For `good.app.test` and `good.ca.test`; `revoked.…` */
  readonly server: Readonly<Record<Standing, Credential>>;
  readonly client: Readonly<Record<Standing, Credential>>;
  /** The OCSP responder's answer, DER, which `openssl ocsp` asked for and verified. */
  readonly ocspAnswer: Readonly<Record<Standing, string>>;
  /** Runs `handfast ca …` on its folder. */
  handfast(...args: readonly string[]): Promise<string>;
  /** Where that puts its files. */
  readonly folder: string;
  /** What `handfast ca serve` said. */
  words(): string;
}

const main = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url));
const patienceMs = 30_000;

export async function startCommandCa(site: Site): Promise<CommandCa> {
  await using undo = new AsyncDisposableStack();
  const top = join(site.folder, 'ca');
  const folder = join(top, 'ca');
  await mkdir(top);
  const node = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning', main, 'ca'];
  const handfast = (...args: readonly string[]): Promise<string> =>
    runHere(process.execPath, [...node, ...args, '--dir', folder], { cwd: top });

  const lasting = [
    '--base-url',
    'http://ca.test',
    '--ocsp',
    '--root-key',
    join(top, 'root-key.pem'),
    '--no-passphrase',
  ];
  await handfast('init', '--allow', 'test', ...lasting);
  const listen = ['--host', site.addresses.ca, '--port', '443', '--http-port', '80'];
  const served = undo.adopt(
    new Running(process.execPath, [...node, 'serve', ...listen, '--dir', folder], { cwd: top, line: () => undefined }),
    (running) => running.stop(),
  );
  await answering(site.addresses.ca, 80, served);
  await handfast('issue', 'good.ca.test', 'good.app.test');
  await handfast('issue', 'revoked.ca.test', 'revoked.app.test');
  await handfast('issue', 'good', '--client');
  await handfast('issue', 'revoked', '--client');
  const files = (name: string): Credential => ({ chain: join(top, `${name}.pem`), key: join(top, `${name}-key.pem`) });
  const server = { good: files('good.ca.test'), revoked: files('revoked.ca.test') };
  const client = { good: files('good'), revoked: files('revoked') };
  for (const { chain } of [server.revoked, client.revoked]) {
    await handfast('revoke', chain, '--reason', 'superseded');
  }
  const crls = join(top, 'crls.pem');
  await handfast('crl', 'export', '--out', crls);
  const root = join(folder, 'root.pem');
  const intermediate = join(top, 'intermediate.pem');
  await writeFile(intermediate, await runHere('openssl', ['x509', '-in', join(folder, 'intermediate.pem')]));
  const issuers = join(top, 'issuers.pem');
  await writeFile(issuers, (await readFile(root, 'utf8')) + (await readFile(intermediate, 'utf8')));
  const ocspUrl = (await runHere('openssl', ['x509', '-in', server.good.chain, '-noout', '-ocsp_uri'])).trim();
  const owned = undo.move();
  return {
    site,
    root,
    intermediate,
    issuers,
    crls,
    ocspUrl,
    server,
    client,
    ocspAnswer: { good: join(top, 'good.ocsp'), revoked: join(top, 'revoked.ocsp') },
    handfast,
    folder: top,
    words: () => served.words,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Until somebody listens there. */
export async function answering(host: string, port: number, server: Running): Promise<void> {
  for (const since = performance.now(); performance.now() - since < patienceMs; await delay(50)) {
    if (server.ended) throw new Error(`it ended before it listened: ${server.words}`);
    const listens = await new Promise<boolean>((resolve) => {
      const socket = connect(port, host, () => resolve(true)).on('error', () => resolve(false));
      socket.on('close', () => undefined).unref();
    });
    if (listens) return;
  }
  throw new Error(`it does not listen at ${port} after ${patienceMs / 1000} s: ${server.words}`);
}
