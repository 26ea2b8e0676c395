/**
 * Importing the web provider: some runtimes give no random bytes and begin no asynchronous work before a first request.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the web provider touches no crypto when it is imported, and none of its rows fails without', async () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  assert.ok(own);
  const touched: string[] = [];
  const value = new Proxy(
    {},
    {
      get: (_, name) => {
        touched.push(String(name));
        throw new Error('not at the top level');
      },
    },
  );
  Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
  try {
    await import('@handfast/crypto/web');
    assert.deepEqual(touched, []);
    // noble's curves ask for random bytes, to blind with, and go on where there are none.
    await import('@handfast/crypto/web/full');
    await import('@handfast/crypto/web/noble');
  } finally {
    Object.defineProperty(globalThis, 'crypto', own);
  }
});
