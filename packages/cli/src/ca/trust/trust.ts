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
import type { Root, Store, TrustState } from './store.ts';
import { type FoundStores, findStores } from './stores.ts';

export interface TrustOptions extends FolderOptions, OutputChoice {
  /** `uninstall`: of roots that were dropped alone. */
  readonly former?: boolean;
}

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

interface Roots<R> {
  /** The newest; behind it the one before, as long as it is there. */
  readonly current: readonly R[];
  /** Those that were dropped, and that somebody trusts still. */
  readonly former: readonly R[];
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
    const { newest, current, former, url } = rootsIn(directory);
    const found = await findStores(machine);
    const { former: formerOnly = false } = options;
    const reports: Roots<RootReport> = {
      current: await actOnAll(formerOnly ? 'status' : action, current, found),
      former: await actOnAll(action === 'uninstall' ? action : 'status', await heldOf(former, found), found),
    };
    tell(action, reports, snippets(newest.file, newest.nickname, url), found, options, io);
    return endedAs(action, formerOnly ? { ...reports, current: [] } : reports) ? exitCodes.ok : exitCodes.failed;
  });
}

/** Former roots are to be trusted by nobody; who only looks, or installs, has not asked for them. */
function endedAs(action: TrustAction, { current, former }: Roots<RootReport>): boolean {
  const wanted: TrustState = action === 'uninstall' ? 'not trusted' : 'trusted';
  const asked = action === 'uninstall' ? [...current, ...former] : current;
  return asked.every(({ reports }) => reports.every(({ state }) => state === wanted));
}

function rootsIn(directory: string): Roots<Root> & { readonly newest: Root; readonly url: string } {
  const { config, roots, formerRoots } = readPublic(directory);
  const host = config.baseUrl === undefined ? 'localhost' : new URL(config.baseUrl).hostname;
  const current = roots.map(named);
  const [newest] = current;
  if (newest === undefined) throw new Error('a CA without a root');
  return { newest, current, former: formerRoots.map(named), url: `https://${host}:${defaultPort}` };
}

function named({ file, certificate }: Omit<Root, 'nickname'>): Root {
  const digest = toHex(provider.digest('sha256', certificate.raw));
  return { file, certificate, nickname: `handfast-${digest.slice(0, 16)}` };
}

async function heldOf(roots: readonly Root[], { stores }: FoundStores): Promise<readonly Root[]> {
  const held: Root[] = [];
  for (const root of roots) {
    for (const store of stores) {
      if (held.at(-1) !== root && (await store.holds(root))) held.push(root);
    }
  }
  return held;
}

/** One after the other: each may ask at the terminal. */
async function actOnAll(
  action: TrustAction,
  roots: readonly Root[],
  { stores }: FoundStores,
): Promise<readonly RootReport[]> {
  const all: RootReport[] = [];
  for (const root of roots) {
    const reports: StoreReport[] = [];
    for (const store of stores) reports.push(await act(action, store, root));
    all.push({ root, reports });
  }
  return all;
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
  { current, former }: Roots<RootReport>,
  all: readonly Snippet[],
  { stores, missing }: FoundStores,
  options: TrustOptions,
  io: Io,
): void {
  const inSystem = current.every(({ reports }) =>
    reports.some(({ store, state }) => store.name === 'system' && state === 'trusted'),
  );
  const wanted = all.filter(
    ({ readsSystem, store }) => !(readsSystem && inSystem) && !stores.some(({ name }) => name === store),
  );
  if (options.json === true) {
    const [newest = {}, previous] = current.map((root) => rootJson(root, missing));
    printJson(
      {
        ...newest,
        ...(previous !== undefined && { previous }),
        ...(former.length > 0 && { former: former.map((root) => rootJson(root, missing)) }),
        ...(action !== 'uninstall' && { snippets: wanted.map(({ name, lines }) => ({ for: name, lines })) }),
      },
      io,
    );
    return;
  }
  const { yellow } = colorsFor(io.stdout, io.env, options.color ?? true);
  const notes = [
    '',
    ...current.slice(1).map(() => ', the root before: until handfast ca rotate says that nobody needs it'),
    ...former.map(
      () => `, a former root${action === 'uninstall' ? '' : ': handfast ca trust uninstall --former takes it away'}`,
    ),
  ];
  const lines = [...current, ...former].flatMap((root, at) => [
    ...(at === 0 ? [] : ['']),
    ...rootLines(root, notes[at] ?? '', options, io),
  ]);
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

function rootLines({ root, reports }: RootReport, note: string, options: TrustOptions, io: Io): readonly string[] {
  const { bold, green, red, dim } = colorsFor(io.stdout, io.env, options.color ?? true);
  const lines = [`${bold(root.certificate.subject.commonName ?? 'The root')}${note}`];
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
