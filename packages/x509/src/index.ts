/**
 * X.509 certificates: parse them strictly, verify a path to a trust anchor, issue new ones.
 *
 * @module
 */

export {
  type AuthorityInfoAccess,
  authorityInfoAccessOf,
  demandsStaple,
  encodeAuthorityInfoAccess,
  encodeTlsFeatures,
  parseAuthorityInfoAccess,
  parseTlsFeatures,
  tlsFeatures,
} from './access.ts';
export { type Certificate, fingerprintOf, parseCertificate, parseCertificates } from './certificate.ts';
export { type Crl, type CrlEntry, parseCrl, parseCrls } from './crl.ts';
export { type CtLog, type CtLogList, type CtLogOptions, type CtLogState, ctLog, parseLogList } from './ct-logs.ts';
export { extensionLabel, keyPurposeLabel, type Oid } from './der/oid.ts';
export { type PemBlock, parsePem, toPem } from './der/pem.ts';
export { describeCertificate } from './describe.ts';
export {
  type DistributionPoint,
  type DistributionPointName,
  distributionPointsOf,
  type IssuingDistributionPoint,
  parseDistributionPoints,
} from './distribution-points.ts';
export {
  CertificateError,
  type CertificateErrorCode,
  type CertificateErrorDetails,
  type RefusedPath,
} from './errors.ts';
export type { AuthorityKeyIdentifier, BasicConstraints, Extension, KeyUsage, SubjectAltName } from './extensions.ts';
export {
  type AbortSignalLike,
  type CachingFetcherOptions,
  cachingFetcher,
  FetchError,
  type FetchErrorCode,
  type Fetcher,
  type FetchRequest,
  type HttpUrl,
  parseHttpUrl,
} from './fetch.ts';
export {
  type IssueBasics,
  type IssueOptions,
  type Issuer,
  issueCertificate,
  issueClientCertificate,
  issueIntermediate,
  issueRoot,
  issueServerCertificate,
} from './issue.ts';
export { encodeRevoked, type IssueCrlOptions, issueCrl, type RevokedCertificate } from './issue-crl.ts';
export {
  type IssueOcspOptions,
  issueOcspResponse,
  type OcspAnswer,
  type OcspResponder,
  ocspErrorResponse,
} from './issue-ocsp.ts';
export { type FetchedIssuers, type FetchIssuersOptions, fetchIssuers, issuersOf } from './issuers.ts';
export { keyFits, keyLabel, parsePublicKey } from './keys.ts';
export type { NameConstraints } from './names/constraints.ts';
export {
  type DirectoryName,
  directoryName,
  type NameAttribute,
  type NameFields,
  parseDirectoryName,
} from './names/directory.ts';
export type { Subtrees } from './names/encode.ts';
export { describeGeneralName, type GeneralName } from './names/general.ts';
export { formatIp, parseIp } from './names/ip.ts';
export { matchesHostname, matchesName, type NameOptions, type NameReference } from './names/match.ts';
export { type CertId, type CertIdHash, type CertIdProvider, certIdKey, certIdOf } from './ocsp/cert-id.ts';
export {
  type OcspRequest,
  type OcspRequestOptions,
  type OcspSingleRequest,
  ocspRequest,
  parseOcspRequest,
} from './ocsp/request.ts';
export {
  type BasicOcspResponse,
  type OcspCertStatus,
  type OcspErrorStatus,
  type OcspResponse,
  type OcspResponseStatus,
  type OcspSingleResponse,
  parseOcspResponse,
  type ResponderId,
} from './ocsp/response.ts';
export { type Budget, defaultBudget } from './path/budget.ts';
export { type VerifiedPath, type VerifyOptions, verify, verifyCertificate } from './path/build.ts';
export type { CertificateUsage, PathPolicy } from './path/check.ts';
export type { PolicyInputs, PolicyOutcome } from './path/policies.ts';
export { type Profile, rfc5280, webpki } from './path/profile.ts';
export { type CheckName, type PathCheck, pathChecks } from './path/report.ts';
export { type SignatureProvider, verifySignature } from './path/signature.ts';
export type { PasswordCipher, PasswordEncryption } from './pbe/encryption.ts';
export type { LegacyPbe } from './pbe/legacy.ts';
export type { Password, PasswordLimits } from './pbe/work.ts';
export { type Pkcs7, parsePkcs7, writePkcs7 } from './pkcs7.ts';
export {
  type BagNames,
  type Pkcs12,
  type Pkcs12Certificate,
  type Pkcs12Key,
  type Pkcs12Options,
  readPkcs12,
  type SkippedBag,
} from './pkcs12.ts';
export { type Pkcs12Contents, type Pkcs12WriteOptions, writePkcs12 } from './pkcs12-write.ts';
export type { PolicyConstraints, PolicyInformation, PolicyMapping, PolicyQualifier } from './policy-extensions.ts';
export { type DecryptOptions, decryptPrivateKey, encryptPrivateKey, parsePrivateKey } from './private-keys.ts';
export {
  type CertificateRequest,
  issueRequest,
  parseRequest,
  parseRequests,
  type RequestAttribute,
  type RequestOptions,
  verifyRequest,
} from './request.ts';
export {
  type CachedStatus,
  RevocationCache,
  type RevocationCacheOptions,
} from './revocation/cache.ts';
export {
  checkRevocation,
  type Revocation,
  type RevocationCheck,
  type RevocationOptions,
  type RevocationQuestion,
  revocation,
  revocationVerdicts,
} from './revocation/check.ts';
export { checkOcspResponse, type OcspAnswerOptions, ocspAnswer } from './revocation/ocsp.ts';
export { ocspStapler, type StaplerOptions } from './revocation/stapler.ts';
export type {
  RevocationAnswer,
  RevocationReason,
  RevocationSource,
  RevocationVerdict,
} from './revocation/status.ts';
export { rootsOnly } from './roots-only.ts';
export {
  encodeSctList,
  parseSctList,
  requireScts,
  type SctOptions,
  type SctPolicy,
  type SctSignatureAlgorithm,
  type SctSource,
  type SctVerdict,
  type SignedCertificateTimestamp,
  sctsOfCertificate,
  sctsOfOcspAnswer,
  sctVerdicts,
  type Transparency,
  transparency,
  verifyScts,
  webSctPolicy,
} from './sct.ts';
export {
  type AgreementKey,
  type DsaPublicKey,
  type HasKey,
  keyMatches,
  parseSubjectKey,
  type SubjectKey,
  subjectKeyLabel,
} from './subject-keys.ts';
export { type ExtensionTemplate, type KeyPurpose, keyIdentifierOf } from './template.ts';
export { escapeText, escapeWhole } from './text.ts';
export { type SkippedAnchor, type TrustInput, type TrustOptions, type TrustStore, trustStore } from './trust.ts';
export { type AnchorLimits, type AnchorOptions, anchor, type TrustAnchor } from './trust-limits.ts';
export { trustNobody } from './trust-nobody.ts';
