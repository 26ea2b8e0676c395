/**
 * What whoever serves the viewer's page does with the installed package: the page is in it, with all that it loads; and `handfast view`
 * answers with it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { siteFolder } from '@handfast/viewer/site';

const page = readFileSync(new URL('index.html', siteFolder()), 'utf8');
const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].flatMap(([, path]) => path ?? []);
assert.ok(loaded.some((path) => path.endsWith('.js')) && loaded.some((path) => path.endsWith('.css')), page);
for (const path of loaded)
  assert.ok(existsSync(new URL(path, siteFolder())), `the page loads ${path}, which is not there`);

const folder = mkdtempSync(join(tmpdir(), 'handfast-view-'));
const view = spawn(process.execPath, ['node_modules/handfast/bin/handfast.js', 'view', '--no-open', '--json'], {
  env: { ...process.env, HANDFAST_VIEW_SOCKET: join(folder, 'view.sock') },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const [line] = await once(createInterface({ input: view.stdout }), 'line');
  const { url } = JSON.parse(String(line)) as { url: string };
  const entrance = await fetch(url, { redirect: 'manual' });
  const cookie = entrance.headers.getSetCookie().map((one) => one.split(';')[0]);
  assert.deepEqual([entrance.status, cookie.length], [303, 1]);
  const answer = await fetch(new URL('/', url), { headers: { cookie: cookie.join('; ') } });
  assert.deepEqual([answer.status, await answer.text()], [200, page]);
} finally {
  view.kill('SIGINT');
  await once(view, 'exit');
  rmSync(folder, { recursive: true, force: true });
}
