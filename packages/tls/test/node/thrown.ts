/**
 * What a call throws, as far as programs look at it: for comparing with `node:tls`.
 *
 * @module
 */

import assert from 'node:assert/strict';

export function thrown(call: () => unknown): Record<string, unknown> {
  try {
    call();
  } catch (error) {
    const { name, message, code, library, reason } = error as Record<string, unknown>;
    return JSON.parse(JSON.stringify({ name, message, code, library, reason }));
  }
  assert.fail('nothing was thrown');
}
