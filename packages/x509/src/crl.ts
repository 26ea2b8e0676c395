/**
 * Certificate revocation lists (RFC 5280 §5). The list's frame is read at once and strictly; its entries only when one is
 * looked for, in one pass that builds an index: a public CA's list has tens of thousands, of which a connection wants
 * one.
 *
 * Whether a list may be believed, and for which certificates, is for `revocation/crl.ts`.
 *
 * @module
 */

import {
  type Bytes,
  copyBytes,
  equalBytes,
  type LegacySignatureAlgorithm,
  type SignatureAlgorithm,
  toHex,
} from '@handfast/crypto';
import {
  type AlgorithmIdentifier,
  legacySignatureAlgorithmOf,
  readAlgorithmIdentifier,
  signatureAlgorithmOf,
} from './algorithms.ts';
import { crlEntryExtensionOids, extensionLabel, extensionOids, type Oid } from './der/oid.ts';
import { looksLikePem, parsePem } from './der/pem.ts';
import { contextConstructed, DerReader, readDer, tag } from './der/reader.ts';
import {
  type DistributionPoint,
  type IssuingDistributionPoint,
  parseDistributionPoints,
  parseIssuingDistributionPoint,
} from './distribution-points.ts';
import { malformed } from './errors.ts';
import {
  type AuthorityKeyIdentifier,
  type Extension,
  parseAuthorityKeyIdentifier,
  readExtensions,
} from './extensions.ts';
import { type DirectoryName, parseDirectoryName, sameName } from './names/directory.ts';
import { readGeneralName } from './names/general.ts';
import { type RevocationReason, revocationReasons } from './revocation/status.ts';
import { quote } from './text.ts';

/** Bytes of one list. The largest public ones have some 10 MB; a hostile one is fetched under a limit of the fetcher's. */
export const maxCrlLength: number = 64 << 20;

/** A certificate that its issuer has taken back. */
export interface CrlEntry {
  /** The INTEGER's content: two's complement. */
  readonly serialNumber: Bytes;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  /** When the key is known or thought to have been lost. */
  readonly invalidityDate: Date | undefined;
  /** Who issued the certificate: the list's issuer, unless the list is indirect. */
  readonly certificateIssuer: DirectoryName;
}

/** A revocation list. Getters of extensions throw `CertificateError` `malformed` where their bytes are wrong. */
export interface Crl {
  readonly raw: Bytes;
  /** What the signature is over. */
  readonly tbs: Bytes;
  readonly version: 1 | 2;
  readonly issuer: DirectoryName;
  readonly thisUpdate: Date;
  /** When the next one is due. */
  readonly nextUpdate: Date | undefined;
  /** `undefined` for an algorithm, or parameters, that we do not verify. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  readonly extensions: readonly Extension[];
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
  /** CRLNumber (§5.2.3). */
  readonly number: bigint | undefined;
  /** The number of the list that this one adds to: a delta (§5.2.4). */
  readonly baseNumber: bigint | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  /** Where its deltas are. */
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  /**
   * Why no certificate's status may be read from it: a critical extension, of the list or of an entry, that we do not
   * process (§5.2, §5.3). Reads all entries. `undefined`: none.
   */
  readonly unprocessed: string | undefined;
  /** How many certificates stand in it. Reads all entries. */
  readonly size: number;
  /** The entry of a certificate. `issuer`: its issuer, where that is not the list's. */
  entry(serialNumber: Uint8Array, issuer?: DirectoryName): CrlEntry | undefined;
  entries(): IterableIterator<CrlEntry>;
}

/**
 * A list from its DER; the bytes are copied.
 *
 * @throws CertificateError `malformed`
 */
export function parseCrl(der: Uint8Array): Crl {
  const raw = copyBytes(der);
  return readDer(raw, 'CRL', (reader) => new ParsedCrl(raw, readCrl(reader)), maxCrlLength);
}

/** The lists of a file: PEM with any number of `X509 CRL` blocks and other text between, or the DER of one. */
export function parseCrls(pem: string | Uint8Array): Crl[] {
  if (typeof pem !== 'string' && !looksLikePem(pem)) return [parseCrl(pem)];
  const blocks = parsePem(pem);
  const lists = blocks.filter(({ label }) => label === 'X509 CRL' || label === 'CRL');
  if (lists.length === 0) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('CRL', `no PEM block "X509 CRL"; the text holds ${found}`);
  }
  return lists.map(({ bytes }) => parseCrl(bytes));
}

/** `the CRL of "CN=Example CA"`, for messages. */
export function crlLabel(crl: Crl): string {
  return `the ${crl.baseNumber === undefined ? '' : 'delta '}CRL of ${quote(crl.issuer.toString())}`;
}

interface CrlFields {
  readonly tbs: Bytes;
  readonly version: 1 | 2;
  readonly issuer: DirectoryName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** The content of revokedCertificates. */
  readonly revoked: Bytes;
  readonly extensions: readonly Extension[];
  readonly signatureIdentifier: AlgorithmIdentifier;
  readonly signature: Bytes;
}

const none: Bytes = new Uint8Array(0);

/**
 * ```
 * CertificateList  ::=  SEQUENCE  {
 *      tbsCertList          TBSCertList,
 *      signatureAlgorithm   AlgorithmIdentifier,
 *      signatureValue       BIT STRING  }
 * ```
 */
function readCrl(reader: DerReader): CrlFields {
  const list = reader.sequence();
  const tbs = list.element(tag.sequence);
  const { innerIdentifier, ...fields } = readTbs(list.within(tbs.content, 'TBSCertList'));
  const signatureIdentifier = readAlgorithmIdentifier(list, 'signatureAlgorithm');
  const signature = list.octetAlignedBitString();
  list.end();
  // §5.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertList".
  if (!equalBytes(innerIdentifier.raw, signatureIdentifier.raw)) {
    throw malformed('CRL', 'signed under another algorithm than it says inside');
  }
  return { ...fields, tbs: tbs.raw, signatureIdentifier, signature };
}

/**
 * ```
 * TBSCertList  ::=  SEQUENCE  {
 *      version                 Version OPTIONAL,          -- if present, MUST be v2
 *      signature               AlgorithmIdentifier,
 *      issuer                  Name,
 *      thisUpdate              Time,
 *      nextUpdate              Time OPTIONAL,
 *      revokedCertificates     SEQUENCE OF SEQUENCE  {
 *           userCertificate         CertificateSerialNumber,
 *           revocationDate          Time,
 *           crlEntryExtensions      Extensions OPTIONAL  } OPTIONAL,
 *      crlExtensions           [0] EXPLICIT Extensions OPTIONAL }
 * ```
 */
function readTbs(tbs: DerReader): Omit<CrlFields, 'tbs' | 'signatureIdentifier' | 'signature'> & {
  readonly innerIdentifier: AlgorithmIdentifier;
} {
  let version: 1 | 2 = 1;
  if (tbs.nextTag === tag.integer) {
    const number = tbs.smallInteger();
    if (number !== 1) throw malformed('CRL', `version ${number + 1}`);
    version = 2;
  }
  const innerIdentifier = readAlgorithmIdentifier(tbs, 'signature');
  const issuer = parseDirectoryName(tbs.element(tag.sequence).raw, 'issuer');
  if (issuer.rdns.length === 0) throw malformed('CRL', 'an issuer without a name');
  const thisUpdate = tbs.time();
  const nextUpdate = tbs.nextTag === tag.utcTime || tbs.nextTag === tag.generalizedTime ? tbs.time() : undefined;
  const revoked = tbs.optional(tag.sequence)?.content ?? none;
  let extensions: readonly Extension[] = [];
  if (tbs.nextTag === contextConstructed(0)) {
    if (version === 1) throw malformed('CRL', 'extensions in version 1');
    const wrapper = tbs.inside(contextConstructed(0), 'crlExtensions');
    extensions = readExtensions(wrapper, 'crlExtensions');
    wrapper.end();
  }
  tbs.end();
  return { version, innerIdentifier, issuer, thisUpdate, nextUpdate, revoked, extensions };
}

/** What we process, so that its being critical is no reason to refuse. */
const processed: ReadonlySet<Oid> = new Set<Oid>([
  extensionOids.authorityKeyIdentifier,
  extensionOids.cRLNumber,
  extensionOids.deltaCRLIndicator,
  extensionOids.issuingDistributionPoint,
  extensionOids.freshestCRL,
]);

const processedInEntries: ReadonlySet<Oid> = new Set<Oid>(Object.values(crlEntryExtensionOids));

const reasonByNumber: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(revocationReasons).map(([name, number]) => [number, name as RevocationReason]),
);

/** Entries by the serial number in hexadecimal: of an indirect list, perhaps of several issuers. */
interface Index {
  readonly bySerial: ReadonlyMap<string, readonly CrlEntry[]>;
  readonly size: number;
  /** A critical extension of an entry that we do not process. */
  readonly unprocessed: string | undefined;
}

class ParsedCrl implements Crl {
  readonly raw: Bytes;
  readonly tbs: Bytes;
  readonly version: 1 | 2;
  readonly issuer: DirectoryName;
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  readonly extensions: readonly Extension[];
  readonly #thisUpdate: number;
  readonly #nextUpdate: number | undefined;
  readonly #revoked: Bytes;
  #index: Index | undefined;

  constructor(raw: Bytes, fields: CrlFields) {
    this.raw = raw;
    this.tbs = fields.tbs;
    this.version = fields.version;
    this.issuer = fields.issuer;
    this.#thisUpdate = fields.thisUpdate.getTime();
    this.#nextUpdate = fields.nextUpdate?.getTime();
    this.signatureAlgorithm = signatureAlgorithmOf(fields.signatureIdentifier);
    this.legacySignatureAlgorithm =
      this.signatureAlgorithm === undefined ? legacySignatureAlgorithmOf(fields.signatureIdentifier) : undefined;
    this.signatureAlgorithmOid = fields.signatureIdentifier.oid;
    this.signature = fields.signature;
    this.extensions = fields.extensions;
    this.#revoked = fields.revoked;
  }

  get thisUpdate(): Date {
    return new Date(this.#thisUpdate);
  }

  get nextUpdate(): Date | undefined {
    return this.#nextUpdate === undefined ? undefined : new Date(this.#nextUpdate);
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#decode('authorityKeyIdentifier', parseAuthorityKeyIdentifier);
  }

  get number(): bigint | undefined {
    return this.#decode('cRLNumber', parseNumber);
  }

  get baseNumber(): bigint | undefined {
    return this.#decode('deltaCRLIndicator', parseNumber);
  }

  get issuingDistributionPoint(): IssuingDistributionPoint | undefined {
    return this.#decode('issuingDistributionPoint', parseIssuingDistributionPoint);
  }

  get freshestCrl(): readonly DistributionPoint[] | undefined {
    return this.#decode('freshestCRL', parseDistributionPoints);
  }

  get unprocessed(): string | undefined {
    const unknown = this.extensions.find(({ oid, critical }) => critical && !processed.has(oid));
    return unknown === undefined ? this.#entries().unprocessed : extensionLabel(unknown.oid);
  }

  get size(): number {
    return this.#entries().size;
  }

  entry(serialNumber: Uint8Array, issuer: DirectoryName = this.issuer): CrlEntry | undefined {
    return this.#entries()
      .bySerial.get(toHex(serialNumber))
      ?.find(({ certificateIssuer }) => sameName(certificateIssuer, issuer));
  }

  *entries(): IterableIterator<CrlEntry> {
    for (const entries of this.#entries().bySerial.values()) yield* entries;
  }

  #decode<T>(name: keyof typeof extensionOids, parse: (value: Bytes, what: string) => T): T | undefined {
    const extension = this.extensions.find(({ oid }) => oid === extensionOids[name]);
    return extension && parse(extension.value, `${name} of ${crlOf(this.issuer)}`);
  }

  #entries(): Index {
    this.#index ??= readEntries(this.#revoked, this.issuer, this.version);
    return this.#index;
  }
}

function crlOf(issuer: DirectoryName): string {
  return `the CRL of ${quote(issuer.toString())}`;
}

function parseNumber(value: Bytes, what: string): bigint {
  return readDer(value, what, (reader) => {
    const magnitude = reader.unsigned();
    // §5.2.3: "CRL verifiers MUST be able to handle CRLNumber values up to 20 octets".
    if (magnitude.length > 20) throw malformed(what, `a number of ${magnitude.length} octets`);
    return BigInt(`0x0${toHex(magnitude)}`);
  });
}

function readEntries(revoked: Bytes, listIssuer: DirectoryName, version: 1 | 2): Index {
  const what = crlOf(listIssuer);
  const reader = new DerReader(revoked, what, 0, maxCrlLength);
  const bySerial = new Map<string, CrlEntry[]>();
  let size = 0;
  let unprocessed: string | undefined;
  // §5.3.3: an entry without certificateIssuer has that of the one before.
  let certificateIssuer = listIssuer;
  while (!reader.done) {
    const entry = reader.sequence();
    const serialNumber = entry.integer();
    const revokedAt = entry.time();
    let reason: RevocationReason = 'unspecified';
    let invalidityDate: Date | undefined;
    if (!entry.done) {
      if (version === 1) throw malformed(what, 'entry extensions in version 1');
      for (const { oid, critical, value } of readExtensions(entry, what)) {
        if (oid === crlEntryExtensionOids.cRLReason) reason = parseReason(value, what);
        else if (oid === crlEntryExtensionOids.invalidityDate)
          invalidityDate = readDer(value, what, (one) => one.time());
        else if (oid === crlEntryExtensionOids.certificateIssuer) certificateIssuer = parseIssuer(value, what);
        else if (critical && !processedInEntries.has(oid)) unprocessed ??= oid;
      }
    }
    entry.end();
    size++;
    const key = toHex(serialNumber);
    const entries = bySerial.get(key);
    const found = { serialNumber, revokedAt, reason, invalidityDate, certificateIssuer };
    if (entries === undefined) bySerial.set(key, [found]);
    else entries.push(found);
  }
  return { bySerial, size, unprocessed };
}

/** CRLReason, an ENUMERATED (§5.3.1). One that we do not know is a reason all the same. */
function parseReason(value: Bytes, what: string): RevocationReason {
  return readDer(value, what, (reader) => reasonByNumber.get(reader.smallInteger(tag.enumerated)) ?? 'unspecified');
}

/** CertificateIssuer (§5.3.3): the directory name among its names. */
function parseIssuer(value: Bytes, what: string): DirectoryName {
  return readDer(value, what, (reader) => {
    const names = reader.sequence();
    const [directory] = names
      .list(() => readGeneralName(names, what))
      .flatMap((name) => (name.kind === 'directory' ? [name.name] : []));
    if (directory === undefined) throw malformed(what, 'a certificateIssuer without a directory name');
    return directory;
  });
}
