/** SQLite's own: a file that another process keeps to itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openSqlite } from '../../src/store/sqlite.ts';
import { assertProblem, orderFor, signJws } from './support/client.ts';
import { opened } from './support/opened.ts';
import { startServer } from './support/server.ts';

test('where another process keeps the database to itself, who asks is told so, and the server goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'locked-'));
  opened({ [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }) });
  const file = join(folder, 'ca.db');
  const database = await openSqlite(file, { busyTimeoutMs: 1 });
  opened({ [Symbol.asyncDispose]: () => database.close() });
  const server = opened(await startServer({ database }));
  const client = await server.registered();
  const created = await client.post('new-order', orderFor('locked.test'));
  const url = created.headers.get('location') ?? '';
  // POST-as-GET, whose commit is sent with what it asks.
  const request = JSON.stringify(signJws(client.key, await client.header(url), ''));
  const holder = new DatabaseSync(file);
  opened({ [Symbol.asyncDispose]: async () => holder.close() });
  holder.exec('BEGIN IMMEDIATE');
  server.events.splice(0);
  assertProblem(await client.send(url, request), 'serverInternal', 500);
  const [told, ...more] = server.events;
  assert.ok(told?.event === 'error' && told.error instanceof Error);
  assert.deepEqual([told.error.message, more], ['database is locked', []]);
  holder.exec('ROLLBACK');
  assert.equal((await client.post(url)).status, 200);
});
