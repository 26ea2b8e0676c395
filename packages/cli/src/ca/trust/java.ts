/**
 * Java's store of trusted roots, `cacerts`, by its own keytool: that of `JAVA_HOME`, else the one on the path.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asAdministrator, type Machine } from './machine.ts';
import type { Root, Store } from './store.ts';

/** Of every Java's, unless somebody has changed it: it keeps nothing secret. */
const password = 'changeit';

/** None where there is no keytool. */
export async function javaStore(machine: Machine): Promise<Store | undefined> {
  if (machine.platform !== 'linux') return undefined;
  const keytool = await keytoolOf(machine);
  if (keytool === undefined) return undefined;
  const change = (...args: readonly string[]): Promise<string | undefined> =>
    asAdministrator(machine, [keytool, ...args, '-noprompt', '-cacerts', '-storepass', password]);
  return {
    name: 'java',
    where: `${keytool} -cacerts`,
    async state(root) {
      const names = await namesIn(machine, keytool, root);
      if (names === undefined) return 'cannot tell';
      return names.length > 0 ? 'trusted' : 'not trusted';
    },
    async holds(root) {
      // Where nobody can look, the attempt tells why.
      const names = await namesIn(machine, keytool, root);
      return names === undefined || names.length > 0;
    },
    install: ({ nickname, file }) => change('-importcert', '-alias', nickname, '-file', file),
    async uninstall(root) {
      const names = (await namesIn(machine, keytool, root)) ?? [root.nickname];
      for (const name of names) {
        const failure = await change('-delete', '-alias', name);
        if (failure !== undefined) return failure;
      }
      return undefined;
    },
  };
}

async function keytoolOf(machine: Machine): Promise<string | undefined> {
  const own = machine.javaHome === undefined ? undefined : join(machine.javaHome, 'bin', 'keytool');
  const keytool = own !== undefined && existsSync(own) ? own : 'keytool';
  const { exitCode } = await machine.run(keytool, ['-help']);
  return exitCode === 0 ? keytool : undefined;
}

/**
 * What a root is called there. Debian takes the system's roots along under names of its own, and leaves them when the system's go.
 */
async function namesIn(
  machine: Machine,
  keytool: string,
  { certificate }: Root,
): Promise<readonly string[] | undefined> {
  const wanted = Buffer.from(certificate.raw).toString('base64');
  // In English, so that names are found.
  const args = ['-J-Duser.language=en', '-list', '-rfc', '-cacerts', '-storepass', password];
  const { exitCode, stdout } = await machine.run(keytool, args);
  if (exitCode !== 0) return undefined;
  return stdout
    .split(/^Alias name: /m)
    .slice(1)
    .filter((entry) => entry.replaceAll(/\s/g, '').includes(wanted))
    .map((entry) => entry.split(/\r?\n/, 1)[0] ?? '');
}
