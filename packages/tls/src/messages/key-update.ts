/**
 * KeyUpdate (RFC 9846 §4.7.3): `KeyUpdateRequest request_update`, 0 or 1.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface KeyUpdate {
  readonly type: 'key_update';
  readonly raw: Bytes;
  readonly updateRequested: boolean;
}

export function readKeyUpdate(reader: Reader, raw: Bytes): KeyUpdate {
  const request = reader.u8();
  reader.end();
  if (request > 1) throw new TlsError('illegal_parameter', `KeyUpdate: request_update is ${request}, not 0 or 1`);
  return { type: 'key_update', raw, updateRequested: request === 1 };
}

export function writeKeyUpdate(updateRequested: boolean): Bytes {
  return handshakeMessage(handshakeType.key_update, (writer) => writer.u8(updateRequested ? 1 : 0));
}
