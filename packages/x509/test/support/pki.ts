/**
 * A small CA for tests: orderly certificates by `issueCertificate`, and disorderly ones, built value by value, that it
 * would refuse to issue.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  type KeyType,
  type SignatureAlgorithm,
  type Signer,
  utf8,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { encodeSignatureAlgorithm } from '../../src/algorithms.ts';
import { type ExtensionName, extensionOids, type Oid } from '../../src/der/oid.ts';
import * as der from '../../src/der/writer.ts';
import { encodeBasicConstraints, encodeExtension, encodeKeyUsage, encodeSubjectAltName } from '../../src/extensions.ts';
import {
  type Certificate,
  directoryName,
  type IssueOptions,
  issueCertificate,
  parseCertificate,
  trustStore,
  type VerifiedPath,
  type VerifyOptions,
  verifyCertificate,
} from '../../src/index.ts';
import { parseIp } from '../../src/names/ip.ts';

export { nodeProvider };

export const now: Date = new Date('2026-11-21T02:00:00Z');
export const notBefore: Date = new Date('2026-11-01T00:00:00Z');
export const notAfter: Date = new Date('2027-11-01T00:00:00Z');

/** A certificate with the key that it is about. */
export interface Identity {
  readonly certificate: Certificate;
  readonly signer: Signer;
}

export async function newSigner(type: KeyType = 'secp256r1', modulusBits?: number): Promise<Signer> {
  const options = modulusBits === undefined ? {} : { modulusBits };
  return (await nodeProvider.generateKeyPair(type, options)).signer;
}

/** An orderly certificate under `issuer` (self-signed without one). */
export async function issued(
  commonName: string,
  issuer: Identity | undefined,
  options: Partial<IssueOptions> & { readonly signer?: Signer } = {},
): Promise<Identity> {
  const { signer = await newSigner(), ...rest } = options;
  const certificate = await issueCertificate({
    provider: nodeProvider,
    subject: { commonName },
    publicKey: signer.publicKey,
    issuer: issuer ?? { signer },
    notBefore,
    notAfter,
    ...rest,
  });
  return { certificate, signer };
}

export interface OddOptions {
  readonly signer?: Signer;
  readonly version?: 1 | 3;
  /** A name that the issuer's certificate does not have. */
  readonly issuerName?: string;
  readonly algorithm?: SignatureAlgorithm;
  /** The AlgorithmIdentifier's DER, where it shall be one that nobody signs with. */
  readonly signatureIdentifier?: Uint8Array;
  readonly spki?: Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly Uint8Array[];
  /** Spoils the signature. */
  readonly forged?: boolean;
}

/** A certificate with exactly these extensions, whatever they say; an empty common name is no subject at all. */
export async function odd(
  commonName: string,
  issuer: Identity | undefined,
  options: OddOptions = {},
): Promise<Identity> {
  const { signer = await newSigner(), version = 3, algorithm = 'ecdsa-sha256', extensions = [] } = options;
  const signatureIdentifier = options.signatureIdentifier ?? encodeSignatureAlgorithm(algorithm);
  const subject = directoryName(commonName === '' ? {} : { commonName });
  const issuerName =
    options.issuerName === undefined
      ? (issuer?.certificate.subject ?? subject)
      : directoryName({ commonName: options.issuerName });
  const tbs = der.sequence(
    ...(version === 3 ? [der.explicit(0, der.smallInteger(2))] : []),
    der.unsigned(nodeProvider.random(8)),
    signatureIdentifier,
    issuerName.raw,
    der.sequence(der.time(options.notBefore ?? notBefore), der.time(options.notAfter ?? notAfter)),
    subject.raw,
    options.spki ?? signer.publicKey.spki,
    ...(version === 3 && extensions.length > 0 ? [der.explicit(3, der.sequence(...extensions))] : []),
  );
  const signature = new Uint8Array(await (issuer?.signer ?? signer).sign(algorithm, tbs));
  if (options.forged) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return { certificate: parseCertificate(der.sequence(tbs, signatureIdentifier, der.bitString(signature))), signer };
}

export function extension(name: ExtensionName | Oid, value: Uint8Array, critical = false): Bytes {
  return encodeExtension(name in extensionOids ? extensionOids[name as ExtensionName] : name, critical, value);
}

export const caExtensions: readonly Bytes[] = [
  extension('basicConstraints', encodeBasicConstraints({ ca: true }), true),
  extension('keyUsage', encodeKeyUsage(['keyCertSign']), true),
];

/** A subjectAltName of these host names and addresses, unchecked. */
export function altNames(...names: readonly string[]): Bytes {
  return extension(
    'subjectAltName',
    encodeSubjectAltName({
      dnsNames: names.filter((name) => parseIp(name) === undefined),
      ipAddresses: names.flatMap((name) => parseIp(name) ?? []),
      emails: [],
    }),
  );
}

/** nameConstraints of DNS names. */
export function dnsConstraints(permitted: readonly string[], excluded: readonly string[] = []): Bytes {
  const subtrees = (number: number, names: readonly string[]): Uint8Array[] =>
    names.length === 0 ? [] : [der.explicit(number, ...names.map((name) => der.sequence(der.implicit(2, utf8(name)))))];
  return extension('nameConstraints', der.sequence(...subtrees(0, permitted), ...subtrees(1, excluded)), true);
}

/** Verifies for a server, at `now`, with the options of a test over these. */
export async function verified(
  chain: readonly (Certificate | Identity)[],
  anchors: readonly (Certificate | Identity)[],
  options: Partial<VerifyOptions> = {},
): Promise<VerifiedPath> {
  const [leaf, ...intermediates] = chain.map(certificateOf);
  return verifyCertificate({
    provider: nodeProvider,
    leaf,
    intermediates,
    trust: trustStore(anchors.map(certificateOf)),
    time: now,
    usage: 'serverAuth',
    ...options,
  });
}

function certificateOf(item: Certificate | Identity): Certificate {
  return 'certificate' in item ? item.certificate : item;
}

/** The provider with every signature operation asynchronous. */
export const asynchronousProvider: CryptoProvider = {
  ...nodeProvider,
  signatures: Object.fromEntries(
    Object.entries(nodeProvider.signatures).map(([name, verifier]) => [
      name,
      { verify: async (...args: Parameters<typeof verifier.verify>) => verifier.verify(...args) },
    ]),
  ),
};
