/**
 * A page that was not served securely has no `crypto.subtle`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../src/web/index.ts';
import { clientOptions, errorOf, playedTransport } from './support.ts';

test('where crypto.subtle is absent, the error says so and what to do', async () => {
  const { crypto } = globalThis;
  const insecure = { getRandomValues: (into: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(into) };
  Object.defineProperty(globalThis, 'crypto', { value: insecure, configurable: true });
  try {
    const transport = playedTransport();
    const error = await errorOf(connect(transport, clientOptions));
    transport.end();
    assert.equal(error.code, 'crypto_failed');
    assert.equal(
      error.message,
      'crypto.subtle is not available: WebCrypto needs a secure context (https:, or localhost)',
    );
    assert.equal(
      error.hint,
      'serve the page over https: or from localhost, or choose groups, suites and certificates that this runtime has',
    );
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  }
});
