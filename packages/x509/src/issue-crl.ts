/**
 * Issuing CRLs (RFC 5280 §5): complete ones, deltas, and shards of a CA's certificates that are named by URL.
 *
 * @module
 */

import {
  type Bytes,
  equalBytes,
  join,
  type MaybePromise,
  runSettling,
  type Settling,
  type SignatureAlgorithm,
  type Signer,
  settle,
  toHex,
} from '@handfast/crypto';
import { encodeSignatureAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, parseCrl } from './crl.ts';
import { crlEntryExtensionOids, extensionOids } from './der/oid.ts';
import * as der from './der/writer.ts';
import { encodeDistributionPoints, encodeIssuingDistributionPoint } from './distribution-points.ts';
import { encodeAuthorityKeyIdentifier, encodeExtension } from './extensions.ts';
import { defaultAlgorithm } from './issue.ts';
import { keyFits } from './keys.ts';
import { type DirectoryName, sameName } from './names/directory.ts';
import { encodeGeneralName } from './names/encode.ts';
import { type RevocationReason, revocationReasons } from './revocation/status.ts';

/** A certificate that is taken back. */
export interface RevokedCertificate {
  /** As `Certificate.serialNumber` has it. */
  readonly serialNumber: Uint8Array;
  readonly revokedAt: Date;
  /** Unless set: `unspecified`, which is not written (RFC 5280 §5.3.1). */
  readonly reason?: RevocationReason | undefined;
  /** When the key is known or thought to have been lost. */
  readonly invalidityDate?: Date | undefined;
  /** In an indirect list: who issued the certificate. Unless set: the list's issuer. */
  readonly certificateIssuer?: DirectoryName | undefined;
}

export interface IssueCrlOptions {
  readonly issuer: { readonly certificate: Certificate; readonly signer: Signer };
  /** One more than the last list's: 0 to 2^159 - 1. */
  readonly number: bigint;
  readonly thisUpdate: Date;
  /** When the next one is due. */
  readonly nextUpdate: Date;
  readonly revoked: readonly RevokedCertificate[];
  /**
   * Others, which `encodeRevoked` has encoded: a long list can be put together piece by piece, so that nothing else has to wait. That none
   * stands twice, and that none is removed but by a delta, is then the caller's to see to.
   */
  readonly encoded?: readonly Uint8Array[] | undefined;
  /** The number of the complete list that this one adds to: makes it a delta. */
  readonly baseNumber?: bigint | undefined;
  /** Where deltas to this list are. */
  readonly freshestUrls?: readonly string[] | undefined;
  /** What the list covers, where that is not every certificate of its issuer's. */
  readonly scope?:
    | {
        /** The URLs that the covered certificates name: a shard. */
        readonly urls?: readonly string[] | undefined;
        readonly only?: 'users' | 'cas' | undefined;
        /** It tells of other issuers' certificates as well. */
        readonly indirect?: boolean | undefined;
      }
    | undefined;
  /** Unless set: as for certificates. */
  readonly signatureAlgorithm?: SignatureAlgorithm | undefined;
}

/**
 * Issues a list. Synchronous where the signer is.
 *
 * @throws RangeError for a list that no verifier would use
 *
 * @example
 * ```ts
 * const crl = await issueCrl({
 *   issuer: { certificate: ca, signer }, number: 7n, thisUpdate: now, nextUpdate: tomorrow,
 *   revoked: [{ serialNumber: lost.serialNumber, revokedAt: now, reason: 'keyCompromise' }],
 * });
 * ```
 */
export function issueCrl(options: IssueCrlOptions): MaybePromise<Crl> {
  return runSettling(issue(options));
}

/** Entries of a list for certificates of its own issuer's: see `IssueCrlOptions.encoded`. */
export function encodeRevoked(revoked: readonly OwnEntry[]): Bytes {
  return join(revoked.map((entry) => encodeEntry(entry, ownExtensions(entry))));
}

function* issue(options: IssueCrlOptions): Settling<Crl> {
  const { issuer, thisUpdate, nextUpdate } = options;
  const algorithm = options.signatureAlgorithm ?? defaultAlgorithm(issuer.signer);
  checkIssuer(options, algorithm);
  checkEntries(options);
  const signatureIdentifier = encodeSignatureAlgorithm(algorithm);
  const tbs = der.sequence(
    der.smallInteger(1),
    signatureIdentifier,
    issuer.certificate.subject.raw,
    der.time(thisUpdate),
    der.time(nextUpdate),
    ...entriesOf(options),
    der.explicit(0, der.sequence(...extensionsOf(options))),
  );
  const signature = yield* settle(issuer.signer.sign(algorithm, tbs));
  return parseCrl(der.sequence(tbs, signatureIdentifier, der.bitString(signature)));
}

function checkIssuer({ issuer, thisUpdate, nextUpdate }: IssueCrlOptions, algorithm: SignatureAlgorithm): void {
  const { certificate, signer } = issuer;
  if (!equalBytes(certificate.publicKey.spki, signer.publicKey.spki)) {
    throw new RangeError("the signer is not the issuer certificate's key");
  }
  if (!keyFits(algorithm, signer.publicKey)) {
    throw new RangeError(`a key of type ${signer.publicKey.type} makes no ${algorithm} signatures`);
  }
  if (certificate.keyUsage?.has('cRLSign') === false) {
    throw new RangeError('the issuer may not sign CRLs: its KeyUsage lacks cRLSign');
  }
  if (certificate.subject.rdns.length === 0) throw new RangeError('an issuer of CRLs needs a subject');
  if (!(thisUpdate.getTime() < nextUpdate.getTime())) {
    throw new RangeError('nextUpdate is not after thisUpdate, or one is no date');
  }
}

function checkEntries({ number, baseNumber, revoked, scope, issuer }: IssueCrlOptions): void {
  if (!isCrlNumber(number)) throw new RangeError('the number of a CRL is 0 to 2^159 - 1');
  if (baseNumber !== undefined && !(isCrlNumber(baseNumber) && baseNumber < number)) {
    throw new RangeError('a delta adds to a list with a lower number');
  }
  const seen = new Set<string>();
  for (const { serialNumber, reason, certificateIssuer } of revoked) {
    const foreign = certificateIssuer !== undefined && !sameName(certificateIssuer, issuer.certificate.subject);
    if (foreign && scope?.indirect !== true) {
      throw new RangeError('a certificate of another issuer stands in indirect lists alone');
    }
    if (reason === 'removeFromCRL' && baseNumber === undefined) {
      throw new RangeError('removeFromCRL stands in deltas alone');
    }
    const key = `${toHex(serialNumber)} ${(certificateIssuer ?? issuer.certificate.subject).keys.join()}`;
    if (seen.has(key)) throw new RangeError(`serial number ${toHex(serialNumber)} stands twice`);
    seen.add(key);
  }
}

function isCrlNumber(number: bigint): boolean {
  return number >= 0n && number < 1n << 159n;
}

/** §5.1.2.6: no list of entries rather than an empty one. An entry names its issuer where that changes (§5.3.3). */
function entriesOf({ revoked, encoded = [], issuer }: IssueCrlOptions): readonly Bytes[] {
  let named = issuer.certificate.subject;
  const entries = revoked.map((entry) => {
    const { certificateIssuer = issuer.certificate.subject } = entry;
    const extensions = ownExtensions(entry);
    if (!sameName(named, certificateIssuer)) {
      named = certificateIssuer;
      const value = der.sequence(encodeGeneralName({ kind: 'directory', name: named }));
      extensions.push(encodeExtension(crlEntryExtensionOids.certificateIssuer, true, value));
    }
    return encodeEntry(entry, extensions);
  });
  // Those first that name no issuer: theirs would be that of the entry before.
  const all = join([...encoded, ...entries]);
  return all.length === 0 ? [] : [der.sequence(all)];
}

/** Of the list's own issuer. */
type OwnEntry = Pick<RevokedCertificate, 'serialNumber' | 'revokedAt' | 'reason' | 'invalidityDate'>;

function encodeEntry({ serialNumber, revokedAt }: OwnEntry, extensions: readonly Bytes[]): Bytes {
  return der.sequence(
    der.value(0x02, serialNumber),
    der.time(revokedAt),
    ...(extensions.length === 0 ? [] : [der.sequence(...extensions)]),
  );
}

function ownExtensions({ reason, invalidityDate }: OwnEntry): Bytes[] {
  const extensions: Bytes[] = [];
  if (reason !== undefined && reason !== 'unspecified') {
    const value = der.value(0x0a, Uint8Array.of(revocationReasons[reason]));
    extensions.push(encodeExtension(crlEntryExtensionOids.cRLReason, false, value));
  }
  if (invalidityDate !== undefined) {
    extensions.push(encodeExtension(crlEntryExtensionOids.invalidityDate, false, der.generalizedTime(invalidityDate)));
  }
  return extensions;
}

function extensionsOf({ issuer, number, baseNumber, scope, freshestUrls = [] }: IssueCrlOptions): readonly Bytes[] {
  const { subjectKeyIdentifier } = issuer.certificate;
  return [
    ...(subjectKeyIdentifier === undefined
      ? []
      : [
          encodeExtension(
            extensionOids.authorityKeyIdentifier,
            false,
            encodeAuthorityKeyIdentifier(subjectKeyIdentifier),
          ),
        ]),
    encodeExtension(extensionOids.cRLNumber, false, encodeNumber(number)),
    ...(baseNumber === undefined
      ? []
      : [encodeExtension(extensionOids.deltaCRLIndicator, true, encodeNumber(baseNumber))]),
    ...(scope === undefined
      ? []
      : [encodeExtension(extensionOids.issuingDistributionPoint, true, encodeIssuingDistributionPoint(scope))]),
    ...(freshestUrls.length === 0
      ? []
      : [encodeExtension(extensionOids.freshestCRL, false, encodeDistributionPoints(freshestUrls))]),
  ];
}

function encodeNumber(number: bigint): Bytes {
  const hex = number.toString(16);
  const digits = (hex.padStart(hex.length + (hex.length % 2), '0').match(/../g) ?? []).map((pair) =>
    Number.parseInt(pair, 16),
  );
  return der.unsigned(Uint8Array.from(digits));
}
