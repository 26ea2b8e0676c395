/**
 * Python's stock `ssl` module: `create_default_context` and `wrap_socket`, with `VERIFY_X509_STRICT`. It cannot end one
 * direction alone as a client, and can name one group or none.
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
  pssSchemes,
  rsaSchemes,
} from '../cases.ts';
import { Driver, firstLineOf } from '../processes.ts';
import { clientCommand, LazyDriver, returningClient, returningServer, serverCommand, suites12By } from './drivers.ts';
import type { ClientTask, Peer, Run, ServerRun, Task } from './peer.ts';

const python = process.env.INTEROP_PYTHON ?? 'python3';
const script = fileURLToPath(new URL('../../peers/python/driver.py', import.meta.url));
const driver = new LazyDriver(() => new Driver(python, [script]));

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: gcmAndChaCha,
  group: ['x25519', 'secp256r1', 'x448', 'secp384r1', 'secp521r1'],
  scheme: [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};

const curveNames: Readonly<Record<string, string>> = {
  x25519: 'X25519',
  secp256r1: 'prime256v1',
  x448: 'X448',
  secp384r1: 'secp384r1',
  secp521r1: 'secp521r1',
};

/** Left alone, it shares X25519, and is asked again for any other group. */
const retriable = ({ group, retry }: Case): boolean => retry === 'no' || group !== 'x25519';

/** Its server takes the one group that it names, also for the keys of clients (RFC 8422 §5.1). */
const oneGroup = (row: Case): boolean => row.clientCertificate !== 'required' || groupsOf(row).length === 1;

const noEarlyData = "Python's ssl has no early data";

export const pythonSsl: Peer = {
  name: 'python',
  limitsVersions: true,
  missing: 'Python 3.11 or newer with its ssl module, as python3 or in INTEROP_PYTHON',
  version: () =>
    firstLineOf(python, '-c', 'import ssl, sys; print("Python", sys.version.split()[0], "with", ssl.OPENSSL_VERSION)'),
  client: {
    axes: [axes, axes12],
    allowed: retriable,
    start: client,
    early: noEarlyData,
    returning: returningClient(client, true),
  },
  server: {
    axes: [{ ...axes, closing: ['half', 'full'] }, axes12],
    allowed: oneGroup,
    limitsGroups: true,
    start: server,
    early: noEarlyData,
    returning: returningServer(server, true),
  },
  close: () => driver.close(),
};

function client(task: ClientTask): Run {
  return driver.client({
    ...clientCommand(task),
    ...suites12By(task),
    ...(task.row.retry === 'yes' || groupsOf(task.row).length > 1 ? {} : { group: curveNames[task.row.group] }),
  });
}

function server(task: Task): Promise<ServerRun> {
  return driver.server({ ...serverCommand(task), ...suites12By(task), group: curveNames[task.row.group] });
}
