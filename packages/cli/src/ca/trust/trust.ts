/**
 * `handfast ca trust status`, `install` and `uninstall`: this machine trusts the CA's root, or no longer does.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { fingerprintOf } from '@handfast/x509';
import { type ExitCode, exitCodes, usageError } from '../../exit.ts';
import { colorsFor, type Io } from '../../io.ts';
import { defaultPort } from '../choices.ts';
import { caDirectory, type FolderOptions, readPublic } from '../folder.ts';
import { inWords } from '../open.ts';
import { type OutputChoice, printJson, printLines } from '../output.ts';
import { type Machine, thisMachine } from './machine.ts';
import { type Snippet, snippets } from './snippets.ts';
import { type FoundStores, findStores, type Root, type Store, type TrustState } from './stores.ts';

export interface TrustOptions extends FolderOptions, OutputChoice {}

export type TrustAction = 'status' | 'install' | 'uninstall';

interface StoreReport {
  readonly store: Store;
  readonly state: TrustState;
  /** What an action met with. */
  readonly failure: string | undefined;
}

interface RootReport {
  readonly root: Root;
  readonly reports: readonly StoreReport[];
}

/** Exits with 1 where a store does not end as it was asked to; `status`: where one does not trust the root. */
export async function trust(
  action: TrustAction,
  options: TrustOptions,
  io: Io,
  machine: Machine = thisMachine(io),
): Promise<ExitCode> {
  if ((io.env.SUDO_USER ?? '') !== '' && options.dir === undefined) {
    throw usageError('the CA and the browsers are yours, not root’s', 'run it without sudo: it asks sudo by itself');
  }
  const directory = caDirectory(options, io);
  return inWords(directory, async () => {
    const { roots, url } = rootsIn(directory);
    const found = await findStores(machine);
    const all: RootReport[] = [];
    for (const root of roots) {
      const reports: StoreReport[] = [];
      for (const store of found.stores) reports.push(await act(action, store, root));
      all.push({ root, reports });
    }
    const { file, nickname } = roots[0];
    tell(action, all, snippets(file, nickname, url), found, options, io);
    const wanted: TrustState = action === 'uninstall' ? 'not trusted' : 'trusted';
    return all.every(({ reports }) => reports.every(({ state }) => state === wanted)) ? exitCodes.ok : exitCodes.failed;
  });
}

/** The newest first; behind it the one before, as long as it is there. */
function rootsIn(directory: string): { readonly roots: readonly [Root, ...Root[]]; readonly url: string } {
  const { config, roots } = readPublic(directory);
  const host = config.baseUrl === undefined ? 'localhost' : new URL(config.baseUrl).hostname;
  const [newest, ...others] = roots.map(({ file, certificate }) => {
    const digest = toHex(provider.digest('sha256', certificate.raw));
    return { file, certificate, nickname: `handfast-${digest.slice(0, 16)}` };
  });
  if (newest === undefined) throw new Error('a CA without a root');
  return { roots: [newest, ...others], url: `https://${host}:${defaultPort}` };
}

/** What is as it is asked for is left alone. */
async function act(action: TrustAction, store: Store, root: Root): Promise<StoreReport> {
  const before = await store.state(root);
  const done = action === 'status' || (action === 'install' ? before === 'trusted' : !(await store.holds(root)));
  if (done) return { store, state: before, failure: undefined };
  const failure = action === 'install' ? await store.install(root) : await store.uninstall(root);
  return { store, state: await store.state(root), failure };
}

function tell(
  action: TrustAction,
  roots: readonly RootReport[],
  all: readonly Snippet[],
  { missing }: FoundStores,
  options: TrustOptions,
  io: Io,
): void {
  const inSystem = roots.every(({ reports }) =>
    reports.some(({ store, state }) => store.name === 'system' && state === 'trusted'),
  );
  const wanted = all.filter(({ readsSystem }) => !(readsSystem && inSystem));
  if (options.json === true) {
    const [newest = {}, previous] = roots.map((root) => rootJson(root, missing));
    printJson(
      {
        ...newest,
        ...(previous !== undefined && { previous }),
        snippets: wanted.map(({ name, lines }) => ({ for: name, lines })),
      },
      io,
    );
    return;
  }
  const { yellow } = colorsFor(io.stdout, io.env, options.color ?? true);
  const lines = roots.flatMap((root, at) => [...(at === 0 ? [] : ['']), ...rootLines(root, at, options, io)]);
  for (const { name, why, hint } of missing) lines.push(`  ${yellow('?')} ${name.padEnd(9)} ${why}: ${hint}`);
  if (action !== 'uninstall') lines.push('', ...snippetLines(wanted, inSystem));
  printLines(lines, io);
}

function rootJson({ root, reports }: RootReport, missing: FoundStores['missing']): object {
  return {
    root: { file: root.file, sha256: fingerprintOf(provider, root.certificate) },
    stores: [
      ...reports.map(({ store, state, failure = null }) => ({ store: store.name, where: store.where, state, failure })),
      ...missing.map(({ name, why }) => ({ store: name, where: null, state: 'cannot tell', failure: why })),
    ],
  };
}

function rootLines({ root, reports }: RootReport, at: number, options: TrustOptions, io: Io): readonly string[] {
  const { bold, green, red, dim } = colorsFor(io.stdout, io.env, options.color ?? true);
  const name = bold(root.certificate.subject.commonName ?? 'The root');
  const lines = [at === 0 ? name : `${name}, the root before: until handfast ca rotate says that nobody needs it`];
  lines.push(`  SHA-256 ${fingerprintOf(provider, root.certificate)}`, '');
  for (const { store, state, failure } of reports) {
    const good = state === 'trusted';
    lines.push(`  ${good ? green('✓') : red('✗')} ${store.name.padEnd(9)} ${state.padEnd(12)} ${dim(store.where)}`);
    if (failure !== undefined) lines.push(`    ${failure}`);
  }
  return lines;
}

function snippetLines(wanted: readonly Snippet[], inSystem: boolean): readonly string[] {
  return [
    inSystem ? 'What does not read the system’s store is told by hand:' : 'What to tell other programs:',
    ...wanted.flatMap(({ name, lines }) => lines.map((line, at) => `  ${(at === 0 ? name : '').padEnd(10)} ${line}`)),
  ];
}
