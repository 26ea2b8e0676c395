/**
 * One test a rule of `src/path/check.ts`: the code, the certificate it blames, and what the message must say.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '@handfast/crypto';
import { keyPurposeOids } from '../../src/der/oid.ts';
import * as der from '../../src/der/writer.ts';
import { encodeBasicConstraints, encodeExtendedKeyUsage, encodeKeyUsage } from '../../src/extensions.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  parseDirectoryName,
  pathChecks,
  rfc5280,
  type VerifyOptions,
  webpki,
} from '../../src/index.ts';
import {
  altNames,
  caExtensions,
  dnsConstraints,
  extension,
  type Identity,
  issued,
  newSigner,
  now,
  odd,
  verified,
} from '../support/pki.ts';

interface Expected {
  readonly code: CertificateErrorCode;
  readonly certificate?: Certificate;
  readonly message?: RegExp;
}

async function refuses(
  expected: Expected,
  chain: readonly Identity[],
  anchors: readonly Identity[],
  options: Partial<VerifyOptions> = {},
): Promise<CertificateError> {
  try {
    await verified(chain, anchors, options);
  } catch (error) {
    assert.ok(error instanceof CertificateError, String(error));
    assert.equal(error.code, expected.code, error.message);
    if (expected.certificate !== undefined) assert.equal(error.certificate, expected.certificate);
    if (expected.message !== undefined) assert.match(error.message, expected.message);
    return error;
  }
  return assert.fail('it was accepted');
}

const root = await issued('Test root', undefined, { ca: true });
const intermediate = await issued('Test intermediate', root, { ca: { pathLength: 0 } });
const server = await issued('db.internal', intermediate, {
  names: ['db.internal', '192.0.2.1'],
  extendedKeyUsage: ['serverAuth'],
});
const client = await issued('alice', intermediate, { extendedKeyUsage: ['clientAuth'] });

/** A leaf straight under the root, with these extensions. */
const leafWith = (...extensions: readonly Uint8Array[]): Promise<Identity> => odd('leaf', root, { extensions });
/** A leaf under an intermediate with these extensions. */
async function under(
  extensions: readonly Uint8Array[],
  leafExtensions: readonly Uint8Array[] = [],
): Promise<readonly [Identity, Identity]> {
  const ca = await odd('Odd CA', root, { extensions });
  return [await odd('leaf', ca, { extensions: leafExtensions }), ca];
}

describe('a path', () => {
  it('from a server to a root is verified, and says what was', async () => {
    const found = await verified([server, intermediate], [root], { name: 'db.internal' });
    const { path, anchor } = found;
    const checks = pathChecks(found);
    assert.deepEqual(path, [server.certificate, intermediate.certificate, root.certificate]);
    assert.equal(anchor, root.certificate);
    assert.deepEqual(
      checks.map(({ rule, certificate }) => [path.indexOf(certificate), rule]),
      [
        [0, 'name'],
        [0, 'validity'],
        [0, 'key'],
        [0, 'purpose'],
        [0, 'signature'],
        [1, 'validity'],
        [1, 'key'],
        [1, 'purpose'],
        [1, 'ca'],
        [1, 'signature'],
        [2, 'validity'],
        [2, 'key'],
        [2, 'purpose'],
        [2, 'ca'],
        [2, 'anchor'],
      ],
    );
    assert.equal(
      checks.find(({ rule }) => rule === 'signature')?.detail,
      'signed by "Test intermediate" with ecdsa-sha256',
    );
  });
});

describe('validity', () => {
  it('has an end', async () => {
    await refuses(
      {
        code: 'expired',
        certificate: server.certificate,
        message:
          /^certificate for "db\.internal" expired 3 days ago \(notAfter 2027-11-01T00:00:00Z\); our clock says 2027-11-04T02:00:00Z — the server must present a renewed one$/,
      },
      [server, intermediate],
      [root],
      { time: new Date('2027-11-04T02:00:00Z') },
    );
  });
  it('has a beginning', async () => {
    await refuses(
      {
        code: 'not_yet_valid',
        message:
          /"db\.internal" is not valid for another 2 hours \(notBefore 2026-11-01T00:00:00Z\); our clock says 2026-10-31T21:59:59Z/,
      },
      [server, intermediate],
      [root],
      { time: new Date('2026-10-31T21:59:59.900Z') },
    );
  });
  it('includes both of its ends, in whole seconds (RFC 5280 §4.1.2.5)', async () => {
    await verified([server, intermediate], [root], { time: new Date('2026-11-01T00:00:00Z') });
    await verified([server, intermediate], [root], { time: new Date('2027-11-01T00:00:00.999Z') });
    await refuses({ code: 'expired', message: /expired 1 second ago/ }, [server, intermediate], [root], {
      time: new Date('2027-11-01T00:00:01Z'),
    });
  });
  it("is the client's to renew where the client presents it", async () => {
    await refuses({ code: 'expired', message: /the client must present/ }, [client, intermediate], [root], {
      usage: 'clientAuth',
      time: new Date('2030-01-01'),
    });
  });
  it('is asked of intermediates and anchors', async () => {
    const old = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
    const oldCa = await odd('Old CA', root, { ...old, extensions: caExtensions });
    await refuses({ code: 'expired', certificate: oldCa.certificate }, [await odd('leaf', oldCa), oldCa], [root]);
    const oldRoot = await odd('Old root', undefined, { ...old, extensions: caExtensions });
    await refuses(
      { code: 'expired', certificate: oldRoot.certificate, message: /the trust anchor must be replaced/ },
      [await odd('leaf', oldRoot)],
      [oldRoot],
    );
  });
  it('cannot be checked against a time that is none', async () => {
    await assert.rejects(verified([server, intermediate], [root], { time: new Date(Number.NaN) }), RangeError);
  });
});

describe('basic constraints', () => {
  it('make a CA: a leaf is none', async () => {
    const fake = await odd('fake', server);
    await refuses(
      { code: 'not_a_ca', certificate: server.certificate, message: /its basicConstraints say so/ },
      [fake, server, intermediate],
      [root],
    );
  });
  it('missing make none, in an intermediate or an anchor of version 3', async () => {
    const [leaf, ca] = await under([extension('keyUsage', encodeKeyUsage(['keyCertSign']))]);
    await refuses(
      { code: 'not_a_ca', certificate: ca.certificate, message: /has no basicConstraints/ },
      [leaf, ca],
      [root],
    );
    await refuses({ code: 'not_a_ca', certificate: ca.certificate }, [leaf], [ca]);
  });
  it('cannot be in version 1, which is a CA only as an anchor', async () => {
    const v1 = await odd('V1', undefined, { version: 1 });
    const leaf = await odd('leaf', v1);
    await verified([leaf], [v1]);
    await refuses({ code: 'profile' }, [leaf], [v1], { profile: rfc5280 });
    const v1Intermediate = await odd('V1 CA', root, { version: 1 });
    await refuses({ code: 'not_a_ca' }, [await odd('leaf', v1Intermediate), v1Intermediate], [root]);
  });
  it('limit the path below', async () => {
    const second = await odd('Second CA', intermediate, { extensions: caExtensions });
    const leaf = await odd('leaf', second);
    await refuses(
      {
        code: 'path_length',
        certificate: intermediate.certificate,
        message: /"Test intermediate" allows 0 intermediate CAs below it, and the path has 1/,
      },
      [leaf, second, intermediate],
      [root],
    );
  });
  it('of an anchor limit it too', async () => {
    const narrow = await issued('Narrow root', undefined, { ca: { pathLength: 0 } });
    const ca = await odd('CA', narrow, { extensions: caExtensions });
    await refuses({ code: 'path_length', certificate: narrow.certificate }, [await odd('leaf', ca), ca], [narrow]);
  });
  it('do not count self-issued intermediates (RFC 5280 §6.1.4 (l))', async () => {
    const renewed = await odd('Test intermediate', intermediate, { extensions: caExtensions });
    await verified([await odd('leaf', renewed), renewed, intermediate], [root]);
  });
});

describe('key usage', () => {
  it('of a CA has keyCertSign', async () => {
    const [leaf, ca] = await under([
      extension('basicConstraints', encodeBasicConstraints({ ca: true })),
      extension('keyUsage', encodeKeyUsage(['cRLSign', 'digitalSignature'])),
    ]);
    await refuses(
      {
        code: 'key_usage',
        certificate: ca.certificate,
        message:
          /CA "Odd CA" may not sign certificates: its KeyUsage is digitalSignature, cRLSign, without keyCertSign/,
      },
      [leaf, ca],
      [root],
    );
  });
  it('may be absent', async () => {
    const [leaf, ca] = await under([extension('basicConstraints', encodeBasicConstraints({ ca: true }))]);
    await verified([leaf, ca], [root]);
  });
  it('of a TLS leaf has digitalSignature', async () => {
    const leaf = await leafWith(extension('keyUsage', encodeKeyUsage(['keyEncipherment'])));
    for (const purpose of ['serverAuth', 'clientAuth'] as const) {
      await refuses(
        { code: 'key_usage', certificate: leaf.certificate, message: /without digitalSignature/ },
        [leaf],
        [root],
        { usage: purpose },
      );
    }
    await verified([leaf], [root], { usage: 'any' });
  });
});

describe('extended key usage', () => {
  it('of a client is not that of a server, and the reverse', async () => {
    await refuses(
      {
        code: 'extended_key_usage',
        certificate: client.certificate,
        message: /"alice" is not for serverAuth: its extended key usage is clientAuth/,
      },
      [client, intermediate],
      [root],
    );
    await refuses({ code: 'extended_key_usage', message: /is not for clientAuth/ }, [server, intermediate], [root], {
      usage: 'clientAuth',
    });
    await verified([client, intermediate], [root], { usage: 'clientAuth' });
    await verified([client, intermediate], [root], { usage: 'any' });
  });
  it('of each CA above must have it too', async () => {
    const [leaf, ca] = await under([
      ...caExtensions,
      extension('extKeyUsage', encodeExtendedKeyUsage([keyPurposeOids.clientAuth])),
    ]);
    await refuses(
      { code: 'extended_key_usage', certificate: ca.certificate, message: /is not a CA for serverAuth/ },
      [leaf, ca],
      [root],
    );
    await verified([leaf, ca], [root], { usage: 'clientAuth' });
  });
  it('may be any', async () => {
    await verified([await leafWith(extension('extKeyUsage', encodeExtendedKeyUsage([keyPurposeOids.any])))], [root]);
  });
  it('may be absent', async () => void (await verified([await leafWith()], [root])));
  it('may not be empty', async () => {
    await refuses(
      { code: 'malformed', message: /extKeyUsage: an empty list/ },
      [await leafWith(extension('extKeyUsage', der.sequence()))],
      [root],
    );
  });
});

describe('critical extensions', () => {
  const unknown = extension('1.3.6.1.4.1.55738.1', der.nothing(), true);
  it('that are unknown refuse a leaf, an intermediate, an anchor', async () => {
    const leaf = await leafWith(unknown);
    await refuses(
      {
        code: 'critical_extension',
        certificate: leaf.certificate,
        message: /critical extension 1\.3\.6\.1\.4\.1\.55738\.1, which we do not process/,
      },
      [leaf],
      [root],
    );
    const [below, ca] = await under([...caExtensions, unknown]);
    await refuses({ code: 'critical_extension', certificate: ca.certificate }, [below, ca], [root]);
    await refuses({ code: 'critical_extension', certificate: ca.certificate }, [below], [ca]);
  });
  it('that are unknown refuse nothing where they are not critical', async () => {
    await verified([await leafWith(extension('1.3.6.1.4.1.55738.1', der.nothing()))], [root]);
  });
  for (const name of ['cRLDistributionPoints', 'precertificatePoison'] as const) {
    it(`that we do not process refuse: ${name}`, async () => {
      const leaf = await leafWith(extension(name, der.sequence(), true));
      await refuses({ code: 'critical_extension', message: new RegExp(name) }, [leaf], [root]);
    });
  }
  for (const name of ['certificatePolicies', 'policyMappings', 'policyConstraints', 'inhibitAnyPolicy'] as const) {
    it(`that we process are decoded, also where nobody asks: ${name}`, async () => {
      const leaf = await leafWith(extension(name, der.setOf(der.nothing()), true));
      await refuses({ code: 'malformed', message: new RegExp(name) }, [leaf], [root]);
    });
  }
  it('may be certificatePolicies, well-formed', async () => {
    const policy = der.sequence(der.oid('2.5.29.32.0'));
    await verified([await leafWith(extension('certificatePolicies', der.sequence(policy), true))], [root]);
    await refuses(
      { code: 'malformed' },
      [await leafWith(extension('certificatePolicies', der.sequence(policy, policy)))],
      [root],
    );
    await refuses({ code: 'malformed' }, [await leafWith(extension('certificatePolicies', der.sequence()))], [root]);
  });
});

describe('name constraints', () => {
  it('are checked for the leaf', async () => {
    const [leaf, ca] = await under(
      [...caExtensions, dnsConstraints(['example.com'])],
      [altNames('www.example.com', 'db.internal')],
    );
    await refuses(
      {
        code: 'name_constraints',
        certificate: ca.certificate,
        message:
          /CA "Odd CA" may not vouch for certificate "www\.example\.com": DNS "db\.internal" is in none of the permitted subtrees/,
      },
      [leaf, ca],
      [root],
    );
  });
  it('are checked for intermediates, but not self-issued ones', async () => {
    const ca = await odd('CA', root, { extensions: [...caExtensions, dnsConstraints([], ['internal'])] });
    const other = await odd('Other', ca, { extensions: [...caExtensions, altNames('x.internal')] });
    const same = await odd('CA', ca, { extensions: [...caExtensions, altNames('x.internal')] });
    await refuses({ code: 'name_constraints' }, [await odd('leaf', other), other, ca], [root]);
    await verified([await odd('leaf', same), same, ca], [root]);
  });
  it('of an anchor hold as well', async () => {
    const anchor = await odd('CA', undefined, { extensions: [...caExtensions, dnsConstraints([], ['internal'])] });
    await refuses(
      { code: 'name_constraints' },
      [await odd('leaf', anchor, { extensions: [altNames('x.internal')] })],
      [anchor],
    );
  });
  it('on mailboxes reach those in the subject', async () => {
    const constraint = extension(
      'nameConstraints',
      der.sequence(der.explicit(0, der.sequence(der.implicit(1, utf8('example.com'))))),
      true,
    );
    const ca = await odd('CA', root, { extensions: [...caExtensions, constraint] });
    await verified([await odd('leaf', ca), ca], [root]);
    const mailbox = der.setOf(der.sequence(der.oid('1.2.840.113549.1.9.1'), der.ia5String('a@evil.example')));
    const subject = parseDirectoryName(der.sequence(mailbox));
    const leaf = await issued('x', ca, { subject, unverifiable: true });
    await refuses({ code: 'name_constraints', message: /email "a@evil\.example"/ }, [leaf, ca], [root]);
    // Mailboxes in the subjectAltName take their place (RFC 5280 §4.2.1.10).
    await verified([await issued('x', ca, { subject, emails: ['a@example.com'] }), ca], [root]);
  });
});

describe('keys', () => {
  it('of RSA have 2048 bits, unless the policy says otherwise', async () => {
    const weak = await issued('weak', root, { signer: await newSigner('rsa', 1024) });
    await refuses(
      { code: 'weak_key', certificate: weak.certificate, message: /RSA, 1024 bits; the least we take is 2048 bits/ },
      [weak],
      [root],
    );
    await verified([weak], [root], { policy: { minRsaBits: 1024 } });
    await refuses(
      { code: 'weak_key', message: /4096/ },
      [await issued('r', root, { signer: await newSigner('rsa') })],
      [root],
      { policy: { minRsaBits: 4096 } },
    );
  });
  it('on curves have as many bits as the policy says', async () => {
    const p384 = await issued('P-384', undefined, { ca: true, signer: await newSigner('secp384r1') });
    const leaf = await issued('P-256', p384);
    await verified([leaf], [p384], { policy: { minCurveBits: 256 } });
    await refuses(
      {
        code: 'weak_key',
        certificate: leaf.certificate,
        message: /a key of ECDSA P-256, 256 bits; the least we take is 384 bits/,
      },
      [leaf],
      [p384],
      { policy: { minCurveBits: 384 } },
    );
    const strong = await issued('P-521', p384, { signer: await newSigner('secp521r1') });
    await verified([strong], [p384], { policy: { minCurveBits: 384 } });
    await refuses({ code: 'weak_key', certificate: p384.certificate }, [strong], [p384], {
      policy: { minCurveBits: 512 },
    });
    const ed = await issued('Ed25519', p384, { signer: await newSigner('ed25519') });
    await refuses({ code: 'weak_key', certificate: ed.certificate }, [ed], [p384], { policy: { minCurveBits: 384 } });
    // Neither a modulus nor a lattice is a curve.
    for (const type of ['rsa', 'ml-dsa-44'] as const) {
      const other = await issued(type, p384, { signer: await newSigner(type) });
      await verified([other], [p384], { policy: { minCurveBits: 384 } });
    }
  });
  it('of issuers too', async () => {
    const weak = await issued('weak CA', undefined, { ca: true, signer: await newSigner('rsa', 1024) });
    await refuses({ code: 'weak_key', certificate: weak.certificate }, [await issued('leaf', weak)], [weak]);
  });
  it('of kinds that we do not take are refused', async () => {
    const leaf = await odd('leaf', root, {
      spki: der.sequence(der.sequence(der.oid('1.2.840.10040.4.1')), der.bitString(new Uint8Array(8))),
    });
    await refuses(
      {
        code: 'unsupported_key',
        certificate: leaf.certificate,
        message: /certificate for "leaf": a DSA key is not supported/,
      },
      [leaf],
      [root],
    );
  });
});

describe('the name', () => {
  it('is one of the subjectAltName', async () => {
    for (const name of ['db.internal', 'DB.internal.', '192.0.2.1'])
      await verified([server, intermediate], [root], { name });
  });
  it('that differs is refused, with the names there are', async () => {
    const error = await refuses(
      {
        code: 'name_mismatch',
        certificate: server.certificate,
        message:
          /^certificate is for db\.internal, 192\.0\.2\.1, not for "web\.internal": the server must present another certificate$/,
      },
      [server, intermediate],
      [root],
      { name: 'web.internal' },
    );
    assert.match(error.hint ?? '', /check the name/);
  });
  it('is never the common name', async () => {
    const leaf = await issued('db.internal', root);
    const error = await refuses(
      { code: 'name_mismatch', message: /has no DNS name or IP address in its subjectAltName/ },
      [leaf],
      [root],
      { name: 'db.internal' },
    );
    assert.match(error.hint ?? '', /common names are not used/);
  });
  it('that is an address is not a DNS name of the same text', async () => {
    const leaf = await odd('leaf', root, {
      extensions: [extension('subjectAltName', der.sequence(der.implicit(2, utf8('192.0.2.1'))))],
    });
    await refuses({ code: 'name_mismatch', message: /is for 192\.0\.2\.1 \(as a DNS name\)/ }, [leaf], [root], {
      name: '192.0.2.1',
    });
  });
  it('that is IPv6 may stand in brackets', async () => {
    const leaf = await odd('leaf', root, { extensions: [altNames('2001:db8::1')] });
    await verified([leaf], [root], { name: '[2001:DB8:0::1]' });
    await refuses({ code: 'name_mismatch' }, [leaf], [root], { name: '::ffff:192.0.2.1' });
  });
  it('that is empty, or no name, matches nothing', async () => {
    for (const name of ['', '.', 'a b', 'münchen.example', '*.internal', '[db.internal]']) {
      await refuses({ code: 'name_mismatch' }, [server, intermediate], [root], { name });
    }
  });
  it('is escaped and cut in messages, on both sides', async () => {
    const names = Array.from({ length: 9 }, (_, i) => der.implicit(2, utf8(`\u001b[2J${String(i).repeat(100)}`)));
    const leaf = await odd('leaf', root, { extensions: [extension('subjectAltName', der.sequence(...names))] });
    const error = await refuses({ code: 'name_mismatch' }, [leaf], [root], { name: `\u202e${'x'.repeat(1000)}` });
    assert.doesNotMatch(error.message, /\p{C}/u);
    assert.ok(error.message.length < 700, String(error.message.length));
    assert.match(error.message, /\\u\{1b\}\[2J000/);
  });
});

describe('a profile', () => {
  it('is asked for by the policy alone', async () => {
    const bare = await leafWith(altNames('leaf.example'));
    await verified([bare], [root], { time: now });
    await refuses(
      {
        code: 'profile',
        certificate: bare.certificate,
        message: /has no authority key identifier \(RFC 5280 §4\.2\.1\.1\)/,
      },
      [bare],
      [root],
      { profile: rfc5280 },
    );
  });
  it('is kept by what we issue', async () => {
    for (const profile of [rfc5280, webpki]) {
      await verified([server, intermediate], [root], { name: 'db.internal', profile });
    }
  });
});
