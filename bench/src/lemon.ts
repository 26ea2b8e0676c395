/**
 * lemon-tls behind the face of the contenders: its `TLSSocket` over sockets of ours to set, because its `connect` and
 * `createServer` pass on neither `noDelay` nor, the former, the suite.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import * as net from 'node:net';
import { createSecureContext, TLSSocket, type TLSSocketOptions } from 'lemon-tls';
import { type Attempt, attempt, type Contender } from './contenders.ts';
import { type Identity, serverName } from './identity.ts';
import type { Setting } from './settings.ts';

/** IANA's numbers of what it knows, by our names. */
const suiteIds = new Map([
  ['TLS_AES_128_GCM_SHA256', 0x1301],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 0xc02b],
]);
const groupIds = new Map([
  ['x25519', 0x001d],
  ['secp256r1', 0x0017],
]);

function idOf(ids: ReadonlyMap<string, number>, name: string): number {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`it has no ${name}`);
  return id;
}

export function lemon({ version, suite, groups, openssl }: Setting, { ca, cert, key }: Identity): Contender {
  const common: TLSSocketOptions = {
    minVersion: version,
    maxVersion: version,
    groups: groups.map((group) => idOf(groupIds, group)),
    allowedCipherSuites: [idOf(suiteIds, suite)],
  };
  const context = createSecureContext({ cert, key });
  const serving: TLSSocketOptions = {
    ...common,
    isServer: true,
    ticketKeys: randomBytes(48),
    SNICallback: (_name, use) => use(null, context),
  };
  const begin = (port: number, session?: Buffer): { readonly made: Attempt; readonly socket: TLSSocket } => {
    const tcp = net.connect({ host: '127.0.0.1', port, noDelay: true });
    const options = { ...common, servername: serverName, ca, ...(session && { session }) };
    const socket = new TLSSocket(null, { ...options, isServer: false });
    tcp.once('connect', () => socket.setSocket(tcp));
    tcp.on('error', (error) => socket.destroy(error));
    const made = attempt(socket, 'secureConnect', () => {
      const { versionName = null, cipherName = null, resumed = false } = socket.getNegotiationResult() ?? {};
      // Its name of a suite is IANA's.
      return { protocol: versionName, cipher: cipherName === suite ? openssl : (cipherName ?? undefined), resumed };
    });
    return { made, socket };
  };
  return {
    name: 'lemon-tls',
    createServer: (handler) =>
      net.createServer({ noDelay: true }, (tcp) => {
        const socket = new TLSSocket(tcp, serving);
        socket.once('secureConnect', () => handler(socket));
        socket.on('error', () => tcp.destroy());
      }),
    connect: (port) => begin(port).made,
    returning: () => {
      let last: Buffer | undefined;
      return (port) => {
        const { made, socket } = begin(port, last);
        // What it is sent after `end()` it does not read, so the first one has to wait for its ticket.
        const ticket = new Promise<void>((resolve) => {
          socket.on('session', (given: Buffer) => {
            last = given;
            resolve();
          });
        });
        return last === undefined ? { ...made, done: made.done.then(() => ticket) } : made;
      };
    },
  };
}
