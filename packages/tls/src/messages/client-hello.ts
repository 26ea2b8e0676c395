/**
 * ClientHello (RFC 9846 §4.2.2).
 *
 * ```
 * struct {
 *     ProtocolVersion legacy_version = 0x0303;
 *     Random random;
 *     opaque legacy_session_id<0..32>;
 *     CipherSuite cipher_suites<2..2^16-2>;
 *     opaque legacy_compression_methods<1..2^8-1>;
 *     Extension extensions<7..2^16-1>;
 * } ClientHello;
 * ```
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType, TLS12 } from '../registry.ts';
import { type ClientHelloExtensions, type RawExtension, readExtensions, writeExtensions } from './extensions.ts';
import { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface ClientHello {
  readonly type: 'client_hello';
  /** The whole handshake message, its header included. */
  readonly raw: Bytes;
  readonly legacyVersion: number;
  readonly random: Bytes;
  readonly legacySessionId: Bytes;
  readonly cipherSuites: readonly number[];
  readonly legacyCompressionMethods: Bytes;
  readonly extensions: ClientHelloExtensions;
  /** All extensions in wire order, unknown ones too. */
  readonly extensionList: readonly RawExtension[];
}

export function readClientHello(reader: Reader, raw: Bytes): ClientHello {
  const legacyVersion = reader.u16();
  const random = reader.bytes(32);
  const legacySessionId = reader.opaque8(0, 32);
  const suites = reader.vector16(2, 0xfffe);
  if (suites.remaining % 2 !== 0) throw reader.fail('an odd number of bytes in cipher_suites');
  const cipherSuites = suites.each((item) => item.u16());
  const legacyCompressionMethods = reader.opaque8(1);
  // Before TLS 1.3 the whole block may be absent.
  const { values, list } = reader.remaining === 0 ? { values: {}, list: [] } : readExtensions(reader.vector16(), 'CH');
  reader.end();
  return {
    type: 'client_hello',
    raw,
    legacyVersion,
    random,
    legacySessionId,
    cipherSuites,
    legacyCompressionMethods,
    extensions: values,
    extensionList: list,
  };
}

/** One that was read before, out of its `raw`. */
export function parseClientHello(raw: Bytes): ClientHello {
  return readClientHello(new Reader(raw, 'ClientHello', 4), raw);
}

export interface ClientHelloFields {
  /** legacy_version: that of the best version before TLS 1.3; default 0x0303. */
  readonly legacyVersion?: number;
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly extensions: ClientHelloExtensions;
  /** GREASE and the like, around our own. */
  readonly raw?: { readonly first?: readonly RawExtension[]; readonly last?: readonly RawExtension[] };
}

export function writeClientHello(fields: ClientHelloFields): Bytes {
  return handshakeMessage(handshakeType.client_hello, (writer) => {
    writer
      .u16(fields.legacyVersion ?? TLS12)
      .bytes(fields.random)
      .opaque8(fields.legacySessionId);
    writer.block16(() => {
      for (const suite of fields.cipherSuites) writer.u16(suite);
    });
    writer.opaque8(new Uint8Array(1));
    const bare = Object.values(fields.extensions).every((value) => value === undefined) && fields.raw === undefined;
    if (!bare) writeExtensions(writer, 'CH', fields.extensions, fields.raw);
  });
}
