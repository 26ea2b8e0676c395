/**
 * What a bundle of `@handfast/tls/web` has in it, by the imports of its files: the small way in brings no version and no
 * cryptography, and nothing brings `node:`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = new URL('../../src/', import.meta.url);

/** A file of ours and all that it imports, for more than types: files of ours by path, others by name. */
function importsOf(entry: string): Set<string> {
  const found = new Set<string>();
  const visit = (url: URL): void => {
    const name = relative(fileURLToPath(root), fileURLToPath(url));
    if (found.has(name)) return;
    found.add(name);
    const source = readFileSync(url, 'utf8');
    for (const [, what = '', from = ''] of source.matchAll(/^(?:import|export)(\s[^;]*?)?\sfrom\s'([^']+)';$/gm)) {
      if (/^\s+type\s/.test(what) || onlyTypes(what)) continue;
      if (from.startsWith('.')) visit(new URL(from, url));
      else found.add(from);
    }
  };
  visit(new URL(entry, root));
  return found;
}

/** `{ type A, type B }` */
function onlyTypes(what: string): boolean {
  const names = /\{([^}]*)\}/
    .exec(what)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  return names?.every((name) => name === '' || name.startsWith('type ')) ?? false;
}

test('connectWith and acceptWith bring no version and no provider', () => {
  const files = [...importsOf('web/connect-with.ts')];
  assert.ok(files.includes('connection.ts'));
  assert.deepEqual(
    files.filter((file) => /^tls1[23]\/(client|server|index)|^@handfast\/crypto\/|^node:|^legacy\//.test(file)),
    [],
  );
});

test('nothing of it imports node:, and the adapters bring nothing of the engine', () => {
  const all = [...importsOf('web/index.ts')];
  assert.deepEqual(all.filter((file) => !/^[a-z0-9/-]+\.ts$/.test(file)).sort(), [
    '@handfast/crypto',
    '@handfast/crypto/web',
    '@handfast/x509',
  ]);
  assert.deepEqual(
    all.filter((file) => file.startsWith('node/')),
    [],
  );
  for (const adapter of ['bun-socket', 'data-channel', 'message-port', 'web-socket']) {
    assert.ok(!importsOf(`web/adapters/${adapter}.ts`).has('connection.ts'), adapter);
  }
});
