/**
 * Certificate (RFC 9846 §4.5.1).
 *
 * ```
 * struct {
 *     opaque cert_data<1..2^24-1>;
 *     Extension extensions<0..2^16-1>;
 * } CertificateEntry;
 * struct {
 *     opaque certificate_request_context<0..2^8-1>;
 *     CertificateEntry certificate_list<0..2^24-1>;
 * } Certificate;
 * ```
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { type CertificateEntryExtensions, readExtensions, writeExtensions } from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface CertificateMessage {
  readonly type: 'certificate';
  readonly raw: Bytes;
  readonly requestContext: Bytes;
  /** DER certificates as they came; the first is the peer's own. */
  readonly chain: readonly Bytes[];
  /** What came with each of them. */
  readonly extensions: readonly CertificateEntryExtensions[];
}

export function readCertificate(reader: Reader, raw: Bytes, offered: ReadonlySet<number>): CertificateMessage {
  const requestContext = reader.opaque8();
  const entries = reader.vector24().each((entry) => {
    const data = entry.opaque24(1);
    return { data, extensions: readExtensions(entry.vector16(), 'CT', offered).values };
  });
  reader.end();
  return {
    type: 'certificate',
    raw,
    requestContext,
    chain: entries.map(({ data }) => data),
    extensions: entries.map(({ extensions }) => extensions),
  };
}

/** @param extensions what goes with each certificate; where the list is shorter, nothing. */
export function writeCertificate(
  requestContext: Uint8Array,
  chain: readonly Uint8Array[],
  extensions: readonly CertificateEntryExtensions[] = [],
): Bytes {
  return handshakeMessage(handshakeType.certificate, (writer) => {
    writer.opaque8(requestContext).block24(() => {
      for (const [index, certificate] of chain.entries()) {
        writer.opaque24(certificate);
        writeExtensions(writer, 'CT', extensions[index] ?? {});
      }
    });
  });
}
