/**
 * SSLKEYLOGFILE's format (RFC 9850): one line a secret, for Wireshark and its like.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';

/** `LABEL <client random> <secret>` */
export function keyLogLine(label: string, clientRandom: Uint8Array, secret: Uint8Array): string {
  return `${label} ${toHex(clientRandom)} ${toHex(secret)}`;
}
