/**
 * What is refused outright, and what could be if text decided instead of bytes: one test a line. Keys have theirs in
 * `keys.test.ts`, the encoding in `der/reader.test.ts`, name constraints in `names/constraints.test.ts`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { concat, type PublicKeyInfo, utf8 } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { type ExtensionName, extensionOids } from '../../src/der/oid.ts';
import * as der from '../../src/der/writer.ts';
import {
  CertificateError,
  type CertificateErrorCode,
  parseCertificate,
  parseDirectoryName,
  pathChecks,
  rfc5280,
  type VerifyOptions,
  webpki,
} from '../../src/index.ts';
import { sameName } from '../../src/names/directory.ts';
import {
  altNames,
  caExtensions,
  extension,
  type Identity,
  issued,
  newSigner,
  nodeProvider,
  type OddOptions,
  odd,
  verified,
} from '../support/pki.ts';

const root = await issued('Root', undefined, { ca: true });

async function refuses(
  code: CertificateErrorCode,
  message: RegExp,
  chain: readonly Identity[],
  anchors: readonly Identity[],
  options: Partial<VerifyOptions> = {},
): Promise<void> {
  await assert.rejects(verified(chain, anchors, options), (error) => {
    assert.ok(error instanceof CertificateError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

interface OldCa {
  readonly ca: Identity;
  readonly signatureIdentifier: Uint8Array;
}

/** A CA that signs as nobody should any more. */
async function oldCa(type: 'rsa' | 'ec' | 'dsa', hash: string, oid: string): Promise<OldCa> {
  const { publicKey, privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const signatureIdentifier = der.sequence(der.oid(oid), ...(type === 'rsa' ? [der.nothing()] : []));
  // Nothing of it but the SPKI is looked at.
  const info: PublicKeyInfo = { type: 'rsa', spki, raw: spki, bits: 0 };
  const signer = {
    publicKey: info,
    algorithms: [],
    sign: (_: string, data: Uint8Array) => sign(hash, data, privateKey),
  };
  return {
    ca: await odd('Old CA', undefined, { signer, signatureIdentifier, extensions: caExtensions }),
    signatureIdentifier,
  };
}

const under = ({ ca, signatureIdentifier }: OldCa, options: OddOptions = {}): Promise<Identity> =>
  odd('leaf', ca, { signatureIdentifier, ...options });

const sha1 = { allowSha1: true } as const;

describe('signatures over SHA-1', () => {
  for (const [type, oid, name] of [
    ['rsa', '1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
    ['ec', '1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ] as const) {
    it(`by ${name} are refused, and verified only where the policy says so`, async () => {
      const old = await oldCa(type, 'sha1', oid);
      const leaf = await under(old);
      await refuses('weak_signature', new RegExp(`signed with ${name}, which is too weak`), [leaf], [old.ca]);
      await refuses('weak_signature', /too weak/, [leaf], [old.ca], {
        profile: rfc5280,
        policy: { allowNonconforming: true },
      });
      await verified([leaf], [old.ca], { policy: sha1 });
      await refuses('bad_signature', /does not verify/, [await under(old, { forged: true })], [old.ca], {
        policy: sha1,
      });
      await refuses('unsupported_algorithm', /provider "web" does not verify/, [leaf], [old.ca], {
        policy: sha1,
        provider: fullWebProvider,
      });
    });
  }
  it('are never for the profile webpki', async () => {
    const leaf = await odd('leaf', root);
    for (const allowance of ['allowSha1', 'allowNonconforming'] as const) {
      await assert.rejects(verified([leaf], [root], { profile: webpki, policy: { [allowance]: true } }), {
        name: 'RangeError',
        message: `${allowance} contradicts the profile webpki`,
      });
    }
  });
  it('under a key of another kind are bad', async () => {
    const leaf = await odd('leaf', root, {
      signatureIdentifier: der.sequence(der.oid('1.2.840.113549.1.1.5'), der.nothing()),
    });
    await refuses('bad_signature', /does not verify/, [leaf], [root], { policy: sha1 });
    const dsa = await odd('leaf', root, { signatureIdentifier: der.sequence(der.oid('1.2.840.10040.4.3')) });
    await refuses('bad_signature', /the signature is dsa-sha1, the key ECDSA P-256/, [dsa], [root], {
      profile: rfc5280,
      policy: { ...sha1, allowNonconforming: true },
    });
  });
  it('with parameters that are not theirs are not verified', async () => {
    const leaf = await odd('leaf', root, {
      signatureIdentifier: der.sequence(der.oid('1.2.840.10045.4.1'), der.nothing()),
    });
    await refuses('unsupported_algorithm', /parameters of it/, [leaf], [root], { policy: sha1 });
  });
});

describe('DSA', () => {
  const dsaCa = oldCa('dsa', 'sha256', '2.16.840.1.101.3.4.3.2');
  const policy = { allowNonconforming: true } as const;
  it('is verified under the profile rfc5280, and refused by the others', async () => {
    const old = await dsaCa;
    const leaf = await under(old);
    const checks = pathChecks(await verified([leaf], [old.ca], { profile: rfc5280, policy }));
    assert.ok(checks.some(({ detail }) => detail === 'signed by "Old CA" with dsa-sha256'));
    assert.ok(checks.some(({ detail }) => detail === 'DSA'));
    await refuses('bad_signature', /does not verify/, [await under(old, { forged: true })], [old.ca], {
      profile: rfc5280,
      policy,
    });
    await refuses('unsupported_key', /DSA key/, [leaf], [old.ca]);
    await refuses('unsupported_key', /DSA key/, [old.ca], [old.ca], { profile: webpki });
  });
  it('is as long as RSA must be', async () => {
    const old = await dsaCa;
    await refuses('weak_key', /a key of DSA, 2048 bits; the least we take is 3072/, [await under(old)], [old.ca], {
      profile: rfc5280,
      policy: { ...policy, minRsaBits: 3072 },
    });
  });
  it('without parameters of its own or of an issuer verifies nothing', async () => {
    const old = await dsaCa;
    const bare = der.sequence(der.sequence(der.oid('1.2.840.10040.4.1')), der.bitString(der.smallInteger(7)));
    const ca = await odd('Bare CA', undefined, { signer: old.ca.signer, spki: bare, extensions: caExtensions });
    const leaf = await under({ ...old, ca });
    await refuses('unsupported_key', /DSA key of "Bare CA" has no parameters/, [leaf], [ca], {
      profile: rfc5280,
      policy,
    });
  });
});

describe('a signature algorithm', () => {
  it('of MD5 or MD2 is refused whatever the policy', async () => {
    for (const oid of ['1.2.840.113549.1.1.4', '1.2.840.113549.1.1.2']) {
      const leaf = await odd('leaf', root, { signatureIdentifier: der.sequence(der.oid(oid), der.nothing()) });
      await refuses('weak_signature', /md[25]WithRSAEncryption, which is too weak to trust/, [leaf], [root], {
        profile: rfc5280,
        policy: { ...sha1, allowNonconforming: true },
      });
    }
  });
  for (const [title, identifier] of [
    ['ECDSA with NULL', der.sequence(der.oid('1.2.840.10045.4.3.2'), der.nothing())],
    ['Ed25519 with NULL', der.sequence(der.oid('1.3.101.112'), der.nothing())],
    ['RSA with a number', der.sequence(der.oid('1.2.840.113549.1.1.11'), der.smallInteger(1))],
    ['RSA-PSS without any', der.sequence(der.oid('1.2.840.113549.1.1.10'))],
  ] as const) {
    it(`with wrong parameters is refused: ${title}`, async () => {
      const leaf = await odd('leaf', root, { signatureIdentifier: identifier });
      await refuses(
        'unsupported_algorithm',
        /algorithm [\d.]+, or parameters of it, that we do not verify/,
        [leaf],
        [root],
      );
    });
  }
  it('that differs inside and outside is refused', async () => {
    const { certificate } = await odd('leaf', root);
    const outer = der.sequence(der.oid('1.2.840.10045.4.3.3'));
    const spoiled = der.sequence(certificate.tbs, outer, der.bitString(certificate.signature));
    assert.throws(() => parseCertificate(spoiled), {
      code: 'malformed',
      message: 'certificate: signed under another algorithm than it says inside',
    });
  });
  it('that the policy does not name is refused', async () => {
    const leaf = await issued('leaf', root);
    await verified([leaf], [root], { policy: { signatureAlgorithms: ['ecdsa-sha256'] } });
    await refuses('unsupported_algorithm', /ecdsa-sha256, which our policy does not take/, [leaf], [root], {
      policy: { signatureAlgorithms: ['ed25519'] },
    });
  });
});

describe('a key', () => {
  it('with explicit curve parameters is refused', async () => {
    const parameters = der.sequence(
      der.smallInteger(1),
      der.sequence(der.oid('1.2.840.10045.1.1'), der.smallInteger(7)),
    );
    const leaf = await odd('leaf', root, {
      spki: der.sequence(
        der.sequence(der.oid('1.2.840.10045.2.1'), parameters),
        der.bitString(new Uint8Array(65).fill(4)),
      ),
    });
    await refuses('unsupported_key', /explicit curve parameters/, [leaf], [root]);
  });
});

describe('an extension', () => {
  for (const name of Object.keys(extensionOids) as ExtensionName[]) {
    it(`with bytes behind its value is refused: ${name}`, async () => {
      const { certificate } = await odd('a.example', undefined, {
        extensions: [...caExtensions, altNames('a.example')].filter((_, index) => index !== 2),
      });
      const good = certificate.extension(name)?.value ?? der.nothing();
      const extensions = [extension(name, concat(good, Uint8Array.of(0)))];
      const leaf = await odd('leaf', root, { extensions });
      await refuses('malformed', new RegExp(`certificate for "leaf": ${name}`), [leaf], [root]);
      const ca = await odd('CA', root, { extensions: [...extensions, ...caExtensions].slice(0, 1) });
      await refuses('malformed', new RegExp(name), [await odd('leaf', ca), ca], [root]);
    });
  }
  it('that nobody has named may hold anything', async () => {
    await verified([await odd('leaf', root, { extensions: [extension('1.2.3.4', Uint8Array.of(1, 2, 3))] })], [root]);
  });
  it('that stands twice is refused', async () => {
    const twice = [altNames('a.example'), altNames('b.example')];
    await assert.rejects(odd('leaf', root, { extensions: twice }), {
      code: 'malformed',
      message: 'extensions: extension 2.5.29.17 stands twice',
    });
  });
  it('is known by its bytes: arcs beyond 2^53 do not run together', async () => {
    const oids = ['2.25.9007199254740992', '2.25.9007199254740993'];
    const { certificate } = await odd('leaf', root, { extensions: oids.map((oid) => extension(oid, der.nothing())) });
    assert.deepEqual(
      certificate.extensions.map(({ oid }) => oid),
      oids,
    );
  });
});

describe('a name', () => {
  const named = (value: Uint8Array): ReturnType<typeof parseDirectoryName> =>
    parseDirectoryName(der.sequence(der.setOf(der.sequence(der.oid('2.5.4.3'), value))));
  const text = (value: string): ReturnType<typeof parseDirectoryName> => named(der.utf8String(value));
  it('is lower-cased in ASCII alone: the Kelvin sign is no k', () => {
    assert.ok(sameName(text('KLM'), text('klm')));
    assert.ok(!sameName(text('\u212alm'), text('klm')));
    assert.ok(!sameName(text('İ'), text('i̇')));
  });
  it('that is no UTF-8 equals only itself', () => {
    const broken = (byte: number): ReturnType<typeof named> => named(der.value(0x0c, Uint8Array.of(0x61, byte)));
    assert.equal(broken(0xff).commonName, undefined);
    assert.ok(!sameName(broken(0xff), broken(0xfe)));
    assert.ok(sameName(broken(0xff), broken(0xff)));
  });
  it('keeps a byte order mark', () => {
    assert.ok(!sameName(text('\ufeffa'), text('a')));
    assert.equal(text('\ufeffa').commonName, '\ufeffa');
  });
  it('of a host that is not ASCII is refused', async () => {
    const leaf = await odd('leaf', root, {
      extensions: [extension('subjectAltName', der.sequence(der.implicit(2, utf8('\u212a.example'))))],
    });
    await refuses('malformed', /a name of form dns that is not ASCII/, [leaf], [root]);
  });
});

describe('every path tried', () => {
  it('is kept up to 32, and counted beyond', async () => {
    const signer = await newSigner();
    const impostors = await Promise.all(
      Array.from({ length: 40 }, async () => odd('B', root, { signer: await newSigner(), extensions: caExtensions })),
    );
    const issuer = await odd('B', root, { signer, extensions: caExtensions });
    const leaf = await odd('leaf', issuer);
    await assert.rejects(verified([leaf, ...impostors], [root], { provider: nodeProvider }), (error) => {
      assert.ok(error instanceof CertificateError);
      assert.equal(error.paths.length, 32);
      assert.equal(error.pathsNotKept, 8);
      return true;
    });
  });
});
