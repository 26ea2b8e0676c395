/**
 * The extensions of certificates, requests and CRLs as lines for people. One that is not known here is shown by its object
 * identifier, with its length and first bytes; one that does not decode says why, and hides none of the others.
 *
 * @module
 */

import { type Bytes, toHex } from '@handfast/crypto';
import {
  type Certificate,
  type Crl,
  describeGeneralName,
  type Extension,
  escapeText,
  extensionLabel,
  keyPurposeLabel,
  type NameConstraints,
  type PolicyInformation,
  parseAuthorityInfoAccess,
  parseDistributionPoints,
  parseSctList,
  parseTlsFeatures,
  tlsFeatures,
} from '@handfast/x509';
import { colonHex, decodedOr, type Field, hexText, itemLines, timeText } from './layout.ts';
import { elements } from './shape.ts';

/** What has extensions, decoded when they are asked for. A request has not all of a certificate's, a CRL has others. */
export type Extended = Pick<Certificate, 'extensions'> &
  Partial<Pick<Certificate, DecodedName> & Pick<Crl, 'number' | 'baseNumber' | 'issuingDistributionPoint'>>;

type DecodedName =
  | 'subjectAltName'
  | 'basicConstraints'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'nameConstraints'
  | 'certificatePolicies'
  | 'policyMappings'
  | 'policyConstraints'
  | 'inhibitAnyPolicy'
  | 'subjectKeyIdentifier'
  | 'authorityKeyIdentifier';

/** How one kind is shown: its label, and its lines. */
interface Row {
  readonly label: string;
  readonly lines: (object: Extended, value: Bytes) => readonly string[] | undefined;
}

const rows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['subjectAltName', { label: 'Names', lines: ({ subjectAltName: san }) => san?.names.map(describeGeneralName) }],
  ['basicConstraints', { label: 'CA', lines: caLines }],
  ['keyUsage', { label: 'Key usage', lines: ({ keyUsage }) => keyUsage && [[...keyUsage].join(', ')] }],
  [
    'extKeyUsage',
    { label: 'Purposes', lines: ({ extendedKeyUsage: usages }) => usages && [usages.map(keyPurposeLabel).join(', ')] },
  ],
  ['nameConstraints', { label: 'Name space', lines: ({ nameConstraints: space }) => space && constraintLines(space) }],
  [
    'certificatePolicies',
    { label: 'Policies', lines: ({ certificatePolicies: policies }) => policies?.flatMap(policyLines) },
  ],
  ['policyMappings', { label: 'Mappings', lines: mappingLines }],
  ['policyConstraints', { label: 'Policy rules', lines: policyConstraintLines }],
  [
    'inhibitAnyPolicy',
    {
      label: 'Any policy',
      lines: ({ inhibitAnyPolicy: count }) => (count === undefined ? count : [`not after ${count} more certificates`]),
    },
  ],
  ['cRLDistributionPoints', { label: 'CRLs', lines: (_, value) => pointLines(value, 'CRLDistributionPoints') }],
  ['freshestCRL', { label: 'Delta CRLs', lines: (_, value) => pointLines(value, 'FreshestCRL') }],
  ['authorityInfoAccess', { label: 'Issuer offers', lines: (_, value) => accessLines(value) }],
  [
    'subjectKeyIdentifier',
    { label: 'Key id', lines: ({ subjectKeyIdentifier: id }) => (id === undefined ? id : [colonHex(id)]) },
  ],
  ['authorityKeyIdentifier', { label: 'Issuer key id', lines: authorityLines }],
  ['cRLNumber', { label: 'Number', lines: ({ number }) => (number === undefined ? number : [`${number}`]) }],
  [
    'deltaCRLIndicator',
    { label: 'Adds to', lines: ({ baseNumber: base }) => (base === undefined ? base : [`list ${base}`]) },
  ],
  ['issuingDistributionPoint', { label: 'Scope', lines: scopeLines }],
  ['signedCertificateTimestamps', { label: 'Logged', lines: (_, value) => sctLines(value) }],
  ['tlsFeature', { label: 'TLS feature', lines: (_, value) => featureLines(value) }],
  ['ocspNoCheck', { label: 'OCSP', lines: () => ['the responder’s own status need not be checked'] }],
  ['precertificatePoison', { label: 'Precertificate', lines: () => ['for logs alone, no certificate'] }],
]);

/** A field an extension, in their order. */
export function extensionFields(object: Extended): readonly Field[] {
  return object.extensions.map((extension) => extensionField(object, extension));
}

function extensionField(object: Extended, { oid, critical, value }: Extension): Field {
  const name = extensionLabel(oid);
  const row = rows.get(name);
  const lines =
    row === undefined
      ? undefined
      : decodedOr<readonly string[] | undefined>(
          () => row.lines(object, value),
          (message) => [message],
        );
  const shown = itemLines(lines ?? [hexText(value)]);
  return [row?.label ?? name, critical ? markCritical(shown) : shown];
}

/** On the one line there is, or below them all. */
function markCritical(lines: readonly string[]): readonly string[] {
  const [only] = lines;
  return lines.length === 1 && only !== undefined ? [`${only} (critical)`] : [...lines, '(critical)'];
}

function caLines({ basicConstraints }: Extended): readonly string[] | undefined {
  if (basicConstraints === undefined) return undefined;
  const { ca, pathLength } = basicConstraints;
  if (!ca) return ['no'];
  return [pathLength === undefined ? 'yes' : `yes, with at most ${pathLength} CAs below it`];
}

function constraintLines({ permitted, excluded }: NameConstraints): readonly string[] {
  return [
    ...permitted.map((name) => `permitted: ${describeGeneralName(name)}`),
    ...excluded.map((name) => `excluded: ${describeGeneralName(name)}`),
  ];
}

/** Policies that everybody meets (RFC 5280 §4.2.1.4, CA/Browser Forum Baseline Requirements §7.1.6.1). */
const policyNames: ReadonlyMap<string, string> = new Map([
  ['2.5.29.32.0', 'any policy'],
  ['2.23.140.1.1', 'extended validation'],
  ['2.23.140.1.2.1', 'domain validated'],
  ['2.23.140.1.2.2', 'organization validated'],
  ['2.23.140.1.2.3', 'individual validated'],
]);

function policyLines({ policy, qualifiers }: PolicyInformation): readonly string[] {
  const name = policyNames.get(policy);
  const details = qualifiers.map((qualifier) => {
    if (qualifier.kind === 'cps') return `  practice statement: ${escapeText(qualifier.uri)}`;
    if (qualifier.kind === 'userNotice') return `  notice: ${escapeText(qualifier.text ?? '(in no string we read)')}`;
    return `  qualifier ${qualifier.oid}`;
  });
  return [name === undefined ? policy : `${policy} (${name})`, ...details];
}

function mappingLines({ policyMappings }: Extended): readonly string[] | undefined {
  return policyMappings?.map(
    ({ issuerDomainPolicy, subjectDomainPolicy }) => `${issuerDomainPolicy} is ${subjectDomainPolicy} below`,
  );
}

function policyConstraintLines({ policyConstraints }: Extended): readonly string[] | undefined {
  if (policyConstraints === undefined) return undefined;
  const { requireExplicitPolicy: explicit, inhibitPolicyMapping: mapping } = policyConstraints;
  return [
    ...(explicit === undefined ? [] : [`a policy must be named after ${explicit} more certificates`]),
    ...(mapping === undefined ? [] : [`no mapping after ${mapping} more certificates`]),
  ];
}

function pointLines(value: Bytes, what: string): readonly string[] {
  return parseDistributionPoints(value, what).flatMap(({ name, crlIssuer }) => {
    const places =
      name === undefined
        ? []
        : 'fullName' in name
          ? name.fullName.map(describeGeneralName)
          : ['(relative to its issuer)'];
    return [...places, ...(crlIssuer ?? []).map((issuer) => `  issued by ${describeGeneralName(issuer)}`)];
  });
}

function accessLines(value: Bytes): readonly string[] {
  const { ocspUrls, issuerUrls } = parseAuthorityInfoAccess(value, 'authorityInfoAccess');
  return [
    ...ocspUrls.map((url) => `OCSP at ${escapeText(url)}`),
    ...issuerUrls.map((url) => `its certificate at ${escapeText(url)}`),
  ];
}

/** What a CRL is about, where it is not about all certificates of its issuer. */
function scopeLines({ issuingDistributionPoint: point }: Extended): readonly string[] | undefined {
  if (point === undefined) return undefined;
  const names =
    point.name !== undefined && 'fullName' in point.name ? point.name.fullName.map(describeGeneralName) : [];
  const limits: readonly (readonly [boolean, string])[] = [
    [point.onlyContainsUserCerts, 'certificates of no CAs'],
    [point.onlyContainsCaCerts, 'certificates of CAs alone'],
    [point.onlyContainsAttributeCerts, 'attribute certificates alone'],
    [point.onlySomeReasons !== undefined, 'some reasons alone'],
    [point.indirectCrl, 'certificates of other issuers, too'],
  ];
  return [...names, ...limits.flatMap(([applies, text]) => (applies ? [text] : []))];
}

/** The timestamps of an extension: an OCTET STRING within the extension's own (RFC 6962 §3.3). */
function sctLines(value: Bytes): readonly string[] {
  const [list] = elements(value);
  return parseSctList(list?.content ?? value).map((sct) =>
    sct.version === 1
      ? `${timeText(sct.timestamp)} by ${toHex(sct.logId).slice(0, 16)}…`
      : 'a timestamp of another version',
  );
}

function featureLines(value: Bytes): readonly string[] {
  return parseTlsFeatures(value, 'tlsFeature').map((feature) =>
    feature === tlsFeatures.statusRequest ? 'its server must staple an OCSP response' : `extension ${feature}`,
  );
}

function authorityLines({ authorityKeyIdentifier: authority }: Extended): readonly string[] | undefined {
  if (authority === undefined) return undefined;
  const { keyIdentifier, namesIssuer } = authority;
  return [
    ...(keyIdentifier === undefined ? [] : [colonHex(keyIdentifier)]),
    ...(namesIssuer ? ['with issuer and serial number'] : []),
  ];
}

/** An extension as it stood, for `--json`. */
export function extensionJson({ oid, critical, value }: Extension): {
  readonly oid: string;
  readonly name: string;
  readonly critical: boolean;
  readonly value: string;
} {
  return { oid, name: extensionLabel(oid), critical, value: toHex(value) };
}
