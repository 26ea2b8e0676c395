/**
 * Deno: rustls, through `Deno.connectTls` and `Deno.listenTls`. Its server asks no client for a certificate.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import {
  axes12,
  type Case,
  type CaseAxes,
  clientCertificates,
  gcmAndChaCha,
  pkcs1Schemes,
  rsaSchemes,
} from '../cases.ts';
import { Driver, firstLineOf } from '../processes.ts';
import { clientCommand, LazyDriver, serverCommand } from './drivers.ts';
import { javascriptDriver } from './node.ts';
import type { Peer } from './peer.ts';

const binary = fileURLToPath(new URL('../../node_modules/@deno/linux-x64-glibc/deno', import.meta.url));
const driver = new LazyDriver(
  () =>
    new Driver(binary, ['run', '--allow-all', '--no-config', '--no-lock', '--quiet', javascriptDriver], {
      NO_COLOR: '1',
    }),
);

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: gcmAndChaCha,
  group: ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1'],
  scheme: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ed25519', ...rsaSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['half', 'full'],
  alpn: ['none', 'chosen'],
};

/** It always speaks both versions. */
const ofDeno12: CaseAxes = {
  ...axes12,
  group: ['x25519', 'secp256r1', 'secp384r1'],
  scheme: ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ed25519', ...rsaSchemes, ...pkcs1Schemes],
};

/** Its client shares this one, and is asked again for any other. */
const shared = 'x25519';

const noEarlyData = "Deno's node:tls has no early data";

export const deno: Peer = {
  name: 'deno',
  missing: 'npm package @deno/linux-x64-glibc',
  version: () => {
    const version = firstLineOf(binary, '--version');
    return version === undefined ? undefined : `${version} with rustls`;
  },
  client: {
    axes: [axes, ofDeno12],
    allowed: ({ version, group, retry }: Case) => version !== 'TLS 1.3' || (retry === 'no') === (group === shared),
    start: (task) => driver.client(clientCommand(task)),
    early: noEarlyData,
  },
  server: {
    axes: [axes, ofDeno12].map((one) => ({ ...one, clientCertificate: ['none'] })),
    start: (task) => driver.server(serverCommand(task)),
    early: noEarlyData,
  },
  close: () => driver.close(),
};
