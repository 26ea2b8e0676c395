/**
 * Java's JSSE, with what its security properties forbid allowed again: SSL 3.0 up, 3DES, RC4, NULL, anonymous. One virtual
 * machine for all cases.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { Driver } from '../../processes.ts';
import { drivenBy, inspected } from '../drivers.ts';
import type { LegacyPeer } from '../peer.ts';

const program = fileURLToPath(new URL('../../../peers/legacy/java/Peer.java', import.meta.url));

export const java: LegacyPeer = {
  ...drivenBy(() => new Driver('java', ['-XX:TieredStopAtLevel=1', program])),
  name: 'java',
  missing: 'Debian package default-jdk-headless',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0', 'SSL 3.0'],
  least: 290,
  async inspect() {
    const found = await inspected('java', ['-XX:TieredStopAtLevel=1', program, 'inspect']);
    return found && { version: found.version, has: ({ name }) => found.suites.has(name) };
  },
};
