import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import {
  directoryName,
  type IssueOptions,
  issueCertificate,
  issueClientCertificate,
  issueIntermediate,
  issueRoot,
  issueServerCertificate,
  keyIdentifierOf,
  type NameConstraints,
  rfc5280,
} from '../src/index.ts';
import { issued, newSigner, nodeProvider, notAfter, notBefore, verified } from './support/pki.ts';

const dates = { provider: nodeProvider, notBefore, notAfter } as const;
const rootSigner = await newSigner();
const root = await issueRoot({
  ...dates,
  subject: { commonName: 'Root', organization: 'Example' },
  signer: rootSigner,
});
const issuer = { certificate: root, signer: rootSigner };
const leafSigner = await newSigner();

describe('what is issued', () => {
  it('is a root, an intermediate, a server and a client that verify', async () => {
    const caSigner = await newSigner('ed25519');
    const ca = await issueIntermediate({
      ...dates,
      subject: { commonName: 'CA' },
      issuer,
      publicKey: caSigner.publicKey,
    });
    const by = { certificate: ca, signer: caSigner };
    const server = await issueServerCertificate({
      ...dates,
      subject: { commonName: 'db.internal' },
      issuer: by,
      publicKey: leafSigner.publicKey,
      names: ['db.internal', '::1'],
    });
    const client = await issueClientCertificate({
      ...dates,
      subject: { commonName: 'alice' },
      issuer: by,
      publicKey: leafSigner.publicKey,
      emails: ['alice@example.com'],
    });
    const profile = rfc5280;
    await verified([server, ca], [root], { name: '::1', profile });
    await verified([client, ca], [root], { usage: 'clientAuth', profile });
    assert.deepEqual(ca.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual([...(ca.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
    assert.deepEqual(client.subjectAltName?.emails, ['alice@example.com']);
  });
  it('is read by another parser in the same way', async () => {
    const { certificate } = await issued(
      'db.internal',
      { certificate: root, signer: rootSigner },
      { names: ['db.internal', '192.0.2.1'] },
    );
    const other = new X509Certificate(certificate.raw);
    assert.equal(other.subject, 'CN=db.internal');
    assert.equal(other.subjectAltName, 'DNS:db.internal, IP Address:192.0.2.1');
    assert.equal(other.validTo, 'Nov  1 00:00:00 2027 GMT');
    assert.ok(other.verify(new X509Certificate(root.raw).publicKey));
    assert.ok(other.checkIssued(new X509Certificate(root.raw)));
  });
  it('has the key identifiers and criticality that strict verifiers want', () => {
    const critical = root.extensions.filter((item) => item.critical).map(({ oid }) => oid);
    assert.deepEqual(critical, ['2.5.29.19', '2.5.29.15']);
    assert.deepEqual(root.subjectKeyIdentifier, keyIdentifierOf(nodeProvider, rootSigner.publicKey));
    assert.equal(root.subjectKeyIdentifier?.length, 20);
    assert.equal(
      toHex(root.subjectKeyIdentifier ?? root.raw),
      toHex(nodeProvider.digest('sha256', rootSigner.publicKey.raw)).slice(0, 40),
    );
    assert.deepEqual(root.authorityKeyIdentifier?.keyIdentifier, root.subjectKeyIdentifier);
  });
  it('has a serial number of 128 random bits, positive', async () => {
    const serials = await Promise.all(
      Array.from({ length: 20 }, () => issued('x', { certificate: root, signer: rootSigner }, { signer: leafSigner })),
    );
    for (const { certificate } of serials) {
      // With a zero before a high first bit; without leading zeros.
      assert.ok(certificate.serialNumber.length >= 14 && certificate.serialNumber.length <= 17);
      assert.ok((certificate.serialNumber[0] ?? 0xff) < 0x80);
    }
    assert.equal(new Set(serials.map(({ certificate }) => certificate.serialNumberHex)).size, 20);
  });
  it('without a subject has a critical subjectAltName', async () => {
    const { certificate } = await issued('', issuer, { subject: {}, names: ['a.example'] });
    assert.equal(certificate.extension('subjectAltName')?.critical, true);
    await verified([certificate], [root], { name: 'a.example', profile: rfc5280 });
  });
  it('is signed with PKCS #1 v1.5 by an RSA key, unless asked otherwise', async () => {
    const rsa = await newSigner('rsa');
    const plain = await issueRoot({ ...dates, subject: { commonName: 'R' }, signer: rsa });
    const pss = await issueRoot({
      ...dates,
      subject: { commonName: 'R' },
      signer: rsa,
      signatureAlgorithm: 'rsa-pss-sha256',
    });
    assert.equal(plain.signatureAlgorithm, 'rsa-pkcs1-sha256');
    assert.equal(pss.signatureAlgorithm, 'rsa-pss-sha256');
  });
  it('is a promise where the signer is asynchronous, and a value where it is not', async () => {
    const slow = {
      ...leafSigner,
      sign: async (...args: Parameters<typeof leafSigner.sign>) => leafSigner.sign(...args),
    };
    const options: IssueOptions = {
      ...dates,
      subject: { commonName: 'x' },
      publicKey: leafSigner.publicKey,
      issuer: { signer: slow },
    };
    assert.ok(issueCertificate(options) instanceof Promise);
    const certificate = await issueCertificate(options);
    await verified([certificate], [certificate]);
  });
});

const base: IssueOptions = { ...dates, subject: { commonName: 'x' }, publicKey: leafSigner.publicKey, issuer };
const narrow = await issueRoot({ ...dates, subject: { commonName: 'N' }, signer: rootSigner, pathLength: 0 });
const leaf = await issueCertificate(base);
const confined = await issueCertificate({
  ...base,
  subject: { commonName: 'Confined' },
  publicKey: rootSigner.publicKey,
  ca: true,
  extendedKeyUsage: ['serverAuth'],
  nameConstraints: {
    permitted: { dns: ['internal'], ip: ['10.1.2.3/8', 'fd00::/9'], email: ['.example.com'] },
    excluded: { dns: ['secret.internal'], uri: ['host.example'], directory: [directoryName({ organization: 'Evil' })] },
  },
});

describe('a template’s fields', () => {
  it('become name constraints, with the bits beyond a mask cleared', () => {
    assert.equal(confined.extension('nameConstraints')?.critical, true);
    const names = ({ permitted, excluded }: NameConstraints): readonly string[] =>
      [...permitted, ...excluded].map((name) =>
        'text' in name ? name.text : 'bytes' in name ? toHex(name.bytes) : '',
      );
    assert.deepEqual(names(confined.nameConstraints ?? { permitted: [], excluded: [] }), [
      'internal',
      '0a000000ff000000',
      'fd000000000000000000000000000000ff800000000000000000000000000000',
      '.example.com',
      'secret.internal',
      'host.example',
      '',
    ]);
  });
  it('become everything else that a CA or a server may say', async () => {
    const ca = await issueCertificate({
      ...base,
      subject: { commonName: 'Policies' },
      ca: { pathLength: 1 },
      publicKey: rootSigner.publicKey,
      policies: ['1.2.3.4', '2.5.29.32.0'],
      policyMappings: [{ issuerDomainPolicy: '1.2.3.4', subjectDomainPolicy: '1.2.3.5' }],
      policyConstraints: { requireExplicitPolicy: 0, inhibitPolicyMapping: 1 },
      inhibitAnyPolicy: 2,
    });
    const critical = ca.extensions.filter((item) => item.critical).map(({ oid }) => oid);
    assert.deepEqual(critical, ['2.5.29.19', '2.5.29.15', '2.5.29.33', '2.5.29.36', '2.5.29.54']);
    assert.deepEqual(
      ca.certificatePolicies?.map(({ policy }) => policy),
      ['1.2.3.4', '2.5.29.32.0'],
    );
    assert.equal(ca.inhibitAnyPolicy, 2);
    const server = await issueCertificate({
      ...base,
      names: ['a.example'],
      uris: ['spiffe://example/db'],
      extendedKeyUsage: ['serverAuth', '1.2.3.4.5'],
      crlUrls: ['http://crl.example/1.crl'],
      ocspUrls: ['http://ocsp.example/'],
      issuerUrls: ['http://ca.example/ca.cer'],
      mustStaple: true,
      ocspNoCheck: true,
      signedCertificateTimestamps: Uint8Array.of(0, 0),
      extensions: [{ oid: '1.2.3', critical: true, value: Uint8Array.of(5, 0) }],
    });
    assert.deepEqual(server.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.2.3.4.5']);
    assert.deepEqual(server.subjectAltName?.uris, ['spiffe://example/db']);
    assert.deepEqual(
      server.extensions.map(({ oid }) => oid),
      [
        '2.5.29.19',
        '2.5.29.15',
        '2.5.29.37',
        '2.5.29.17',
        '2.5.29.14',
        '2.5.29.35',
        '2.5.29.31',
        '1.3.6.1.5.5.7.1.1',
        '1.3.6.1.5.5.7.1.24',
        '1.3.6.1.5.5.7.48.1.5',
        '1.3.6.1.4.1.11129.2.4.2',
        '1.2.3',
      ],
    );
    // As OpenSSL reads them.
    const { infoAccess } = new X509Certificate(server.raw);
    assert.equal(infoAccess, 'OCSP - URI:http://ocsp.example/\nCA Issuers - URI:http://ca.example/ca.cer');
  });
  it('may break every rule where a verifier is to be tested', async () => {
    const issuerOf = { certificate: confined, signer: rootSigner };
    const stranger = await issueCertificate({ ...base, issuer: issuerOf, names: ['db.example'], unverifiable: true });
    await assert.rejects(() => verified([stranger, confined], [root], { name: 'db.example' }), {
      code: 'name_constraints',
    });
  });
});

describe('what makes no sense is not issued:', () => {
  const rows: readonly (readonly [string, Partial<IssueOptions>, RegExp])[] = [
    ['under a certificate that is no CA', { issuer: { certificate: leaf, signer: leafSigner } }, /not a CA/],
    [
      'with a signer that is not the issuer',
      { issuer: { certificate: root, signer: leafSigner } },
      /not the issuer certificate's key/,
    ],
    ['self-signed with another key', { issuer: { signer: rootSigner } }, /another key/],
    [
      'a CA where the path length leaves no room',
      { issuer: { certificate: narrow, signer: rootSigner }, ca: true },
      /no room/,
    ],
    ['an end before the beginning', { notAfter: new Date('2020-01-01') }, /after notAfter/],
    ['no date at all', { notAfter: new Date(Number.NaN) }, /no date/],
    ['a name that is none', { names: ['a b'] }, /neither a host name nor an IP address: "a b"/],
    ['a wildcard in the middle', { names: ['a.*.example'] }, /neither/],
    ['a mailbox that is none', { emails: ['alice'] }, /not a mailbox/],
    ['nobody', { subject: {} }, /needs a subject/],
    ['a serial number of zero', { serialNumber: new Uint8Array(3) }, /positive/],
    ['a serial number of 21 octets', { serialNumber: new Uint8Array(20).fill(0xff) }, /at most 20 octets/],
    ['a key usage that allows nothing', { keyUsage: [] }, /allows nothing/],
    ['name constraints of a leaf', { nameConstraints: { permitted: { dns: ['a.example'] } } }, /are for CAs/],
    ['policy mappings of a leaf', { policyMappings: [] }, /are for CAs/],
    ['policy constraints of a leaf', { policyConstraints: { inhibitPolicyMapping: 0 } }, /are for CAs/],
    ['inhibitAnyPolicy of a leaf', { inhibitAnyPolicy: 0 }, /are for CAs/],
    ['name constraints without a name', { ca: true, nameConstraints: {} }, /without any name/],
    [
      'a network that is none',
      { ca: true, nameConstraints: { permitted: { ip: ['10.0.0.0/33'] } } },
      /not a network.*"10\.0\.0\.0\/33"/,
    ],
    ['a network without a length', { ca: true, nameConstraints: { permitted: { ip: ['10.0.0.1'] } } }, /not a network/],
    ['a domain that is none', { ca: true, nameConstraints: { excluded: { dns: ['*.example'] } } }, /not a domain/],
    ['a mail host that is none', { ca: true, nameConstraints: { excluded: { email: ['@@'] } } }, /neither a host nor/],
    ['a URL that is none', { crlUrls: ['crl.example/list'] }, /not a URL: "crl\.example\/list"/],
    [
      'an extension twice',
      { extensions: [{ oid: '2.5.29.15', critical: false, value: new Uint8Array(2) }] },
      /2\.5\.29\.15 would stand twice/,
    ],
    [
      'an extension that does not decode',
      { extensions: [{ oid: '2.5.29.32', critical: false, value: new Uint8Array(2) }] },
      /no verifier would accept this certificate: .*certificatePolicies/,
    ],
    [
      'a certificate that is only valid before its issuer',
      { notBefore: new Date(0), notAfter: new Date(1) },
      /expired/,
    ],
    [
      'a certificate that begins after its issuer’s end',
      { notBefore: new Date('2100-01-01'), notAfter: new Date('2100-01-02') },
      /no verifier would accept this certificate: certificate for "Root" expired/,
    ],
    [
      'a name outside its issuer’s name space',
      { issuer: { certificate: confined, signer: rootSigner }, names: ['db.example'] },
      /no verifier would accept this certificate: CA "Confined" may not vouch for .*"db\.example"/,
    ],
    [
      'a purpose that its issuer is not for',
      { issuer: { certificate: confined, signer: rootSigner }, extendedKeyUsage: ['clientAuth'] },
      /the issuer is for serverAuth alone/,
    ],
    [
      'a CA that may not sign certificates',
      { ca: true, keyUsage: ['digitalSignature'] },
      /needs the key usage keyCertSign/,
    ],
    ['keyCertSign for others', { keyUsage: ['keyCertSign'] }, /for CAs/],
    ['an algorithm that the key does not make', { signatureAlgorithm: 'ed25519' }, /makes no ed25519/],
  ];
  for (const [what, change, why] of rows) {
    it(what, () => {
      assert.throws(
        () => issueCertificate({ ...base, ...change }),
        (error) => error instanceof RangeError && why.test(error.message),
      );
    });
  }
});
