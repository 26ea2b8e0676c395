/**
 * Certificates told as `node:tls` tells them: what Node's own sockets answer about keys and names of every kind, field for
 * field and in its order; and the answers about the certificates of x509-limbo and PKITS, beside our own reading of them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type IssueOptions,
  issueCertificate,
  parseCertificate,
  parseCertificates,
  parseDirectoryName,
  toPem,
  trustStore,
} from '@handfast/x509';
import { peerCertificateOf, x509CertificateOf } from '../../src/node/peer-certificate.ts';
import { otherPki, pki } from '../support/identities.ts';

type KeyType = Parameters<typeof nodeProvider.generateKeyPair>[0];

interface Identity {
  /** The leaf, and the intermediate that signed it. */
  readonly chain: readonly [Certificate, Certificate];
  readonly pkcs8: Uint8Array;
}

const { notBefore, notAfter } = pki.root;
const between = await (async () => {
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const certificate = await issueCertificate({
    ...{ provider: nodeProvider, notBefore, notAfter, subject: { commonName: 'Between' }, publicKey: signer.publicKey },
    ...{ issuer: { certificate: pki.root, signer: pki.signer }, ca: { pathLength: 0 } },
  });
  return { certificate, signer };
})();

async function makeIdentity(type: KeyType, options: Partial<IssueOptions> = {}): Promise<Identity> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair(type);
  const leaf = await issueCertificate({
    ...{ provider: nodeProvider, notBefore, notAfter, subject: { commonName: 'localhost' }, names: ['localhost'] },
    ...{ publicKey: signer.publicKey, issuer: between },
    ...options,
  });
  return { chain: [leaf, between.certificate], pkcs8 };
}

const pemOf = (chain: readonly Certificate[]): string => chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');

interface Ends {
  readonly client: tls.TLSSocket;
  readonly server: tls.TLSSocket;
}

/** Node at both ends: each shows `chain`, neither minds whether it is trusted. */
async function withNode(
  { pkcs8 }: Identity,
  chain: readonly Certificate[],
  trusted: readonly Certificate[],
  ask: (ends: Ends) => void,
): Promise<void> {
  const options = {
    ...{ key: toPem('PRIVATE KEY', pkcs8), cert: pemOf(chain), ca: pemOf(trusted), rejectUnauthorized: false },
    ciphers: 'DEFAULT@SECLEVEL=0',
  };
  const listener = tls.createServer({ ...options, requestCert: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = tls.connect({ ...options, port: (listener.address() as AddressInfo).port, host: '127.0.0.1' });
  const [server] = (await once(listener, 'secureConnection')) as [tls.TLSSocket];
  try {
    ask({ client, server });
  } finally {
    client.destroy();
    server.destroy();
    listener.close();
  }
}

/** As `deepEqual`, which looks at prototypes and at no order: in the order of properties as well. */
function assertSame(actual: object | undefined, expected: object | undefined): void {
  assert.deepEqual(actual, expected);
  assert.deepEqual(Object.keys(actual ?? {}), Object.keys(expected ?? {}));
}

// DER that our issuer does not write.

function tlv(tag: number, ...contents: readonly (string | Uint8Array)[]): Buffer {
  const content = Buffer.concat(contents.map((part) => Buffer.from(part as Uint8Array)));
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

const commonName = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x03]);
const organizationalUnit = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x0b]);
const unknownAttribute = Buffer.from([0x06, 0x03, 0x2a, 0x03, 0x04]);
const attribute = (oid: Uint8Array, text: string | Uint8Array, tag = 0x0c): Buffer => tlv(0x30, oid, tlv(tag, text));
const nameOf = (...rdns: readonly Buffer[]): ReturnType<typeof parseDirectoryName> =>
  parseDirectoryName(new Uint8Array(tlv(0x30, ...rdns.map((rdn) => tlv(0x31, rdn)))));
const altNames = (...names: readonly Buffer[]): Partial<IssueOptions> => ({
  names: [],
  unverifiable: true,
  extensions: [{ oid: '2.5.29.17', critical: false, value: new Uint8Array(tlv(0x30, ...names)) }],
});
const otherName = tlv(0xa0, Buffer.from([0x06, 0x03, 0x2a, 0x03, 0x04]), tlv(0xa0, tlv(0x0c, 'other')));

/** OpenSSL has it from 3.5 on. */
const nodeHasMlDsa = Number(/^\d+\.\d+/.exec(process.versions.openssl)) >= 3.5;

const kinds: Readonly<Record<string, () => Promise<Identity>>> = {
  'a key on P-256': () => makeIdentity('secp256r1'),
  'a key on P-384': () => makeIdentity('secp384r1'),
  'a key on P-521': () => makeIdentity('secp521r1'),
  'an RSA key': () => makeIdentity('rsa'),
  'an RSA-PSS key': () => makeIdentity('rsa-pss'),
  'an Ed25519 key': () => makeIdentity('ed25519'),
  'an Ed448 key': () => makeIdentity('ed448'),
  ...(nodeHasMlDsa && { 'an ML-DSA key': () => makeIdentity('ml-dsa-65') }),
  'attributes that stand more than once': () =>
    makeIdentity('secp256r1', {
      subject: nameOf(
        attribute(organizationalUnit, 'one'),
        attribute(organizationalUnit, 'two'),
        Buffer.concat([attribute(commonName, 'a'), attribute(commonName, 'b'), attribute(organizationalUnit, 'c')]),
      ),
    }),
  'attributes of odd characters and types': () =>
    makeIdentity('secp256r1', {
      subject: nameOf(
        attribute(commonName, 'bücher, "x"\\ +=<>#;\n\0'),
        attribute(organizationalUnit, Buffer.from('\0b\0\u00fc', 'latin1'), 0x1e),
        attribute(unknownAttribute, '__proto__'),
      ),
    }),
  'no subject at all': () => makeIdentity('secp256r1', { subject: nameOf() }),
  'names of every kind': () =>
    makeIdentity('secp256r1', {
      names: ['localhost', '*.example.com', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1'],
      emails: ['me@example.com'],
      uris: ['https://example.com/a,b'],
    }),
  'names that could pass for others': () =>
    makeIdentity(
      'secp256r1',
      altNames(
        tlv(0x82, 'a.com, DNS:b.com'),
        tlv(0x86, 'http://a/"quoted", DNS:c.com'),
        tlv(0x81, "a'\\b@example.com"),
        tlv(0x82, 'bücher.de'),
        tlv(0x82, 'a\0b'),
        tlv(0x82, ''),
      ),
    ),
  'a directory name, an other name and an identifier': () =>
    makeIdentity(
      'secp256r1',
      altNames(
        tlv(0xa4, tlv(0x30, tlv(0x31, attribute(commonName, 'd, DNS:x')))),
        otherName,
        tlv(0x88, Buffer.from([0x2a, 0x03, 0x04])),
        tlv(0x87, Buffer.from([192, 0, 2, 1])),
      ),
    ),
  'places of its issuer and of status': () =>
    makeIdentity('secp256r1', {
      ocspUrls: ['http://ocsp.example.com/', 'http://ocsp2.example.com/?a=b,c'],
      issuerUrls: ['http://ca.example.com/ca.crt'],
      extendedKeyUsage: ['serverAuth', 'clientAuth', '1.2.3.4'],
    }),
  'a long serial number and old times': () =>
    makeIdentity('secp256r1', {
      serialNumber: Uint8Array.from({ length: 20 }, (_, index) => (index === 0 ? 0x7f : 0)),
      notBefore: new Date('1950-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
    }),
};

describe('peerCertificateOf', () => {
  for (const [what, make] of Object.entries(kinds)) {
    it(`answers what sockets of node:tls do for a certificate with ${what}`, async () => {
      const identity = await make();
      const { chain } = identity;
      await withNode(identity, chain, [pki.root], ({ client, server }) => {
        for (const socket of [client, server]) {
          assertSame(peerCertificateOf(chain, false), socket.getPeerCertificate());
          assertSame(peerCertificateOf(chain, false), socket.getCertificate() ?? undefined);
        }
        assertSame(peerCertificateOf(chain, true, trustStore(pki.root)), client.getPeerCertificate(true));
      });
    });
  }

  it('finds issuers as clients of node:tls do: among what was sent, then among the trusted', async () => {
    const identity = await makeIdentity('secp256r1');
    const [leaf, intermediate] = identity.chain;
    const { root } = pki;
    const stranger = otherPki.root;
    const cases: readonly (readonly [sent: readonly Certificate[], trusted: readonly Certificate[]])[] = [
      [[leaf], []],
      [[leaf], [root]],
      [[leaf], [intermediate]],
      [[leaf], [intermediate, root]],
      [[leaf, intermediate], []],
      [[leaf, intermediate], [stranger]],
      [[leaf, intermediate], [root]],
      [[leaf, intermediate, root], []],
      [[leaf, intermediate, stranger], [root]],
      [
        [leaf, intermediate, intermediate],
        [intermediate, root],
      ],
    ];
    for (const [sent, trusted] of cases) {
      await withNode(identity, sent, trusted, ({ client }) => {
        assertSame(peerCertificateOf(sent, true, trustStore(trusted)), client.getPeerCertificate(true));
      });
    }
  });

  it('finds issuers in whatever order they were sent, where node:tls stops at the first that stands behind another', async () => {
    const { chain } = await makeIdentity('secp256r1');
    const [leaf, intermediate] = chain;
    const inOrder = peerCertificateOf([leaf, intermediate, pki.root], true);
    assertSame(peerCertificateOf([leaf, otherPki.root, pki.root, intermediate], true), inOrder);
    assertSame(peerCertificateOf([leaf, otherPki.root, intermediate], true, trustStore(pki.root)), inOrder);
  });

  it('makes a self-signed certificate its own issuer', async () => {
    const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
    const basics = { provider: nodeProvider, notBefore, notAfter, subject: { commonName: 'alone' } };
    const own = await issueCertificate({ ...basics, publicKey: signer.publicKey, issuer: { signer }, ca: true });
    const told = peerCertificateOf([own], true);
    assert.equal(told.issuerCertificate, told);
    assert.equal('issuerCertificate' in peerCertificateOf([own], false), false);
    await withNode({ chain: [own, own], pkcs8 }, [own], [], ({ client }) => {
      assertSame(told, client.getPeerCertificate(true));
    });
  });

  it('answers an object without properties where there is no certificate, as node:tls does', () => {
    assert.deepEqual(peerCertificateOf([], false), {});
    assert.deepEqual(peerCertificateOf([], true), {});
  });

  it('answers a fresh object each time', () => {
    const told = peerCertificateOf([pki.root], false);
    assert.notEqual(peerCertificateOf([pki.root], false), told);
    assert.deepEqual(peerCertificateOf([pki.root], false), told);
  });

  it('answers, for a certificate that OpenSSL cannot read, as if there were none: nobody can make it throw', async () => {
    const subject = nameOf(attribute(commonName, 'odd', 0x1e));
    const { chain } = await makeIdentity('secp256r1', { subject });
    assert.throws(() => new X509Certificate(chain[0].raw), Error);
    assert.deepEqual(peerCertificateOf(chain, false), {});
    assert.deepEqual(peerCertificateOf(chain, true), {});
    assert.equal(x509CertificateOf(chain), undefined);
    const { chain: good } = await makeIdentity('secp256r1');
    const [leaf, intermediate] = good;
    assertSame(peerCertificateOf([leaf, chain[0], intermediate], true), peerCertificateOf(good, true));
    assert.deepEqual(serials(x509CertificateOf([leaf, chain[0], intermediate])), serials(x509CertificateOf([leaf])));
  });

  it('passes over issuers whose key OpenSSL cannot read: Node 24.21 crashes when it is asked of them', async () => {
    const { chain } = await makeIdentity('secp256r1');
    const [leaf, intermediate] = chain;
    // An algorithm, a curve and a point that are none.
    for (const [fromStart, fromEnd] of [[12], [22], [undefined, 1]] as const) {
      const raw = Buffer.from(intermediate.raw);
      const at = raw.indexOf(intermediate.spki) + (fromStart ?? intermediate.spki.length - (fromEnd ?? 0));
      raw[at] = (raw[at] ?? 0) ^ 8;
      const odd = parseCertificate(raw);
      assert.throws(() => new X509Certificate(raw).publicKey, { code: 'ERR_OSSL_EVP_DECODE_ERROR' });
      assertSame(peerCertificateOf([leaf, odd], true), peerCertificateOf([leaf], true));
      assert.deepEqual(peerCertificateOf([odd], false), {});
      assert.equal(x509CertificateOf([odd]), undefined);
    }
  });

  it('ends where two authorities have signed each other', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async () => (await nodeProvider.generateKeyPair('secp256r1')).signer),
    );
    assert.ok(one && other);
    const basics = { provider: nodeProvider, notBefore, notAfter, ca: true };
    const named = (name: string) => ({ subject: { commonName: name } });
    const first = await issueCertificate({
      ...basics,
      ...named('one'),
      publicKey: one.publicKey,
      issuer: { signer: one },
    });
    const second = await issueCertificate({
      ...{ ...basics, ...named('two'), publicKey: other.publicKey, issuer: { certificate: first, signer: one } },
    });
    const crossed = await issueCertificate({
      ...{ ...basics, ...named('one'), publicKey: one.publicKey, issuer: { certificate: second, signer: other } },
    });
    const told = peerCertificateOf([second], true, trustStore([crossed, second]));
    const names = [];
    for (let at: typeof told | undefined = told; at !== undefined && names.length < 9; at = at.issuerCertificate) {
      names.push(at.subject?.CN);
    }
    assert.deepEqual(names, ['two', 'one', 'two']);
  });
});

describe('x509CertificateOf', () => {
  it('answers what sockets of node:tls do, with what was sent next as issuer', async () => {
    const identity = await makeIdentity('secp256r1');
    const [leaf, intermediate] = identity.chain;
    for (const sent of [[leaf], [leaf, intermediate], [leaf, intermediate, pki.root], [leaf, otherPki.root]]) {
      await withNode(identity, sent, [], ({ client, server }) => {
        const ours = x509CertificateOf(sent);
        assert.deepEqual(
          serials(ours),
          sent.map(({ raw }) => new X509Certificate(raw).serialNumber),
        );
        // Once: Node's own answers something else the second time.
        const theirs = client.getPeerX509Certificate();
        assert.deepEqual(serials(ours), serials(theirs));
        assert.equal(ours?.toString(), theirs?.toString());
        assert.equal(x509CertificateOf([leaf])?.toString(), server.getX509Certificate()?.toString());
        assert.equal(ours instanceof X509Certificate, true);
      });
    }
  });

  it('answers undefined where there is no certificate', () => {
    assert.equal(x509CertificateOf([]), undefined);
  });
});

/** Of a certificate, its issuer and so on. */
function serials(certificate: X509Certificate | undefined): readonly string[] {
  return certificate === undefined ? [] : [certificate.serialNumber, ...serials(certificate.issuerCertificate)];
}

const vectors = new URL('../../../x509/test/vectors/', import.meta.url);
const unzipped = (path: string): unknown => JSON.parse(gunzipSync(readFileSync(new URL(path, vectors))).toString());

/** Each once; those that we do not take are never a peer's. */
function corpus(): readonly Certificate[] {
  const limbo = unzipped('limbo/limbo.json.gz') as {
    readonly testcases: readonly { readonly peer_certificate: string }[];
  };
  const pems = limbo.testcases.map(({ peer_certificate }) => peer_certificate);
  const pkits = unzipped('pkits/pkits.json.gz') as { readonly certs: Readonly<Record<string, string>> };
  return [
    ...[...new Set(pems)].flatMap((pem) => readable(() => parseCertificates(pem))),
    ...Object.values(pkits.certs).flatMap((der) => readable(() => [parseCertificate(Buffer.from(der, 'base64'))])),
  ];
}

function readable(read: () => readonly Certificate[]): readonly Certificate[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

describe('certificates that others made', () => {
  const certificates = corpus();

  it('are told, each that we take, with what we read in them ourselves', (context) => {
    context.diagnostic(`${certificates.length} certificates`);
    assert.ok(certificates.length > 1_000);
    const unread: unknown[] = [];
    for (const certificate of certificates) {
      const told = peerCertificateOf([certificate], false);
      if (Object.keys(told).length === 0) {
        unread.push(certificate.subject.commonName);
        continue;
      }
      assert.deepEqual(told.raw, Buffer.from(certificate.raw));
      assert.equal(Date.parse(told.valid_from ?? ''), certificate.notBefore.getTime());
      assert.equal(Date.parse(told.valid_to ?? ''), certificate.notAfter.getTime());
      const [, sign, digits] = /^(-?)(.*)$/.exec(told.serialNumber ?? '') ?? [];
      assert.equal(BigInt(`0x${digits}`) * (sign === '-' ? -1n : 1n), signedOf(certificate.serialNumber));
      const names = readNames(certificate);
      if (names === undefined) continue;
      const plain = names.filter((name) => /^[\w.*-]*$/.test(name)).map((name) => `DNS:${name}`);
      const listed = (told.subjectaltname ?? '').split(', ').filter((name) => /^DNS:[\w.*-]*$/.test(name));
      assert.deepEqual(listed, plain);
    }
    assert.deepEqual(unread, ['DSA Parameters Inherited CA', 'Valid DSA Parameter Inheritance EE Certificate Test5']);
  });
});

function signedOf(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function readNames(certificate: Certificate): readonly string[] | undefined {
  return readableValue(() => certificate.subjectAltName?.dnsNames ?? []);
}

function readableValue<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
