/**
 * Finished (RFC 9846 §4.5.3): `opaque verify_data[Hash.length]`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface Finished {
  readonly type: 'finished';
  readonly raw: Bytes;
  readonly verifyData: Bytes;
}

/** The length of `verifyData` is checked where the hash is known. */
export function readFinished(reader: Reader, raw: Bytes): Finished {
  return { type: 'finished', raw, verifyData: reader.rest() };
}

export function writeFinished(verifyData: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.finished, (writer) => writer.bytes(verifyData));
}
