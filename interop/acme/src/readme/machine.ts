/**
 * A newcomer's machine: namespaces for network and mounts, in which he has an empty home with a clone in it, sudo without a password,
 * and nobody but himself on the network. `/etc` and the folder for roots are copies in memory: what is done to them is gone with the
 * machine.
 *
 * @module
 */

import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, Running } from '../../../../programs/src/processes.ts';
import { runHere } from '../world/processes.ts';

export interface Machine extends AsyncDisposable {
  /** Runs a command to its end, as the newcomer: what it printed. */
  run(file: string, ...args: readonly string[]): Promise<string>;
  /** Pastes lines into a terminal at the top of the clone. They end where one fails. */
  paste(lines: string): Promise<Pasted>;
}

/** What goes on in a terminal. */
export interface Pasted {
  /** Of the last line, or of the first that failed; undefined while they run. What they left in the background goes on. */
  exitCode(): number | string | undefined;
  /** All that was printed so far. */
  output(): Promise<string>;
}

const user = 'newcomer';
const home = `/home/${user}`;
const clone = `${home}/handfast`;
const roots = '/usr/local/share/ca-certificates';
const repository = fileURLToPath(new URL('../../../../', import.meta.url));

const script = `set -e
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /mnt
cp -a /etc '${roots}' /mnt
mkdir -p '/mnt${clone}'
mount --rbind '${repository}' '/mnt${clone}'
mount --bind /mnt/etc /etc
mount --bind '/mnt/ca-certificates' '${roots}'
mount --rbind /mnt/home /home
useradd --no-log-init --no-create-home --home-dir '${home}' '${user}'
chown '${user}' '${home}'
echo '${user} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/${user}
echo ready
exec sleep infinity`;

export async function openMachine(): Promise<Machine> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'handfast-readme-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const namespaces = ['--net', '--mount', '--propagation=private'];
  const machine = undo.adopt(
    new Running('unshare', [...namespaces, '--', 'sh', '-c', script], { line: () => resolve() }),
    (one) => one.stop('SIGKILL'),
  );
  await Promise.race([ready, once(machine.child, 'close')]);
  if (machine.ended) throw new Error(`the newcomer's machine cannot be made: ${machine.words}`);

  const begin = [
    ...['--target', String(machine.child.pid), '--net', '--mount', '--wd=/', '--'],
    ...['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--'],
    ...['env', '-i', '-C', clone, `HOME=${home}`, `USER=${user}`, `PATH=${await path()}`, 'LANG=C.UTF-8', 'TERM=dumb'],
  ];
  let count = 0;
  const owned = undo.move();
  return {
    run: (file, ...args) => runHere('nsenter', [...begin, file, ...args]),
    async paste(lines) {
      const printed = join(folder, `${++count}.log`);
      await writeFile(printed, '');
      // Opened before the shell is the newcomer's, who may not look into this folder.
      const args = ['-c', 'exec "$@" >"$0" 2>&1', printed, 'nsenter', ...begin, 'bash', '-ec', lines];
      // What it left in the background is of its group.
      const shell = owned.adopt(new Running('sh', args), (one) => one.kill());
      let code: number | string | undefined;
      shell.exit.then(
        (ended) => {
          code = ended;
        },
        (error: unknown) => {
          code = String(error);
        },
      );
      return { exitCode: () => code, output: () => readFile(printed, 'utf8') };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The usual one, and where npx is. */
async function path(): Promise<string> {
  const usual = ['/usr/local/bin', '/usr/bin', '/bin'];
  const own = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const npx = output('env', `PATH=${own.join(delimiter)}`, 'sh', '-c', 'command -v npx');
  return [...new Set([...(npx === undefined ? [] : [dirname(npx)]), ...usual])].join(delimiter);
}
