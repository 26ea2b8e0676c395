/**
 * Messages whose structure is TLS 1.2's own (RFC 5246 §7.4): Certificate, CertificateRequest, CertificateVerify,
 * NewSessionTicket, and the two that are empty.
 *
 * ```
 * opaque ASN.1Cert<1..2^24-1>;
 * struct { ASN.1Cert certificate_list<0..2^24-1>; } Certificate;
 * struct {
 *     ClientCertificateType certificate_types<1..2^8-1>;
 *     SignatureAndHashAlgorithm supported_signature_algorithms<2..2^16-2>;
 *     DistinguishedName certificate_authorities<0..2^16-1>;
 * } CertificateRequest;
 * struct { uint32 ticket_lifetime_hint; opaque ticket<0..2^16-1>; } NewSessionTicket;   // RFC 5077
 * struct { } HelloRequest;
 * struct { } ServerHelloDone;
 * ```
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { Reader } from './reader.ts';
import { handshakeMessage, Writer } from './writer.ts';

export interface Certificate12 {
  readonly type: 'certificate_12';
  readonly raw: Bytes;
  /** DER certificates as they came; the first is the peer's own. */
  readonly chain: readonly Bytes[];
}

export interface CertificateRequest12 {
  readonly type: 'certificate_request_12';
  readonly raw: Bytes;
  /** ClientCertificateType numbers: rsa_sign(1), ecdsa_sign(64) and the like. */
  readonly certificateTypes: readonly number[];
  /** supported_signature_algorithms; undefined before TLS 1.2, which has no such field. */
  readonly signatureAlgorithms: readonly number[] | undefined;
  /** DER distinguished names. */
  readonly certificateAuthorities: readonly Bytes[];
}

export interface CertificateVerify12 extends DigitallySigned {
  readonly type: 'certificate_verify_12';
  readonly raw: Bytes;
}

/** A signature inside a message (RFC 5246 §4.7). */
export interface DigitallySigned {
  /** The SignatureScheme's number; undefined before TLS 1.2, which does not say it. */
  readonly algorithm: number | undefined;
  readonly signature: Bytes;
}

/** RFC 5077 §3.3. */
export interface NewSessionTicket12 {
  readonly type: 'new_session_ticket_12';
  readonly raw: Bytes;
  /** Seconds; 0: not said. */
  readonly lifetimeHint: number;
  /** Empty: there is none after all. */
  readonly ticket: Bytes;
}

export interface HelloRequest {
  readonly type: 'hello_request';
  readonly raw: Bytes;
}

export interface ServerHelloDone {
  readonly type: 'server_hello_done';
  readonly raw: Bytes;
}

export function readCertificate12(reader: Reader, raw: Bytes): Certificate12 {
  const chain = reader.vector24().each((entry) => entry.opaque24(1));
  reader.end();
  return { type: 'certificate_12', raw, chain };
}

export function writeCertificate12(chain: readonly Uint8Array[]): Bytes {
  return handshakeMessage(handshakeType.certificate, (writer) => {
    writer.block24(() => {
      for (const certificate of chain) writer.opaque24(certificate);
    });
  });
}

export function readCertificateRequest12(reader: Reader, raw: Bytes): CertificateRequest12 {
  return readRequest(reader, raw, true);
}

/** TLS 1.1's and before. */
export function readCertificateRequest11(reader: Reader, raw: Bytes): CertificateRequest12 {
  return readRequest(reader, raw, false);
}

function readRequest(reader: Reader, raw: Bytes, namesSchemes: boolean): CertificateRequest12 {
  const certificateTypes = reader.vector8(1).each((item) => item.u8());
  let signatureAlgorithms: readonly number[] | undefined;
  if (namesSchemes) {
    const schemes = reader.vector16(2);
    if (schemes.remaining % 2 !== 0) throw reader.fail('an odd number of bytes in supported_signature_algorithms');
    signatureAlgorithms = schemes.each((item) => item.u16());
  }
  const certificateAuthorities = reader.vector16().each((item) => item.opaque16(1));
  reader.end();
  return { type: 'certificate_request_12', raw, certificateTypes, signatureAlgorithms, certificateAuthorities };
}

export function writeCertificateRequest12(
  fields: Pick<CertificateRequest12, 'certificateTypes' | 'signatureAlgorithms'> & {
    readonly certificateAuthorities: readonly Uint8Array[];
  },
): Bytes {
  return handshakeMessage(handshakeType.certificate_request, (writer) => {
    writer.block8(() => {
      for (const type of fields.certificateTypes) writer.u8(type);
    });
    const { signatureAlgorithms } = fields;
    if (signatureAlgorithms !== undefined) {
      writer.block16(() => {
        for (const scheme of signatureAlgorithms) writer.u16(scheme);
      });
    }
    writer.block16(() => {
      for (const name of fields.certificateAuthorities) writer.opaque16(name);
    });
  });
}

/** @param namesScheme false before TLS 1.2. */
export function readDigitallySigned(reader: Reader, namesScheme: boolean): DigitallySigned {
  const algorithm = namesScheme ? reader.u16() : undefined;
  const signature = reader.opaque16();
  reader.end();
  return { algorithm, signature };
}

export function writeDigitallySigned(algorithm: number | undefined, signature: Uint8Array): Bytes {
  const writer = new Writer();
  if (algorithm !== undefined) writer.u16(algorithm);
  return writer.opaque16(signature).finish();
}

export function readCertificateVerify12(reader: Reader, raw: Bytes): CertificateVerify12 {
  return { type: 'certificate_verify_12', raw, ...readDigitallySigned(reader, true) };
}

/** TLS 1.1's and before. */
export function readCertificateVerify11(reader: Reader, raw: Bytes): CertificateVerify12 {
  return { type: 'certificate_verify_12', raw, ...readDigitallySigned(reader, false) };
}

/** @param signed as `writeDigitallySigned` makes it. */
export function writeCertificateVerify12(signed: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.certificate_verify, (writer) => writer.bytes(signed));
}

export function readHelloRequest(reader: Reader, raw: Bytes): HelloRequest {
  reader.end();
  return { type: 'hello_request', raw };
}

export function writeHelloRequest(): Bytes {
  return handshakeMessage(handshakeType.hello_request, () => undefined);
}

export function readServerHelloDone(reader: Reader, raw: Bytes): ServerHelloDone {
  reader.end();
  return { type: 'server_hello_done', raw };
}

export function writeServerHelloDone(): Bytes {
  return handshakeMessage(handshakeType.server_hello_done, () => undefined);
}

export function readNewSessionTicket12(reader: Reader, raw: Bytes): NewSessionTicket12 {
  const lifetimeHint = reader.u32();
  const ticket = reader.opaque16();
  reader.end();
  return { type: 'new_session_ticket_12', raw, lifetimeHint, ticket };
}

export function writeNewSessionTicket12(lifetimeHint: number, ticket: Uint8Array): Bytes {
  return handshakeMessage(handshakeType.new_session_ticket, (writer) => writer.u32(lifetimeHint).opaque16(ticket));
}
