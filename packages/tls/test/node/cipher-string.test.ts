/**
 * Cipher strings, held to what `node:tls` offers for them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tls from 'node:tls';
import fc from 'fast-check';
import { TlsConfigError } from '../../src/errors.ts';
import { allLegacyCipherSuites, anonymousCipherSuites, rsaCipherSuites } from '../../src/legacy/index.ts';
import { cipherSuitesOf, defaultCipherString, getCiphers } from '../../src/node/cipher-string.ts';
import { cipherInfo, opensslSuites } from '../../src/node/openssl-names.ts';
import { type CipherSuite, cipherSuites, ids } from '../../src/registry.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { nodeHello } from './node-hello.ts';
import { thrown } from './thrown.ts';

const ours: readonly CipherSuite[] = [...cipherSuites, ...defaultCipherSuites12];
const everything: readonly CipherSuite[] = [...ours, ...allLegacyCipherSuites];

const offered = async (ciphers: string): Promise<readonly number[]> =>
  (await nodeHello({ ciphers, minVersion: 'TLSv1' })).cipherSuites;

/** What Node's OpenSSL was built with. */
const inNode = new Set([...ids(cipherSuites), ...(await offered('ALL:COMPLEMENTOFALL:@SECLEVEL=0'))]);
const shared = everything.filter(({ id }) => inNode.has(id));

const noMatch = 'ERR_SSL_NO_CIPHER_MATCH';
const tls13Ids = new Set(ids(cipherSuites));

/** Without TLS 1.3's; none where Node refuses the string. */
async function olderOffered(ciphers: string): Promise<readonly number[]> {
  try {
    return (await offered(ciphers)).filter((id) => !tls13Ids.has(id));
  } catch (error) {
    assert.equal((error as { readonly code?: unknown }).code, noMatch, ciphers);
    return [];
  }
}

function namesOf(suites: readonly CipherSuite[]): readonly string[] {
  return suites.map(({ name }) => name);
}

/** Seen in configurations, guides and programs. */
const seen: readonly string[] = [
  // Node's, OpenSSL's, and words alone.
  ...['', defaultCipherString, 'DEFAULT', 'ALL', 'HIGH', 'HIGH:!aNULL', 'HIGH:!aNULL:!MD5', 'HIGH:!aNULL:!MD5:!RC4'],
  ...['DEFAULT:!aNULL:!eNULL', 'DEFAULT:@SECLEVEL=0', 'DEFAULT@SECLEVEL=1', 'DEFAULT:!DH', 'DEFAULT:@STRENGTH'],
  ...['ALL:!aNULL:!eNULL', 'ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH', 'ALL:COMPLEMENTOFDEFAULT', 'HIGH:MEDIUM:!aNULL'],
  ...[
    'ALL:!EXPORT:!EXPORT40:!EXPORT56:!aNULL:!LOW:!RC4:@STRENGTH',
    'ALL:@SECLEVEL=0',
    'ALL:COMPLEMENTOFALL:@SECLEVEL=0',
  ],
  ...[
    'HIGH:!kEDH:!ADH:!MD5:@STRENGTH',
    'HIGH:!kRSA:!aNULL',
    'HIGH:!DH:!aNULL',
    'HIGH:!AES128',
    'TLSv1.2:!aNULL:!eNULL',
  ],
  ...['EECDH+AESGCM:EDH+AESGCM', 'ECDHE+AESGCM:ECDHE+CHACHA20', 'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20'],
  // Python's, curl's guides', Go-like lists.
  'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDH+AESGCM:DH+AESGCM:ECDH+AES:DH+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!MD5:!DSS',
  'ECDH+AESGCM:DH+AESGCM:ECDH+AES256:DH+AES256:ECDH+AES128:DH+AES:RSA+AESGCM:RSA+AES:!aNULL:!MD5:!DSS',
  '@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM',
  // nginx's and Apache's old advice.
  'EECDH+ECDSA+AESGCM:EECDH+aRSA+AESGCM:EECDH+ECDSA+SHA384:EECDH+ECDSA+SHA256:EECDH+aRSA+SHA384:EECDH+aRSA+SHA256:EECDH+aRSA+RC4:EECDH:EDH+aRSA:RC4:!aNULL:!eNULL:!LOW:!3DES:!MD5:!EXP:!PSK:!SRP:!DSS',
  'AES128+EECDH:AES128+EDH',
  'AES256+EECDH:AES256+EDH:!aNULL',
  'EECDH+CHACHA20:EECDH+AES128:RSA+AES128:EECDH+AES256:RSA+AES256:EECDH+3DES:RSA+3DES:!MD5',
  'ECDHE-RSA-AES128-SHA256:AES128-GCM-SHA256:RC4:HIGH:!MD5:!aNULL:!EDH',
  'ECDHE-RSA-AES256-SHA384:AES256-SHA256:RC4:HIGH:!MD5:!aNULL:!EDH:!AESGCM',
  // Mozilla's modern, intermediate, and old.
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA',
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES256-GCM-SHA384',
  'TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:!SHA1',
  'TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256',
  'TLS_AES_128_GCM_SHA256:TLS_FOO:ECDHE-RSA-AES128-GCM-SHA256',
  'TLS_AES_128_GCM_SHA256:DEFAULT',
  // One suite, and other separators.
  ...['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384:!RC4', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ...['ECDHE-RSA-AES128-GCM-SHA256,ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256 HIGH', 'HIGH;!AES'],
  ...[
    'ECDHE-RSA-AES128-GCM-SHA256:foo',
    'foo:ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  ],
  // The grammar's corners.
  ...['ECDHE:-AES:AES', 'ECDHE:-AES128:AES', 'ECDHE:-AES128:-AES256:AES', 'ECDHE:!AES128:AES', 'ECDHE:+AES256'],
  ...['ECDHE:+ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE:@STRENGTH:+AES256', 'ECDHE!SHA1', 'ECDHE@STRENGTH', 'ALL:foo!AES'],
  ...['DEFAULT+AES', 'DEFAULTX', 'DEFAULT AES128-CCM', 'ECDHE-RSA-AES128-GCM-SHA256:DEFAULT', '+AES:ECDHE', '  ,ECDHE'],
  ...['ECDHE-RSA-AES128-GCM-SHA256+RSA:ECDHE', 'ECDHE+foo:DHE:ECDHE-RSA-AES128-GCM-SHA256', 'ALL:@SECLEVEL=1+foo'],
  ...[
    'ALL:@SECLEVEL=1',
    'ALL:@SECLEVEL=3',
    'ALL:@SECLEVEL=4',
    'ALL:@SECLEVEL=0:@SECLEVEL=3',
    '@SECLEVEL=0:HIGH:MEDIUM',
  ],
];

/** Those that Handfast has by import alone. */
const old: readonly string[] = [
  ...[
    'AES128-SHA',
    'AES256-SHA:AES128-SHA',
    'DHE-RSA-AES256-GCM-SHA384',
    'RSA+AES',
    'kRSA',
    'PSK',
    'DHE-PSK-CHACHA20-POLY1305',
  ],
  ...['HIGH:!ECDHE', 'ADH:@SECLEVEL=0', 'aNULL:@SECLEVEL=0', 'eNULL:@SECLEVEL=0', 'PSK+AESGCM:kPSK', 'CAMELLIA:ARIA'],
  ...[
    'AES128-GCM-SHA256,TLS_RSA_WITH_AES_128_CBC_SHA',
    'AESCCM8:@SECLEVEL=0',
    'SSLv3:+aRSA:@SECLEVEL=0',
    'TLSv1.0:@STRENGTH',
  ],
  ...['AES128-SHA:-RSA:AES:!DHE', 'NULL-SHA256:@SECLEVEL=0'],
];

/** Words of OpenSSL's for classes of suites. */
const classes: readonly string[] = [
  ...'ALL COMPLEMENTOFALL COMPLEMENTOFDEFAULT HIGH MEDIUM kRSA kEDH kDHE DH kEECDH kECDHE ECDH kPSK kRSAPSK'.split(' '),
  ...'kECDHEPSK kDHEPSK aRSA aNULL aECDSA ECDSA aPSK EDH DHE EECDH ECDHE NULL eNULL RSA ADH AECDH PSK FIPS CBC'.split(
    ' ',
  ),
  ...'AES AES128 AES256 AESGCM AESCCM AESCCM8 CHACHA20 CAMELLIA CAMELLIA128 CAMELLIA256 ARIA ARIA128 ARIA256'.split(
    ' ',
  ),
  ...'ARIAGCM MD5 SHA1 SHA SHA256 SHA384 SSLv3 TLSv1 TLSv1.0 TLSv1.2'.split(' '),
];

/** The same suites in the same order as Node's client, among those that are known. */
async function assertAsNode(string: string, known: readonly CipherSuite[]): Promise<void> {
  const expected = (await offered(string)).filter((id) => known.some((row) => row.id === id));
  assert.deepEqual(ids(cipherSuitesOf(string, known).suites), expected, string);
}

describe('a cipher string chooses what Node offers for it, in the same order', () => {
  for (const string of seen) {
    it(`among ours and among all: ${string}`, async () => {
      await assertAsNode(string, ours);
      await assertAsNode(string, shared);
    });
  }
  for (const string of old) it(`among all: ${string}`, () => assertAsNode(string, shared));
  for (const word of classes) it(`by the word ${word}`, () => assertAsNode(`${word}:@SECLEVEL=0`, shared));

  it('whatever the words and whatever is done with them', async () => {
    const names = shared.filter(({ family }) => family === 'tls12').map((suite) => cipherInfo(suite).name);
    // What OpenSSL makes of these two beside other words hangs on bits that they happen to share.
    const joined = classes.filter((word) => word !== 'FIPS' && word !== 'COMPLEMENTOFDEFAULT');
    const term = fc.constantFrom(...joined, ...names);
    const words = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join('+'));
    const command = fc.tuple(fc.constantFrom('', '', '!', '-', '+'), words).map((parts) => parts.join(''));
    const strings = fc.array(fc.oneof({ weight: 9, arbitrary: command }, fc.constant('@STRENGTH')), { maxLength: 8 });
    let compared = 0;
    const property = fc.asyncProperty(strings, async (parts) => {
      const string = ['ECDHE+AESGCM:AES', ...parts, 'ECDHE-RSA-CHACHA20-POLY1305', '@SECLEVEL=0'].join(':');
      const older = (await olderOffered(string)).filter((id) => shared.some((row) => row.id === id));
      // Nothing is left, or nothing but DSS and the like, which are nobody's here.
      if (older.length === 0) return assert.equal(thrown(() => cipherSuitesOf(string, shared)).code, noMatch, string);
      compared++;
      const { suites } = cipherSuitesOf(string, shared);
      assert.deepEqual(ids(suites.filter(({ family }) => family === 'tls12')), older, string);
    });
    await fc.assert(property, { numRuns: 100, examples: [[['-AES', 'kRSA', '-kRSA']], [['!ALL']]] });
    assert.ok(compared > 50, `only ${compared} were compared`);
  });
});

describe('words that come to nothing', () => {
  const ignored = (string: string, known = ours): readonly string[] => cipherSuitesOf(string, known).ignored;

  it('are reported: those that nobody knows, and those for suites that are not there', () => {
    assert.deepEqual(ignored('ECDHE-RSA-AES128-GCM-SHA256:foo:AES128-SHA:RC4'), ['foo', 'AES128-SHA', 'RC4']);
    assert.deepEqual(ignored('TLS_AES_128_GCM_SHA256:TLS_FOO'), ['TLS_FOO']);
    assert.deepEqual(ignored('ECDHE:DEFAULT'), ['DEFAULT']);
  });

  it('are reported where a suite of TLS 1.3 is all that remains', () => {
    const { suites, ignored } = cipherSuitesOf('TLS_AES_128_GCM_SHA256:AES128-SHA', ours);
    assert.deepEqual(
      { names: namesOf(suites), ignored },
      { names: ['TLS_AES_128_GCM_SHA256'], ignored: ['AES128-SHA'] },
    );
  });

  it('are reported where the security level leaves none of their suites', () => {
    assert.deepEqual(ignored('ECDHE:ADH', everything), ['ADH']);
    assert.deepEqual(ignored('ECDHE:ADH:@SECLEVEL=0', everything), []);
    assert.deepEqual(ignored('ECDHE:RC4:@SECLEVEL=2', everything), ['RC4']);
    assert.deepEqual(ignored('ECDHE:RC4-SHA:@SECLEVEL=1', everything), []);
    assert.deepEqual(ignored('TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE:@SECLEVEL=4'), [
      'TLS_AES_128_GCM_SHA256',
    ]);
  });

  it('are not reported where they exclude what is not there, unless nobody knows them', () => {
    assert.deepEqual(ignored('HIGH:!EXPORT:!DES:!SRP:-IDEA:+RC4:!3DES:!aDSS:!PSK:!TLS_AES_128_CCM_SHA256'), []);
    assert.deepEqual(ignored('HIGH:!aNULLL:-foo'), ['!aNULLL', '-foo']);
  });
});

describe('suites of TLS 1.3', () => {
  const names13 = (string: string, known = ours): readonly string[] =>
    namesOf(cipherSuitesOf(string, known).suites.filter(({ family }) => family === 'tls13'));

  it("are Node's defaults in its order, where the string names none", () => {
    const defaults = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];
    assert.deepEqual(names13('ECDHE'), defaults);
    assert.deepEqual(names13('ECDHE', defaultCipherSuites12), []);
  });

  it('count wherever they stand, which Node overlooks behind other separators', () => {
    assert.deepEqual(names13('ECDHE-RSA-AES128-GCM-SHA256 TLS_AES_128_GCM_SHA256'), ['TLS_AES_128_GCM_SHA256']);
    assert.deepEqual(names13('TLS_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256'), [
      'TLS_CHACHA20_POLY1305_SHA256',
      'TLS_AES_128_GCM_SHA256',
    ]);
  });

  it('are left out of the defaults by ! and -, where Node refuses the string', () => {
    assert.deepEqual(names13('ECDHE:!TLS_AES_128_GCM_SHA256:-TLS_AES_256_GCM_SHA384'), [
      'TLS_CHACHA20_POLY1305_SHA256',
    ]);
  });

  it('are had once each', () => {
    assert.deepEqual(names13('TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256'), ['TLS_AES_128_GCM_SHA256']);
  });
});

describe("IANA's names of older suites", () => {
  it("count as OpenSSL's do, at the beginning too, where Node takes them for suites of TLS 1.3", () => {
    const standard = cipherSuitesOf('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:TLS_RSA_WITH_AES_128_CBC_SHA', everything);
    assert.deepEqual(standard, cipherSuitesOf('ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA', everything));
  });
});

describe('a security level', () => {
  it('is told where the string sets it; the last one counts', () => {
    assert.equal(cipherSuitesOf('ECDHE:@SECLEVEL=1', ours).securityLevel, 1);
    assert.equal(cipherSuitesOf('ECDHE:@SECLEVEL=1:@SECLEVEL=3', ours).securityLevel, 3);
    assert.equal('securityLevel' in cipherSuitesOf('ECDHE', ours), false);
  });
});

describe('a string that cannot be', () => {
  const refusedByNode = (ciphers: unknown): Record<string, unknown> =>
    thrown(() => tls.createSecureContext({ ciphers } as tls.SecureContextOptions));

  for (const string of [
    'foo',
    'RC4-FOO',
    'ECDHE:!ECDHE',
    'TLS_FOO',
    'TLS_FOO:ECDHE',
    'TLS_AES_128_GCM_SHA256:foo',
    '!ECDHE',
  ]) {
    it(`matches nothing: ${string}`, () => {
      const { message, ...shape } = thrown(() => cipherSuitesOf(string, ours));
      const { message: nodeMessage, ...nodeShape } = refusedByNode(string);
      assert.deepEqual(shape, nodeShape);
      assert.ok(String(message).startsWith(`${nodeMessage} (`), String(message));
      assert.match(String(message), /known are TLS_AES_128_GCM_SHA256, .*ECDHE-RSA-AES128-GCM-SHA256/);
    });
  }

  it('says what was asked for and what is known', () => {
    assert.throws(() => cipherSuitesOf('AES\x1b', defaultCipherSuites12.slice(0, 2)), {
      message: 'error:0A000118:SSL routines::invalid command (in ciphers: "AES\\u{1b}")',
    });
    assert.throws(() => cipherSuitesOf('foo:bar', defaultCipherSuites12.slice(0, 2)), {
      message:
        'error:0A0000B9:SSL routines::no cipher match ("foo:bar"; ' +
        'known are ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256)',
    });
  });

  for (const string of [
    ...[
      '!',
      'ALL:!',
      'ALL:&',
      'ALL:ECDHE+',
      'ALL:ÄES',
      '@SECLEVEL=9',
      'ALL:@SECLEVEL=x',
      'ALL:@SECLEVEL=12',
      'ALL:@FOO',
    ],
    ...['ALL:@', 'ALL:!!AES', 'ALL:-', '+', 'ALL:AES+!SHA1', 'ALL:ECDHE++AES', 'foo:&', '@STRENGTH:&'],
  ]) {
    it(`is no command: ${string}`, () => {
      const { message, ...shape } = thrown(() => cipherSuitesOf(string, ours));
      const { message: nodeMessage, ...nodeShape } = refusedByNode(string);
      assert.deepEqual(shape, nodeShape);
      assert.ok(String(message).startsWith(`${nodeMessage} (in ciphers: `), String(message));
    });
  }

  for (const value of [5, false, {}, [], Symbol('x'), () => 0, ':', '::']) {
    it(`is of the wrong kind, or empty: ${String(value)}`, () => {
      assert.deepEqual(
        thrown(() => cipherSuitesOf(value as string, ours)),
        refusedByNode(value),
      );
    });
  }

  it('names nothing that the level allows in TLS 1.3: refused at once, with what Node says at the handshake', async () => {
    const string = 'HIGH:TLS_AES_128_CCM_8_SHA256';
    const { message, ...shape } = thrown(() => cipherSuitesOf(string, ours));
    assert.deepEqual(shape, {
      ...{ name: 'Error', code: 'ERR_SSL_NO_CIPHERS_AVAILABLE' },
      ...{ library: 'SSL routines', reason: 'no ciphers available' },
    });
    assert.equal(
      message,
      'error:0A0000B5:SSL routines::no ciphers available (security level 2 has none of "TLS_AES_128_CCM_8_SHA256")',
    );
    await assert.rejects(nodeHello({ ciphers: string }), { code: 'ERR_SSL_NO_CIPHERS_AVAILABLE' });
  });
});

describe('a string for suites that are weak', () => {
  it('is refused where they were not imported, and says whence they come', () => {
    assert.throws(
      () => cipherSuitesOf('AES128-SHA:RC4-SHA:foo', ours),
      (error) => {
        assert.ok(error instanceof TlsConfigError);
        assert.equal(error.option, 'ciphers');
        assert.equal(
          error.message,
          "ciphers: weak suites are had by import alone, from '@handfast/tls/legacy': AES128-SHA, RC4-SHA",
        );
        return true;
      },
    );
    assert.throws(() => cipherSuitesOf('kRSA', ours), {
      message: /^ciphers: weak suites are had by import alone.*: AES256-GCM-SHA384, .* and 12 more$/,
    });
  });

  it('chooses among those that were', () => {
    const { suites } = cipherSuitesOf('DES-CBC3-SHA:AES128-SHA', [...ours, ...rsaCipherSuites]);
    assert.deepEqual(namesOf(suites).slice(3), ['TLS_RSA_WITH_3DES_EDE_CBC_SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA']);
  });

  it('leaves the defaults of TLS 1.3 alone, as Node does, where the level has none of them', () => {
    const { suites, ignored } = cipherSuitesOf('ADH', [...ours, ...anonymousCipherSuites]);
    assert.deepEqual({ count: suites.length, ignored }, { count: 3, ignored: ['ADH'] });
  });

  it('takes the first of two rows with one name', () => {
    const [first] = rsaCipherSuites;
    assert.ok(first);
    const { suites } = cipherSuitesOf('RSA', [{ ...first }, first, { ...first }].slice(1));
    assert.equal(suites[0], first);
  });

  it('knows static ECDH, RC4 and 3DES by the names that OpenSSL had for them', () => {
    const names = (string: string): readonly string[] => namesOf(cipherSuitesOf(string, everything).suites).slice(3);
    assert.deepEqual(names('ECDH-RSA-AES128-SHA:ECDH-ECDSA-AES256-GCM-SHA384'), [
      'TLS_ECDH_RSA_WITH_AES_128_CBC_SHA',
      'TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384',
    ]);
    assert.deepEqual(names('EDH-RSA-DES-CBC3-SHA'), ['TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA']);
    assert.deepEqual(names('RC4+aRSA+kRSA:@SECLEVEL=0'), ['TLS_RSA_WITH_RC4_128_SHA', 'TLS_RSA_WITH_RC4_128_MD5']);
  });
});

describe('getCiphers', () => {
  it('gives lower-case names in order, of both versions', () => {
    assert.deepEqual(getCiphers(ours), [
      'ecdhe-ecdsa-aes128-gcm-sha256',
      'ecdhe-ecdsa-aes256-gcm-sha384',
      'ecdhe-ecdsa-chacha20-poly1305',
      'ecdhe-rsa-aes128-gcm-sha256',
      'ecdhe-rsa-aes256-gcm-sha384',
      'ecdhe-rsa-chacha20-poly1305',
      'tls_aes_128_ccm_8_sha256',
      'tls_aes_128_ccm_sha256',
      'tls_aes_128_gcm_sha256',
      'tls_aes_256_gcm_sha384',
      'tls_chacha20_poly1305_sha256',
    ]);
  });

  it('has of what Node lists all but SRP', () => {
    const all = new Set(getCiphers(everything));
    assert.deepEqual(
      tls.getCiphers().filter((name) => !all.has(name) && !name.startsWith('srp-')),
      [],
    );
  });
});

describe('names', () => {
  it('are there for every suite that Handfast has, and for no other', () => {
    const older = everything.filter(({ family }) => family === 'tls12').map(({ name }) => name);
    assert.deepEqual(opensslSuites.map(({ standardName }) => standardName).sort(), older.sort());
    assert.equal(new Set(opensslSuites.map(({ name }) => name)).size, opensslSuites.length);
  });

  it("are Node's, for all that Node has", async () => {
    for (const suite of shared) {
      const { name, standardName } = cipherInfo(suite);
      assert.equal(standardName, suite.name);
      const level = suite.family === 'tls13' ? ':AES128-SHA:@SECLEVEL=0' : ':@SECLEVEL=0';
      assert.ok((await offered(name + level)).includes(suite.id), name);
    }
  });

  it('come with the first version that has the suite, as getCipher() tells', () => {
    const versions = [
      'TLS_AES_128_GCM_SHA256',
      'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
      'TLS_RSA_WITH_AES_128_CBC_SHA',
    ].map((name) => {
      const suite = everything.find((row) => row.name === name);
      assert.ok(suite);
      return cipherInfo(suite);
    });
    assert.deepEqual(versions, [
      { name: 'TLS_AES_128_GCM_SHA256', standardName: 'TLS_AES_128_GCM_SHA256', version: 'TLSv1.3' },
      {
        name: 'ECDHE-RSA-AES128-GCM-SHA256',
        standardName: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
        version: 'TLSv1.2',
      },
      { name: 'ECDHE-RSA-AES128-SHA', standardName: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', version: 'TLSv1.0' },
      { name: 'AES128-SHA', standardName: 'TLS_RSA_WITH_AES_128_CBC_SHA', version: 'SSLv3' },
    ]);
  });

  it("and Node's default string are those of this Node", () => {
    assert.equal(defaultCipherString, tls.DEFAULT_CIPHERS);
  });
});
