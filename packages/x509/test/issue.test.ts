import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import {
  type IssueOptions,
  issueCertificate,
  issueClientCertificate,
  issueIntermediate,
  issueRoot,
  issueServerCertificate,
  keyIdentifierOf,
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
    const policy = { profile: 'rfc5280' } as const;
    await verified([server, ca], [root], { name: '::1', policy });
    await verified([client, ca], [root], { purpose: 'clientAuth', policy });
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
  it('has a random serial number of 20 octets, positive', async () => {
    const serials = await Promise.all(
      Array.from({ length: 20 }, () => issued('x', { certificate: root, signer: rootSigner }, { signer: leafSigner })),
    );
    for (const { certificate } of serials) {
      assert.equal(certificate.serialNumber.length, 20);
      assert.equal((certificate.serialNumber[0] ?? 0) & 0xc0, 0x40);
    }
    assert.equal(new Set(serials.map(({ certificate }) => certificate.serialNumberHex)).size, 20);
  });
  it('without a subject has a critical subjectAltName', async () => {
    const { certificate } = await issued('', issuer, { subject: {}, names: ['a.example'] });
    assert.equal(certificate.extension('subjectAltName')?.critical, true);
    await verified([certificate], [root], { name: 'a.example', policy: { profile: 'rfc5280' } });
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
