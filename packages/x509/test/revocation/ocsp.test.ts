import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, isThenable } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { encodeSignatureAlgorithm } from '../../src/algorithms.ts';
import { parseCertificate } from '../../src/certificate.ts';
import * as der from '../../src/der/writer.ts';
import { CertificateError } from '../../src/errors.ts';
import { encodeExtendedKeyUsage, encodeExtension, encodeKeyUsage } from '../../src/extensions.ts';
import { type IssueOcspOptions, issueOcspResponse, ocspErrorResponse } from '../../src/issue-ocsp.ts';
import { certIdOf } from '../../src/ocsp/cert-id.ts';
import { parseOcspRequest } from '../../src/ocsp/request.ts';
import { parseOcspResponse } from '../../src/ocsp/response.ts';
import { webpki } from '../../src/path/profile.ts';
import { checkOcspResponse, type OcspAnswerOptions } from '../../src/revocation/ocsp.ts';
import type { RevocationAnswer } from '../../src/revocation/status.ts';
import {
  asynchronousProvider,
  extension,
  type Identity,
  issued,
  newSigner,
  notAfter,
  notBefore,
  now,
  odd,
  nodeProvider as provider,
} from '../support/pki.ts';

const hour = 3_600_000;
const later = (milliseconds: number): Date => new Date(now.getTime() + milliseconds);

const file = (name: string): Bytes => new Uint8Array(readFileSync(new URL(`../vectors/ocsp/${name}`, import.meta.url)));

const ca = await issued('CA', undefined, { ca: true });
const leaf = await issued('db.internal', ca, { names: ['db.internal'] });
const other = await issued('old.internal', ca, { names: ['old.internal'] });
const ocspSigning = { extendedKeyUsage: ['ocspSigning'] } as const;
const delegate = await issued('OCSP', ca, { ...ocspSigning, ocspNoCheck: true });

const answer = {
  subject: leaf.certificate,
  status: 'good',
  thisUpdate: later(-hour),
  nextUpdate: later(hour),
} as const;
const basics: IssueOcspOptions = {
  provider,
  responder: { signer: ca.signer },
  issuer: ca.certificate,
  answers: [answer],
  producedAt: later(-hour),
};

async function response(changes: Partial<IssueOcspOptions> = {}): Promise<Bytes> {
  return issueOcspResponse({ ...basics, ...changes });
}

async function check(bytes: Uint8Array, changes: Partial<OcspAnswerOptions> = {}): Promise<RevocationAnswer> {
  return checkOcspResponse({
    provider,
    certificate: leaf.certificate,
    issuer: ca.certificate,
    response: bytes,
    source: 'ocsp',
    time: now,
    ...changes,
  });
}

async function why(bytes: Uint8Array, changes: Partial<OcspAnswerOptions> = {}): Promise<string> {
  const checked = await check(bytes, changes);
  assert.equal(checked.status, 'unknown');
  return checked.status === 'unknown' ? checked.why : '';
}

const good: RevocationAnswer = {
  status: 'good',
  source: 'ocsp',
  thisUpdate: answer.thisUpdate,
  nextUpdate: answer.nextUpdate,
};
const who = 'OCSP response for "db.internal"';

for (const [name, by] of [
  ['node', provider],
  ['node, asynchronous', { ...asynchronousProvider }],
  ['web', fullWebProvider],
] as readonly (readonly [string, CryptoProvider])[]) {
  describe(`what an OCSP response says, ${name}`, () => {
    it('good, signed by the issuer or its delegate', async () => {
      assert.deepEqual(await check(await response(), { provider: by }), good);
      assert.deepEqual(await check(await response({ responder: delegate }), { provider: by }), good);
      assert.deepEqual(
        await check(await response({ responder: delegate, responderId: 'name' }), { provider: by, source: 'staple' }),
        { ...good, source: 'staple' },
      );
    });
    it('revoked, when and why', async () => {
      const revokedAt = later(-2 * hour);
      const answers = [{ ...answer, status: 'revoked', revokedAt, reason: 'keyCompromise' }] as const;
      assert.deepEqual(await check(await response({ answers }), { provider: by }), {
        ...good,
        status: 'revoked',
        revokedAt,
        reason: 'keyCompromise',
      });
    });
    it('good to a CertID of SHA-256, also where there is no SHA-1 at all', async () => {
      const subject = certIdOf(provider, leaf.certificate, ca.certificate, 'sha256');
      const bytes = await response({ responder: delegate, answers: [{ ...answer, subject }] });
      const { legacyDigests: _, ...without } = by;
      assert.deepEqual(await check(bytes, { provider: by }), good);
      assert.deepEqual(await check(bytes, { provider: without }), good);
      assert.equal(await why(await response(), { provider: without }), `${who} is about another certificate`);
    });
    it('nothing, where a signature does not verify', async () => {
      const bytes = await response();
      const at = bytes.length - 1;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      assert.equal(
        await why(bytes, { provider: by }),
        `${who} is not signed by the key of "CA": the signature does not verify`,
      );
    });
  });
}

describe('OpenSSL', () => {
  const issuer = parseCertificate(file('ca.crt'));
  const certificate = (name: string) => parseCertificate(file(`${name}.crt`));
  const time = parseOcspResponse(file('good.resp.der')).basic?.producedAt ?? new Date(0);
  const openssl = async (name: string, bytes: string, changes: Partial<OcspAnswerOptions> = {}) =>
    check(file(bytes), { certificate: certificate(name), issuer, time, ...changes });
  const dates = (bytes: string) => {
    const { thisUpdate, nextUpdate } = parseOcspResponse(file(bytes)).basic?.responses[0] ?? {};
    return { thisUpdate, nextUpdate };
  };
  const revocation = { revokedAt: new Date('2026-01-01T12:00:00Z'), reason: 'keyCompromise' };

  it('says good, revoked and unknown, by a delegated responder', async () => {
    assert.deepEqual(await openssl('good', 'good.resp.der', { requireNoCheck: true }), {
      ...good,
      ...dates('good.resp.der'),
    });
    assert.deepEqual(await openssl('revoked', 'revoked.resp.der'), {
      status: 'revoked',
      source: 'ocsp',
      ...revocation,
      ...dates('revoked.resp.der'),
    });
    assert.deepEqual(await openssl('unknown', 'unknown.resp.der'), {
      status: 'unknown',
      why: 'OCSP response for "db.internal": the responder does not know this certificate',
    });
  });
  it('says both of two certificates by SHA-256, signed by the CA, with the nonce of the request', async () => {
    const { nonce } = parseOcspRequest(file('two-sha256.req.der'));
    const options = { nonce, requireNonce: true };
    assert.equal((await openssl('good', 'two-sha256.resp.der', options)).status, 'good');
    assert.equal((await openssl('revoked', 'two-sha256.resp.der', options)).status, 'revoked');
  });
  it('is refused where it signs with SHA-1, and for another certificate', async () => {
    assert.deepEqual(await openssl('good', 'sha1.resp.der'), {
      status: 'unknown',
      why: `${who} is signed with sha1WithRSAEncryption, which is too weak to trust`,
    });
    const sha1 = { policy: { allowSha1: true } };
    assert.equal((await openssl('good', 'sha1.resp.der', sha1)).status, 'good');
    assert.equal((await openssl('good', 'sha1.resp.der', { ...sha1, profile: webpki })).status, 'unknown');
    assert.equal((await openssl('revoked', 'good.resp.der')).status, 'unknown');
  });
  it('is taken without nextUpdate for eight hours', async () => {
    const from = dates('endless.resp.der').thisUpdate ?? new Date(0);
    const after = (milliseconds: number) => ({ time: new Date(from.getTime() + milliseconds), clockSkewMs: 0 });
    assert.equal((await openssl('good', 'endless.resp.der', after(8 * hour))).status, 'good');
    assert.match(
      await why(file('endless.resp.der'), { certificate: certificate('good'), issuer, ...after(8 * hour + 1000) }),
      /^OCSP response for "db.internal" is too old: it is of 2026-\S+Z, and we take 28800 seconds from one that does not say when it ends$/,
    );
  });
});

describe('an OCSP response is synchronous', () => {
  it('where the provider is', async () => {
    const result = checkOcspResponse({
      provider,
      certificate: leaf.certificate,
      issuer: ca.certificate,
      response: parseOcspResponse(await response()),
      source: 'ocsp',
      time: now,
    });
    assert.equal(isThenable(result), false);
  });
});

describe('errors of a responder', () => {
  it('are each an unknown with what to do', async () => {
    for (const [status, text] of [
      ['malformedRequest', 'the responder could not read our request (malformedRequest)'],
      ['internalError', 'the responder has an internal error; ask again later (internalError)'],
      ['tryLater', 'the responder cannot answer now; ask again later (tryLater)'],
      ['sigRequired', 'the responder answers signed requests only, and we do not sign (sigRequired)'],
      ['unauthorized', 'the responder has no answer for this certificate, or not for us (unauthorized)'],
    ] as const) {
      assert.equal(await why(ocspErrorResponse(status)), `${who}: ${text}`);
    }
    assert.equal(
      await why(ocspErrorResponse('tryLater'), { source: 'staple' }),
      `stapled ${who}: the responder cannot answer now; ask again later (tryLater)`,
    );
  });
});

describe('who a response is about', () => {
  it('another certificate, or several others', async () => {
    const about = { ...answer, subject: other.certificate };
    assert.equal(await why(await response({ answers: [about] })), `${who} is about another certificate`);
    assert.equal(await why(await response({ answers: [about, about] })), `${who} is about other certificates`);
  });
  it('one of several', async () => {
    const revoked = { ...answer, subject: other.certificate, status: 'revoked', revokedAt: now } as const;
    assert.deepEqual(await check(await response({ answers: [revoked, answer] })), good);
  });
  it('the same serial number under another CA of the same name', async () => {
    const namesake = await issued('CA', undefined, { ca: true });
    const twin = await issued('db.internal', namesake, { serialNumber: leaf.certificate.serialNumber });
    const answers = [{ ...answer, subject: twin.certificate }];
    assert.equal(
      await why(await response({ responder: { signer: namesake.signer }, issuer: namesake.certificate, answers })),
      `${who} is about another certificate`,
    );
  });
  it('a revocation before all else that it says', async () => {
    const revoked = { ...answer, status: 'revoked', revokedAt: now } as const;
    const checked = await check(await response({ answers: [answer, revoked] }));
    assert.equal(checked.status === 'revoked' && checked.reason, 'unspecified');
  });
  it('a certificate that the responder does not know', async () => {
    assert.equal(
      await why(await response({ answers: [{ ...answer, status: 'unknown' }] })),
      `${who}: the responder does not know this certificate`,
    );
  });
});

describe('when a response is good', () => {
  const cases: readonly (readonly [string, number, number | undefined, Partial<OcspAnswerOptions>, string])[] = [
    [
      'not before it begins',
      301_000,
      hour,
      {},
      'is not valid yet: it begins at 2026-11-21T02:05:01Z, and our clock says 2026-11-21T02:00:00Z',
    ],
    [
      'not after a newer one was due',
      -hour,
      -301_000,
      {},
      'is too old: a newer one was due at 2026-11-21T01:54:59Z, and our clock says 2026-11-21T02:00:00Z',
    ],
    [
      'not longer than we take any',
      -hour,
      hour,
      { maxAgeMs: 1_800_000, clockSkewMs: 0 },
      'is too old: it is of 2026-11-21T01:00:00Z, and we take 1800 seconds',
    ],
  ];
  for (const [name, from, until, changes, message] of cases) {
    it(name, async () => {
      const nextUpdate = until === undefined ? undefined : later(until);
      const bytes = await response({ answers: [{ ...answer, thisUpdate: later(from), nextUpdate }] });
      assert.equal(await why(bytes, changes), `${who} ${message}`);
    });
  }
  it('within the clock skew on either side', async () => {
    const begins = { ...answer, thisUpdate: later(300_000) };
    const ended = { ...answer, nextUpdate: later(-300_000) };
    for (const item of [begins, ended]) {
      assert.equal((await check(await response({ answers: [item] }))).status, 'good');
      assert.equal((await check(await response({ answers: [item] }), { clockSkewMs: 299_999 })).status, 'unknown');
    }
  });
  it('never where it ends before it begins', async () => {
    const { raw } = certIdOf(provider, leaf.certificate, ca.certificate);
    const single = der.sequence(
      raw,
      der.implicit(0, new Uint8Array(0)),
      der.generalizedTime(now),
      der.explicit(0, der.generalizedTime(later(-60_000))),
    );
    assert.equal(
      await why(await signedBy(ca, { single })),
      `${who} ends at 2026-11-21T01:59:00Z, before it begins at 2026-11-21T02:00:00Z`,
    );
  });
});

describe('nonces', () => {
  const nonce = new Uint8Array(32).fill(7);
  it('that are ours, or none', async () => {
    assert.equal((await check(await response({ nonce }), { nonce, requireNonce: true })).status, 'good');
    assert.equal((await check(await response({ nonce }))).status, 'good');
    assert.equal((await check(await response(), { nonce })).status, 'good');
  });
  it('that are not', async () => {
    assert.equal(
      await why(await response({ nonce: new Uint8Array(32) }), { nonce }),
      `${who} answers another request: its nonce is not our request's`,
    );
    assert.equal(
      await why(await response(), { nonce, requireNonce: true }),
      `${who} has no nonce, but our request had one`,
    );
  });
});

/** A response with the parts that no option makes. */
async function signedBy(
  signer: Identity,
  {
    single,
    extensions,
    algorithm,
    certificates = [],
  }: {
    readonly single?: Bytes;
    readonly extensions?: Bytes;
    readonly algorithm?: Bytes;
    readonly certificates?: readonly Uint8Array[];
  },
): Promise<Bytes> {
  const { raw } = certIdOf(provider, leaf.certificate, ca.certificate);
  const answered = single ?? der.sequence(raw, der.implicit(0, new Uint8Array(0)), der.generalizedTime(now));
  const tbs = der.sequence(
    der.explicit(1, signer.certificate.subject.raw),
    der.generalizedTime(now),
    der.sequence(answered),
    ...(extensions === undefined ? [] : [der.explicit(1, der.sequence(extensions))]),
  );
  const signature = await signer.signer.sign('ecdsa-sha256', tbs);
  const basic = der.sequence(
    tbs,
    algorithm ?? encodeSignatureAlgorithm('ecdsa-sha256'),
    der.bitString(signature),
    ...(certificates.length === 0 ? [] : [der.explicit(0, der.sequence(...certificates))]),
  );
  return der.sequence(
    der.value(0x0a, Uint8Array.of(0)),
    der.explicit(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octetString(basic))),
  );
}

describe('critical extensions', () => {
  const odd = encodeExtension('1.2.3.4', true, der.nothing());
  it('that we do not know spoil a response, and one answer', async () => {
    const message = `${who} has the critical extension 1.2.3.4, which we do not know`;
    assert.equal(await why(await signedBy(ca, { extensions: odd })), message);
    const { raw } = certIdOf(provider, leaf.certificate, ca.certificate);
    const parts = [raw, der.implicit(0, new Uint8Array(0)), der.generalizedTime(now)];
    const single = der.sequence(...parts, der.explicit(1, der.sequence(odd)));
    assert.equal(await why(await signedBy(ca, { single })), message);
  });
  it('the same ones do no harm where they are not critical', async () => {
    const extensions = encodeExtension('1.2.3.4', false, der.nothing());
    assert.equal((await check(await signedBy(ca, { extensions }))).status, 'good');
  });
});

describe('who may sign', () => {
  const refusals = async (responder: Identity, changes: Partial<OcspAnswerOptions> = {}): Promise<string> =>
    why(await signedBy(responder, { certificates: [responder.certificate.raw] }), changes);
  const purpose = extension('extKeyUsage', encodeExtendedKeyUsage(['1.3.6.1.5.5.7.3.9']));
  const bySigner = `${who} is signed by the responder "OCSP", whose certificate`;

  it('a responder without ocspNoCheck, unless it is demanded', async () => {
    const without = await issued('OCSP', ca, ocspSigning);
    const bytes = await response({ responder: without });
    assert.equal((await check(bytes)).status, 'good');
    assert.equal(
      await why(bytes, { requireNoCheck: true }),
      `${bySigner} has no ocspNoCheck, so that its own status would have to be asked`,
    );
    assert.deepEqual(await check(await response({ responder: delegate }), { requireNoCheck: true }), good);
  });
  it('nobody whose ocspNoCheck is not NULL, where it is demanded', async () => {
    const wrong = await odd('OCSP', ca, { extensions: [purpose, extension('ocspNoCheck', der.sequence())] });
    assert.match(
      await refusals(wrong, { requireNoCheck: true }),
      /^.* cannot be used: ocspNoCheck: tag 0x30 where 0x05 belongs/,
    );
  });
  it('nobody who is for something else, or for anything', async () => {
    for (const purposes of [['1.3.6.1.5.5.7.3.1'], ['2.5.29.37.0']]) {
      const wrong = await odd('OCSP', ca, { extensions: [extension('extKeyUsage', encodeExtendedKeyUsage(purposes))] });
      assert.equal(await refusals(wrong), `${bySigner} is not for ocspSigning`);
    }
    assert.equal(await refusals(await odd('OCSP', ca)), `${bySigner} is not for ocspSigning`);
  });
  it('nobody whose key is not for signatures', async () => {
    const usage = extension('keyUsage', encodeKeyUsage(['keyEncipherment']), true);
    const wrong = await odd('OCSP', ca, { extensions: [purpose, usage] });
    assert.equal(await refusals(wrong), `${bySigner} is not for digitalSignature`);
  });
  it('nobody whose certificate is not valid now', async () => {
    const expired = await odd('OCSP', ca, { extensions: [purpose], notBefore, notAfter: later(-1000) });
    assert.equal(await refusals(expired), `${bySigner} expired at 2026-11-21T01:59:59Z`);
    const early = await odd('OCSP', ca, { extensions: [purpose], notBefore: later(1000), notAfter });
    assert.equal(await refusals(early), `${bySigner} is not valid before 2026-11-21T02:00:01Z`);
  });
  it('nobody of another CA, or of an intermediate of it', async () => {
    const sub = await issued('Sub CA', ca, { ca: true });
    assert.equal(
      await refusals(await odd('OCSP', sub, { extensions: [purpose] })),
      `${bySigner} was issued by "CN=Sub CA", not by "CA" itself`,
    );
  });
  it('nobody whom the issuer has not signed, whatever name is in the certificate', async () => {
    const namesake = await issued('CA', undefined, { ca: true });
    const message = `${who}: the certificate of the responder "OCSP" is not signed by the key of "CA": the signature does not verify`;
    assert.equal(await refusals(await odd('OCSP', namesake, { extensions: [purpose] })), message);
    assert.equal(await refusals(await odd('OCSP', ca, { extensions: [purpose], forged: true })), message);
  });
  it('nobody with critical extensions that we do not process', async () => {
    const critical = extension('1.2.3.4', der.nothing(), true);
    assert.equal(
      await refusals(await odd('OCSP', ca, { extensions: [purpose, critical] })),
      `${bySigner} has the critical extension 1.2.3.4, which we do not process`,
    );
  });
  it('nobody with a weak key, or a certificate under a weak signature', async () => {
    const weak = await odd('OCSP', ca, { signer: await newSigner('rsa', 1024), extensions: [purpose] });
    const rsa = await issueOcspResponse({ ...basics, responder: weak });
    assert.equal(await why(rsa), `${bySigner} has a weak key: RSA, 1024 bits`);
    const sha1 = der.sequence(der.oid('1.2.840.10045.4.1'));
    const weakly = await odd('OCSP', ca, { signatureIdentifier: sha1, extensions: [purpose] });
    assert.equal(
      await refusals(weakly),
      `${who}: certificate of the responder "OCSP" is signed with ecdsa-with-SHA1, which is too weak to trust`,
    );
  });
  it('nobody whose certificate is not there', async () => {
    assert.equal(
      await why(await response({ responder: delegate, includeCertificate: false })),
      `${who} is signed by a responder whose certificate is not in it, and who is not "CA" itself`,
    );
  });
  it('nobody whose certificate cannot be read', async () => {
    assert.equal(
      await why(await signedBy(delegate, { certificates: [der.sequence()] })),
      `${who} has certificates in it that cannot be read`,
    );
  });
  it('the leaf does not vouch for itself', async () => {
    const self = await odd('db.internal', ca, { signer: leaf.signer });
    assert.equal(
      await why(await signedBy(self, { certificates: [leaf.certificate.raw] })),
      `${who} is signed by the responder "db.internal", whose certificate is not for ocspSigning`,
    );
  });
  it('the issuer, where a delegate of the same name is in the response too', async () => {
    const namesake = await issued('CA', ca, ocspSigning);
    const certificates = [namesake.certificate.raw];
    assert.equal((await check(await signedBy(ca, { certificates }))).status, 'good');
    assert.equal((await check(await signedBy(namesake, { certificates }))).status, 'good');
  });
  it('whoever else it is, at most eight are tried, with two signatures each', async () => {
    let signatures = 0;
    const counting = Object.fromEntries(
      Object.entries(provider.signatures).map(([name, verifier]) => [
        name,
        {
          verify: (...args: Parameters<typeof verifier.verify>) => {
            signatures++;
            return verifier.verify(...args);
          },
        },
      ]),
    );
    const certificates = await Promise.all(
      Array.from({ length: 8 }, async () => (await odd('CA', ca, { extensions: [purpose] })).certificate.raw),
    );
    const stranger = await issued('CA', undefined, { ca: true });
    const message = await why(await signedBy(stranger, { certificates }), {
      provider: { ...provider, signatures: counting },
    });
    assert.equal(message, `${who} is not signed by the key of "CA": the signature does not verify`);
    assert.equal(signatures, 1 + 2 * 8);
  });
});

describe('which signatures are taken', () => {
  it('those of the policy', async () => {
    assert.equal(
      await why(await response(), { policy: { signatureAlgorithms: ['ed25519'] } }),
      `${who} is signed with ecdsa-sha256, which our policy does not take`,
    );
    const md5 = der.sequence(der.oid('1.2.840.113549.1.1.4'), der.nothing());
    assert.equal(
      await why(await signedBy(ca, { algorithm: md5 })),
      `${who} is signed with md5WithRSAEncryption, which is too weak to trust`,
    );
  });
  it('those that the issuer can make', async () => {
    assert.equal(
      await why(await signedBy(ca, { algorithm: encodeSignatureAlgorithm('ed25519') })),
      `${who} is not signed by the key of "CA": the signature does not verify`,
    );
  });
});

describe('bytes that are no response, and mistakes of the caller', () => {
  it('are errors of their own kind', async () => {
    await assert.rejects(
      async () => check(Uint8Array.of(0x30, 0)),
      (error) => error instanceof CertificateError && error.code === 'malformed',
    );
    const bytes = await response();
    await assert.rejects(
      async () => check(bytes, { issuer: leaf.certificate }),
      new RangeError('the issuer given is not the one that the certificate names'),
    );
    await assert.rejects(
      async () => check(bytes, { time: new Date(Number.NaN) }),
      new RangeError('the time to check an OCSP response at is no date'),
    );
  });
  it('a response with bytes changed is never good by anything but what was signed', async () => {
    const original = await response({ responder: delegate });
    const signed = parseOcspResponse(original).basic?.tbs;
    await fc.assert(
      fc.asyncProperty(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = original.slice();
        bytes[at] = (bytes[at] ?? 0) ^ change;
        try {
          const checked = await check(bytes);
          if (checked.status === 'good') assert.deepEqual(parseOcspResponse(bytes).basic?.tbs, signed);
          else assert.equal(checked.status, 'unknown');
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
          assert.equal(error.code, 'malformed');
        }
      }),
      { numRuns: 500 },
    );
  });
});
