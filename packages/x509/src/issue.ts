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
  concat,
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
import { type ExtensionName, extensionOids, keyPurposeOids } from './der/oid.ts';
import * as der from './der/writer.ts';
import {
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeExtension,
  encodeKeyUsage,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  type KeyUsage,
} from './extensions.ts';
import { keyFits } from './keys.ts';
import { type DirectoryName, directoryName, type NameFields } from './names/directory.ts';
import { isPresentedDnsName } from './names/dns.ts';
import { parseIp } from './names/ip.ts';
import { quote } from './text.ts';

/** Who signs: a CA with its certificate, or (for a self-signed certificate) the key alone. */
export interface Issuer {
  /** Absent: self-signed, and `signer` holds the certificate's own key. */
  readonly certificate?: Certificate | undefined;
  readonly signer: Signer;
}

export interface IssueOptions {
  readonly provider: Pick<CryptoProvider, 'random' | 'digest'>;
  readonly subject: NameFields | DirectoryName;
  readonly publicKey: PublicKeyInfo;
  readonly issuer: Issuer;
  /** Host names (a wildcard as the left-most label allowed) and IP literals. */
  readonly names?: readonly string[] | undefined;
  readonly emails?: readonly string[] | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether it is a CA, and how many intermediates may follow below. */
  readonly ca?: boolean | { readonly pathLength: number } | undefined;
  /** Unless set: keyCertSign and cRLSign for a CA, digitalSignature for others. */
  readonly keyUsage?: readonly KeyUsage[] | undefined;
  readonly extendedKeyUsage?: readonly ('serverAuth' | 'clientAuth')[] | undefined;
  /** Up to 20 octets, positive. Unless set: 158 random bits. */
  readonly serialNumber?: Uint8Array | undefined;
  /** Unless set: PKCS #1 v1.5 with SHA-256 for an RSA key, as everybody verifies it, else the signer's first. */
  readonly signatureAlgorithm?: SignatureAlgorithm | undefined;
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

/** SHA-256 of the key's BIT STRING, the leftmost 160 bits (RFC 7093 §2, method 1). */
export function keyIdentifierOf(provider: Pick<CryptoProvider, 'digest'>, key: PublicKeyInfo): Bytes {
  return provider.digest('sha256', key.raw).slice(0, 20);
}

function* issue(options: IssueOptions): Settling<Certificate> {
  const { issuer, publicKey } = options;
  const subject = 'raw' in options.subject ? options.subject : directoryName(options.subject);
  checkIssuer(options);
  const algorithm = options.signatureAlgorithm ?? defaultAlgorithm(issuer.signer);
  if (!keyFits(algorithm, issuer.signer.publicKey)) {
    throw new RangeError(`a key of type ${issuer.signer.publicKey.type} makes no ${algorithm} signatures`);
  }
  const signatureIdentifier = encodeSignatureAlgorithm(algorithm);
  const tbs = der.sequence(
    der.explicit(0, der.smallInteger(2)),
    der.unsigned(serialNumberOf(options)),
    signatureIdentifier,
    (issuer.certificate?.subject ?? subject).raw,
    der.sequence(der.time(options.notBefore), der.time(options.notAfter)),
    subject.raw,
    publicKey.spki,
    der.explicit(3, der.sequence(...extensionsOf(options, subject))),
  );
  const signature = yield* settle(issuer.signer.sign(algorithm, tbs));
  return parseCertificate(der.sequence(tbs, signatureIdentifier, der.bitString(signature)));
}

function extensionsOf(options: IssueOptions, subject: DirectoryName): Bytes[] {
  const { provider, ca = false, issuer, publicKey, extendedKeyUsage } = options;
  const extension = (name: ExtensionName, critical: boolean, value: Bytes): Bytes =>
    encodeExtension(extensionOids[name], critical, value);
  const basicConstraints = ca === true || ca === false ? { ca } : { ca: true, pathLength: ca.pathLength };
  const names = splitNames(options.names ?? [], options.emails ?? []);
  const hasNames = names.dnsNames.length + names.ipAddresses.length + names.emails.length > 0;
  const subjectIsEmpty = subject.rdns.length === 0;
  if (subjectIsEmpty && (ca !== false || !hasNames))
    throw new RangeError('a CA, or a certificate without names, needs a subject');
  const usages = options.keyUsage ?? (ca === false ? ['digitalSignature'] : ['keyCertSign', 'cRLSign']);
  const authorityKey =
    issuer.certificate?.subjectKeyIdentifier ?? keyIdentifierOf(provider, issuer.certificate?.publicKey ?? publicKey);
  return [
    extension('basicConstraints', true, encodeBasicConstraints(basicConstraints)),
    extension('keyUsage', true, encodeKeyUsage(usages)),
    ...(extendedKeyUsage === undefined || extendedKeyUsage.length === 0
      ? []
      : [
          extension(
            'extKeyUsage',
            false,
            encodeExtendedKeyUsage(extendedKeyUsage.map((purpose) => keyPurposeOids[purpose])),
          ),
        ]),
    ...(hasNames ? [extension('subjectAltName', subjectIsEmpty, encodeSubjectAltName(names))] : []),
    extension('subjectKeyIdentifier', false, encodeSubjectKeyIdentifier(keyIdentifierOf(provider, publicKey))),
    extension('authorityKeyIdentifier', false, encodeAuthorityKeyIdentifier(authorityKey)),
  ];
}

function checkIssuer(options: IssueOptions): void {
  const { issuer, publicKey, notBefore, notAfter, ca = false, keyUsage } = options;
  const own = issuer.certificate?.publicKey ?? publicKey;
  if (!equalBytes(own.spki, issuer.signer.publicKey.spki)) {
    throw new RangeError(
      issuer.certificate
        ? "the signer is not the issuer certificate's key"
        : 'self-signed, but the signer has another key',
    );
  }
  if (!(notBefore.getTime() <= notAfter.getTime()))
    throw new RangeError('notBefore is after notAfter, or one is no date');
  if (ca !== false && keyUsage !== undefined && !keyUsage.includes('keyCertSign'))
    throw new RangeError('a CA needs the key usage keyCertSign');
  if (ca === false && keyUsage?.includes('keyCertSign')) throw new RangeError('the key usage keyCertSign is for CAs');
  if (issuer.certificate === undefined) return;
  const { basicConstraints, keyUsage: issuerUsage } = issuer.certificate;
  if (basicConstraints?.ca !== true || issuerUsage?.has('keyCertSign') === false)
    throw new RangeError('the issuer is not a CA');
  const room = basicConstraints.pathLength;
  const wanted = typeof ca === 'object' ? ca.pathLength + 1 : ca ? 1 : 0;
  if (room !== undefined && wanted > room)
    throw new RangeError(`the issuer's path length of ${room} leaves no room for this CA`);
}

function defaultAlgorithm(signer: Signer): SignatureAlgorithm {
  if (signer.publicKey.type === 'rsa' && signer.algorithms.includes('rsa-pkcs1-sha256')) return 'rsa-pkcs1-sha256';
  const [first] = signer.algorithms;
  if (first === undefined) throw new RangeError('the signer has no signature algorithm');
  return first;
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; ours start with a bit pattern 01, so that length and sign are fixed. */
function serialNumberOf({ provider, serialNumber }: IssueOptions): Uint8Array {
  if (serialNumber === undefined) {
    const random = provider.random(20);
    return concat(Uint8Array.of(((random[0] ?? 0) & 0x3f) | 0x40), random.subarray(1));
  }
  const zeros = serialNumber.findIndex((byte) => byte !== 0);
  const magnitude = zeros < 0 ? new Uint8Array(0) : serialNumber.subarray(zeros);
  if (magnitude.length === 0 || magnitude.length > 20 || (magnitude.length === 20 && (magnitude[0] ?? 0) >= 0x80)) {
    throw new RangeError('a serial number is positive and has at most 20 octets');
  }
  return magnitude;
}

function splitNames(
  names: readonly string[],
  emails: readonly string[],
): {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly Bytes[];
  readonly emails: readonly string[];
} {
  const dnsNames: string[] = [];
  const ipAddresses: Bytes[] = [];
  for (const name of names) {
    const address = parseIp(name);
    if (address !== undefined) ipAddresses.push(address);
    else if (isPresentedDnsName(name)) dnsNames.push(name.toLowerCase());
    else throw new RangeError(`neither a host name nor an IP address: ${quote(name)}`);
  }
  for (const email of emails) {
    if (!/^[\x21-\x7e]+$/.test(email) || email.split('@').length !== 2)
      throw new RangeError(`not a mailbox: ${quote(email)}`);
  }
  return { dnsNames, ipAddresses, emails };
}

function caOf(pathLength: number | undefined): boolean | { readonly pathLength: number } {
  return pathLength === undefined ? true : { pathLength };
}
