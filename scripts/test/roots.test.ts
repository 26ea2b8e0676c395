import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { edition, roots } from '@handfast/roots/certificates';
import { pinnedNode, rootsFile, rootsModule } from '../roots.mjs';

test('packages/roots has the roots of the pinned Node (npm run roots writes them)', () => {
  assert.equal(edition.source, `Node.js ${pinnedNode}`);
});

test('packages/roots/src/certificates.ts is what the script makes of them', () => {
  // Under another Node, with other roots, it is at least written as the script writes.
  const pems = process.versions.node === pinnedNode ? rootCertificates : roots;
  assert.equal(readFileSync(rootsFile, 'utf8'), rootsModule(pems, edition.date));
});
