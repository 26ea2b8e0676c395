/**
 * tlslite-ng, a pure Python stack that still has SSL 3.0, RC4 and 3DES.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Driver } from '../../processes.ts';
import { drivenBy, inspected } from '../drivers.ts';
import type { LegacyPeer } from '../peer.ts';

const program = fileURLToPath(new URL('../../../peers/legacy/python/tlslite_peer.py', import.meta.url));
const installed = fileURLToPath(new URL('../../../.cache/legacy-python/', import.meta.url));
const environment = { PYTHONPATH: installed };

export const tlslite: LegacyPeer = {
  ...drivenBy(() => new Driver('python3', [program], environment)),
  name: 'tlslite-ng',
  missing: 'tlslite-ng (interop/install.sh, interop/peers/legacy/requirements.txt)',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0', 'SSL 3.0'],
  least: 340,
  plain: true,
  brief: true,
  async inspect() {
    const found = existsSync(installed) ? await inspected('python3', [program, 'inspect'], environment) : undefined;
    return found && { version: found.version, has: ({ name }) => found.suites.has(name) };
  },
};
