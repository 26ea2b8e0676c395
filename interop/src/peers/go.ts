/**
 * Go's `crypto/tls`. Its groups keep Go's own order, so a client shares the first of them. It resumes by tickets alone.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
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
import {
  clientCommand,
  groupIds,
  LazyDriver,
  returningClient,
  returningServer,
  serverCommand,
  suiteIds,
} from './drivers.ts';
import type { ClientTask, Peer, Run, ServerRun, Task } from './peer.ts';

const source = fileURLToPath(new URL('../../peers/go/', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));
const binary = `${cache}go-peer`;
const driver = new LazyDriver(() => new Driver(binary, []));

/** Go's own order. */
const groups = [
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
  'x25519',
  'secp256r1',
  'secp384r1',
  'secp521r1',
] as const;

const axes: CaseAxes = {
  version: ['TLS 1.3'],
  suite: gcmAndChaCha,
  group: groups,
  scheme: [...ecdsaSchemes, 'ed25519', ...rsaSchemes],
  clientCertificate: clientCertificates,
  retry: ['no', 'yes'],
  keyUpdate: ['none', 'ours'],
  closing: ['half', 'full'],
  alpn: ['none', 'chosen'],
};

/** CipherSuites are TLS 1.2's; those of 1.3 cannot be chosen. */
const ofGo12: CaseAxes = {
  ...axes12,
  group: ['x25519', 'secp256r1', 'secp384r1', 'secp521r1'],
  scheme: [...ecdsaSchemes, 'ed25519', ...rsaSchemes, ...pkcs1Schemes],
};

/** A group before this one in Go's order: its share goes out first. */
function before(group: string): string | undefined {
  if (group === 'X25519MLKEM768') return undefined;
  return group === 'secp256r1' || group === 'secp384r1' || group === 'secp521r1' ? 'x25519' : 'X25519MLKEM768';
}

const noEarlyData = "Go's crypto/tls has early data for QUIC alone";

export const go: Peer = {
  name: 'go',
  limitsVersions: true,
  missing: 'Go 1.26 or newer, as go or in INTEROP_GO (interop/install.sh)',
  version: build,
  client: {
    axes: [axes, ofGo12],
    // With X25519MLKEM768 goes a share of X25519, so X25519 itself is never asked again for.
    allowed: ({ group, retry }: Case) => retry === 'no' || (group !== 'X25519MLKEM768' && group !== 'x25519'),
    untrustedAlert: 'bad_certificate',
    start: client,
    early: noEarlyData,
    returning: returningClient(client, false),
  },
  server: {
    axes: [axes, ofGo12],
    limitsGroups: true,
    start: server,
    early: noEarlyData,
    returning: returningServer(server, false),
  },
  close: () => driver.close(),
};

function client(task: ClientTask): Run {
  const { group, retry } = task.row;
  const first = retry === 'yes' ? before(group) : undefined;
  const groups = first === undefined ? groupsOf(task.row) : [first, group];
  return driver.client({ ...clientCommand(task), ...suiteIds(task), groups: groupIds(groups) });
}

function server(task: Task): Promise<ServerRun> {
  return driver.server({ ...serverCommand(task), ...suiteIds(task), groups: groupIds([task.row.group]) });
}

/** Builds the peer where it is missing or older than its source. */
function build(): string | undefined {
  const main = `${source}main.go`;
  if (!existsSync(binary) || statSync(binary).mtimeMs < statSync(main).mtimeMs) {
    mkdirSync(cache, { recursive: true });
    const installed = `${cache}go/go/bin/go`;
    const tool = process.env.INTEROP_GO ?? (existsSync(installed) ? installed : 'go');
    try {
      execFileSync(tool, ['build', '-o', binary, '.'], { cwd: source, stdio: 'pipe' });
    } catch (error) {
      process.stderr.write(`go build: ${error instanceof Error ? error.message : String(error)}\n`);
      return undefined;
    }
  }
  return firstLineOf(binary, 'version');
}
