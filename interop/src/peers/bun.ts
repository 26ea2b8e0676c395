/**
 * Bun: BoringSSL under `node:tls`.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import {
  axes12,
  type Case,
  type CaseAxes,
  clientCertificates,
  ecdsaSchemes,
  gcmAndChaCha,
  groupsOf,
  pkcs1Schemes,
  rsaSchemes,
} from '../cases.ts';
import { Driver, firstLineOf } from '../processes.ts';
import { clientCommand, LazyDriver, serverCommand } from './drivers.ts';
import { javascriptDriver } from './node.ts';
import type { Peer } from './peer.ts';

const binary = fileURLToPath(new URL('../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url));
const driver = new LazyDriver(() => new Driver(binary, [javascriptDriver]));

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: gcmAndChaCha,
  group: ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1'],
  scheme: [...ecdsaSchemes, 'ed25519', ...rsaSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['half', 'full'],
  alpn: ['none', 'chosen'],
};

const curves = ['x25519', 'secp256r1', 'secp384r1'] as const;

const ofBun12: CaseAxes = {
  ...axes12,
  group: curves,
  scheme: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ed25519', ...rsaSchemes, ...pkcs1Schemes],
};

/** Its server takes the first curve by its own order, which may be the certificate's. */
function isFirst(row: Case): boolean {
  return row.version === 'TLS 1.3' || curves.find((name) => groupsOf(row).includes(name)) === row.group;
}

/** Its client shares these two, and is asked again for any other. */
const shared = new Set(['X25519MLKEM768', 'x25519']);

const noEarlyData = "Bun's node:tls has no early data";

export const bun: Peer = {
  name: 'bun',
  missing: 'npm package @oven/bun-linux-x64',
  version: () => {
    const version = firstLineOf(binary, '--version');
    return version === undefined ? undefined : `Bun ${version} with BoringSSL`;
  },
  client: {
    axes: [axes, ofBun12],
    allowed: ({ version, group, retry }: Case) => version !== 'TLS 1.3' || (retry === 'no') === shared.has(group),
    // As Node's: the verdict is looked at when the handshake is done.
    untrustedAlert: 'none',
    start: (task) => driver.client(clientCommand(task)),
    early: noEarlyData,
  },
  server: {
    axes: [axes, ofBun12],
    allowed: isFirst,
    start: (task) => driver.server(serverCommand(task)),
    early: noEarlyData,
  },
  close: () => driver.close(),
};
