import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, concat, equalBytes, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import {
  authorityInfoAccessOf,
  demandsStaple,
  encodeAuthorityInfoAccess,
  encodeTlsFeatures,
  parseAuthorityInfoAccess,
  parseTlsFeatures,
} from '../src/access.ts';
import { parseCertificate } from '../src/certificate.ts';
import * as der from '../src/der/writer.ts';
import { CertificateError } from '../src/errors.ts';
import { encodeExtension } from '../src/extensions.ts';
import { ocspErrorResponse } from '../src/issue-ocsp.ts';
import { certIdKey, certIdOf } from '../src/ocsp/cert-id.ts';
import { encodeNonce } from '../src/ocsp/extensions.ts';
import { ocspRequest, parseOcspRequest } from '../src/ocsp/request.ts';
import { type OcspErrorStatus, ocspResponseStatuses, parseOcspResponse } from '../src/ocsp/response.ts';

const file = (name: string): Bytes => new Uint8Array(readFileSync(new URL(`./vectors/ocsp/${name}`, import.meta.url)));
const ca = parseCertificate(file('ca.crt'));
const good = parseCertificate(file('good.crt'));
const revoked = parseCertificate(file('revoked.crt'));

function refusal(code: string, message: string | RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CertificateError, String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

/** A copy of `bytes` with one change. */
function replaced(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): Bytes {
  const at = bytes.findIndex((_, index) => equalBytes(bytes.subarray(index, index + from.length), from));
  assert.ok(at >= 0 && from.length === to.length);
  return concat(bytes.subarray(0, at), to, bytes.subarray(at + from.length));
}

for (const provider of [nodeProvider, fullWebProvider]) {
  describe(`OCSP requests, ${provider.name}`, () => {
    it('are byte for byte those of OpenSSL', () => {
      assert.deepEqual(ocspRequest({ provider, certificate: good, issuer: ca }), file('good.req.der'));
      assert.deepEqual(ocspRequest({ provider, certificate: revoked, issuer: ca }), file('revoked.req.der'));
    });
    it('are read back, with 32 octets of nonce or those given', () => {
      const request = parseOcspRequest(ocspRequest({ provider, certificate: good, issuer: ca, nonce: true }));
      assert.equal(request.nonce?.length, 32);
      assert.equal(request.signed, false);
      assert.equal(request.requests.length, 1);
      assert.deepEqual(request.requests[0]?.certId, certIdOf(provider, good, ca));
      const nonce = Uint8Array.of(1, 2, 3);
      const own = parseOcspRequest(ocspRequest({ provider, certificate: good, issuer: ca, nonce, hash: 'sha384' }));
      assert.deepEqual(own.nonce, nonce);
      assert.equal(own.requests[0]?.certId.hash, 'sha384');
      assert.equal(own.requests[0]?.certId.issuerKeyHash.length, 48);
    });
    it('use SHA-256 where the provider has no SHA-1, and say so when it is asked for', () => {
      const { legacyDigests: _, ...without } = provider;
      const [single] = parseOcspRequest(ocspRequest({ provider: without, certificate: good, issuer: ca })).requests;
      assert.equal(single?.certId.hash, 'sha256');
      assert.throws(
        () => ocspRequest({ provider: without, certificate: good, issuer: ca, hash: 'sha1' }),
        new RangeError(`the crypto provider "${provider.name}" has no sha1`),
      );
    });
    it('refuse an issuer that is another, and nonces that RFC 9654 does not have', () => {
      assert.throws(
        () => ocspRequest({ provider, certificate: good, issuer: good }),
        new RangeError('the issuer given is not the one that the certificate names'),
      );
      for (const length of [0, 129]) {
        assert.throws(
          () => ocspRequest({ provider, certificate: good, issuer: ca, nonce: new Uint8Array(length) }),
          new RangeError(`a nonce has 1 to 128 octets, not ${length}`),
        );
      }
    });
  });
}

const provider = nodeProvider;

describe('OCSP requests of OpenSSL', () => {
  it('about two certificates with a nonce', () => {
    const { requests, nonce, extensions } = parseOcspRequest(file('two-sha256.req.der'));
    assert.deepEqual(
      requests.map(({ certId }) => certIdKey(certId)),
      [good, revoked].map((certificate) => certIdKey(certIdOf(provider, certificate, ca, 'sha256'))),
    );
    assert.equal(nonce?.length, 16);
    assert.equal(extensions.length, 1);
  });
  it('that are signed, which nobody verifies', () => {
    const { signed, requestorName, requests } = parseOcspRequest(file('signed.req.der'));
    assert.equal(signed, true);
    assert.equal(requestorName?.kind, 'directory');
    assert.equal(requests.length, 1);
  });
});

describe('what is no OCSP request', () => {
  const { raw } = certIdOf(provider, good, ca);
  const request = (...parts: Uint8Array[]): Bytes => der.sequence(der.sequence(...parts));
  const list = der.sequence(der.sequence(raw));
  // biome-ignore format: a table
  const cases: readonly (readonly [string, Uint8Array, string | RegExp])[] = [
    ['a version that is written out', request(der.explicit(0, der.smallInteger(0)), list), 'OCSP request: a version, which is 1 by default and may only be 1'],
    ['no certificate', request(der.sequence()), 'OCSP request: no certificate is asked about'],
    ['257 certificates', request(der.sequence(...Array<Bytes>(257).fill(der.sequence(raw)))), 'OCSP request: 257 certificates, over the limit of 256'],
    ['an empty nonce', request(list, der.explicit(2, der.sequence(encodeExtension('1.3.6.1.5.5.7.48.1.2', false, der.octetString(new Uint8Array(0)))))), 'OCSP request: a nonce of 0 octets, not 1 to 128'],
    ['a nonce of 129 octets', request(list, der.explicit(2, der.sequence(encodeExtension('1.3.6.1.5.5.7.48.1.2', false, der.octetString(new Uint8Array(129)))))), 'OCSP request: a nonce of 129 octets, not 1 to 128'],
    ['two nonces', request(list, der.explicit(2, der.sequence(encodeNonce(raw.slice(0, 8)), encodeNonce(raw.slice(0, 8))))), 'OCSP request: extension 1.3.6.1.5.5.7.48.1.2 stands twice'],
    ['no extension in the list of them', request(list, der.explicit(2, der.sequence())), 'OCSP request: an empty list'],
    ['a hash that is too long', request(der.sequence(der.sequence(der.sequence(der.sequence(der.oid('1.2.3')), der.octetString(new Uint8Array(65)), der.octetString(new Uint8Array(1)), der.smallInteger(1))))), 'CertID: a hash of more than 64 bytes'],
    ['parameters of a hash', request(der.sequence(der.sequence(der.sequence(der.sequence(der.oid('1.3.14.3.2.26'), der.smallInteger(1)), der.octetString(raw), der.octetString(raw), der.smallInteger(1))))), /^CertID, parameters of its hash: tag 0x02 where 0x05 belongs/],
    ['trailing bytes', concat(request(list), Uint8Array.of(0)), /^OCSP request: 1 bytes too many/],
  ];
  for (const [name, bytes, message] of cases) {
    it(name, () => assert.throws(() => parseOcspRequest(bytes), refusal('malformed', message)));
  }
  it('critical extensions that are not processed are listed, of the request and of one certificate', () => {
    const odd = encodeExtension('1.2.3.4', true, der.nothing());
    const inner = encodeExtension('1.2.3.5', true, der.nothing());
    const parsed = parseOcspRequest(
      request(
        der.sequence(der.sequence(raw, der.explicit(0, der.sequence(inner)))),
        der.explicit(2, der.sequence(odd)),
      ),
    );
    assert.deepEqual(parsed.unknownCriticalExtensions, ['1.2.3.4', '1.2.3.5']);
  });
});

describe('OCSP responses of OpenSSL', () => {
  it('say good, revoked with time and reason, and unknown', () => {
    const statuses = ['good', 'revoked', 'unknown'].map((name) => {
      const response = parseOcspResponse(file(`${name}.resp.der`));
      assert.equal(response.status, 'successful');
      assert.equal(response.basic?.certificates.length, 1);
      assert.equal(response.basic?.signatureAlgorithm, 'rsa-pkcs1-sha256');
      return response.basic?.responses.map(({ status }) => status);
    });
    assert.deepEqual(statuses, [
      [{ kind: 'good' }],
      [{ kind: 'revoked', revokedAt: new Date('2026-01-01T12:00:00Z'), reason: 'keyCompromise' }],
      [{ kind: 'unknown' }],
    ]);
  });
  it('name the responder by its name or its key, and repeat a nonce', () => {
    const byName = parseOcspResponse(file('good.resp.der')).basic;
    assert.equal(
      byName?.responderId.kind === 'name' && byName.responderId.name.toString(),
      'CN=Example OCSP,O=Example',
    );
    assert.equal(byName?.nonce, undefined);
    const byKey = parseOcspResponse(file('two-sha256.resp.der')).basic;
    assert.equal(
      byKey?.responderId.kind === 'key' && toHex(byKey.responderId.keyHash),
      '532f5e62e07adbd313e62d1e381dc8140868bc98',
    );
    assert.deepEqual(byKey?.nonce, parseOcspRequest(file('two-sha256.req.der')).nonce);
    assert.equal(byKey?.responses.length, 2);
    assert.deepEqual(byKey?.certificates, []);
    assert.equal(parseOcspResponse(file('endless.resp.der')).basic?.responses[0]?.nextUpdate, undefined);
  });
  it('are refused where one of their bytes is another kind of value', () => {
    const response = file('good.resp.der');
    // producedAt, thisUpdate and nextUpdate must be GeneralizedTime.
    const time = parseOcspResponse(response).basic?.producedAt ?? new Date(0);
    const generalized = der.generalizedTime(time);
    const utc = concat(Uint8Array.of(0x17), generalized.subarray(1));
    assert.throws(
      () => parseOcspResponse(replaced(response, generalized, utc)),
      refusal('malformed', 'OCSP response: a time that is no GeneralizedTime'),
    );
  });
});

describe('OCSP errors', () => {
  it('are issued and read, each', () => {
    for (const status of Object.keys(ocspResponseStatuses).filter((name) => name !== 'successful')) {
      const bytes = ocspErrorResponse(status as OcspErrorStatus);
      assert.deepEqual(parseOcspResponse(bytes), { raw: bytes, status, basic: undefined });
    }
  });
  it('have no answer, and no number that is not defined', () => {
    const { raw } = parseOcspResponse(file('good.resp.der'));
    const withBytes = replaced(raw, Uint8Array.of(0x0a, 1, 0), Uint8Array.of(0x0a, 1, 3));
    assert.throws(() => parseOcspResponse(withBytes), refusal('malformed', /^OCSP response: \d+ bytes too many/));
    assert.throws(
      () => parseOcspResponse(Uint8Array.of(0x30, 3, 0x0a, 1, 4)),
      refusal('malformed', 'OCSP response: a status that is not defined'),
    );
    assert.throws(
      () => parseOcspResponse(Uint8Array.of(0x30, 3, 0x0a, 1, 0)),
      refusal('malformed', /^OCSP response: cut short/),
    );
  });
});

describe('what is no OCSP response', () => {
  const now = new Date('2026-11-21T00:00:00Z');
  const single = (...status: Uint8Array[]): Bytes =>
    der.sequence(certIdOf(provider, good, ca).raw, ...status, der.generalizedTime(now));
  const goodStatus = der.implicit(0, new Uint8Array(0));
  interface Parts {
    readonly version?: Uint8Array;
    readonly id?: Uint8Array;
    readonly singles?: readonly Uint8Array[];
    readonly extensions?: Uint8Array;
    readonly certificates?: readonly Uint8Array[];
    readonly type?: string;
  }
  function built(parts: Parts): Bytes {
    const { id = der.explicit(2, der.octetString(new Uint8Array(20))), singles = [single(goodStatus)] } = parts;
    const data = der.sequence(
      parts.version ?? new Uint8Array(0),
      id,
      der.generalizedTime(now),
      der.sequence(...singles),
      ...(parts.extensions === undefined ? [] : [der.explicit(1, parts.extensions)]),
    );
    const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
    const basic = der.sequence(
      data,
      algorithm,
      der.bitString(new Uint8Array(8)),
      ...(parts.certificates === undefined ? [] : [der.explicit(0, der.sequence(...parts.certificates))]),
    );
    const type = parts.type ?? '1.3.6.1.5.5.7.48.1.1';
    return der.sequence(
      der.value(0x0a, Uint8Array.of(0)),
      der.explicit(0, der.sequence(der.oid(type), der.octetString(basic))),
    );
  }
  it('the builder of these cases builds one', () => {
    assert.equal(parseOcspResponse(built({})).basic?.responses[0]?.status.kind, 'good');
  });
  // biome-ignore format: a table
  const cases: readonly (readonly [string, Uint8Array, string | RegExp])[] = [
    ['of another type', built({ type: '1.2.3' }), 'OCSP response: of type 1.2.3, which is not id-pkix-ocsp-basic'],
    ['a version that is written out', built({ version: der.explicit(0, der.smallInteger(0)) }), 'OCSP response: a version, which is 1 by default and may only be 1'],
    ['a key hash of 32 bytes', built({ id: der.explicit(2, der.octetString(new Uint8Array(32))) }), 'OCSP response: a responder named by a key hash of 32 bytes, not 20'],
    ['257 answers', built({ singles: Array<Bytes>(257).fill(single(goodStatus)) }), 'OCSP response: 257 answers, over the limit of 256'],
    ['nine certificates', built({ certificates: Array<Bytes>(9).fill(der.sequence()) }), 'OCSP response: 9 certificates, over the limit of 8'],
    ['a good that is not empty', built({ singles: [single(der.implicit(0, Uint8Array.of(1)))] }), 'OCSP response: a NULL that is not empty'],
    ['a status of another number', built({ singles: [single(der.implicit(3, new Uint8Array(0)))] }), /tag 0x83 where 0x82 belongs/],
    ['reason 7', built({ singles: [single(der.explicit(1, der.generalizedTime(now), der.explicit(0, der.value(0x0a, Uint8Array.of(7)))))] }), 'OCSP response: a reason of revocation that is not defined'],
    ['more than 64 KiB', new Uint8Array(65_537), 'OCSP response: 65537 bytes, over the limit of 65536'],
  ];
  for (const [name, bytes, message] of cases) {
    it(name, () => assert.throws(() => parseOcspResponse(bytes), refusal('malformed', message)));
  }
  it('certificates in it that are none are refused when they are asked for', () => {
    const { basic } = parseOcspResponse(built({ certificates: [der.sequence()] }));
    assert.throws(() => basic?.certificates, refusal('malformed', /^certificate: cut short/));
  });
});

describe('any bytes', () => {
  const calls = [parseOcspRequest, (bytes: Uint8Array) => parseOcspResponse(bytes).basic?.certificates];
  const quietly = (call: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void => {
    try {
      call(bytes);
    } catch (error) {
      assert.ok(error instanceof CertificateError, String(error));
    }
  };
  it('throw nothing but CertificateError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const call of calls) quietly(call, bytes);
      }),
    );
  });
  it('nor do files with bytes changed', () => {
    const files = ['two-sha256.req.der', 'signed.req.der', 'revoked.resp.der', 'two-sha256.resp.der'].map(file);
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (original, changes) => {
          const bytes = original.slice();
          for (const [at, to] of changes) bytes[at % bytes.length] = to;
          for (const call of calls) quietly(call, bytes);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('AuthorityInfoAccess and TLS features', () => {
  it('are read from a certificate of OpenSSL', () => {
    assert.deepEqual(authorityInfoAccessOf(good), {
      ocspUrls: ['http://ocsp.example/'],
      issuerUrls: ['http://ca.example/ca.crt'],
    });
    assert.equal(demandsStaple(good), true);
    assert.deepEqual(authorityInfoAccessOf(ca), { ocspUrls: [], issuerUrls: [] });
    assert.equal(demandsStaple(ca), false);
  });
  it('come back as they were written', () => {
    const urls = fc.array(fc.webUrl(), { maxLength: 4 });
    fc.assert(
      fc.property(urls, urls, (ocspUrls, issuerUrls) => {
        fc.pre(ocspUrls.length + issuerUrls.length > 0);
        const access = { ocspUrls, issuerUrls };
        assert.deepEqual(parseAuthorityInfoAccess(encodeAuthorityInfoAccess(access), 'access'), access);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 5 }), (features) => {
        assert.deepEqual(parseTlsFeatures(encodeTlsFeatures(features), 'features'), features);
      }),
    );
  });
  it('pass over other methods and locations', () => {
    const description = (method: string, location: Uint8Array): Bytes => der.sequence(der.oid(method), location);
    const value = der.sequence(
      description('1.3.6.1.5.5.7.48.3', der.implicit(6, Uint8Array.of(0x61))),
      description('1.3.6.1.5.5.7.48.1', der.implicit(2, Uint8Array.of(0x61))),
    );
    assert.deepEqual(parseAuthorityInfoAccess(value, 'access'), { ocspUrls: [], issuerUrls: [] });
  });
  it('are refused where they are out of order', () => {
    const entry = der.sequence(der.oid('1.2.3'), der.implicit(6, Uint8Array.of(0x61)));
    const locations = (count: number): Bytes => der.sequence(...Array<Bytes>(count).fill(entry));
    const features = (...numbers: number[]): Bytes => der.sequence(...numbers.map(der.smallInteger));
    for (const [call, message] of [
      [() => parseAuthorityInfoAccess(locations(0), 'access'), 'access: an empty list'],
      [() => parseAuthorityInfoAccess(locations(65), 'access'), 'access: 65 locations, over the limit of 64'],
      [() => parseTlsFeatures(features(65_536), 'tlsFeature'), 'tlsFeature: no number of a TLS extension'],
      [
        () => parseTlsFeatures(features(...Array<number>(65).fill(5)), 'tlsFeature'),
        'tlsFeature: 65 features, over the limit of 64',
      ],
    ] as const) {
      assert.throws(call, refusal('malformed', message));
    }
    assert.throws(() => encodeAuthorityInfoAccess({}), new RangeError('an authorityInfoAccess without any URL'));
    assert.throws(
      () => encodeAuthorityInfoAccess({ ocspUrls: ['http://ö.example/'] }),
      new RangeError('a URL in a certificate is printable ASCII, without spaces'),
    );
    assert.throws(() => encodeTlsFeatures([-1]), new RangeError('not the number of a TLS extension: -1'));
  });
});
