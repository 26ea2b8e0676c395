import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, isThenable, type Signer } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { type IssueOcspOptions, issueOcspResponse, type OcspAnswer } from '../src/issue-ocsp.ts';
import { certIdOf } from '../src/ocsp/cert-id.ts';
import { type OcspCertStatus, type OcspResponse, parseOcspResponse } from '../src/ocsp/response.ts';
import { type RevocationReason, revocationReasons } from '../src/revocation/status.ts';
import { issued, newSigner, nodeProvider as provider } from './support/pki.ts';

const ca = await issued('CA', undefined, { ca: true });
const leaf = await issued('db.internal', ca, { names: ['db.internal'] });
const other = await issued('old.internal', ca, { names: ['old.internal'] });
const delegate = await issued('OCSP', ca, { extendedKeyUsage: ['ocspSigning'], ocspNoCheck: true });
const thisUpdate = new Date('2026-11-21T00:00:00Z');
const nextUpdate = new Date('2026-11-28T00:00:00Z');

const options: IssueOcspOptions = {
  provider,
  responder: { signer: ca.signer },
  issuer: ca.certificate,
  answers: [{ subject: leaf.certificate, status: 'good', thisUpdate, nextUpdate }],
  producedAt: thisUpdate,
};

async function basicOf(changes: Partial<IssueOcspOptions>): Promise<NonNullable<OcspResponse['basic']>> {
  const { basic } = parseOcspResponse(await issueOcspResponse({ ...options, ...changes }));
  assert.ok(basic);
  return basic;
}

describe('an OCSP response', () => {
  it('is issued synchronously where the signer is synchronous', () => {
    assert.equal(isThenable(issueOcspResponse(options)), false);
  });
  it('is issued with any signer', async () => {
    const web = await fullWebProvider.generateKeyPair('ed25519');
    const own = await issued('CA', undefined, { ca: true, signer: web.signer });
    const leafOfIt = await issued('a', own);
    const basic = await basicOf({
      provider: fullWebProvider,
      responder: { signer: web.signer },
      issuer: own.certificate,
      answers: [{ subject: leafOfIt.certificate, status: 'good', thisUpdate, nextUpdate }],
    });
    assert.equal(basic.signatureAlgorithm, 'ed25519');
  });
  it('names a delegated responder by its key, and has its certificate', async () => {
    const basic = await basicOf({ responder: delegate });
    assert.equal(basic.responderId.kind, 'key');
    assert.deepEqual(
      basic.certificates.map(({ raw }) => raw),
      [delegate.certificate.raw],
    );
    assert.deepEqual((await basicOf({ responder: delegate, includeCertificate: false })).certificates, []);
  });
  it('names it by name where that is wanted, or the provider has no SHA-1', async () => {
    const { legacyDigests: _, ...without } = provider;
    for (const changes of [{ responderId: 'name' }, { provider: without }] as const) {
      const { responderId } = await basicOf({ ...changes, responder: delegate });
      assert.equal(responderId.kind === 'name' && responderId.name.toString(), 'CN=OCSP');
    }
    assert.throws(
      () => issueOcspResponse({ ...options, provider: without, responderId: 'key' }),
      new RangeError('the crypto provider "node" has no sha1, which a responder is named with by key'),
    );
  });
  it('is signed by PKCS #1 v1.5 under an RSA key, unless another algorithm is asked for', async () => {
    const rsa = await issued('CA', undefined, { ca: true, signer: await newSigner('rsa') });
    const below = await issued('a', rsa);
    const changes = {
      responder: { signer: rsa.signer },
      issuer: rsa.certificate,
      answers: [{ subject: below.certificate, status: 'good', thisUpdate }],
    } as const;
    assert.equal((await basicOf(changes)).signatureAlgorithm, 'rsa-pkcs1-sha256');
    assert.equal(
      (await basicOf({ ...changes, signatureAlgorithm: 'rsa-pss-sha384' })).signatureAlgorithm,
      'rsa-pss-sha384',
    );
  });
  it('carries timestamps of a certificate', async () => {
    const scts = Uint8Array.of(0, 3, 1, 2, 3);
    const answers: OcspAnswer[] = [
      { subject: leaf.certificate, status: 'good', thisUpdate, signedCertificateTimestamps: scts },
    ];
    const [single] = (await basicOf({ answers })).responses;
    assert.deepEqual(single?.extensions, [
      { oid: '1.3.6.1.4.1.11129.2.4.5', critical: false, value: Uint8Array.of(4, 5, ...scts) },
    ]);
  });
});

describe('what is parsed', () => {
  const dates = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));
  const statuses: fc.Arbitrary<OcspCertStatus> = fc.oneof(
    fc.constant({ kind: 'good' } as const),
    fc.constant({ kind: 'unknown' } as const),
    fc.record(
      {
        kind: fc.constant('revoked' as const),
        revokedAt: dates,
        reason: fc.constantFrom(...(Object.keys(revocationReasons) as RevocationReason[])),
      },
      { noNullPrototype: true },
    ),
  );
  const answers = fc.array(
    fc.record({
      subject: fc.constantFrom(leaf.certificate, other.certificate),
      certStatus: statuses,
      thisUpdate: dates,
      lifetimeSeconds: fc.option(fc.nat(1_000_000), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const nonces: fc.Arbitrary<Bytes | undefined> = fc.option(
    fc.uint8Array({ minLength: 1, maxLength: 128 }).map((bytes) => Uint8Array.from(bytes)),
    { nil: undefined },
  );
  const fixed: Signer = { ...ca.signer, sign: () => Uint8Array.of(1, 2, 3) };

  it('is what was issued', () => {
    fc.assert(
      fc.property(answers, nonces, dates, (wanted, nonce, producedAt) => {
        const until = (from: Date, seconds: number | undefined): Date | undefined =>
          seconds === undefined ? undefined : new Date(from.getTime() + seconds * 1000);
        const issuedBytes = issueOcspResponse({
          ...options,
          responder: { signer: fixed },
          producedAt,
          nonce,
          answers: wanted.map(({ subject, certStatus, thisUpdate: from, lifetimeSeconds }) => {
            const common = { subject, thisUpdate: from, nextUpdate: until(from, lifetimeSeconds) };
            return certStatus.kind === 'revoked'
              ? { ...common, status: 'revoked', revokedAt: certStatus.revokedAt, reason: certStatus.reason }
              : { ...common, status: certStatus.kind };
          }),
        });
        assert.ok(issuedBytes instanceof Uint8Array);
        const { basic } = parseOcspResponse(issuedBytes);
        assert.deepEqual(basic?.producedAt, producedAt);
        assert.deepEqual(basic?.nonce, nonce);
        assert.deepEqual(
          basic?.responses,
          wanted.map(({ subject, certStatus, thisUpdate: from, lifetimeSeconds }) => ({
            certId: certIdOf(provider, subject, ca.certificate),
            status: certStatus,
            thisUpdate: from,
            nextUpdate: until(from, lifetimeSeconds),
            extensions: [],
            unknownCriticalExtensions: [],
          })),
        );
      }),
    );
  });
});

describe('what nobody would believe is not issued', () => {
  it("a signer with another key than the responder's", () => {
    const message = "the signer's key is not that of the responder's certificate (or, without one, of the issuer's)";
    assert.throws(() => issueOcspResponse({ ...options, responder: { signer: leaf.signer } }), new RangeError(message));
    assert.throws(
      () => issueOcspResponse({ ...options, responder: { certificate: delegate.certificate, signer: ca.signer } }),
      new RangeError(message),
    );
  });
  it('a responder of another CA, or for another purpose', async () => {
    const stranger = await issued('CA 2', undefined, { ca: true });
    const byStranger = await issued('OCSP', stranger, { extendedKeyUsage: ['ocspSigning'] });
    const noUsage = await issued('web', ca, { extendedKeyUsage: ['serverAuth'] });
    const noSignature = await issued('OCSP', ca, { extendedKeyUsage: ['ocspSigning'], keyUsage: ['keyEncipherment'] });
    for (const [responder, message] of [
      [byStranger, "the responder's certificate is not issued by the CA that it answers for (RFC 6960 §4.2.2.2)"],
      [noUsage, "the responder's certificate is not for ocspSigning (RFC 6960 §4.2.2.2)"],
      [noSignature, "the responder's certificate is not for digitalSignature"],
    ] as const) {
      assert.throws(() => issueOcspResponse({ ...options, responder }), new RangeError(message));
    }
  });
  it('a response without answer, times in the wrong order, a nonce that is too long, a signature that the key cannot make', () => {
    for (const [changes, message] of [
      [{ answers: [] }, 'a response needs an answer; errors are for ocspErrorResponse'],
      [
        {
          answers: [{ subject: leaf.certificate, status: 'good', thisUpdate: nextUpdate, nextUpdate: thisUpdate }],
        },
        'nextUpdate is before thisUpdate, or one is no date',
      ],
      [{ nonce: new Uint8Array(129) }, 'a nonce has 1 to 128 octets, not 129'],
      [{ signatureAlgorithm: 'ed25519' }, 'a key of type secp256r1 makes no ed25519 signatures'],
      [{ producedAt: new Date(Number.NaN) }, 'there is no way to write this date'],
    ] as const) {
      assert.throws(() => issueOcspResponse({ ...options, ...changes }), new RangeError(message));
    }
  });
});
