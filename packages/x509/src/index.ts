/**
 * X.509 certificates: parse them strictly, verify a path to a trust anchor, issue new ones.
 *
 * @module
 */

export { type Certificate, fingerprintOf, parseCertificate, parseCertificates } from './certificate.ts';
export type { Oid } from './der/oid.ts';
export { type PemBlock, parsePem, toPem } from './der/pem.ts';
export { describeCertificate } from './describe.ts';
export {
  CertificateError,
  type CertificateErrorCode,
  type CertificateErrorDetails,
  type RefusedPath,
} from './errors.ts';
export type { AuthorityKeyIdentifier, BasicConstraints, Extension, KeyUsage, SubjectAltName } from './extensions.ts';
export {
  type IssueBasics,
  type IssueOptions,
  type Issuer,
  issueCertificate,
  issueClientCertificate,
  issueIntermediate,
  issueRoot,
  issueServerCertificate,
  keyIdentifierOf,
} from './issue.ts';
export { keyFits, keyLabel, parsePrivateKey, parsePublicKey } from './keys.ts';
export type { NameConstraints } from './names/constraints.ts';
export {
  type DirectoryName,
  directoryName,
  type NameAttribute,
  type NameFields,
  parseDirectoryName,
} from './names/directory.ts';
export type { GeneralName } from './names/general.ts';
export { formatIp, parseIp } from './names/ip.ts';
export { matchesHostname } from './names/match.ts';
export { type Budget, defaultBudget } from './path/budget.ts';
export { type VerifiedPath, type VerifyOptions, verify, verifyCertificate } from './path/build.ts';
export type { PathPolicy, Purpose } from './path/check.ts';
export type { Profile } from './path/profile.ts';
export type { CheckName, PathCheck } from './path/report.ts';
export { escapeText } from './text.ts';
export { type TrustStore, trustStore } from './trust.ts';
