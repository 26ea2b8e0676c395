/**
 * CertificateStatus (RFC 6066 §8): TLS 1.2's message for what TLS 1.3 puts beside the certificate.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { certificateStatus } from './extensions.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface CertificateStatus {
  readonly type: 'certificate_status';
  readonly raw: Bytes;
  /** An OCSPResponse, DER. */
  readonly ocspResponse: Uint8Array;
}

export function readCertificateStatus(reader: Reader, raw: Bytes): CertificateStatus {
  const ocspResponse = certificateStatus.read(reader);
  reader.end();
  return { type: 'certificate_status', raw, ocspResponse };
}

export function writeCertificateStatus(ocspResponse: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.certificate_status, (writer) => certificateStatus.write(writer, ocspResponse));
}
