/**
 * Gives the flows' secrets to the TCP record layer. Flows know secrets, levels and directions; records, keys and IVs
 * begin here, so that another carrier (QUIC, DTLS) can stand in its place.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import type { FlowHost, SecretLevel } from '../flow.ts';
import { RecordProtection, type TrafficKey } from '../record/protection13.ts';
import type { Kdf } from './key-schedule.ts';

/** Everything read after this is under `secret`. Refused while handshake bytes of the old key are left. */
export function setReadSecret(host: FlowHost, kdf: Kdf, level: SecretLevel, secret: Uint8Array, generation = 0): void {
  host.requireAligned();
  withKey(kdf, secret, (key) =>
    host.records.setReadProtection(new RecordProtection(kdf.provider, kdf.suite, key), level !== 'early'),
  );
  host.trace?.({ type: 'key', direction: 'in', level, cipherSuite: kdf.suite.name, generation });
}

/** Everything written after this is under `secret`; what was sent before keeps its key. */
export function setWriteSecret(host: FlowHost, kdf: Kdf, level: SecretLevel, secret: Uint8Array, generation = 0): void {
  withKey(kdf, secret, (key) => host.records.setWriteProtection(new RecordProtection(kdf.provider, kdf.suite, key)));
  host.trace?.({ type: 'key', direction: 'out', level, cipherSuite: kdf.suite.name, generation });
}

function withKey(kdf: Kdf, secret: Uint8Array, use: (key: TrafficKey) => void): void {
  const key = kdf.trafficKey(secret);
  try {
    use(key);
  } finally {
    wipe(key.key, key.iv);
  }
}
