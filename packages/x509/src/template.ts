/**
 * A certificate's extensions from a typed template: what each field becomes, and its criticality as RFC 5280 §4.2 has it.
 *
 * @module
 */

import type { Bytes, CryptoProvider, PublicKeyInfo } from '@handfast/crypto';
import { encodeAuthorityInfoAccess, encodeTlsFeatures, tlsFeatures } from './access.ts';
import { type ExtensionName, extensionOids, keyPurposeOids, type Oid } from './der/oid.ts';
import * as der from './der/writer.ts';
import { encodeDistributionPoints } from './distribution-points.ts';
import {
  type Extension,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeExtension,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  type KeyUsage,
} from './extensions.ts';
import type { DirectoryName } from './names/directory.ts';
import { isPresentedDnsName } from './names/dns.ts';
import { encodeGeneralName, encodeNameConstraints, type Subtrees } from './names/encode.ts';
import type { GeneralName } from './names/general.ts';
import { parseIp } from './names/ip.ts';
import {
  encodeCertificatePolicies,
  encodePolicyConstraints,
  encodePolicyMappings,
  type PolicyConstraints,
  type PolicyMapping,
} from './policy-extensions.ts';
import { quote } from './text.ts';

/** Extended key usages by name; others by their object identifier. */
export type KeyPurpose = keyof typeof keyPurposeOids | Oid;

/** What a certificate says in its extensions. Everything may be absent. */
export interface ExtensionTemplate {
  /** Host names (a wildcard as the left-most label allowed) and IP literals. */
  readonly names?: readonly string[] | undefined;
  readonly emails?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
  /** Whether it is a CA, and how many intermediates may follow below. */
  readonly ca?: boolean | { readonly pathLength: number } | undefined;
  /** Unless set: keyCertSign and cRLSign for a CA, digitalSignature for others. */
  readonly keyUsage?: readonly KeyUsage[] | undefined;
  readonly extendedKeyUsage?: readonly KeyPurpose[] | undefined;
  /** A CA's: the name space that it and all below it are confined to. */
  readonly nameConstraints?: { readonly permitted?: Subtrees; readonly excluded?: Subtrees } | undefined;
  /** Certificate policies, without qualifiers. */
  readonly policies?: readonly Oid[] | undefined;
  readonly policyMappings?: readonly PolicyMapping[] | undefined;
  readonly policyConstraints?: PolicyConstraints | undefined;
  /** How many certificates may follow before anyPolicy counts for nothing (RFC 5280 §4.2.1.14). */
  readonly inhibitAnyPolicy?: number | undefined;
  /** Where its CRL is: URLs of one and the same list, by preference. */
  readonly crlUrls?: readonly string[] | undefined;
  /** Where its OCSP responder is. */
  readonly ocspUrls?: readonly string[] | undefined;
  /** Where its issuer's certificate is. */
  readonly issuerUrls?: readonly string[] | undefined;
  /** A server must staple an OCSP response (RFC 7633). */
  readonly mustStaple?: boolean | undefined;
  /** A delegated OCSP responder's own status is not to be asked for (RFC 6960 §4.2.2.2.1). */
  readonly ocspNoCheck?: boolean | undefined;
  /** A SignedCertificateTimestampList (RFC 6962 §3.3). */
  readonly signedCertificateTimestamps?: Uint8Array | undefined;
  /** Any others, as they are. */
  readonly extensions?: readonly Extension[] | undefined;
}

/** What a template's extensions depend on besides. */
export interface TemplateContext {
  readonly subject: DirectoryName;
  readonly subjectKeyIdentifier: Bytes;
  readonly authorityKeyIdentifier: Bytes;
}

/**
 * The extensions' DER, one each.
 * @throws RangeError for fields that make no sense, alone or together
 */
export function templateExtensions(template: ExtensionTemplate, context: TemplateContext): readonly Bytes[] {
  const { ca = false } = template;
  const names = alternativeNames(template);
  const subjectIsEmpty = context.subject.rdns.length === 0;
  if (subjectIsEmpty && (ca !== false || names.length === 0)) {
    throw new RangeError('a CA, or a certificate without names, needs a subject');
  }
  if (ca === false) refuseForLeaf(template);
  const list = new ExtensionList();
  list.add('basicConstraints', true, encodeBasicConstraints(typeof ca === 'object' ? { ca: true, ...ca } : { ca }));
  list.add('keyUsage', true, encodeKeyUsage(keyUsageOf(template)));
  list.addFrom('extKeyUsage', false, template.extendedKeyUsage, (purposes) =>
    encodeExtendedKeyUsage(purposes.map(purposeOid)),
  );
  if (names.length > 0) list.add('subjectAltName', subjectIsEmpty, der.sequence(...names.map(encodeGeneralName)));
  list.add('subjectKeyIdentifier', false, encodeSubjectKeyIdentifier(context.subjectKeyIdentifier));
  list.add('authorityKeyIdentifier', false, encodeAuthorityKeyIdentifier(context.authorityKeyIdentifier));
  const { nameConstraints, policyConstraints, inhibitAnyPolicy, signedCertificateTimestamps } = template;
  if (nameConstraints !== undefined) {
    list.add('nameConstraints', true, encodeNameConstraints(nameConstraints.permitted, nameConstraints.excluded));
  }
  list.addFrom('certificatePolicies', false, template.policies, encodeCertificatePolicies);
  list.addFrom('policyMappings', true, template.policyMappings, encodePolicyMappings);
  if (policyConstraints !== undefined) list.add('policyConstraints', true, encodePolicyConstraints(policyConstraints));
  if (inhibitAnyPolicy !== undefined) list.add('inhibitAnyPolicy', true, der.smallInteger(inhibitAnyPolicy));
  list.addFrom('cRLDistributionPoints', false, template.crlUrls, (urls) => encodeDistributionPoints(urls.map(url)));
  const { ocspUrls = [], issuerUrls = [] } = template;
  if (ocspUrls.length + issuerUrls.length > 0) {
    const access = { ocspUrls: ocspUrls.map(url), issuerUrls: issuerUrls.map(url) };
    list.add('authorityInfoAccess', false, encodeAuthorityInfoAccess(access));
  }
  if (template.mustStaple === true) list.add('tlsFeature', false, encodeTlsFeatures([tlsFeatures.statusRequest]));
  if (template.ocspNoCheck === true) list.add('ocspNoCheck', false, der.nothing());
  if (signedCertificateTimestamps !== undefined) {
    list.add('signedCertificateTimestamps', false, der.octetString(signedCertificateTimestamps));
  }
  for (const { oid, critical, value } of template.extensions ?? []) list.addOid(oid, critical, value);
  return list.encoded;
}

/** SHA-256 of the key's BIT STRING, the leftmost 160 bits (RFC 7093 §2, method 1). */
export function keyIdentifierOf(provider: Pick<CryptoProvider, 'digest'>, key: PublicKeyInfo): Bytes {
  return provider.digest('sha256', key.raw).slice(0, 20);
}

class ExtensionList {
  readonly encoded: Bytes[] = [];
  readonly #seen = new Set<Oid>();

  add(name: ExtensionName, critical: boolean, value: Bytes): void {
    this.addOid(extensionOids[name], critical, value);
  }

  /** Nothing for an empty list. */
  addFrom<T>(
    name: ExtensionName,
    critical: boolean,
    items: readonly T[] | undefined,
    encode: (items: readonly T[]) => Bytes,
  ): void {
    if (items !== undefined && items.length > 0) this.add(name, critical, encode(items));
  }

  addOid(oid: Oid, critical: boolean, value: Bytes): void {
    if (this.#seen.has(oid)) throw new RangeError(`extension ${oid} would stand twice`);
    this.#seen.add(oid);
    this.encoded.push(encodeExtension(oid, critical, value));
  }
}

function refuseForLeaf(template: ExtensionTemplate): void {
  for (const field of ['nameConstraints', 'policyMappings', 'policyConstraints', 'inhibitAnyPolicy'] as const) {
    if (template[field] !== undefined) throw new RangeError(`${field} are for CAs`);
  }
}

function keyUsageOf({ ca = false, keyUsage }: ExtensionTemplate): readonly KeyUsage[] {
  if (keyUsage === undefined) return ca === false ? ['digitalSignature'] : ['keyCertSign', 'cRLSign'];
  if (keyUsage.length === 0) throw new RangeError('an empty key usage allows nothing (RFC 5280 §4.2.1.3)');
  if (ca !== false && !keyUsage.includes('keyCertSign')) throw new RangeError('a CA needs the key usage keyCertSign');
  if (ca === false && keyUsage.includes('keyCertSign')) throw new RangeError('the key usage keyCertSign is for CAs');
  return keyUsage;
}

function purposeOid(purpose: KeyPurpose): Oid {
  return Object.hasOwn(keyPurposeOids, purpose) ? keyPurposeOids[purpose as keyof typeof keyPurposeOids] : purpose;
}

function alternativeNames({ names = [], emails = [], uris = [] }: ExtensionTemplate): readonly GeneralName[] {
  return [
    ...names.map((name): GeneralName => {
      const address = parseIp(name);
      if (address !== undefined) return { kind: 'ip', bytes: address };
      if (isPresentedDnsName(name)) return { kind: 'dns', text: name.toLowerCase() };
      throw new RangeError(`neither a host name nor an IP address: ${quote(name)}`);
    }),
    ...emails.map((text): GeneralName => {
      if (!/^[\x21-\x7e]+$/.test(text) || text.split('@').length !== 2) {
        throw new RangeError(`not a mailbox: ${quote(text)}`);
      }
      return { kind: 'email', text };
    }),
    ...uris.map((text): GeneralName => ({ kind: 'uri', text: url(text) })),
  ];
}

/** A scheme and ASCII: what stands in a certificate is not for us to fetch. */
function url(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text)) throw new RangeError(`not a URL: ${quote(text)}`);
  return text;
}
