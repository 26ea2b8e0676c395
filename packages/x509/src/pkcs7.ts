/**
 * PKCS#7 bundles of certificates and CRLs: CMS SignedData (RFC 5652 §5) of which only the collections matter. Nobody's
 * signature is verified here: what is in a bundle is as trustworthy as what comes from the network.
 *
 * Enveloped, encrypted and authenticated data are refused by name.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { type Certificate, parseCertificate } from './certificate.ts';
import { berToDer } from './der/ber.ts';
import type { Oid } from './der/oid.ts';
import { looksLikePem, parsePem } from './der/pem.ts';
import { contextConstructed, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { CertificateError, malformed } from './errors.ts';
import { quote } from './text.ts';

/** RFC 5652 §14: the kinds of content, with the names that messages use. */
export const contentTypes = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  digestedData: '1.2.840.113549.1.7.5',
  encryptedData: '1.2.840.113549.1.7.6',
} as const;

const contentNames: ReadonlyMap<Oid, string> = new Map(Object.entries(contentTypes).map(([name, oid]) => [oid, name]));

/** `envelopedData`, or the dotted form. */
export function contentLabel(oid: Oid): string {
  return contentNames.get(oid) ?? oid;
}

/** What a bundle holds, in its order. */
export interface Pkcs7 {
  readonly certificates: readonly Certificate[];
  /** CRLs, DER. */
  readonly crls: readonly Bytes[];
}

const labels: ReadonlySet<string> = new Set(['PKCS7', 'PKCS #7 SIGNED DATA', 'CMS']);

/**
 * The certificates and CRLs of a PKCS#7 file (`.p7b`, `.p7c`): PEM (`PKCS7` or `CMS`, one block), DER or BER. A signed
 * message is taken for its certificates too; its signatures are not looked at. Attribute certificates are passed over.
 *
 * @throws CertificateError `malformed`, or `unsupported_algorithm` for other content than signed data
 *
 * @example
 * ```ts
 * const { certificates } = parsePkcs7(await readFile('bundle.p7b'));
 * ```
 */
export function parsePkcs7(file: string | Uint8Array): Pkcs7 {
  const what = 'PKCS#7';
  return readDer(berToDer(onlyBlock(file), what), what, (reader) => {
    const { type, content } = readContentInfo(reader, what);
    if (type !== contentTypes.signedData) {
      throw new CertificateError(
        'unsupported_algorithm',
        `${what}: ${contentLabel(type)} is no bundle of certificates`,
        {
          hint: 'a bundle is signedData: openssl crl2pkcs7 -nocrl -certfile certificates.pem',
        },
      );
    }
    if (content === undefined) throw malformed(what, 'signedData without content');
    const signedData = readSignedData(content);
    content.end();
    return signedData;
  });
}

function onlyBlock(file: string | Uint8Array): Bytes {
  if (typeof file !== 'string' && !looksLikePem(file)) return copyBytes(file);
  const blocks = parsePem(file);
  const bundles = blocks.filter(({ label }) => labels.has(label));
  const [block, second] = bundles;
  if (block === undefined) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('PKCS#7', `no PEM block "PKCS7" or "CMS"; the text holds ${found}`);
  }
  if (second !== undefined) throw malformed('PKCS#7', `${bundles.length} bundles in one text, not one`);
  return block.bytes;
}

/** A ContentInfo, cut apart; `content` is a reader within its `[0] EXPLICIT`. */
export interface ContentInfo {
  readonly type: Oid;
  readonly content: DerReader | undefined;
}

/**
 * ```
 * ContentInfo ::= SEQUENCE {
 *     contentType ContentType,
 *     content [0] EXPLICIT ANY DEFINED BY contentType OPTIONAL }
 * ```
 */
export function readContentInfo(reader: DerReader, what: string): ContentInfo {
  const info = reader.sequence(what);
  const type = info.oid();
  const content = info.done ? undefined : info.inside(contextConstructed(0), what);
  info.end();
  return { type, content };
}

export function encodeContentInfo(type: Oid, content: Uint8Array): Bytes {
  return der.sequence(der.oid(type), der.explicit(0, content));
}

/**
 * ```
 * SignedData ::= SEQUENCE {
 *     version          CMSVersion,
 *     digestAlgorithms SET OF DigestAlgorithmIdentifier,
 *     encapContentInfo EncapsulatedContentInfo,
 *     certificates [0] IMPLICIT SET OF CertificateChoices OPTIONAL,
 *     crls         [1] IMPLICIT SET OF RevocationInfoChoice OPTIONAL,
 *     signerInfos      SET OF SignerInfo }
 * ```
 */
function readSignedData(reader: DerReader): Pkcs7 {
  const data = reader.sequence('signedData');
  data.smallInteger();
  data.element(tag.set);
  data.element(tag.sequence);
  // Choices other than a Certificate or a CertificateList have tags of their own.
  const certificates = sequencesIn(data, 0).map((raw) => parseCertificate(raw));
  const crls = sequencesIn(data, 1).map(copyBytes);
  data.element(tag.set);
  data.end();
  return { certificates, crls };
}

function sequencesIn(data: DerReader, number: number): Bytes[] {
  const set = data.optional(contextConstructed(number));
  if (set === undefined) return [];
  const inner = data.within(set.content);
  return inner.list(() => inner.element()).flatMap((element) => (element.tag === tag.sequence ? [element.raw] : []));
}

/**
 * A bundle, DER, for `toPem('PKCS7', …)`: SignedData without content and signers, as `openssl crl2pkcs7` writes it. The
 * certificates keep their order.
 */
export function writePkcs7(certificates: readonly Certificate[], crls: readonly Uint8Array[] = []): Bytes {
  const collection = (number: number, values: readonly Uint8Array[]): Bytes[] =>
    values.length === 0 ? [] : [der.explicit(number, ...values)];
  const signedData = der.sequence(
    der.smallInteger(1),
    der.setOf(),
    der.sequence(der.oid(contentTypes.data)),
    ...collection(
      0,
      certificates.map(({ raw }) => raw),
    ),
    ...collection(1, crls),
    der.setOf(),
  );
  return encodeContentInfo(contentTypes.signedData, signedData);
}
