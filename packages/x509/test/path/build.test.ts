import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CryptoError, type SignatureAlgorithm } from '@handfast/crypto';
import * as der from '../../src/der/writer.ts';
import { encodeAuthorityKeyIdentifier, encodeSubjectKeyIdentifier } from '../../src/extensions.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  rfc5280,
  rootsOnly,
  trustStore,
  type VerifyOptions,
  verifyCertificate,
} from '../../src/index.ts';
import {
  asynchronousProvider,
  caExtensions,
  extension,
  type Identity,
  issued,
  newSigner,
  nodeProvider,
  now,
  odd,
  verified,
} from '../support/pki.ts';

async function refuses(
  code: CertificateErrorCode,
  chain: readonly Identity[],
  anchors: readonly Identity[],
  options: Partial<VerifyOptions> = {},
): Promise<CertificateError> {
  try {
    await verified(chain, anchors, options);
  } catch (error) {
    assert.ok(error instanceof CertificateError, String(error));
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail('it was accepted');
}

const root = await issued('Root', undefined, { ca: true });
const a = await issued('A', root, { ca: true });
const b = await issued('B', a, { ca: true });
const leaf = await issued('leaf', b, { names: ['leaf.example'] });
const otherRoot = await issued('Other root', undefined, { ca: true });
const stray = await issued('Stray', otherRoot, { ca: true });

/** A certificate of the same name and key, by another issuer. */
const crossSigned = (identity: Identity, name: string, issuer: Identity): Promise<Identity> =>
  odd(name, issuer, { signer: identity.signer, extensions: caExtensions });

const namesOf = (path: readonly Certificate[]): readonly (string | undefined)[] =>
  path.map(({ subject }) => subject.commonName);

describe('a path is found', () => {
  it('in any order, among strays, with the root sent and certificates sent twice', async () => {
    const { path } = await verified([leaf, stray, root, a, otherRoot, b, b, leaf, a], [root]);
    assert.deepEqual(namesOf(path), ['leaf', 'B', 'A', 'Root']);
  });
  it('to an intermediate that is an anchor', async () => {
    const { path, anchor } = await verified([leaf, b, a], [a]);
    assert.deepEqual(namesOf(path), ['leaf', 'B', 'A']);
    assert.equal(anchor, a.certificate);
  });
  it('of length one, to a leaf that is an anchor', async () => {
    const { path, anchor } = await verified([leaf], [leaf], { name: 'leaf.example' });
    assert.deepEqual(path, [leaf.certificate]);
    assert.equal(anchor, leaf.certificate);
  });
  it('of length one, but still for its name, its time and its purpose', async () => {
    await refuses('name_mismatch', [leaf], [leaf], { name: 'other.example' });
    await refuses('expired', [leaf], [leaf], { time: new Date('2040-01-01') });
  });
  it('to a root alone, where the store ends paths at no other certificate', async () => {
    const roots = (...identities: readonly Identity[]): Partial<VerifyOptions> => ({
      trust: rootsOnly(trustStore(identities.map(({ certificate }) => certificate))),
    });
    const refusal = await refuses('unknown_issuer', [leaf, b, a], [], roots(b));
    assert.equal(
      refusal.message,
      'certificate for "A" was issued by "CN=Root", which is neither in our trust store nor among the certificates that the server sent',
    );
    const helper = await refuses('unknown_issuer', [leaf, b], [], roots(a));
    assert.equal(helper.certificate, a.certificate);
    assert.equal(
      helper.message,
      'certificate for "A" was issued by "CN=Root", which is neither in our trust store nor among the certificates that the server sent',
    );
    await refuses('unknown_issuer', [leaf, b, a, root], [], roots(b, a, leaf));
    await refuses('unknown_issuer', [leaf], [], roots(leaf));
    const selfSigned = await issued('self', undefined, { names: ['leaf.example'] });
    assert.deepEqual(namesOf((await verified([selfSigned], [], roots(selfSigned))).path), ['self']);
  });
  it('through what the store has and nobody sent', async () => {
    const trust = rootsOnly(trustStore([root.certificate, a.certificate, b.certificate]));
    for (const chain of [[leaf], [leaf, b], [leaf, b, a, root]]) {
      const { path, anchor } = await verified(chain, [], { trust });
      assert.deepEqual(namesOf(path), ['leaf', 'B', 'A', 'Root']);
      assert.equal(anchor, root.certificate);
    }
    await refuses('expired', [leaf], [], { trust, time: new Date('2040-01-01') });
  });
  it('around a cross-signed loop that leads nowhere', async () => {
    const aByB = await crossSigned(a, 'A', b);
    const { path } = await verified([leaf, b, aByB, a], [root]);
    assert.deepEqual(namesOf(path), ['leaf', 'B', 'A', 'Root']);
    await refuses('unknown_issuer', [leaf, b, aByB], [otherRoot]);
  });
  it('by another root where one way has expired', async () => {
    const expired = await odd('A', root, {
      signer: a.signer,
      extensions: caExtensions,
      notAfter: new Date('2026-11-02'),
    });
    const cross = await crossSigned(a, 'A', otherRoot);
    const { path } = await verified([leaf, b, expired, cross], [root, otherRoot]);
    assert.deepEqual(namesOf(path), ['leaf', 'B', 'A', 'Other root']);
  });
  it('past an issuer of the same name with another key', async () => {
    const impostor = await issued('B', a, { ca: true });
    assert.equal((await verified([leaf, impostor, b, a], [root])).path[1], b.certificate);
  });
  it('past a CA that was made anew under the same name', async () => {
    const anew = await issued('Root', undefined, { ca: true });
    assert.equal((await verified([leaf, b, a], [anew, root])).anchor, root.certificate);
  });
  it('first where key identifiers point', async () => {
    const impostors = await Promise.all(Array.from({ length: 4 }, () => issued('B', a, { ca: true })));
    await verified([leaf, ...impostors, b, a], [root], { budget: { signatures: 3 } });
  });
  it('where key identifiers lie: they are a hint alone', async () => {
    const lying = await odd('Liar', undefined, {
      extensions: [...caExtensions, extension('subjectKeyIdentifier', encodeSubjectKeyIdentifier(new Uint8Array(20)))],
    });
    const authority = extension('authorityKeyIdentifier', encodeAuthorityKeyIdentifier(Uint8Array.of(1)));
    await verified([await odd('leaf', lying, { extensions: [authority] })], [lying]);
  });
});

describe('without a path', () => {
  it('there was nothing to verify', async () => void (await refuses('no_certificate', [], [root])));
  it('an empty store trusts nobody', async () => {
    const error = await refuses('empty_trust', [leaf, b, a], []);
    assert.match(error.hint ?? '', /nothing is trusted by default/);
  });
  it('the issuer is unknown, and is named', async () => {
    const error = await refuses('unknown_issuer', [leaf], [root]);
    assert.equal(
      error.message,
      'certificate for "leaf.example" was issued by "CN=B", which is neither in our trust store nor among the certificates that the server sent',
    );
    assert.match(error.hint ?? '', /have the server send it/);
    assert.deepEqual(
      error.paths.map(({ certificates, rule }) => [namesOf(certificates), rule]),
      [[['leaf'], 'unknown_issuer']],
    );
  });
  it('the chain ends in a root that is not trusted', async () => {
    const error = await refuses('unknown_issuer', [leaf, b, a, root], [otherRoot]);
    assert.equal(error.message, 'the chain ends in root "CN=Root", which is not in our trust store');
    assert.equal(error.certificate, root.certificate);
  });
  it('a certificate signed by itself is said to be', async () => {
    const own = await issued('db.internal', undefined, { names: ['db.internal'] });
    const error = await refuses('self_signed', [own], [root]);
    assert.equal(error.message, 'certificate for "db.internal" is signed by itself, and is not in our trust store');
    await verified([own], [own], { name: 'db.internal' });
  });
  it('a CA that was made anew is told from a forgery', async () => {
    const anew = await issued('Root', undefined, { ca: true });
    const error = await refuses('unknown_issuer', [leaf, b, a], [anew]);
    assert.match(
      error.message,
      /"A" is not signed by the key of "Root", which has the issuer's name, but is another key/,
    );
    assert.match(error.hint ?? '', /made anew/);
  });
  it('all that was tried is told', async () => {
    const expired = await odd('B', a, { signer: b.signer, extensions: caExtensions, notAfter: new Date('2026-11-02') });
    const error = await refuses('expired', [leaf, expired, b], [root]);
    assert.deepEqual(
      error.paths.map(({ certificates, rule }) => [namesOf(certificates), rule]),
      [
        [['leaf', 'B'], 'unknown_issuer'],
        [['leaf', 'B'], 'expired'],
      ],
    );
  });
});

describe('a signature', () => {
  it('that does not verify is refused', async () => {
    const forged = await odd('leaf', root, { forged: true });
    const error = await refuses('bad_signature', [forged], [root]);
    assert.equal(
      error.message,
      'certificate for "leaf" is not signed by the key of "Root": the signature does not verify',
    );
    assert.equal(error.certificate, forged.certificate);
  });
  it('of an algorithm that the key does not make is refused', async () => {
    const rsa = await odd('leaf', root, { signatureIdentifier: der.sequence(der.oid('1.3.101.112')) });
    assert.match(
      (await refuses('bad_signature', [rsa], [root])).message,
      /the signature is ed25519, the key ECDSA P-256/,
    );
  });
  for (const [oid, name] of [
    ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
    ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
    ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ] as const) {
    it(`with ${name} is weak`, async () => {
      const weak = await odd('leaf', root, { signatureIdentifier: der.sequence(der.oid(oid), der.nothing()) });
      assert.match((await refuses('weak_signature', [weak], [root])).message, new RegExp(`signed with ${name}`));
    });
  }
  it('of an anchor on itself is not looked at', async () => {
    const sha1 = await odd('Old root', undefined, {
      extensions: caExtensions,
      signatureIdentifier: der.sequence(der.oid('1.2.840.10045.4.1')),
    });
    await verified([await odd('leaf', sha1)], [sha1]);
  });
  it('of an unknown algorithm is unsupported', async () => {
    const unknown = await odd('leaf', root, { signatureIdentifier: der.sequence(der.oid('1.2.3.4')) });
    assert.match((await refuses('unsupported_algorithm', [unknown], [root])).message, /algorithm 1\.2\.3\.4/);
  });
  it('that the provider does not verify is unsupported', async () => {
    const provider = { ...nodeProvider, name: 'bare', signatures: {} };
    assert.match(
      (await refuses('unsupported_algorithm', [leaf, b, a], [root], { provider })).message,
      /provider "bare" does not verify/,
    );
  });
  it('is good only where the verifier answers true itself', async () => {
    const truthy: unknown = 'yes';
    const provider = {
      ...nodeProvider,
      name: 'sloppy',
      signatures: { 'ecdsa-sha256': { verify: () => truthy as boolean } },
    };
    await refuses('bad_signature', [leaf, b, a], [root], { provider });
  });
  it('under a key that cannot be imported is refused as such', async () => {
    const verify = (): never => {
      throw new CryptoError('invalid_key', 'point not on the curve');
    };
    const provider = { ...nodeProvider, name: 'p', signatures: { 'ecdsa-sha256': { verify } } };
    assert.match(
      (await refuses('unsupported_key', [leaf, b, a], [root], { provider })).message,
      /point not on the curve/,
    );
  });
  it('whose verification fails for another reason throws that', async () => {
    const verify = (): never => {
      throw new TypeError('broken');
    };
    await assert.rejects(
      verified([leaf, b, a], [root], {
        provider: { ...nodeProvider, name: 'p', signatures: { 'ecdsa-sha256': { verify } } },
      }),
      TypeError,
    );
  });
  const algorithms: readonly (readonly [Parameters<typeof newSigner>[0], SignatureAlgorithm])[] = [
    ['rsa', 'rsa-pkcs1-sha256'],
    ['rsa', 'rsa-pkcs1-sha384'],
    ['rsa', 'rsa-pkcs1-sha512'],
    ['rsa', 'rsa-pss-sha256'],
    ['rsa', 'rsa-pss-sha384'],
    ['rsa-pss', 'rsa-pss-sha512'],
    ['secp384r1', 'ecdsa-sha384'],
    ['secp521r1', 'ecdsa-sha512'],
    ['ed25519', 'ed25519'],
    ['ed448', 'ed448'],
    ['ml-dsa-44', 'ml-dsa-44'],
    ['ml-dsa-65', 'ml-dsa-65'],
    ['ml-dsa-87', 'ml-dsa-87'],
  ];
  for (const [type = 'rsa', algorithm] of algorithms) {
    it(`by ${algorithm} (${type} key) is made and verified`, async () => {
      const ca = await issued('CA', undefined, {
        ca: true,
        signer: await newSigner(type),
        signatureAlgorithm: algorithm,
      });
      const below = await issued('leaf', ca, { signatureAlgorithm: algorithm });
      assert.equal(below.certificate.signatureAlgorithm, algorithm);
      await verified([below], [ca], { profile: rfc5280 });
    });
  }
});

describe('verification', () => {
  const options: VerifyOptions = {
    provider: nodeProvider,
    leaf: leaf.certificate,
    intermediates: [b.certificate, a.certificate],
    trust: trustStore([root.certificate]),
    time: now,
    usage: 'serverAuth',
  };
  it('is synchronous where the provider is', () => {
    const result = verifyCertificate(options);
    assert.ok('path' in result);
    assert.throws(() => verifyCertificate({ ...options, trust: trustStore([]) }), CertificateError);
  });
  it('is a promise where the provider is asynchronous, with the same answers', async () => {
    const result = verifyCertificate({ ...options, provider: asynchronousProvider });
    assert.ok(result instanceof Promise);
    assert.deepEqual(namesOf((await result).path), ['leaf', 'B', 'A', 'Root']);
    const forged = await odd('leaf', root, { forged: true });
    await refuses('bad_signature', [forged], [root], { provider: asynchronousProvider });
  });
});

describe('a budget', () => {
  it('ends a path of too many intermediates', async () => {
    const error = await refuses('budget', [leaf, b, a], [root], { budget: { intermediates: 1 } });
    assert.match(error.message, /more intermediate CAs than the 1 that we follow/);
    await verified([leaf, b, a], [root], { budget: { intermediates: 2 } });
  });
  it('ends a search of too many signatures, and tells what was tried', async () => {
    const impostors = await Promise.all(Array.from({ length: 4 }, () => odd('B', a, { extensions: caExtensions })));
    const error = await refuses(
      'budget',
      [await odd('leaf', { ...b, signer: await newSigner() }), ...impostors, a],
      [root],
      { budget: { signatures: 3 } },
    );
    assert.match(error.message, /more than 3 signatures to verify; gave up/);
    assert.equal(error.paths.length, 3);
  });
  it('ends a search of too many issuers', async () => {
    const impostors = await Promise.all(Array.from({ length: 4 }, () => odd('B', a)));
    assert.match(
      (await refuses('budget', [leaf, ...impostors], [root], { budget: { candidates: 2 } })).message,
      /2 possible issuers/,
    );
  });
  it('pays once for a signature that paths have in common', async () => {
    let count = 0;
    const verifier = nodeProvider.signatures['ecdsa-sha256'];
    assert.ok(verifier !== undefined);
    const verify: typeof verifier.verify = (...args) => {
      count++;
      return verifier.verify(...args);
    };
    const bAgain = await crossSigned(b, 'B', a);
    const provider = { ...nodeProvider, name: 'counting', signatures: { 'ecdsa-sha256': { verify } } };
    await refuses('unknown_issuer', [leaf, b, bAgain, a, root], [otherRoot], { provider });
    // leaf by B twice (two certificates), each of those by A, and A by Root once for both ways.
    assert.equal(count, 5);
  });
});
