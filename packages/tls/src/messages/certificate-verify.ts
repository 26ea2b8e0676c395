/**
 * CertificateVerify (RFC 9846 §4.5.2): `SignatureScheme algorithm; opaque signature<0..2^16-1>`, and what it signs.
 *
 * @module
 */

import { type Bytes, concat, utf8 } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage } from './writer.ts';

export interface CertificateVerify {
  readonly type: 'certificate_verify';
  readonly raw: Bytes;
  readonly algorithm: number;
  readonly signature: Bytes;
}

export function readCertificateVerify(reader: Reader, raw: Bytes): CertificateVerify {
  const algorithm = reader.u16();
  const signature = reader.opaque16();
  reader.end();
  return { type: 'certificate_verify', raw, algorithm, signature };
}

export function writeCertificateVerify(algorithm: number, signature: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.certificate_verify, (writer) => writer.u16(algorithm).opaque16(signature));
}

/** What the signature covers: 64 spaces, the signer's context string, a zero, the transcript hash. */
export function signedContent(signer: 'client' | 'server', transcriptHash: Uint8Array): Bytes {
  return concat(utf8(`${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`), transcriptHash);
}
