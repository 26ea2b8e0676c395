/**
 * `node:tls` of the Node that runs the rig (OpenSSL 3.5: ML-KEM and ML-DSA).
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
  ffdheGroups,
  gcmAndChaCha,
  groupsOf,
  mlDsaSchemes,
  pssSchemes,
  rsaSchemes,
} from '../cases.ts';
import { Driver } from '../processes.ts';
import { clientCommand, LazyDriver, returningClient, returningServer, serverCommand } from './drivers.ts';
import { opensslCipher, opensslGroup } from './openssl.ts';
import { type ClientTask, decoyFor, type Peer, type Run, type ServerRun, type Task } from './peer.ts';

export const javascriptDriver: string = fileURLToPath(new URL('../../peers/javascript/driver.js', import.meta.url));
const driver = new LazyDriver(() => new Driver(process.execPath, [javascriptDriver]));

const schemes = [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes, ...mlDsaSchemes];

const axes: CaseAxes = {
  version: ['TLS 1.3'],
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
const ciphers = ({ version, suite }: Case): string =>
  version === 'TLS 1.3' ? `${suite}:DEFAULT@SECLEVEL=0` : `${opensslCipher(suite)}:${gcmAndChaCha.join(':')}`;

const noEarlyData = 'node:tls has no early data';

export const node: Peer = {
  name: 'node',
  limitsVersions: true,
  missing: 'Node 24.7 or newer, to run the rig itself',
  version: () => `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`,
  client: {
    axes: [axes, axes12],
    // Node looks at OpenSSL's verdict only when the handshake is done.
    untrustedAlert: 'none',
    start: client,
    early: noEarlyData,
    returning: returningClient(client, true),
  },
  server: {
    axes: [axes, axes12],
    limitsGroups: true,
    start: server,
    early: noEarlyData,
    returning: returningServer(server, true),
  },
  close: () => driver.close(),
};

function client(task: ClientTask): Run {
  const { group, retry } = task.row;
  const decoy = retry === 'yes' ? decoyFor(group) : undefined;
  const groups = [...(decoy === undefined ? [] : [decoy]), ...groupsOf(task.row)].map(opensslGroup);
  return driver.client({ ...clientCommand(task), group: groups.join(':'), suites: ciphers(task.row) });
}

function server(task: Task): Promise<ServerRun> {
  const group = groupsOf(task.row).map(opensslGroup).join(':');
  return driver.server({ ...serverCommand(task), group, suites: ciphers(task.row) });
}
