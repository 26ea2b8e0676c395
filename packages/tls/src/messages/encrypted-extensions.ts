/**
 * EncryptedExtensions (RFC 9846 §4.4.1): `Extension extensions<0..2^16-1>`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { type EncryptedExtensionsValues, readExtensions, writeExtensions } from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface EncryptedExtensions {
  readonly type: 'encrypted_extensions';
  readonly raw: Bytes;
  readonly extensions: EncryptedExtensionsValues;
}

export function readEncryptedExtensions(reader: Reader, raw: Bytes, offered: ReadonlySet<number>): EncryptedExtensions {
  const { values } = readExtensions(reader.vector16(), 'EE', offered);
  reader.end();
  return { type: 'encrypted_extensions', raw, extensions: values };
}

export function writeEncryptedExtensions(values: EncryptedExtensionsValues): Bytes {
  return handshakeMessage(handshakeType.encrypted_extensions, (writer) => writeExtensions(writer, 'EE', values));
}
