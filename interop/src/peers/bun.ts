/**
 * Bun: BoringSSL under `node:tls`.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { type Case, type CaseAxes, clientCertificates, ecdsaSchemes, gcmAndChaCha, rsaSchemes } from '../cases.ts';
import { Driver, firstLineOf } from '../processes.ts';
import { clientCommand, LazyDriver, serverCommand } from './drivers.ts';
import { javascriptDriver } from './node.ts';
import type { Peer } from './peer.ts';

const binary = fileURLToPath(new URL('../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url));
const driver = new LazyDriver(() => new Driver(binary, [javascriptDriver]));

const axes: CaseAxes = {
  suite: gcmAndChaCha,
  group: ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1'],
  scheme: [...ecdsaSchemes, 'ed25519', ...rsaSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['half', 'full'],
  alpn: ['none', 'chosen'],
};

/** Its client shares these two, and is asked again for any other. */
const shared = new Set(['X25519MLKEM768', 'x25519']);

export const bun: Peer = {
  name: 'bun',
  missing: 'npm package @oven/bun-linux-x64 (interop/install.sh)',
  version: () => {
    const version = firstLineOf(binary, '--version');
    return version === undefined ? undefined : `Bun ${version} with BoringSSL`;
  },
  client: {
    axes,
    allowed: ({ group, retry }: Case) => (retry === 'no') === shared.has(group),
    // As Node's: the verdict is looked at when the handshake is done.
    untrustedAlert: 'none',
    start: (task) => driver.client(clientCommand(task)),
  },
  server: { axes, start: (task) => driver.server(serverCommand(task)) },
  close: () => driver.close(),
};
