/**
 * CertificateRequest (RFC 9846 §4.4.2): `opaque certificate_request_context<0..2^8-1>; Extension extensions<0..2^16-1>`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { type CertificateRequestExtensions, type RawExtension, readExtensions, writeExtensions } from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface CertificateRequest {
  readonly type: 'certificate_request';
  readonly raw: Bytes;
  readonly requestContext: Bytes;
  readonly extensions: CertificateRequestExtensions;
  readonly extensionList: readonly RawExtension[];
}

export function readCertificateRequest(reader: Reader, raw: Bytes): CertificateRequest {
  const requestContext = reader.opaque8();
  const { values, list } = readExtensions(reader.vector16(), 'CR');
  reader.end();
  return { type: 'certificate_request', raw, requestContext, extensions: values, extensionList: list };
}

export function writeCertificateRequest(requestContext: Uint8Array, values: CertificateRequestExtensions): Bytes {
  return handshakeMessage(handshakeType.certificate_request, (writer) => {
    writer.opaque8(requestContext);
    writeExtensions(writer, 'CR', values);
  });
}
