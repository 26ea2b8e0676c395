/** What the API answers: dates are ISO 8601 text. */

export type Permission = 'view' | 'issue' | 'revoke' | 'administer';
export type Role = 'viewer' | 'issuer' | 'revoker' | 'admin';
export type Status = 'valid' | 'expired' | 'revoked';

export interface Profile {
  readonly name: string;
  readonly days: number;
  readonly maxDays: number;
}

export interface Me {
  readonly who: string;
  readonly role: Role;
  readonly permissions: readonly Permission[];
  readonly csrf: string;
  readonly expiresAt: string;
  readonly profiles: readonly Profile[];
}

/** Nobody has signed in; perhaps a client certificate was shown that may, or one that may not. */
export interface Offer {
  readonly certificate: { readonly who: string; readonly role: Role } | null;
  readonly refused?: { readonly detail: string; readonly hint: string };
}

export interface CertificateSummary {
  readonly serial: string;
  readonly status: Status;
  readonly commonName: string | null;
  readonly names: readonly string[];
  readonly profile: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly by: string;
  readonly revokedAt: string | null;
  readonly reason: string | null;
}

export interface CertificateDetails extends CertificateSummary {
  readonly issuer: string;
  readonly issuerId: string;
  readonly subject: string;
  readonly origin: string | null;
  readonly key: string;
  readonly fingerprint: string;
  readonly pem: string;
}

export interface CertificatePage {
  readonly certificates: readonly CertificateSummary[];
  readonly next: string | null;
}

export interface Expiring {
  readonly certificates: readonly Pick<
    CertificateSummary,
    'serial' | 'commonName' | 'names' | 'profile' | 'notAfter' | 'by'
  >[];
  readonly more: boolean;
}

export interface Reason {
  readonly type: string;
  readonly detail: string;
}

export interface FailedOrder {
  readonly id: string;
  readonly status: 'failed' | 'lapsed';
  readonly account: string;
  readonly contacts: readonly string[];
  readonly profile: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly error: Reason | null;
  readonly identifiers: readonly {
    readonly name: string;
    readonly status: string;
    readonly attempts: readonly { readonly type: string; readonly error: Reason }[];
  }[];
}

export interface OrderPage {
  readonly orders: readonly FailedOrder[];
  readonly next: string | null;
}

export interface Day {
  readonly day: string;
  readonly issued: number;
  readonly revoked: number;
}

export interface Overview {
  readonly valid: number;
  readonly expiring: number;
  readonly revoked: number;
  readonly failedOrders: number;
  readonly days: readonly Day[];
}

export interface Issuer {
  readonly id: string;
  readonly name: string;
  readonly state: 'current' | 'retired';
  readonly signs: boolean;
  readonly notAfter: string;
  readonly lastEnd: string | null;
  readonly crl: { readonly number: number; readonly thisUpdate: string; readonly nextUpdate: string } | null;
  readonly shards: { readonly count: number; readonly nextUpdate: string } | null;
}

export interface Freshness {
  readonly issuers: readonly Issuer[];
  readonly ocsp: { readonly answers: number; readonly due: number; readonly nextEnd: string | null } | null;
}

export interface Preview {
  readonly names: readonly string[];
  readonly commonName: string | null;
  readonly key: string;
}

export interface IssuedCertificate {
  readonly serial: string;
  readonly notAfter: string;
  readonly pem: string;
}

export interface Token {
  readonly id: string;
  readonly status: 'active' | 'expired' | 'revoked';
  readonly who: string;
  readonly role: Role;
  readonly by: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly usedAt?: string;
}
