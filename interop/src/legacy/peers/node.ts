/**
 * `node:tls`, in this very process: OpenSSL, at its security level 0, with pre-shared keys and DHE besides.
 *
 * @module
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import * as tls from 'node:tls';
import { firstLineOf } from '../../processes.ts';
import { isAnonymous, type LegacyCase, linesOf, serverKind, usesPreSharedKey, type VersionName } from '../cases.ts';
import { type Identities, type Identity, preShared } from '../identities.ts';
import { reversed } from '../ours.ts';
import type { LegacyPeer, PeerServer } from '../peer.ts';
import { dhParameters, suiteNames } from './openssl.ts';

/** OpenSSL's names of suites, by number: those that Node's own OpenSSL has as well. */
let names: ReadonlyMap<number, string> = new Map();

const secureVersions: Readonly<Record<Exclude<VersionName, 'SSL 3.0'>, tls.SecureVersion>> = {
  'TLS 1.3': 'TLSv1.3',
  'TLS 1.2': 'TLSv1.2',
  'TLS 1.1': 'TLSv1.1',
  'TLS 1.0': 'TLSv1',
};

export const node: LegacyPeer = {
  name: 'node',
  missing: 'Debian package openssl, which tells the names of suites',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
  least: 420,
  answers: 'reversed',
  fallback: ['server'],
  inspect: async () => {
    if (firstLineOf('openssl', 'version') === undefined) return undefined;
    names = new Map([...suiteNames()].filter(([, name]) => isKnown(name)));
    return {
      version: `Node ${process.version}, OpenSSL ${process.versions.openssl}`,
      has: ({ id }) => names.has(id),
    };
  },
  server,
  client,
  close: () => undefined,
};

/** `tls.getCiphers()` has only those that are on by default. */
function isKnown(name: string): boolean {
  try {
    tls.createSecureContext({ ciphers: `${name}:@SECLEVEL=0` });
    return true;
  } catch {
    return false;
  }
}

function contextOf({ lowest, highest, suite }: LegacyCase, own: Identity | undefined, identities: Identities): object {
  const secure = (version: VersionName): tls.SecureVersion | undefined =>
    version === 'SSL 3.0' ? undefined : secureVersions[version];
  return {
    minVersion: secure(lowest),
    maxVersion: secure(highest),
    ciphers: `${suite === undefined ? 'ALL' : names.get(suite.id)}:@SECLEVEL=0`,
    ca: readFileSync(identities.caFile),
    ...(own === undefined ? {} : { cert: readFileSync(own.certFile), key: readFileSync(own.keyFile) }),
  };
}

async function server(row: LegacyCase, identities: Identities): Promise<PeerServer> {
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined);
  const own = identities.server[serverKind(row)];
  const listener = tls.createServer(
    {
      ...contextOf(row, own, identities),
      dhparam: readFileSync(dhParameters(identities)),
      ...{ requestCert: row.clientKey !== undefined, rejectUnauthorized: row.clientKey !== undefined },
      ...(usesPreSharedKey(row)
        ? {
            pskCallback: (_socket: tls.TLSSocket, identity: string) =>
              identity === preShared.identity ? preShared.key : null,
          }
        : {}),
    },
    (socket) => {
      socket.on('error', done.reject);
      socket.on('close', () => done.resolve());
      createInterface({ input: socket }).on('line', (line) => socket.write(`${reversed(line)}\n`));
    },
  );
  listener.on('tlsClientError', done.reject);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    done: done.promise,
    words: () => '',
    stop: () => void listener.close(),
  };
}

async function client(row: LegacyCase, port: number, identities: Identities): Promise<void> {
  const own = row.clientKey === undefined ? undefined : identities.client[row.clientKey];
  const socket = tls.connect({
    ...contextOf(row, own, identities),
    ...{ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: !isAnonymous(row) },
    ...(usesPreSharedKey(row)
      ? {
          pskCallback: () => ({ identity: preShared.identity, psk: preShared.key }),
          checkServerIdentity: () => undefined,
        }
      : {}),
  });
  try {
    await once(socket, 'secureConnect');
    const suite = socket.getCipher().standardName;
    if (row.suite !== undefined && suite !== row.suite.name) throw new Error(`${suite} was agreed on`);
    const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
    for (const line of linesOf(row)) {
      socket.write(`${line}\n`);
      const answer = (await answers.next()).value;
      if (answer !== reversed(line)) throw new Error(`the answer was ${String(answer).slice(0, 60)}`);
    }
    socket.end();
    await once(socket, 'close');
  } finally {
    socket.destroy();
  }
}
