/**
 * What a certificate authority does, whoever asks: an operator at the command line, or ACME. Names are checked against its
 * policy, what is to be signed is linted, the intent is on disk before the signature, and the certificate is recorded after it.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import type { Certificate, KeyPurpose, RevocationReason } from '@handfast/x509';
import type { CrlName } from './revocation/stored.ts';
import type { Sql } from './store/database.ts';

export interface IssueRequest {
  readonly publicKey: PublicKeyInfo;
  /** DNS names, wildcards too, and IP addresses as text. */
  readonly names: readonly string[];
  readonly emails?: readonly string[];
  /** Of the subject; unless set there is none but for a client. */
  readonly commonName?: string;
  /** By name; unless set the first. */
  readonly profile?: string;
  /** What the certificate may be for at the most; unless set: whatever the profile says. */
  readonly purposes?: readonly KeyPurpose[];
  /** Unless set: the profile's. Never beyond the issuer's own end. */
  readonly lifetimeMs?: number;
  /** Who asked, for the audit log: `operator alice`, `acme account 17`. */
  readonly by: string;
  /** The order or token that it is for, where there is one. */
  readonly origin?: string;
  /** The certificate that this one replaces (RFC 9773). */
  readonly replaces?: string;
  /**
   * Runs in the transaction that puts the certificate's intent down, before anything is signed: what it throws refuses the
   * certificate. It may run more than once, so that it has no effect but its statements'.
   */
  readonly within?: (sql: Sql) => Promise<void>;
  /**
   * Runs in the transaction that records the certificate, so that whoever asked knows of it at the same moment. As for `within`; what it throws
   * leaves the certificate signed, and unknown. An authority may do without: then nobody was told, and `issue` answers all the same.
   */
  readonly recorded?: (sql: Sql, issued: Issued) => Promise<void>;
}

export interface Issued {
  readonly certificate: Certificate;
  /** Leaf first, without the root. */
  readonly chain: readonly Certificate[];
  /** Further chains for the same certificate, to other roots. */
  readonly alternates?: readonly (readonly Certificate[])[];
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
  /** The order or token that it was for. */
  readonly origin?: string | undefined;
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
  /**
   * The newest list of an issuer, as it was signed; a new one where that is due. Unless `name` says otherwise the complete one; else what is
   * new since older complete ones, or the shard of that number.
   */
  crl(issuerId: string, name?: CrlName): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}
