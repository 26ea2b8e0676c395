import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, copyBytes, type KeyType, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type CertificateRequest,
  issueRequest,
  keyMatches,
  parseCertificates,
  parsePrivateKey,
  parseRequest,
  parseRequests,
  type RequestOptions,
  toPem,
  verifyRequest,
} from '../src/index.ts';
import { issued, newSigner } from './support/pki.ts';

const folder = new URL('vectors/containers/', import.meta.url);
const file = (name: string): Bytes => copyBytes(readFileSync(new URL(name, folder)));
const [request] = parseRequests(file('request.pem')) as [CertificateRequest];
const [challenged] = parseRequests(file('request-challenge.pem')) as [CertificateRequest];

function refuses(how: () => unknown, code: CertificateErrorCode, message: RegExp): Promise<void> {
  return assert.rejects(
    async () => how(),
    (error) => {
      assert.ok(error instanceof CertificateError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    },
  );
}

/** A request of these attributes, whose signature is none. */
function unsigned(...attributes: readonly Uint8Array[]): Bytes {
  const { signer } = nodeProvider.generateKeyPair('ed25519') as { signer: { publicKey: { spki: Bytes } } };
  const info = der.sequence(der.smallInteger(0), der.sequence(), signer.publicKey.spki, der.explicit(0, ...attributes));
  return der.sequence(info, der.sequence(der.oid('1.3.101.112')), der.bitString(new Uint8Array(64)));
}
const attribute = (oid: string, ...values: readonly Uint8Array[]): Bytes =>
  der.sequence(der.oid(oid), der.setOf(...values));
const extensionRequest = '1.2.840.113549.1.9.14';
const challenge = '1.2.840.113549.1.9.7';

describe('a certificate request', () => {
  it('of OpenSSL is read', () => {
    assert.equal(request.subject.toString(), 'O=Handfast,CN=container leaf');
    assert.deepEqual(request.subjectAltName?.dnsNames, ['leaf.example']);
    assert.deepEqual(request.subjectAltName?.ipAddresses.map(toHex), ['c0000201']);
    assert.deepEqual([...(request.keyUsage ?? [])], ['digitalSignature']);
    assert.deepEqual(request.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(request.publicKey.type, 'secp256r1');
    assert.equal(request.signatureAlgorithm, 'ecdsa-sha256');
    assert.deepEqual(
      [request.basicConstraints, request.subjectKeyIdentifier, request.challengePassword],
      [undefined, undefined, undefined],
    );
  });

  it('of OpenSSL with a challenge password is read', () => {
    assert.equal(challenged.challengePassword, 'take it back');
    assert.deepEqual(challenged.basicConstraints, { ca: true });
    assert.equal(challenged.subjectKeyIdentifier?.length, 20);
    assert.equal(challenged.extension('basicConstraints')?.critical, true);
    assert.equal(challenged.attributes.length, 2);
  });

  it('without any attribute asks for nothing', () => {
    const empty = parseRequest(unsigned());
    assert.deepEqual(
      [empty.extensions, empty.attributes, empty.subjectAltName, empty.challengePassword],
      [[], [], undefined, undefined],
    );
  });

  it('is read from PEM under both labels, several in a text', () => {
    const text = `${toPem('NEW CERTIFICATE REQUEST', request.raw)}between\n${toPem('CERTIFICATE REQUEST', challenged.raw)}`;
    assert.deepEqual(
      parseRequests(text).map(({ raw }) => raw),
      [request.raw, challenged.raw],
    );
    assert.deepEqual(parseRequests(request.raw).length, 1);
    assert.throws(
      () => parseRequests(toPem('CERTIFICATE', request.raw)),
      /no PEM block "CERTIFICATE REQUEST"; the text holds "CERTIFICATE"/,
    );
  });

  for (const [what, read, message] of [
    [
      'an attribute twice',
      () => parseRequest(unsigned(attribute('1.2.3', der.nothing()), attribute('1.2.3', der.nothing()))),
      /attribute 1\.2\.3 stands twice/,
    ],
    [
      'two extension requests',
      () => parseRequest(unsigned(attribute(extensionRequest, der.sequence(), der.sequence()))).extensions,
      /2 values of attribute 1\.2\.840\.113549\.1\.9\.14, which has one/,
    ],
    [
      'an empty list of extensions',
      () => parseRequest(unsigned(attribute(extensionRequest, der.sequence()))).extensions,
      /an empty list/,
    ],
    [
      'a challenge password that is no string',
      () => parseRequest(unsigned(attribute(challenge, der.nothing()))).challengePassword,
      /a challenge password that is no string/,
    ],
    ['trailing bytes', () => parseRequest(new Uint8Array([...request.raw, 0])), /1 bytes too many/],
    [
      'version 2',
      () =>
        parseRequest(
          der.sequence(
            der.sequence(der.smallInteger(1)),
            der.sequence(der.oid('1.3.101.112')),
            der.bitString(new Uint8Array(1)),
          ),
        ),
      /^certificate request: version 2, not 1$/,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(read, 'malformed', message));
  }

  it('of any bytes throws no error but ours', () => {
    fc.assert(
      fc.property(fc.nat(challenged.raw.length - 1), fc.nat(255), (at, byte) => {
        try {
          const changed = parseRequest(challenged.raw.with(at, byte));
          for (const name of [
            'publicKey',
            'extensions',
            'basicConstraints',
            'subjectKeyIdentifier',
            'challengePassword',
          ] as const) {
            void changed[name];
          }
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

for (const provider of [nodeProvider, fullWebProvider] satisfies CryptoProvider[]) {
  describe(`${provider.name}: proof of possession`, () => {
    it("of OpenSSL's requests is good", async () => {
      for (const good of [request, challenged]) assert.equal(await verifyRequest(provider, good), undefined);
    });

    it('fails where anything was changed after signing', async () => {
      const other = await newSigner();
      const changes: readonly CertificateRequest[] = [
        parseRequest(replaced(request.raw, Buffer.from('leaf.example'), Buffer.from('evil.example'))),
        parseRequest(replaced(request.raw, Buffer.from(request.spki), Buffer.from(other.publicKey.spki))),
        parseRequest(request.raw.with(-1, (request.raw.at(-1) ?? 0) ^ 1)),
      ];
      for (const changed of changes) {
        await refuses(
          () => verifyRequest(provider, changed),
          'bad_signature',
          /^the certificate request for "container leaf" is not signed with the key that it is about$/,
        );
      }
    });

    it('is not taken of SHA-1, nor of algorithms that nobody knows', async () => {
      const signed = (oid: string): CertificateRequest =>
        parseRequest(der.sequence(request.tbs, der.sequence(der.oid(oid)), der.bitString(request.signature)));
      await refuses(
        () => verifyRequest(provider, signed('1.2.840.10045.4.1')),
        'weak_signature',
        /signed with ecdsa-with-SHA1, which is too weak/,
      );
      await refuses(
        () => verifyRequest(provider, signed('1.2.3')),
        'unsupported_algorithm',
        /signed with algorithm 1\.2\.3/,
      );
    });

    const types: readonly KeyType[] = ['rsa', 'secp384r1', 'ed25519', 'ml-dsa-44'];
    for (const type of types) {
      it(`is in what is issued here: ${type}`, async () => {
        const { signer } = await provider.generateKeyPair(type);
        const made = await issueRequest({
          provider,
          signer,
          subject: { commonName: 'db', organization: 'Example' },
          names: ['db.internal', '2001:db8::1'],
          emails: ['db@example.com'],
          extendedKeyUsage: ['serverAuth'],
        });
        await verifyRequest(provider, made);
        assert.equal(made.publicKey.type, type);
        assert.deepEqual(made.subjectAltName?.dnsNames, ['db.internal']);
        assert.deepEqual(made.subjectAltName?.emails, ['db@example.com']);
        assert.deepEqual(made.basicConstraints, { ca: false });
        assert.equal(made.extension('authorityKeyIdentifier'), undefined);
        assert.ok(keyMatches(made, signer.publicKey));
      });
    }
  });
}

function replaced(bytes: Uint8Array, from: Buffer, to: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(from);
  assert.ok(at >= 0 && from.length === to.length);
  to.copy(copy, at);
  return copy;
}

describe('issuing a request', () => {
  it('is refused where its options make no sense', async () => {
    const signer = await newSigner();
    const issue = (options: Partial<RequestOptions>) => () =>
      issueRequest({ provider: nodeProvider, signer, subject: { commonName: 'x' }, ...options });
    assert.throws(issue({ names: ['not a name'] }), RangeError);
    assert.throws(
      issue({ signatureAlgorithm: 'ed25519' }),
      new RangeError('a key of type secp256r1 makes no ed25519 signatures'),
    );
    assert.throws(issue({ subject: {} }), new RangeError('a CA, or a certificate without names, needs a subject'));
  });

  it('is synchronous where the signer is', async () => {
    const made = issueRequest({ provider: nodeProvider, signer: await newSigner(), subject: { commonName: 'x' } });
    assert.equal('then' in made, false);
    if (!('then' in made)) assert.equal(verifyRequest(nodeProvider, made), undefined);
  });
});

describe('keys', () => {
  it('match their certificate and their request, and no other', async () => {
    const [leaf] = parseCertificates(file('leaf.pem')) as [Certificate];
    const signer = await nodeProvider.importPrivateKey(parsePrivateKey(file('key.pem')));
    assert.ok(keyMatches(leaf, signer.publicKey));
    assert.ok(keyMatches(leaf, request));
    const { certificate } = await issued('other', undefined);
    assert.equal(keyMatches(certificate, request), false);
    const rsa = await newSigner('rsa', 2048);
    assert.equal(keyMatches(rsa.publicKey, request), false);
  });
});
