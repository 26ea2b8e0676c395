/**
 * A root is rotated to one with more names: programs that trust the new root take certificates for these, and those that trust the old
 * one alone refuse them, and take the others still. The chain is the same for both.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../report.ts';
import { runHere } from '../world/processes.ts';
import type { CommandCa } from './ca.ts';
import { type VerifierColumn, versionBy } from './verifier.ts';

const column: VerifierColumn = 'more names under a new root';

interface Program {
  readonly name: string;
  readonly version: () => Promise<string>;
  readonly how: string;
  readonly refusal: RegExp;
  /** Rejects where it refuses. @param chain a file, the certificate first */
  verify(root: string, chain: string): Promise<unknown>;
}

const programs: readonly Program[] = [
  {
    name: 'OpenSSL',
    version: versionBy('openssl', 'version'),
    how: '`openssl verify`',
    refusal: /permitted subtree violation/,
    verify: (root, chain) => runHere('openssl', ['verify', '-CAfile', root, '-untrusted', chain, chain]),
  },
  {
    name: 'GnuTLS',
    version: versionBy('certtool', '--version'),
    how: '`certtool --verify`',
    refusal: /violates the signer's constraints/,
    verify: (root, chain) => runHere('certtool', ['--verify', '--load-ca-certificate', root, '--infile', chain]),
  },
];

export async function verifyMoreNames(ca: CommandCa, report: Report): Promise<void> {
  const { folder, root: newRoot } = ca;
  const oldRoot = join(folder, 'old-root.pem');
  await copyFile(newRoot, oldRoot);
  const keys = ['--root-key', join(folder, 'root-key.pem'), '--new-root-key', join(folder, 'new-root-key.pem')];
  await ca.handfast('rotate', 'root', ...keys, '--no-passphrase', '--name', 'more.example');
  const config = join(folder, 'ca', 'config.json');
  const allow = ['test', 'more.example'];
  await writeFile(config, JSON.stringify({ ...JSON.parse(await readFile(config, 'utf8')), allow }));
  for (const name of ['app.more.example', 'late.test']) await ca.handfast('issue', name);
  const [more, late] = ['app.more.example', 'late.test'].map((name) => join(folder, `${name}.pem`));
  assert.ok(more !== undefined && late !== undefined);
  for (const { name, version, how, refusal, verify } of programs) {
    const who = `${name} ${await version()}`;
    const since = performance.now();
    try {
      for (const root of [oldRoot, newRoot]) await verify(root, late);
      await verify(newRoot, more);
      await assert.rejects(verify(oldRoot, more), refusal);
      report.done({ table: 'verifiers', who, column, how, ms: performance.now() - since });
    } catch (error) {
      report.failed({ who: `${who}, ${column}`, error, events: [ca.words()] });
    }
  }
}
