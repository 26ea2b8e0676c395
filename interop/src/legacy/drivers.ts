/**
 * Peers that are programs of ours over somebody's library: one JSON command per line in, events out, as
 * `interop/src/processes.ts` has it. A server serves one connection on a port of its own, turns lines around, and ends with
 * close_notify after the client did.
 *
 * The command's members are flat:
 *
 * | member | what |
 * |---|---|
 * | `role` | `server` or `client` |
 * | `port` | the client's |
 * | `lowest`, `highest` | wire numbers of versions |
 * | `suite`, `suiteId` | IANA's name and number; absent: all |
 * | `ca`, `cert`, `key` | files in PEM; a client without a certificate has no `cert` |
 * | `askCertificate` | of the server |
 * | `dh` | the server's Diffie-Hellman parameters, a file in PEM; for those that have none of their own |
 * | `anonymous` | nobody has a certificate |
 * | `plain` | neither encrypt-then-MAC nor the extended master secret |
 * | `psk`, `identity` | a pre-shared key, in hexadecimal, and its name |
 * | `fallback` | TLS_FALLBACK_SCSV |
 * | `lines` | what the client says |
 *
 * @module
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Driver } from '../processes.ts';
import { isAnonymous, type LegacyCase, linesOf, serverKind, usesPreSharedKey, versionNamed } from './cases.ts';
import { type Identities, preShared } from './identities.ts';
import type { LegacyPeer, PeerServer } from './peer.ts';

const run = promisify(execFile);

/**
 * Starts a program when the first case wants it, and speaks with it.
 * @param ofServers what only this program's servers are told.
 */
export function drivenBy(
  start: () => Driver,
  ofServers: (identities: Identities) => object = () => ({}),
): Pick<LegacyPeer, 'server' | 'client' | 'answers' | 'close'> {
  let driver: Driver | undefined;
  const started = (): Driver => {
    driver ??= start();
    return driver;
  };
  return {
    answers: 'reversed',
    async server(row, identities): Promise<PeerServer> {
      const { certFile, keyFile } = identities.server[serverKind(row)];
      const task = started().run({
        ...{ role: 'server', cert: certFile, key: keyFile, askCertificate: row.clientKey !== undefined },
        ...ofServers(identities),
        ...commonOf(row, identities),
      });
      const port = await task.listening;
      return { port, done: task.done, words: () => '', stop: task.stop };
    },
    async client(row, port, identities): Promise<void> {
      const identity = row.clientKey === undefined ? undefined : identities.client[row.clientKey];
      const task = started().run({
        ...{ role: 'client', port, lines: linesOf(row), fallback: row.fallback ?? false },
        ...(identity === undefined ? {} : { cert: identity.certFile, key: identity.keyFile }),
        ...commonOf(row, identities),
      });
      await task.done;
    },
    close: () => driver?.close(),
  };
}

function commonOf(row: LegacyCase, { caFile }: Identities): object {
  const { suite, lowest, highest, plain = false } = row;
  return {
    ...{ ca: caFile, lowest: versionNamed(lowest).id, highest: versionNamed(highest).id, plain },
    anonymous: isAnonymous(row),
    ...(suite === undefined ? {} : { suite: suite.name, suiteId: suite.id }),
    ...(usesPreSharedKey(row) ? { psk: preShared.key.toString('hex'), identity: preShared.identity } : {}),
  };
}

/** What a program prints about itself: its version, then a line for each suite; undefined where it does not run. */
export async function inspected(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly version: string; readonly suites: ReadonlySet<string> } | undefined> {
  try {
    const { stdout } = await run(file, args, { env: { ...process.env, ...env }, timeout: 60_000 });
    const [version, ...suites] = stdout.split('\n').map((line) => line.trim());
    return version ? { version, suites: new Set(suites) } : undefined;
  } catch (error) {
    process.stderr.write(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}
