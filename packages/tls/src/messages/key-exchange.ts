/**
 * ServerKeyExchange and ClientKeyExchange (RFC 5246 §7.4.3, §7.4.7): what they hold is the key exchange's own
 * (`tls12/key-exchange.ts`), so here they are bytes.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface ServerKeyExchange {
  readonly type: 'server_key_exchange';
  readonly raw: Bytes;
  /** The parameters, and their signature where the key exchange signs them. */
  readonly body: Bytes;
}

export interface ClientKeyExchange {
  readonly type: 'client_key_exchange';
  readonly raw: Bytes;
  readonly body: Bytes;
}

export function readServerKeyExchange(reader: Reader, raw: Bytes): ServerKeyExchange {
  return { type: 'server_key_exchange', raw, body: reader.rest() };
}

export function writeServerKeyExchange(...parts: readonly Uint8Array[]): Bytes {
  return handshakeMessage(handshakeType.server_key_exchange, (writer) => {
    for (const part of parts) writer.bytes(part);
  });
}

export function readClientKeyExchange(reader: Reader, raw: Bytes): ClientKeyExchange {
  return { type: 'client_key_exchange', raw, body: reader.rest() };
}

export function writeClientKeyExchange(body: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.client_key_exchange, (writer) => writer.bytes(body));
}
