/**
 * A certificate as it will be, but for its signature: linted, and put to the rules that every verifier will put it to, those of all
 * issuers' name constraints included.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  type SignatureAlgorithm,
  type SignatureVerifier,
  type Signer,
  toHex,
} from '@handfast/crypto';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type CertificateUsage,
  type IssueOptions,
  issueCertificate,
  keyPurposeLabel,
  verifyCertificate,
} from '@handfast/x509';
import { type CaContext, crlUrl } from '../context.ts';
import { CaError, type CaErrorCode } from '../errors.ts';
import { lint } from './lint.ts';
import type { Profile } from './profiles.ts';
import type { Intention } from './request.ts';

export interface Preview {
  readonly serial: string;
  /** Which of the issuer's lists tells of it; `undefined`: the complete one alone. */
  readonly crlShard: number | undefined;
  /** What is to be signed. */
  readonly tbs: Bytes;
  /** For the signer. */
  readonly template: IssueOptions;
}

/** @throws CaError for what no verifier would accept, and `lint` */
export async function previewOf(context: CaContext, intention: Intention): Promise<Preview> {
  const { provider } = context;
  const { signer, certificate: issuer } = intention.issuer;
  const serialNumber = newSerialNumber(provider);
  const crlShard = isUnchecked(intention.profile) ? undefined : shardOf(context, serialNumber);
  const urls = urlsOf(context, intention, crlShard);
  const template = { ...templateOf(provider, intention, urls), serialNumber };
  const certificate = await issueCertificate({
    ...template,
    issuer: { certificate: issuer, signer: unsigned(signer) },
    // It has no signature; and the rules are asked below, of the whole path.
    unverifiable: true,
  });
  await refuseUnverifiable(context, intention, certificate);
  const breaches = lint(certificate, { ...intention, ...urls, issuer, backdateMs: context.backdateMs });
  if (breaches.length > 0)
    throw new CaError('lint', `the certificate would break rules of form: ${breaches.join('; ')}`);
  return { serial: toHex(certificate.serialNumber), crlShard, tbs: certificate.tbs, template };
}

/**
 * 128 random bits: that two are the same has a chance of 2^-64 when 2^32 have been given. So a number whose record was removed long after
 * its certificate's end does not come again, though nobody remembers it.
 */
function newSerialNumber(provider: CryptoProvider): Bytes {
  return provider.random(16);
}

/** Spread evenly, since serial numbers are random: by their last 32 bits. */
function shardOf({ baseUrl, crlShards }: CaContext, serialNumber: Bytes): number | undefined {
  if (baseUrl === undefined || crlShards === 0) return undefined;
  return new DataView(serialNumber.buffer, serialNumber.byteOffset).getUint32(serialNumber.length - 4) % crlShards;
}

interface Urls {
  readonly crlUrl: string | undefined;
  readonly ocspUrl: string | undefined;
}

function urlsOf({ baseUrl }: CaContext, { issuer, profile }: Intention, shard: number | undefined): Urls {
  if (baseUrl === undefined || isUnchecked(profile)) return { crlUrl: undefined, ocspUrl: undefined };
  return {
    crlUrl: crlUrl(baseUrl, issuer.id, shard ?? 'complete'),
    ocspUrl: profile.ocsp === true ? `${baseUrl}/ocsp/${issuer.id}` : undefined,
  };
}

function templateOf(provider: CryptoProvider, intention: Intention, { crlUrl, ocspUrl }: Urls): IssueOptions {
  const { profile, names, commonName } = intention;
  const { certificate, signer } = intention.issuer;
  return {
    provider,
    issuer: { certificate, signer },
    subject: commonName === undefined ? {} : { commonName },
    publicKey: intention.publicKey,
    notBefore: intention.notBefore,
    notAfter: intention.notAfter,
    extendedKeyUsage: profile.extendedKeyUsage,
    keyUsage: profile.keyUsage,
    names: names.filter(({ kind }) => kind !== 'email').map(({ name }) => name),
    emails: names.filter(({ kind }) => kind === 'email').map(({ name }) => name),
    crlUrls: crlUrl === undefined ? undefined : [crlUrl],
    ocspUrls: ocspUrl === undefined ? undefined : [ocspUrl],
    ocspNoCheck: isUnchecked(profile),
  };
}

/** Nobody asks whether an OCSP responder is revoked: that would be to ask itself (RFC 6960 §4.2.2.2.1). */
function isUnchecked({ extendedKeyUsage }: Profile): boolean {
  return extendedKeyUsage.includes('ocspSigning');
}

/** A signer that makes none. */
function unsigned({ publicKey, algorithms }: Signer): Signer {
  return { publicKey, algorithms, sign: () => new Uint8Array(1) };
}

async function refuseUnverifiable(
  { provider }: CaContext,
  { profile, issuer, now }: Intention,
  leaf: Certificate,
): Promise<void> {
  const { chain, trust } = issuer;
  const [usage] = profile.extendedKeyUsage.map(keyPurposeLabel).filter(isUsage);
  try {
    await verifyCertificate({
      // Its own signature is not there yet; those above it were verified when the authority was opened.
      provider: { ...provider, signatures: takenAsGood },
      leaf,
      intermediates: chain.slice(0, -1),
      trust,
      time: now,
      usage: usage ?? 'any',
    });
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new CaError(refusalCodes.get(error.code) ?? 'lint', `no verifier would accept it: ${error.message}`, {
      cause: error,
    });
  }
}

const good: SignatureVerifier = { verify: () => true };

const takenAsGood: Readonly<Partial<Record<SignatureAlgorithm, SignatureVerifier>>> = {
  'ecdsa-sha256': good,
  'ecdsa-sha384': good,
  'ecdsa-sha512': good,
  'rsa-pss-sha256': good,
  'rsa-pss-sha384': good,
  'rsa-pss-sha512': good,
  'rsa-pkcs1-sha256': good,
  'rsa-pkcs1-sha384': good,
  'rsa-pkcs1-sha512': good,
  ed25519: good,
  ed448: good,
  'ml-dsa-44': good,
  'ml-dsa-65': good,
  'ml-dsa-87': good,
};

/** What a requester may not have, and what the CA cannot give; anything else is a fault of the template's. */
const refusalCodes: ReadonlyMap<CertificateErrorCode, CaErrorCode> = new Map<CertificateErrorCode, CaErrorCode>([
  ['name_constraints', 'not_allowed'],
  ['extended_key_usage', 'not_allowed'],
  ['weak_key', 'bad_key'],
  ['unsupported_key', 'bad_key'],
  ['expired', 'cannot_sign'],
  ['not_yet_valid', 'cannot_sign'],
]);

const usages: ReadonlySet<string> = new Set<CertificateUsage>([
  'serverAuth',
  'clientAuth',
  'codeSigning',
  'emailProtection',
  'timeStamping',
  'ocspSigning',
]);

function isUsage(label: string): label is CertificateUsage {
  return usages.has(label);
}
