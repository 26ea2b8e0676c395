/**
 * EndOfEarlyData (RFC 9846 §4.6): `struct {} EndOfEarlyData`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface EndOfEarlyData {
  readonly type: 'end_of_early_data';
  readonly raw: Bytes;
}

export function readEndOfEarlyData(reader: Reader, raw: Bytes): EndOfEarlyData {
  reader.end();
  return { type: 'end_of_early_data', raw };
}

export function writeEndOfEarlyData(): Bytes {
  return handshakeMessage(handshakeType.end_of_early_data, () => undefined);
}
