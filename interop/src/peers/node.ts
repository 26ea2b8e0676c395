/**
 * `node:tls` of the Node that runs the rig (OpenSSL 3.5: ML-KEM and ML-DSA).
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import {
  type CaseAxes,
  clientCertificates,
  ecdsaSchemes,
  ffdheGroups,
  gcmAndChaCha,
  mlDsaSchemes,
  pssSchemes,
  rsaSchemes,
} from '../cases.ts';
import { Driver } from '../processes.ts';
import { clientCommand, LazyDriver, serverCommand } from './drivers.ts';
import { opensslGroup } from './openssl.ts';
import { decoyFor, type Peer } from './peer.ts';

export const javascriptDriver: string = fileURLToPath(new URL('../../peers/javascript/driver.js', import.meta.url));
const driver = new LazyDriver(() => new Driver(process.execPath, [javascriptDriver]));

const schemes = [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes, ...mlDsaSchemes];

const axes: CaseAxes = {
  suite: [...gcmAndChaCha, 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'],
  group: [
    'X25519MLKEM768',
    'SecP256r1MLKEM768',
    'SecP384r1MLKEM1024',
    'x25519',
    'secp256r1',
    'x448',
    'secp384r1',
    'secp521r1',
    ...ffdheGroups,
  ],
  scheme: schemes,
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['half', 'full'],
  alpn: ['none', 'chosen'],
};

/** CCM-8 counts as 64 bits, which the default level refuses. */
const ciphers = (suite: string): string => `${suite}:DEFAULT@SECLEVEL=0`;

export const node: Peer = {
  name: 'node',
  missing: 'Node 24.7 or newer, to run the rig itself',
  version: () => `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`,
  client: {
    axes,
    // Node looks at OpenSSL's verdict only when the handshake is done.
    untrustedAlert: 'none',
    start: (task) => {
      const { group, retry, suite } = task.row;
      const decoy = retry === 'yes' ? decoyFor(group) : undefined;
      const groups = [...(decoy === undefined ? [] : [decoy]), group].map(opensslGroup);
      return driver.client({ ...clientCommand(task), group: groups.join(':'), suites: ciphers(suite) });
    },
  },
  server: {
    axes,
    limitsGroups: true,
    start: (task) => {
      const { group, suite } = task.row;
      return driver.server({ ...serverCommand(task), group: opensslGroup(group), suites: ciphers(suite) });
    },
  },
  close: () => driver.close(),
};
