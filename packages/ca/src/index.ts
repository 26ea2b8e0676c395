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
export type { CaaOptions } from './acme/validation/caa.ts';
export { type Challenge, ValidationFailure, type ValidationRequest } from './acme/validation/challenge.ts';
export { type CaaRecord, type Dns, type DnsOptions, dnsBy } from './acme/validation/dns.ts';
export { type Dns01Options, dns01 } from './acme/validation/dns-01.ts';
export { type Http01Options, http01 } from './acme/validation/http-01.ts';
export type { Endpoint, Resolve, TargetPolicy } from './acme/validation/targets.ts';
export { type TlsAlpn01Options, tlsAlpn01 } from './acme/validation/tls-alpn-01.ts';
export { type Admin, type AdminConnection, type AdminOptions, createAdmin } from './admin/app.ts';
export type { AdminClient } from './admin/clients.ts';
export { type PageFile, type PageFiles, readAdminPage } from './admin/page.ts';
export type { AdminRole } from './admin/roles.ts';
export { adminSchema } from './admin/schema.ts';
export type { AdminEvent } from './admin/service.ts';
export {
  type AdminToken,
  type AdminTokenRequest,
  type AdminTokenStatus,
  type AdminTokensOptions,
  createAdminToken,
  listAdminTokens,
  revokeAdminToken,
} from './admin/tokens.ts';
export { type AuditCheckpoint, type AuditHead, checkpointJson } from './audit/checkpoint.ts';
export { type CheckpointOptions, checkpointAudit } from './audit/checkpoints.ts';
export { type AuditLine, auditEventJson, parseAuditLine } from './audit/events.ts';
export { type PruneAuditOptions, pruneAudit } from './audit/prune.ts';
export { type Reentered, type ReenterOptions, reenterAudit } from './audit/reenter.ts';
export { type AuditEvent, AuditStream, type AuditStreamOptions } from './audit/stream.ts';
export {
  type AuditFault,
  type AuditVerdict,
  type CheckpointVerdict,
  type KnownCheckpoint,
  type VerifyAuditOptions,
  verifyAudit,
} from './audit/verify.ts';
export { type AuditEntry, type AuditRecord, appendAudit, listAudit } from './audit.ts';
export type {
  Authority,
  CertificateRecord,
  CertificateStatus,
  Issued,
  IssueRequest,
  ListFilter,
  RevokeRequest,
} from './authority.ts';
export {
  createEnrolment,
  type Enrolment,
  type EnrolmentConnection,
  type EnrolmentEvent,
  type EnrolmentOptions,
  enrolmentPaths,
} from './enrolment/app.ts';
export type { GuessLimits } from './enrolment/guesses.ts';
export type { EnrolmentCode } from './enrolment/problems.ts';
export { enrolmentSchema } from './enrolment/schema.ts';
export {
  type EnrolmentToken,
  openTokens,
  type TokenRequest,
  type TokenStatus,
  type Tokens,
  type TokensOptions,
} from './enrolment/tokens.ts';
export { CaError, type CaErrorCode } from './errors.ts';
export { type IssuerOptions, type IssuerRecord, issuerIdOf } from './issuing/issuers.ts';
export type { NamePolicy, RequestedName } from './issuing/policy.ts';
export { clientProfile, defaultProfiles, type Profile, serverProfile } from './issuing/profiles.ts';
export type { CheckedRequest, KeylessRequest } from './issuing/request.ts';
export type { OcspDates, OcspReply } from './ocsp/answers.ts';
export { createOcsp, type OcspOptions } from './ocsp/http.ts';
export { type AuthorityOptions, type IssuerChange, type OpenAuthority, openAuthority } from './open.ts';
export type { CrlName } from './revocation/stored.ts';
export type { Database, Sql, SqlRow, SqlValue } from './store/database.ts';
export { migrate, type Schema } from './store/schema.ts';
export { openSqlite, type SqliteOptions } from './store/sqlite.ts';
