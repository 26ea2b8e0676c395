/**
 * Certificates (RFC 5280 §4.1) and OCSP responses (RFC 6960 §4.2) as fields, down to their DER.
 *
 * @module
 */

import { copyBytes } from '@handfast/crypto';
import { escapeText, parseCertificate } from '@handfast/x509';
import { type Shape, walkDer } from './der.ts';
import { type Field, Walker } from './field.ts';
import { dotted, oidName, shortName } from './oids.ts';
import { hex, text } from './words.ts';

const named =
  (...names: readonly (string | Shape)[]): NonNullable<Shape['part']> =>
  (index) => {
    const name = names[index];
    return typeof name === 'string' ? { name } : name;
  };

/** Of each part. */
const every =
  (shape: Shape): NonNullable<Shape['part']> =>
  () =>
    shape;

const algorithm = (name: string, section?: string): Shape => ({
  name,
  part: named('algorithm', 'parameters'),
  ...(section !== undefined && { section }),
});

const nameShape = (name: string, meaning: string): Shape => ({
  name,
  meaning,
  section: 'RFC 5280 §4.1.2.4',
  part: every({
    name: 'RelativeDistinguishedName',
    part: every({ name: 'AttributeTypeAndValue', part: named('type', 'value') }),
  }),
});

const generalNames: Readonly<Record<number, string>> = {
  160: 'otherName',
  129: 'rfc822Name',
  130: 'dNSName',
  164: 'directoryName',
  134: 'uniformResourceIdentifier',
  135: 'iPAddress',
  136: 'registeredID',
};

const generalName = (tag: number): Shape => ({
  name: generalNames[tag] ?? 'GeneralName',
  ...(tag === 0x81 || tag === 0x82 || tag === 0x86 ? { says: text } : {}),
  ...(tag === 0x87 ? { says: address } : {}),
  ...(tag === 0x88 ? { says: oidName } : {}),
  ...(tag === 0xa4 ? { part: every(nameShape('rdnSequence', '')) } : {}),
});

function address(content: Uint8Array): string {
  if (content.length === 4) return content.join('.');
  return content.length === 16 ? (hex(content).replaceAll(' ', '').match(/.{4}/g) ?? []).join(':') : hex(content);
}

const usages = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

function keyUsage(content: Uint8Array): string {
  return usages.filter((_, bit) => ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0).join(', ');
}

interface Known extends Omit<Shape, 'name'> {
  readonly of?: string;
}

/** What is in an extension's OCTET STRING, and what it is for. */
const extensions: Readonly<Record<string, Known>> = {
  '2.5.29.14': { of: 'KeyIdentifier', section: 'RFC 5280 §4.2.1.2', meaning: 'A short name of its key.' },
  '2.5.29.15': {
    of: 'KeyUsage',
    section: 'RFC 5280 §4.2.1.3',
    meaning: 'What the key may be used for.',
    says: keyUsage,
  },
  '2.5.29.17': {
    of: 'GeneralNames',
    section: 'RFC 5280 §4.2.1.6',
    meaning: 'The names that it is for: nothing else counts.',
    part: (_, tag) => generalName(tag),
  },
  '2.5.29.18': {
    of: 'GeneralNames',
    section: 'RFC 5280 §4.2.1.7',
    meaning: 'Other names of its issuer.',
    part: (_, tag) => generalName(tag),
  },
  '2.5.29.19': {
    of: 'BasicConstraints',
    section: 'RFC 5280 §4.2.1.9',
    meaning: 'Whether it may sign certificates, and how many may stand below it.',
    part: (index, tag) => ({ name: tag === 1 ? 'cA' : index > 0 || tag === 2 ? 'pathLenConstraint' : '' }),
  },
  '2.5.29.30': {
    of: 'NameConstraints',
    section: 'RFC 5280 §4.2.1.10',
    meaning: 'The names that certificates below it may have.',
    part: (_, tag) => ({
      name: tag === 0xa0 ? 'permittedSubtrees' : 'excludedSubtrees',
      part: every({ name: 'GeneralSubtree', part: (_i, inner) => generalName(inner) }),
    }),
  },
  '2.5.29.31': {
    of: 'CRLDistributionPoints',
    section: 'RFC 5280 §4.2.1.13',
    meaning: 'Where the list of what its issuer has revoked is found.',
    part: every({
      name: 'DistributionPoint',
      part: (_, tag) => ({
        name: tag === 0xa0 ? 'distributionPoint' : tag === 0x81 ? 'reasons' : 'cRLIssuer',
        part: (_i, inner) => (inner === 0xa0 ? { name: 'fullName', part: (_j, one) => generalName(one) } : undefined),
      }),
    }),
  },
  '2.5.29.32': {
    of: 'CertificatePolicies',
    section: 'RFC 5280 §4.2.1.4',
    meaning: 'The rules that its issuer followed.',
    part: every({ name: 'PolicyInformation', part: named('policyIdentifier', 'policyQualifiers') }),
  },
  '2.5.29.35': {
    of: 'AuthorityKeyIdentifier',
    section: 'RFC 5280 §4.2.1.1',
    meaning: "A short name of its issuer's key.",
    part: (_, tag) => ({
      name: tag === 0x80 ? 'keyIdentifier' : tag === 0xa1 ? 'authorityCertIssuer' : 'authorityCertSerialNumber',
      says: hex,
    }),
  },
  '2.5.29.37': {
    of: 'ExtKeyUsageSyntax',
    section: 'RFC 5280 §4.2.1.12',
    meaning: 'What it may be shown for: a server, a client, …',
    part: every({ name: 'KeyPurposeId' }),
  },
  '1.3.6.1.5.5.7.1.1': {
    of: 'AuthorityInfoAccessSyntax',
    section: 'RFC 5280 §4.2.2.1',
    meaning: "Where its issuer's certificate, and its state, are to be had.",
    part: every({
      name: 'AccessDescription',
      part: (index, tag) => (index === 0 ? { name: 'accessMethod' } : { ...generalName(tag), name: 'accessLocation' }),
    }),
  },
  '1.3.6.1.5.5.7.1.24': {
    of: 'Features',
    section: 'RFC 7633 §4',
    meaning: 'What a server that shows it must do, such as to staple.',
    part: every({ name: 'feature' }),
  },
  '1.3.6.1.4.1.11129.2.4.2': {
    of: 'SignedCertificateTimestampList',
    section: 'RFC 6962 §3.3',
    meaning: 'Proof that it was shown to public logs.',
  },
};

/** `Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }` */
const extension: Shape = {
  name: 'Extension',
  section: 'RFC 5280 §4.1.2.9',
  says: (content) => shortName(extensionId(content)),
  part: (index, tag, parent) => {
    if (index === 0) return { name: 'extnID' };
    if (tag === 1) return { name: 'critical', meaning: 'Who does not understand it must refuse the certificate.' };
    const known = extensions[extensionId(parent)];
    if (known === undefined) return { name: 'extnValue' };
    const { of = 'value', ...shape } = known;
    return {
      name: 'extnValue',
      ...(known.meaning !== undefined && { meaning: known.meaning }),
      ...(known.section !== undefined && { section: known.section }),
      part: every({ name: of, ...shape }),
    };
  },
};

function extensionId(content: Uint8Array): string {
  return content[0] === 6 ? dotted(content.subarray(2, 2 + (content[1] ?? 0))) : '';
}

const publicKey: Shape = {
  name: 'subjectPublicKeyInfo',
  meaning: 'The key that the certificate is about.',
  section: 'RFC 5280 §4.1.2.7',
  part: (index, _tag, parent) => {
    if (index === 0) return algorithm('algorithm');
    const isRsa = oidOfAlgorithm(parent) === '1.2.840.113549.1.1.1';
    return {
      name: 'subjectPublicKey',
      ...(isRsa && { part: every({ name: 'RSAPublicKey', part: named('modulus', 'publicExponent') }) }),
    };
  },
};

/** Of `SEQUENCE { OBJECT IDENTIFIER …` at the beginning. */
function oidOfAlgorithm(content: Uint8Array): string {
  return content[0] === 0x30 && content[2] === 6 ? dotted(content.subarray(4, 4 + (content[3] ?? 0))) : '';
}

const validity: Shape = {
  name: 'validity',
  meaning: 'From when and until when it holds.',
  section: 'RFC 5280 §4.1.2.5',
  part: named('notBefore', 'notAfter'),
};

/** The fields behind the optional version, by their order. */
const tbsFields: readonly Shape[] = [
  { name: 'serialNumber', meaning: "Its issuer's number for it.", section: 'RFC 5280 §4.1.2.2', says: hex },
  algorithm('signature', 'RFC 5280 §4.1.2.3'),
  nameShape('issuer', 'Who signed it.'),
  validity,
  nameShape('subject', 'Whose it is.'),
  publicKey,
];

const tbsCertificate: Shape = {
  name: 'tbsCertificate',
  meaning: 'What is signed.',
  section: 'RFC 5280 §4.1.1.1',
  part: (index, tag, parent) => {
    if (tag === 0xa0)
      return { name: 'version', part: every({ name: 'Version', says: (content) => `v${(content[0] ?? 0) + 1}` }) };
    if (tag === 0xa3) return { name: 'extensions', part: every({ name: 'Extensions', part: every(extension) }) };
    if (tag === 0x81) return { name: 'issuerUniqueID' };
    if (tag === 0x82) return { name: 'subjectUniqueID' };
    return tbsFields[parent[0] === 0xa0 ? index - 1 : index];
  },
};

const certificate: Shape = {
  name: 'Certificate',
  section: 'RFC 5280 §4.1',
  part: named(tbsCertificate, algorithm('signatureAlgorithm', 'RFC 5280 §4.1.1.2'), {
    name: 'signatureValue',
    meaning: "By its issuer's private key, over all of the above.",
    section: 'RFC 5280 §4.1.1.3',
  }),
};

const certStatus: Readonly<Record<number, string>> = { 128: 'good', 161: 'revoked', 130: 'unknown' };

const singleResponse: Shape = {
  name: 'SingleResponse',
  part: (index, tag) => {
    if (index === 0)
      return {
        name: 'certID',
        part: named(algorithm('hashAlgorithm'), 'issuerNameHash', 'issuerKeyHash', 'serialNumber'),
      };
    if (index === 1) return { name: 'certStatus', says: () => certStatus[tag] };
    return { name: tag === 0x18 ? 'thisUpdate' : tag === 0xa0 ? 'nextUpdate' : 'singleExtensions' };
  },
};

const responseData: Shape = {
  name: 'tbsResponseData',
  part: (_index, tag) => {
    if (tag === 0xa0) return { name: 'version' };
    if (tag === 0x30) return { name: 'responses', part: every(singleResponse) };
    if (tag === 0x18) return { name: 'producedAt' };
    return tag === 0xa1 && _index > 2
      ? { name: 'responseExtensions', part: every({ name: 'Extensions', part: every(extension) }) }
      : { name: 'responderID' };
  },
};

const basicResponse: Shape = {
  name: 'BasicOCSPResponse',
  part: named(responseData, algorithm('signatureAlgorithm'), 'signature', {
    name: 'certs',
    part: every({ name: 'Certificates', part: every(certificate) }),
  }),
};

const responseStatus = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  '4',
  'sigRequired',
  'unauthorized',
];

const ocspResponse: Shape = {
  name: 'OCSPResponse',
  section: 'RFC 6960 §4.2.1',
  part: named(
    { name: 'responseStatus', says: (content) => responseStatus[content[0] ?? -1] },
    {
      name: 'responseBytes',
      part: every({
        name: 'ResponseBytes',
        part: named('responseType', { name: 'response', part: every(basicResponse) }),
      }),
    },
  ),
};

/** `db.internal, signed by Test root`, where it can be read. */
function certificateName(der: Uint8Array): string | undefined {
  try {
    const { subject, issuer, selfIssued, subjectAltName } = parseCertificate(copyBytes(der));
    const name = subject.commonName ?? subjectAltName?.dnsNames[0] ?? subject.toString();
    const by = selfIssued ? 'itself' : (issuer.commonName ?? issuer.toString());
    return `${escapeText(name)}, signed by ${escapeText(by)}`;
  } catch {
    return undefined;
  }
}

/** A certificate, in what is left. */
export function dissectCertificate(walker: Walker): void {
  const said = certificateName(walker.peek(walker.left));
  walkDer(walker, said === undefined ? certificate : { ...certificate, says: () => said });
}

export function dissectOcsp(walker: Walker): void {
  walkDer(walker, ocspResponse);
}

/** A distinguished name. */
export function dissectName(walker: Walker): void {
  walkDer(walker, nameShape('Name', 'The name of an authority.'));
}

/** A certificate alone. */
export function certificateFields(der: Uint8Array): Field {
  const whole = Walker.walk(der, 'Certificate', dissectCertificate);
  // The tree's root is the certificate itself.
  return whole.children?.length === 1 && whole.children[0] !== undefined ? whole.children[0] : whole;
}
