/**
 * `@handfast/ca`: a certificate authority that a team can run.
 *
 * @module
 */

export { type Acme, createAcme } from './acme/app.ts';
export {
  createExternalKey,
  type ExternalKey,
  listExternalKeys,
  revokeExternalKey,
} from './acme/external-accounts.ts';
export type { Identifier } from './acme/identifiers.ts';
export { acmeSchema } from './acme/schema.ts';
export { type AcmeEvent, type AcmeLimits, type AcmeOptions, defaultLimits } from './acme/settings.ts';
export { type Challenge, ValidationFailure, type ValidationRequest } from './acme/validation/challenge.ts';
export { type Dns01Options, dns01 } from './acme/validation/dns-01.ts';
export { type Http01Options, http01 } from './acme/validation/http-01.ts';
export type { Endpoint, Resolve, TargetPolicy } from './acme/validation/targets.ts';
export { type TlsAlpn01Options, tlsAlpn01 } from './acme/validation/tls-alpn-01.ts';
export {
  type AuditCheckpoint,
  type AuditEntry,
  type AuditRecord,
  type AuditVerdict,
  appendAudit,
  listAudit,
  verifyAudit,
} from './audit.ts';
export type {
  Authority,
  CertificateRecord,
  CertificateStatus,
  Issued,
  IssueRequest,
  ListFilter,
  RevokeRequest,
} from './authority.ts';
export { CaError, type CaErrorCode } from './errors.ts';
export type { NamePolicy } from './issuing/policy.ts';
export { clientProfile, defaultProfiles, type Profile, serverProfile } from './issuing/profiles.ts';
export type { OcspDates, OcspReply } from './ocsp/answers.ts';
export { createOcsp, type OcspOptions } from './ocsp/http.ts';
export { type AuthorityOptions, issuerIdOf, type OpenAuthority, openAuthority } from './open.ts';
export type { Database, Sql, SqlRow, SqlValue } from './store/database.ts';
export { migrate, type Schema } from './store/schema.ts';
export { openSqlite, type SqliteOptions } from './store/sqlite.ts';
