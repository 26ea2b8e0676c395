/** `handfast ca` with its records in PostgreSQL, from two folders of one CA. */

import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { serverUrl } from './stores.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url));

async function newDatabase(): Promise<URL> {
  const name = `command_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url;
}

test('what one folder issues, the other lists and revokes; another CA does not come into its database', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-command-'));
  t.after(() => rm(folder, { recursive: true }));
  const url = await newDatabase();
  const env = { ...process.env, PGPASSWORD: url.password };
  url.password = '';
  const ca = async (dir: string, ...argv: readonly string[]) => {
    const flags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];
    const { stdout } = await run(
      process.execPath,
      [...flags, main, 'ca', ...argv, '--json', '--dir', join(folder, dir)],
      {
        cwd: folder,
        env,
      },
    );
    return JSON.parse(stdout.trim().split('\n')[0] ?? '');
  };
  const made = await ca('one', 'init', '--dev', '--database', url.href);
  assert.equal(made.database, url.href);
  assert.deepEqual((await readdir(join(folder, 'one'))).toSorted(), [
    'audit-key.pem',
    'audit.pem',
    'config.json',
    'intermediate-key.pem',
    'intermediate.pem',
    'root.pem',
  ]);
  await cp(join(folder, 'one'), join(folder, 'other'), { recursive: true });
  const { serial } = await ca('one', 'issue', 'app.test');
  await ca('other', 'revoke', serial);
  assert.equal((await ca('one', 'show', serial)).status, 'revoked');
  await assert.rejects(ca('third', 'init', '--dev', '--database', url.href), (error: Error & { stderr?: string }) => {
    assert.match(error.stderr ?? '', /there are a CA’s records in the database/);
    return true;
  });
});
