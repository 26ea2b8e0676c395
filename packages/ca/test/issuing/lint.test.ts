import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { fromHex } from '@handfast/crypto';
import { type Certificate, type IssueOptions, issueCertificate } from '@handfast/x509';
import { type Profile, serverProfile } from '../../src/index.ts';
import { type LintContext, lint, lintRules } from '../../src/issuing/lint.ts';
import { day, hour, minute, newIssuer, newKey, nodeProvider, start } from '../support/authority.ts';

const issuer = await newIssuer();
const [authority] = issuer.chain;
assert.ok(authority);
const publicKey = await newKey();
const crlUrl = 'http://ca.example.test/crl/1.crl';

const context: LintContext = {
  issuer: authority,
  profile: serverProfile,
  publicKey,
  names: [{ kind: 'dns', name: 'a.example.test' }],
  commonName: undefined,
  crlUrl,
  ocspUrl: 'http://ca.example.test/ocsp/1',
  now: start,
  backdateMs: 5 * minute,
};

const template: IssueOptions = {
  provider: nodeProvider,
  subject: {},
  publicKey,
  issuer: { certificate: authority, signer: issuer.signer },
  notBefore: new Date(start.getTime() - 5 * minute),
  notAfter: new Date(start.getTime() + 90 * day),
  names: ['a.example.test'],
  extendedKeyUsage: ['serverAuth'],
  crlUrls: [crlUrl],
  unverifiable: true,
};

/** A certificate some of whose fields are others: for what no template makes. */
function altered(certificate: Certificate, fields: Partial<Certificate>): Certificate {
  return new Proxy(certificate, {
    get: (target, name) => {
      if (Object.hasOwn(fields, name)) return fields[name as keyof Certificate];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

interface Case {
  readonly template?: Partial<IssueOptions>;
  readonly context?: Partial<LintContext>;
  readonly fields?: Partial<Certificate>;
  readonly breaks: string;
}

const after = (ms: number): Date => new Date(start.getTime() + ms);
const others: Profile = { ...serverProfile, name: 'others', commonName: 'identity' };
const named = (commonName: string): Pick<Case, 'template' | 'context'> => ({
  template: { subject: { commonName } },
  context: { commonName },
});
/** basicConstraints, not critical, and empty: no CA. */
const uncritical = { oid: '2.5.29.19', critical: false, value: fromHex('3000') };

const cases: readonly Case[] = [
  { fields: { version: 1 }, breaks: 'version: version 1, not 3 (RFC 5280 §4.1.2.1)' },
  {
    fields: { serialNumber: fromHex('80ff'.repeat(5)) },
    breaks: 'serial_number: the serial number is negative (RFC 5280 §4.1.2.2, BR §7.1.2.7)',
  },
  {
    fields: { serialNumber: new Uint8Array(21) },
    breaks: 'serial_number: a serial number of 21 octets; 20 is the most (RFC 5280 §4.1.2.2, BR §7.1.2.7)',
  },
  {
    template: { serialNumber: fromHex('7fffffffffffffff') },
    breaks:
      'serial_number: a serial number of less than 64 bits cannot be random enough (RFC 5280 §4.1.2.2, BR §7.1.2.7)',
  },
  {
    context: { issuer: issuer.root },
    breaks: "issuer_name: the issuer is not the CA's subject, byte for byte (RFC 5280 §4.1.2.4, BR §7.1.4.1)",
  },
  {
    fields: { signatureAlgorithm: undefined, signatureAlgorithmOid: '1.2.840.113549.1.1.5' },
    breaks: 'signature_algorithm: the signature algorithm 1.2.840.113549.1.1.5 (RFC 5280 §4.1.1.2, BR §7.1.3.2)',
  },
  {
    template: { notBefore: after(-1000), notAfter: after(-1000) },
    breaks: 'validity: notAfter is not after notBefore (RFC 5280 §4.1.2.5)',
  },
  { template: { notBefore: after(1000) }, breaks: 'not_before: notBefore is in the future (BR §7.1.2.7)' },
  {
    template: { notBefore: after(-49 * hour), notAfter: after(day) },
    breaks: 'not_before: notBefore is more than 48 hours ago (BR §7.1.2.7)',
  },
  {
    template: { notAfter: after(399 * day) },
    breaks: 'lifetime: it is valid for longer than the profile "server" has it (BR §6.3.2)',
  },
  {
    template: { notAfter: after(4000 * day) },
    context: { profile: { ...serverProfile, maxLifetimeMs: 5000 * day } },
    breaks: 'outlives_issuer: it ends after its issuer (RFC 5280 §6.1.3)',
  },
  {
    context: { publicKey: authority.publicKey },
    breaks: 'public_key: the key is not the one that was asked for (RFC 5280 §4.1.2.7)',
  },
  {
    template: { subject: { commonName: 'a.example.test' } },
    breaks: 'subject: a subject that nobody asked for (BR §7.1.2.7.2)',
  },
  {
    template: { subject: { organization: 'O', commonName: 'a.example.test' } },
    context: { commonName: 'a.example.test' },
    breaks: 'subject: the subject is not the common name alone (BR §7.1.2.7.2)',
  },
  {
    ...named('b.example.test'),
    breaks: 'common_name: the common name "b.example.test" is none of the names (RFC 5280 §A.1, BR §7.1.4.3)',
  },
  {
    template: { subject: { commonName: 'x'.repeat(65) } },
    context: { commonName: 'x'.repeat(65), profile: others },
    breaks: 'common_name: a common name of more than 64 characters (RFC 5280 §A.1, BR §7.1.4.3)',
  },
  {
    template: { names: ['a.example.test', 'b.example.test'] },
    breaks: 'subject_alt_name: the names are not those that were asked for (RFC 5280 §4.2.1.6, BR §7.1.2.7.12)',
  },
  {
    template: { names: ['a_b.example.test'] },
    context: { names: [{ kind: 'dns', name: 'a_b.example.test' }] },
    breaks:
      'dns_names: "a_b.example.test": "a_b" is no label of 1 to 63 letters, digits and hyphens (RFC 5280 §4.2.1.6, BR §7.1.2.7.12)',
  },
  {
    template: { names: ['a.example.test', 'a.example.test'] },
    context: { names: [context.names, context.names].flat() },
    breaks: 'duplicate_names: a name stands twice (our own)',
  },
  {
    template: { ca: true, subject: { commonName: 'a.example.test' } },
    context: { commonName: 'a.example.test' },
    breaks: 'basic_constraints: it is a CA (RFC 5280 §4.2.1.9, BR §7.1.2.7.8)',
  },
  {
    template: { keyUsage: ['cRLSign', 'digitalSignature'] },
    breaks: 'key_usage: the key usage of a CA (RFC 5280 §4.2.1.3, BR §7.1.2.7.11)',
  },
  {
    template: { keyUsage: ['keyAgreement'] },
    breaks: 'key_usage: the key may not sign, as TLS needs it to (RFC 5280 §4.2.1.3, BR §7.1.2.7.11)',
  },
  {
    template: { keyUsage: ['digitalSignature', 'keyEncipherment'] },
    breaks: 'key_usage: encipherment by a key that cannot encipher (RFC 5280 §4.2.1.3, BR §7.1.2.7.11)',
  },
  { fields: { keyUsage: undefined }, breaks: 'key_usage: no keyUsage (RFC 5280 §4.2.1.3, BR §7.1.2.7.11)' },
  {
    template: { extendedKeyUsage: undefined },
    breaks: 'extended_key_usage: no extended key usage (RFC 5280 §4.2.1.12, BR §7.1.2.7.10)',
  },
  {
    template: { extendedKeyUsage: ['serverAuth', 'any'] },
    breaks: 'extended_key_usage: for serverAuth, any, not serverAuth (RFC 5280 §4.2.1.12, BR §7.1.2.7.10)',
  },
  {
    fields: { authorityKeyIdentifier: undefined },
    breaks: 'authority_key_identifier: no authority key identifier (RFC 5280 §4.2.1.1, BR §7.1.2.11.1)',
  },
  {
    fields: { authorityKeyIdentifier: { keyIdentifier: new Uint8Array(20), namesIssuer: true } },
    breaks:
      "authority_key_identifier: the identifier names the issuer's certificate (RFC 5280 §4.2.1.1, BR §7.1.2.11.1)",
  },
  {
    fields: { authorityKeyIdentifier: { keyIdentifier: new Uint8Array(20), namesIssuer: false } },
    breaks:
      "authority_key_identifier: the identifier is not the issuer's subject key identifier (RFC 5280 §4.2.1.1, BR §7.1.2.11.1)",
  },
  {
    fields: { subjectKeyIdentifier: undefined },
    breaks: 'subject_key_identifier: no subject key identifier (RFC 5280 §4.2.1.2)',
  },
  {
    template: { crlUrls: [] },
    breaks: 'crl_distribution_points: not the one URL of the CRL (RFC 5280 §4.2.1.13, BR §7.1.2.11.2)',
  },
  {
    template: { crlUrls: ['https://ca.example.test/'] },
    context: { crlUrl: 'https://ca.example.test/' },
    breaks: 'crl_distribution_points: a CRL that is not fetched by plain http (RFC 5280 §4.2.1.13, BR §7.1.2.11.2)',
  },
  {
    template: { ocspUrls: ['http://ocsp.example.test'] },
    breaks: 'authority_info_access: not the one URL of the OCSP responder (RFC 5280 §4.2.2.1, BR §7.1.2.7.7)',
  },
  {
    context: { profile: { ...serverProfile, ocsp: true } },
    breaks: 'authority_info_access: not the one URL of the OCSP responder (RFC 5280 §4.2.2.1, BR §7.1.2.7.7)',
  },
  {
    template: { ocspUrls: ['https://ca.example.test/'] },
    context: { ocspUrl: 'https://ca.example.test/', profile: { ...serverProfile, ocsp: true } },
    breaks: 'authority_info_access: a responder that is not asked by plain http (RFC 5280 §4.2.2.1, BR §7.1.2.7.7)',
  },
  {
    fields: { extension: (name) => (name === 'authorityInfoAccess' ? uncritical : undefined) },
    breaks: 'authority_info_access: the extension cannot be read (RFC 5280 §4.2.2.1, BR §7.1.2.7.7)',
  },
  {
    template: { ocspNoCheck: true },
    breaks: 'ocsp_no_check: its status is not asked for, and it is no responder (RFC 6960 §4.2.2.2.1, BR §7.1.2.8.3)',
  },
  {
    context: { profile: { ...serverProfile, extendedKeyUsage: ['ocspSigning'] } },
    breaks: 'ocsp_no_check: a responder without id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1, BR §7.1.2.8.3)',
  },
  {
    template: { extensions: [{ oid: '1.2.3.4', critical: false, value: fromHex('0500') }] },
    breaks: 'extensions: the extension 1.2.3.4 in a leaf (BR §7.1.2.11.5)',
  },
  {
    template: { names: [], subject: { commonName: 'a' } },
    context: { names: [], commonName: 'a', profile: { ...serverProfile, commonName: 'identity' } },
    breaks: 'server_names: a server without a name (BR §7.1.2.7.12)',
  },
  {
    fields: { extension: (name) => (name === 'basicConstraints' ? uncritical : undefined) },
    breaks: 'basic_constraints: basicConstraints is not critical (RFC 5280 §4.2.1.9, BR §7.1.2.7.8)',
  },
  {
    fields: { extension: (name) => (name === 'subjectAltName' ? { ...uncritical, critical: false } : undefined) },
    breaks:
      'subject_alt_name_critical: subjectAltName is critical where the subject is empty, and only there (RFC 5280 §4.2.1.6)',
  },
  {
    fields: { extension: (name) => (name === 'subjectKeyIdentifier' ? { ...uncritical, critical: true } : undefined) },
    breaks: 'subject_key_identifier: the identifier is critical (RFC 5280 §4.2.1.2)',
  },
];

test('what the template makes breaks no rule', async () => {
  assert.deepEqual(lint(await issueCertificate(template), context), []);
});

for (const { breaks, ...one } of cases) {
  test(breaks, async () => {
    const certificate = await issueCertificate({ ...template, ...one.template });
    const found = lint(altered(certificate, one.fields ?? {}), { ...context, ...one.context });
    assert.ok(found.includes(breaks), found.join('\n'));
  });
}

test('every rule is broken above', () => {
  const broken = new Set(cases.map(({ breaks }) => breaks.split(':')[0]));
  assert.deepEqual(
    lintRules.map(({ id }) => id).filter((id) => !broken.has(id)),
    [],
  );
});
