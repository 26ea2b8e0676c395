/**
 * ServerHello and HelloRetryRequest (RFC 9846 §4.2.3, §4.2.4): one structure, told apart by its random.
 *
 * ```
 * struct {
 *     ProtocolVersion legacy_version = 0x0303;
 *     Random random;
 *     opaque legacy_session_id_echo<0..32>;
 *     CipherSuite cipher_suite;
 *     uint8 legacy_compression_method = 0;
 *     Extension extensions<6..2^16-1>;
 * } ServerHello;
 * ```
 *
 * @module
 */

import { type Bytes, equalBytes, fromHex } from '@handfast/crypto';
import { extensionType, handshakeType, TLS12 } from '../registry.ts';
import {
  type HelloRetryRequestExtensions,
  readExtensions,
  type ServerHello12Extensions,
  type ServerHelloExtensions,
  writeExtensions,
} from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage, type Writer } from './writer.ts';

interface Fields {
  readonly raw: Bytes;
  readonly legacyVersion: number;
  readonly random: Bytes;
  readonly legacySessionIdEcho: Bytes;
  readonly cipherSuite: number;
  readonly legacyCompressionMethod: number;
}

export interface ServerHello extends Fields {
  readonly type: 'server_hello';
  readonly extensions: ServerHelloExtensions;
}

export interface HelloRetryRequest extends Fields {
  readonly type: 'hello_retry_request';
  readonly extensions: HelloRetryRequestExtensions;
}

/** The hello of a server that chose TLS 1.2 or earlier: no supported_versions in it. */
export interface LegacyServerHello extends Fields {
  readonly type: 'legacy_server_hello';
  readonly extensions: ServerHello12Extensions;
}

/** SHA-256 of "HelloRetryRequest". */
const retryRandom: Bytes = fromHex('CF21AD74E59A6111BE1D8C021E65B891 C2A211167ABB8C5E079E09E2C8A8339C');

export function readServerHello(
  reader: Reader,
  raw: Bytes,
  offered: ReadonlySet<number>,
): ServerHello | HelloRetryRequest | LegacyServerHello {
  const fields = {
    raw,
    legacyVersion: reader.u16(),
    random: reader.bytes(32),
    legacySessionIdEcho: reader.opaque8(0, 32),
    cipherSuite: reader.u16(),
    legacyCompressionMethod: reader.u8(),
  };
  // Before TLS 1.3 the whole block may be absent.
  const block = reader.remaining === 0 ? undefined : reader.vector16();
  reader.end();
  const isRetry = equalBytes(fields.random, retryRandom);
  if (!isRetry && (block === undefined || !holds(block.clone(), extensionType.supported_versions))) {
    const extensions = block === undefined ? {} : readExtensions(block, 'SH12', offered).values;
    return { ...fields, type: 'legacy_server_hello', extensions };
  }
  if (block === undefined) throw reader.fail('no extensions');
  return isRetry
    ? { ...fields, type: 'hello_retry_request', extensions: readExtensions(block, 'HRR', offered).values }
    : { ...fields, type: 'server_hello', extensions: readExtensions(block, 'SH', offered).values };
}

function holds(block: Reader, type: number): boolean {
  let found = false;
  while (block.remaining > 0) {
    if (block.u16() === type) found = true;
    block.vector16();
  }
  return found;
}

export interface ServerHelloFields {
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
}

export function writeServerHello(
  fields: ServerHelloFields & { readonly random: Uint8Array; readonly extensions: ServerHelloExtensions },
): Bytes {
  return write(fields, fields.random, (writer) => writeExtensions(writer, 'SH', fields.extensions));
}

/** A ServerHello before TLS 1.3; without extensions the block is left out. */
export function writeServerHello12(
  fields: ServerHelloFields & {
    readonly version: number;
    readonly random: Uint8Array;
    readonly extensions: ServerHello12Extensions;
  },
): Bytes {
  const { random, extensions, version } = fields;
  const bare = Object.values(extensions).every((value) => value === undefined);
  return write(fields, random, (writer) => !bare && writeExtensions(writer, 'SH12', extensions), version);
}

export function writeHelloRetryRequest(
  fields: ServerHelloFields & { readonly extensions: HelloRetryRequestExtensions },
): Bytes {
  return write(fields, retryRandom, (writer) => writeExtensions(writer, 'HRR', fields.extensions));
}

function write(
  { legacySessionIdEcho, cipherSuite }: ServerHelloFields,
  random: Uint8Array,
  extensions: (writer: Writer) => void,
  version: number = TLS12,
): Bytes {
  return handshakeMessage(handshakeType.server_hello, (writer) => {
    writer.u16(version).bytes(random).opaque8(legacySessionIdEcho).u16(cipherSuite).u8(0);
    extensions(writer);
  });
}
