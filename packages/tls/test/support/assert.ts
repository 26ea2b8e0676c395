/**
 * Assertions that every refusal shares.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type AlertName, alertOf, type TlsErrorCode } from '../../src/index.ts';
import { refusal, type ScriptedPeer } from './scripted.ts';

/** The side under test ended with this code and this message, and sent exactly one alert: this one. */
export async function assertRefused(
  puppet: ScriptedPeer,
  code: TlsErrorCode,
  message: RegExp,
  alert: AlertName | null | undefined = alertOf[code],
): Promise<void> {
  const { error } = await refusal(puppet);
  assert.ok(error, `it should have ended with ${code}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.equal(error.origin, 'local');
  assert.deepEqual(puppet.alerts, alert === null ? [] : [alert]);
}
