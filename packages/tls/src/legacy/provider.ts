/**
 * What the old versions and suites ask of a provider.
 *
 * @module
 */

import type { Cryptography, LegacyCryptography } from '@handfast/crypto';
import { TlsError } from '../errors.ts';

/** The provider's weak half; configs are checked for it. */
export function legacyOf(provider: Cryptography): LegacyCryptography {
  if (provider.legacy === undefined) {
    throw new TlsError('internal', `the ${provider.name} provider has nothing of what is out of use`, {
      hint: "pass a provider of '@handfast/crypto/legacy/node' or '@handfast/crypto/legacy/web'",
    });
  }
  return provider.legacy;
}
