/**
 * What a certificate authority does, whoever asks: an operator at the command line, or ACME. Names are checked against its
 * policy, what is to be signed is linted, the intent is on disk before the signature, and the certificate is recorded after it.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import type { Certificate, RevocationReason } from '@handfast/x509';

export interface IssueRequest {
  readonly publicKey: PublicKeyInfo;
  /** DNS names, wildcards too, and IP addresses as text. */
  readonly names: readonly string[];
  readonly emails?: readonly string[];
  /** Of the subject; unless set there is none but for a client. */
  readonly commonName?: string;
  /** By name; unless set the first. */
  readonly profile?: string;
  /** Unless set: the profile's. Never beyond the issuer's own end. */
  readonly lifetimeMs?: number;
  /** Who asked, for the audit log: `operator alice`, `acme account 17`. */
  readonly by: string;
  /** The order or token that it is for, where there is one. */
  readonly origin?: string;
  /** The certificate that this one replaces (RFC 9773). */
  readonly replaces?: string;
}

export interface Issued {
  readonly certificate: Certificate;
  /** Leaf first, without the root. */
  readonly chain: readonly Certificate[];
}

export interface RevokeRequest {
  /** Hexadecimal, as `serialNumberHex` has it. */
  readonly serial: string;
  readonly reason?: RevocationReason;
  readonly by: string;
}

export type CertificateStatus = 'valid' | 'expired' | 'revoked';

/** What the CA knows of a certificate of its own. */
export interface CertificateRecord {
  readonly serial: string;
  readonly status: CertificateStatus;
  readonly commonName: string | undefined;
  readonly names: readonly string[];
  readonly profile: string;
  readonly issuerId: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly issuedAt: Date;
  readonly by: string;
  readonly revokedAt: Date | undefined;
  readonly reason: RevocationReason | undefined;
  readonly der: Uint8Array<ArrayBuffer>;
}

export interface ListFilter {
  readonly status?: CertificateStatus;
  /** Text within a name or the common name. */
  readonly search?: string;
  /** Those whose end is before. */
  readonly expiresBefore?: Date;
  readonly limit?: number;
  /** Those issued before this one: for the next page. */
  readonly before?: string;
}

export interface Authority {
  /** The certificates that sign now: leaf's issuer first, then up to, and with, the root. */
  readonly chain: readonly Certificate[];
  /** @throws CaError */
  issue(request: IssueRequest): Promise<Issued>;
  /** @throws CaError `not_found`, `already_done` */
  revoke(request: RevokeRequest): Promise<CertificateRecord>;
  find(serial: string): Promise<CertificateRecord | undefined>;
  /** What was issued for an order or token, and handed to nobody perhaps: the newest that is not revoked. */
  findByOrigin(origin: string): Promise<Issued | undefined>;
  list(filter?: ListFilter): Promise<readonly CertificateRecord[]>;
  /** The newest list of an issuer, as it was signed; a new one where that is due. */
  crl(issuerId: string): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}
