/**
 * A site: a network of its own with a CA, a domain name system and one machine, which is the client's. The client's programs run in
 * namespaces of theirs: their ports 53, 80 and 443 are the real ones, `test` is resolved for them by the site's own servers, and what
 * they trust is the CA's root and nothing else. The machine's own files are covered, not changed.
 *
 *     10.77.N.1   ca.test, in the world's namespace         10.77.N.2   the client's machine: app.test and all below
 *     10.77.N.53  Unbound, the recursive resolver of both   10.77.N.54  NSD, authoritative for `test`
 *
 * @module
 */

import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Running } from '../../../../programs/src/processes.ts';
import { type Dns, startDns } from './dns.ts';
import { type CommandOptions, runHere } from './processes.ts';

export interface Addresses {
  readonly ca: string;
  readonly client: string;
  readonly resolver: string;
  readonly authoritative: string;
}

export interface Site extends AsyncDisposable {
  readonly addresses: Addresses;
  /** Gone with the site. */
  readonly folder: string;
  readonly dns: Dns;
  /** What the client's machine trusts from now on. PEM. */
  trust(root: string): Promise<void>;
  /** The file of what it trusts, for programs that bring a list of their own. */
  readonly trustFile: string;
  /** Runs a command on the client's machine, to its end: what it printed. */
  run(file: string, args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Starts a program on the client's machine. */
  start(file: string, args: readonly string[], options?: CommandOptions): Running;
}

let count = 0;

export async function openSite(): Promise<Site> {
  const number = ++count;
  const addresses = {
    ca: `10.77.${number}.1`,
    client: `10.77.${number}.2`,
    resolver: `10.77.${number}.53`,
    authoritative: `10.77.${number}.54`,
  };
  const folder = await mkdtemp(join(tmpdir(), 'handfast-acme-'));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));

  const covers = await coversIn(folder, addresses);
  const machine = undo.adopt(await openMachine(covers), (one) => one.stop('SIGKILL'));
  const pid = String(machine.child.pid);
  const within = ['--target', pid, '--net', '--mount', '--wd=/', '--'];
  await connect(number, pid, addresses, (args) => runHere('nsenter', [...within, 'ip', ...args]));
  const dns = undo.use(await startDns(join(folder, 'dns'), addresses));
  const trustFile = join(folder, 'trust', 'ca-certificates.crt');
  const owned = undo.move();
  return {
    addresses,
    folder,
    dns,
    trustFile,
    async trust(root) {
      await writeFile(trustFile, root);
      await runHere('openssl', ['rehash', join(folder, 'trust')]);
    },
    run: (file, args, options) => runHere('nsenter', [...within, file, ...args], { ...options, env: home(options) }),
    start: (file, args, options) =>
      new Running('nsenter', [...within, file, ...args], { ...options, env: home(options) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  /** Nothing is kept in the home of who runs the tests. */
  function home(options: CommandOptions = {}): Readonly<Record<string, string>> {
    return {
      HOME: folder,
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      ...options.env,
    };
  }
}

/** What stands on the client's machine in place of the real one's files. */
async function coversIn(folder: string, { resolver, client, ca }: Addresses): Promise<ReadonlyMap<string, string>> {
  const trust = join(folder, 'trust');
  const hosts = join(folder, 'hosts');
  const resolvers = join(folder, 'resolv.conf');
  await mkdir(trust);
  // The CA is reached even where the name servers are stopped.
  await writeFile(hosts, `127.0.0.1 localhost\n${client} machine\n${ca} ca.test\n`);
  await writeFile(resolvers, `nameserver ${resolver}\noptions timeout:5 attempts:2\n`);
  return new Map([
    [hosts, '/etc/hosts'],
    [resolvers, '/etc/resolv.conf'],
    [trust, '/etc/ssl/certs'],
  ]);
}

/** The process that keeps the client's namespaces open. */
async function openMachine(covers: ReadonlyMap<string, string>): Promise<Running> {
  const mounts = [...covers].map(([file, over]) => `mount --bind '${file}' '${over}'`);
  const script = ['set -e', ...mounts, 'echo ready', 'exec sleep infinity'].join('\n');
  const ready = Promise.withResolvers<void>();
  const args = ['--net', '--mount', '--propagation=private', '--', 'sh', '-c', script];
  const machine = new Running('unshare', args, { line: () => ready.resolve() });
  await Promise.race([ready.promise, once(machine.child, 'close')]);
  if (machine.ended) throw new Error(`the client's namespaces cannot be made: ${machine.words}`);
  return machine;
}

async function connect(
  number: number,
  pid: string,
  { ca, client, resolver, authoritative }: Addresses,
  inside: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const link = `site${number}`;
  await runHere('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid]);
  for (const address of [ca, resolver, authoritative]) {
    await runHere('ip', ['address', 'add', `${address}/24`, 'dev', link]);
  }
  await runHere('ip', ['link', 'set', link, 'up']);
  await inside(['link', 'set', 'lo', 'up']);
  await inside(['address', 'add', `${client}/24`, 'dev', 'eth0']);
  await inside(['link', 'set', 'eth0', 'up']);
}
