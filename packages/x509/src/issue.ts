/**
 * Issuing certificates: roots, intermediates, servers, clients. What is issued here passes the strictest verifiers
 * (OpenSSL's `X509_V_FLAG_X509_STRICT`, the `rfc5280` profile of `path/profile.ts`): key identifiers everywhere,
 * criticality as RFC 5280 §4.2.1 has it, a random serial number.
 *
 * What a CA may sign for whom is a policy, and `@handfast/ca`'s.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  equalBytes,
  type MaybePromise,
  type PublicKeyInfo,
  runSettling,
  type Settling,
  type SignatureAlgorithm,
  type Signer,
  settle,
} from '@handfast/crypto';
import { encodeSignatureAlgorithm } from './algorithms.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { keyPurposeLabel, keyPurposeOids } from './der/oid.ts';
import * as der from './der/writer.ts';
import { keyFits } from './keys.ts';
import { type DirectoryName, directoryName, type NameFields } from './names/directory.ts';
import { Spending } from './path/budget.ts';
import { type Context, issuerRefusal, leafRefusal } from './path/check.ts';
import { type ExtensionTemplate, keyIdentifierOf, templateExtensions } from './template.ts';

/** Who signs: a CA with its certificate, or (for a self-signed certificate) the key alone. */
export interface Issuer {
  /** Absent: self-signed, and `signer` holds the certificate's own key. */
  readonly certificate?: Certificate | undefined;
  readonly signer: Signer;
}

export interface IssueOptions extends ExtensionTemplate {
  readonly provider: Pick<CryptoProvider, 'random' | 'digest'>;
  readonly subject: NameFields | DirectoryName;
  readonly publicKey: PublicKeyInfo;
  readonly issuer: Issuer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Up to 20 octets, positive. Unless set: 128 random bits. */
  readonly serialNumber?: Uint8Array | undefined;
  /** Unless set: PKCS #1 v1.5 with SHA-256 for an RSA key, as everybody verifies it, else the signer's first. */
  readonly signatureAlgorithm?: SignatureAlgorithm | undefined;
  /** Issue also what every verifier should refuse: for tests of verifiers. */
  readonly unverifiable?: boolean | undefined;
}

/**
 * Issues a certificate. Synchronous where the signer is.
 *
 * @throws RangeError for options that make no sense together (an issuer that is no CA, a name that is no name, …)
 *
 * @example
 * ```ts
 * const { signer } = await provider.generateKeyPair('secp256r1');
 * const root = await issueCertificate({
 *   provider, subject: { commonName: 'Example root' }, publicKey: signer.publicKey, issuer: { signer },
 *   notBefore: new Date('2026-11-01'), notAfter: new Date('2036-11-01'), ca: true,
 * });
 * ```
 */
export function issueCertificate(options: IssueOptions): MaybePromise<Certificate> {
  return runSettling(issue(options));
}

/** What the common kinds of certificate share. */
export type IssueBasics = Pick<
  IssueOptions,
  'provider' | 'subject' | 'issuer' | 'notBefore' | 'notAfter' | 'signatureAlgorithm'
>;

/** A self-signed root CA over the signer's own key. */
export function issueRoot(
  options: Omit<IssueBasics, 'issuer'> & { readonly signer: Signer; readonly pathLength?: number },
): MaybePromise<Certificate> {
  const { signer, pathLength, ...basics } = options;
  return issueCertificate({ ...basics, publicKey: signer.publicKey, issuer: { signer }, ca: caOf(pathLength) });
}

/** An intermediate CA; it issues leaves only, unless `pathLength` says more. */
export function issueIntermediate(
  options: IssueBasics & { readonly publicKey: PublicKeyInfo; readonly pathLength?: number },
): MaybePromise<Certificate> {
  const { pathLength = 0, ...basics } = options;
  return issueCertificate({ ...basics, ca: { pathLength } });
}

/** A server's certificate for these host names and IP literals. */
export function issueServerCertificate(
  options: IssueBasics & { readonly publicKey: PublicKeyInfo; readonly names: readonly string[] },
): MaybePromise<Certificate> {
  return issueCertificate({ ...options, extendedKeyUsage: ['serverAuth'] });
}

/** A client's certificate. */
export function issueClientCertificate(
  options: IssueBasics & {
    readonly publicKey: PublicKeyInfo;
    readonly emails?: readonly string[];
    readonly names?: readonly string[];
  },
): MaybePromise<Certificate> {
  return issueCertificate({ ...options, extendedKeyUsage: ['clientAuth'] });
}

function* issue(options: IssueOptions): Settling<Certificate> {
  const { issuer } = options;
  const algorithm = options.signatureAlgorithm ?? defaultAlgorithm(issuer.signer);
  checkSigner(options, algorithm);
  const signatureIdentifier = encodeSignatureAlgorithm(algorithm);
  const tbs = tbsOf(options, signatureIdentifier);
  const complete = (signature: Uint8Array): Certificate =>
    parseCertificate(der.sequence(tbs, signatureIdentifier, der.bitString(signature)));
  // Looked at as a verifier will, before it is signed.
  if (options.unverifiable !== true) refuseUnverifiable(complete(new Uint8Array(1)), issuer.certificate);
  return complete(yield* settle(issuer.signer.sign(algorithm, tbs)));
}

function tbsOf(options: IssueOptions, signatureIdentifier: Bytes): Bytes {
  const { provider, issuer, publicKey } = options;
  const subject = 'raw' in options.subject ? options.subject : directoryName(options.subject);
  const subjectKeyIdentifier = keyIdentifierOf(provider, publicKey);
  const authority = issuer.certificate;
  const authorityKeyIdentifier =
    authority === undefined
      ? subjectKeyIdentifier
      : (authority.subjectKeyIdentifier ?? keyIdentifierOf(provider, authority.publicKey));
  const extensions = templateExtensions(options, { subject, subjectKeyIdentifier, authorityKeyIdentifier });
  return der.sequence(
    der.explicit(0, der.smallInteger(2)),
    der.unsigned(serialNumberOf(options)),
    signatureIdentifier,
    (authority?.subject ?? subject).raw,
    der.sequence(der.time(options.notBefore), der.time(options.notAfter)),
    subject.raw,
    publicKey.spki,
    der.explicit(3, der.sequence(...extensions)),
  );
}

function checkSigner({ issuer, publicKey, notBefore, notAfter }: IssueOptions, algorithm: SignatureAlgorithm): void {
  const own = issuer.certificate?.publicKey ?? publicKey;
  if (!equalBytes(own.spki, issuer.signer.publicKey.spki)) {
    throw new RangeError(
      issuer.certificate
        ? "the signer is not the issuer certificate's key"
        : 'self-signed, but the signer has another key',
    );
  }
  if (!keyFits(algorithm, issuer.signer.publicKey)) {
    throw new RangeError(`a key of type ${issuer.signer.publicKey.type} makes no ${algorithm} signatures`);
  }
  if (!(notBefore.getTime() <= notAfter.getTime())) {
    throw new RangeError('notBefore is after notAfter, or one is no date');
  }
}

/**
 * Our own path rules, at a time when both certificates are valid: what they refuse whatever the signature, every verifier
 * should. Extensions that are critical and unknown to us are the caller's affair: somebody else may process them.
 */
function refuseUnverifiable(certificate: Certificate, issuer: Certificate | undefined): void {
  const time = new Date(Math.max(certificate.notBefore.getTime(), issuer?.notBefore.getTime() ?? 0));
  const context: Context = {
    time,
    now: time.getTime(),
    usage: 'any',
    profile: undefined,
    policy: { minRsaBits: 1024 },
    certificatePolicies: {},
  };
  const refusals = [
    leafRefusal(certificate, context, issuer === undefined),
    issuer && issuerRefusal(issuer, [certificate], 'intermediate', context, new Spending()),
  ];
  const refusal = refusals.find((one) => one !== undefined && one.rule !== 'critical_extension');
  const why = refusal?.message ?? (issuer && roomRefusal(certificate, issuer));
  if (why !== undefined) throw new RangeError(`no verifier would accept this certificate: ${why}`);
}

/** What an issuer leaves room for: CAs below it, and purposes. */
function roomRefusal(certificate: Certificate, issuer: Certificate): string | undefined {
  const { basicConstraints, extendedKeyUsage } = certificate;
  const room = issuer.basicConstraints?.pathLength;
  const wanted = basicConstraints?.ca === true ? 1 + (basicConstraints.pathLength ?? 0) : 0;
  if (room !== undefined && wanted > room) return `the issuer's path length of ${room} leaves no room for this CA`;
  const allowed = issuer.extendedKeyUsage;
  if (allowed === undefined || extendedKeyUsage === undefined || allowed.includes(keyPurposeOids.any)) return undefined;
  return extendedKeyUsage.some((purpose) => allowed.includes(purpose))
    ? undefined
    : `the issuer is for ${allowed.map(keyPurposeLabel).join(', ')} alone`;
}

/** PKCS #1 v1.5 for an RSA key, as everybody verifies it, else the signer's first. */
export function defaultAlgorithm(signer: Signer): SignatureAlgorithm {
  if (signer.publicKey.type === 'rsa' && signer.algorithms.includes('rsa-pkcs1-sha256')) return 'rsa-pkcs1-sha256';
  const [first] = signer.algorithms;
  if (first === undefined) throw new RangeError('the signer has no signature algorithm');
  return first;
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
function serialNumberOf({ provider, serialNumber = provider.random(16) }: IssueOptions): Uint8Array {
  const zeros = serialNumber.findIndex((byte) => byte !== 0);
  const magnitude = zeros < 0 ? new Uint8Array(0) : serialNumber.subarray(zeros);
  if (magnitude.length === 0 || magnitude.length > 20 || (magnitude.length === 20 && (magnitude[0] ?? 0) >= 0x80)) {
    throw new RangeError('a serial number is positive and has at most 20 octets');
  }
  return magnitude;
}

function caOf(pathLength: number | undefined): boolean | { readonly pathLength: number } {
  return pathLength === undefined ? true : { pathLength };
}
