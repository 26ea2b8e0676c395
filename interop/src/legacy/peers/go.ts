/**
 * Go's `crypto/tls`: TLS 1.0 up, with the suites that it calls insecure, where GODEBUG allows them.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Driver } from '../../processes.ts';
import { drivenBy, inspected } from '../drivers.ts';
import type { LegacyPeer } from '../peer.ts';

const source = fileURLToPath(new URL('../../../peers/legacy/go/', import.meta.url));
const cache = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const binary = `${cache}legacy-go-peer`;
const environment = { GODEBUG: 'tlsrsakex=1,tls3des=1,tls10server=1,tlssha1=1' };

export const go: LegacyPeer = {
  ...drivenBy(() => new Driver(binary, [], environment)),
  name: 'go',
  missing: 'Go 1.26 or newer, as go or in INTEROP_GO (interop/install.sh)',
  versions: ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
  least: 120,
  fallback: ['server'],
  async inspect() {
    build();
    const found = existsSync(binary) ? await inspected(binary, ['inspect'], environment) : undefined;
    return found && { version: found.version, has: ({ name }) => found.suites.has(name) };
  },
};

/** Builds the peer where it is missing or older than its source. */
function build(): void {
  if (existsSync(binary) && statSync(binary).mtimeMs >= statSync(`${source}main.go`).mtimeMs) return;
  mkdirSync(cache, { recursive: true });
  const installed = `${cache}go/go/bin/go`;
  const tool = process.env.INTEROP_GO ?? (existsSync(installed) ? installed : 'go');
  try {
    execFileSync(tool, ['build', '-o', binary, '.'], { cwd: source, stdio: 'pipe' });
  } catch (error) {
    process.stderr.write(`go build: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
