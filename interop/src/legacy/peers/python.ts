/**
 * Python's `ssl`: OpenSSL, at its security level 0. Before Python 3.13 it has no pre-shared keys.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { Driver } from '../../processes.ts';
import { usesPreSharedKey } from '../cases.ts';
import { drivenBy, inspected } from '../drivers.ts';
import type { LegacyPeer } from '../peer.ts';
import { dhParameters } from './openssl.ts';

const program = fileURLToPath(new URL('../../../peers/legacy/python/ssl_peer.py', import.meta.url));

export const python: LegacyPeer = {
  ...drivenBy(
    () => new Driver('python3', [program]),
    (identities) => ({ dh: dhParameters(identities) }),
  ),
  name: 'python',
  missing: 'Debian package python3',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
  least: 290,
  fallback: ['server'],
  cannot: usesPreSharedKey,
  async inspect() {
    const found = await inspected('python3', [program, 'inspect']);
    return found && { version: found.version, has: ({ id }) => found.suites.has(String(id)) };
  },
};
