/**
 * `handfast view` as it is started by hand, programs whose connections it hears of, and a browser that looks at it.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRoot, issueServerCertificate, toPem } from '@handfast/x509';
import type { Browser, Page } from 'playwright-core';
import { type VisitorOptions, visitor } from '../browser.ts';
import { day } from '../stage.ts';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const node = [process.execPath, '--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'] as const;
const handfast = [...node, 'packages/cli/src/main.ts'] as const;
const registered = [...node, '--import', '@handfast/tls/register'] as const;
const app = fileURLToPath(new URL('live-app.ts', import.meta.url));

/** A program that speaks to the viewer's socket itself, and says what it likes. */
export interface Speaker {
  say(...lines: readonly object[]): Promise<void>;
  leave(): Promise<void>;
}

export interface Started {
  readonly process: ChildProcess;
  /** Of its output, as they come; of a server of ours, of what it tells beside its output. */
  readonly lines: AsyncIterator<string>;
  /** Resolves to its exit code. */
  readonly over: Promise<number | null>;
}

interface AppOptions {
  readonly times?: number;
  /** How many at a time. */
  readonly together?: number;
  readonly name?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface LiveStage {
  readonly page: Page;
  handfast(...args: readonly string[]): Started;
  /** `live-app.ts`, with what its connections are told of. */
  app(options?: AppOptions): Started;
  speaker(name: string, pid?: number): Promise<Speaker>;
  stopViewer(): Promise<void>;
  shot(name: string): Promise<void>;
}

interface OpenOptions extends VisitorOptions {
  /** From a static server, which knows nothing of connections. */
  readonly alone?: boolean;
}

export type OpenLive = (play: (stage: LiveStage) => Promise<void>, options?: OpenOptions) => Promise<void>;

/** @param origin of the static server */
export function liveOpener(browser: Browser, origin: string, file: (name: string) => string): OpenLive {
  return async (play, { alone = false, ...options } = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'handfast-live-'));
    const env = { HANDFAST_VIEW_SOCKET: join(folder, 'view.sock') };
    const started: Started[] = [];
    const run = (command: readonly string[], more: NodeJS.ProcessEnv = {}): Started => {
      const one = start(command, { ...env, ...more });
      started.push(one);
      return one;
    };
    await writeCertificates(folder);
    const viewer = run(
      process.env.STANDIN ? [...node, process.env.STANDIN] : [...handfast, 'view', '--no-open', '--json'],
    );
    const { page, context, violations, errors } = await visitor(browser, options);
    try {
      await page.goto(alone ? `${origin}#live` : await addressOf(viewer));
      await page.getByRole('heading', { name: 'Connections of this machine', level: 1 }).waitFor();
      await play({
        page,
        handfast: (...args) => run([...handfast, ...args]),
        app: ({ times = 1, together = 8, name = 'localhost', env: more } = {}) =>
          run([...registered, app, folder, `${times}`, name, `${together}`], more),
        speaker: (name, pid = 4711) => speaker(env.HANDFAST_VIEW_SOCKET, name, pid),
        stopViewer: async () => {
          viewer.process.kill('SIGINT');
          await viewer.over;
        },
        shot: async (name) => void (await page.screenshot({ path: file(name) })),
      });
      assert.deepEqual(errors, []);
      assert.deepEqual(violations, []);
    } finally {
      await context.close();
      for (const one of started) one.process.kill('SIGINT');
      await Promise.all(started.map(({ over }) => over));
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

async function addressOf({ lines }: Started): Promise<string> {
  const { value: said } = await lines.next();
  assert.ok(said !== undefined, 'the viewer has ended');
  return (JSON.parse(said) as { readonly url: string }).url;
}

function start([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Started {
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env } });
  const over = once(child, 'exit').then(([code]) => code as number | null);
  const said = args.includes('serve') ? child.stderr : child.stdout;
  if (said === child.stdout) child.stderr.pipe(process.stderr, { end: false });
  else child.stdout.resume();
  return { process: child, lines: createInterface(said)[Symbol.asyncIterator](), over };
}

async function writeCertificates(folder: string): Promise<void> {
  const life = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const { signer } = await provider.generateKeyPair('secp256r1');
  const ca = await issueRoot({ provider, subject: { commonName: 'Live root' }, signer, ...life });
  const { signer: own, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const leaf = await issueServerCertificate({
    ...{ provider, issuer: { certificate: ca, signer }, subject: { commonName: 'localhost' }, names: ['localhost'] },
    ...{ publicKey: own.publicKey, ...life },
  });
  writeFileSync(join(folder, 'ca.pem'), toPem('CERTIFICATE', ca.raw));
  writeFileSync(join(folder, 'server.pem'), toPem('CERTIFICATE', leaf.raw));
  writeFileSync(join(folder, 'server-key.pem'), toPem('PRIVATE KEY', pkcs8));
}

async function speaker(path: string, name: string, pid: number): Promise<Speaker> {
  const socket = connect(path);
  await once(socket, 'connect');
  const say = async (...lines: readonly object[]): Promise<void> => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await new Promise<void>((written) => socket.write(text, () => written()));
  };
  await say({ live: 1, program: name, pid });
  return {
    say,
    leave: async () => {
      socket.end();
      await once(socket.resume(), 'close');
    },
  };
}
