/**
 * `checkServerIdentity` beside `node:tls`'s: a table of hosts and certificates, each host with each, and names by chance.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import tls, { type PeerCertificate } from 'node:tls';
import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { checkServerIdentity } from '../../src/node/check-server-identity.ts';

/** Of a certificate no more than is looked at. */
interface Named {
  readonly subject?: { readonly CN?: string | readonly string[] } | null;
  readonly subjectaltname?: string;
}

/** All that a caller can see of an answer. */
function told(check: typeof tls.checkServerIdentity, host: string, named: Named): unknown {
  try {
    const error = check(host, named as PeerCertificate);
    if (error === undefined) return 'accepted';
    return {
      ...error,
      message: error.message,
      name: error.name,
      text: String(error),
      same: 'cert' in error && error.cert === named,
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ...error, message: error.message, name: error.name, text: String(error) };
  }
}

function assertAsNode(host: string, named: Named): void {
  assert.deepEqual(told(checkServerIdentity, host, named), told(tls.checkServerIdentity, host, named));
}

const hosts: readonly string[] = [
  'a.com',
  'A.com',
  'a.com.',
  'a.com..',
  '.a.com',
  'www.a.com',
  'WWW.A.COM',
  'x.www.a.com',
  'www.a.com.',
  'com',
  'localhost',
  '',
  '.',
  ' ',
  'a com',
  '_dmarc.a.com',
  'a..com',
  'bücher.de',
  'xn--bcher-kva.de',
  'www.bücher.de',
  'www.xn--bcher-kva.de',
  'xn--bcher-kva.a.com',
  '\u212aelvin.com',
  'kelvin.com',
  'a\u3002com',
  '%61.com',
  'a/b',
  'a\0.com',
  'a.com, DNS:b.com',
  '192.0.2.1',
  '192.0.2.1.',
  '192.0.2.01',
  '192.000.002.001',
  '3221225985',
  '0xc0000201',
  '::1',
  '[::1]',
  '::',
  '0:0:0:0:0:0:0:1',
  '2001:DB8::1',
  '2001:db8:0:0:0:0:0:1',
  '::ffff:192.0.2.1',
  '::192.0.2.1',
  '::ffff:c000:201',
  'fe80::1',
  'fe80::1%eth0',
  'undefined',
];

const certificates: readonly Named[] = [
  {},
  { subject: null },
  { subject: {} },
  { subject: { CN: '' } },
  { subjectaltname: '' },
  { subject: { CN: [] } },
  { subject: { CN: 'a.com' } },
  { subject: { CN: 'a.com.' } },
  { subject: { CN: 'A.COM' } },
  { subject: { CN: ['b.com', 'a.com'] } },
  { subject: { CN: 'a.com,b.com' } },
  { subject: { CN: '*.a.com' } },
  { subject: { CN: '192.0.2.1' } },
  { subject: { CN: '::1' } },
  { subject: { CN: 'localhost' } },
  { subject: { CN: 'bücher.de' } },
  { subject: { CN: 'Kelvin.com' } },
  { subject: { CN: 'a com' } },
  { subject: { CN: 'a' } },
  { subject: { CN: '*' } },
  { subject: { CN: 'undefined' } },
  { subject: { CN: 'a..com' } },
  { subject: { CN: 'a.com' }, subjectaltname: 'DNS:b.com' },
  { subject: { CN: 'a.com' }, subjectaltname: 'IP Address:192.0.2.1' },
  { subject: { CN: 'a.com' }, subjectaltname: 'email:me@a.com' },
  { subject: { CN: 'b.com' }, subjectaltname: 'URI:https://a.com/' },
  { subjectaltname: 'DNS:a.com' },
  { subjectaltname: 'DNS:a.com, DNS:*.a.com' },
  { subjectaltname: 'DNS:*.com' },
  { subjectaltname: 'DNS:*' },
  { subjectaltname: 'DNS:*.*.a.com' },
  { subjectaltname: 'DNS:w*.a.com' },
  { subjectaltname: 'DNS:*w.a.com' },
  { subjectaltname: 'DNS:w*w.a.com' },
  { subjectaltname: 'DNS:w*ww.a.com' },
  { subjectaltname: 'DNS:www*www.a.com' },
  { subjectaltname: 'DNS:w**.a.com' },
  { subjectaltname: 'DNS:xn--*.a.com' },
  { subjectaltname: 'DNS:www.*.com' },
  { subjectaltname: 'DNS:*.www.a.com' },
  { subjectaltname: 'DNS:*.xn--bcher-kva.de, DNS:xn--bcher-kva.de' },
  { subjectaltname: 'DNS:www.a.com., DNS:a.com.' },
  { subjectaltname: 'DNS:' },
  { subjectaltname: 'DNS:, DNS:a.com' },
  { subjectaltname: 'DNS:.' },
  { subjectaltname: 'DNS:localhost' },
  { subjectaltname: 'dns:a.com' },
  { subjectaltname: ' DNS:a.com' },
  { subjectaltname: 'DNS:a.com,DNS:b.com' },
  { subjectaltname: 'DNS:a.com, ' },
  { subjectaltname: 'DNS:"a.com"' },
  { subjectaltname: 'DNS:"a.com, DNS:b.com"' },
  { subjectaltname: 'DNS:"a\\u002ecom"' },
  { subjectaltname: 'DNS:"a.com' },
  { subjectaltname: 'DNS:"a\\x2ecom"' },
  { subjectaltname: 'DNS:a.com, URI:"x\\"y", DNS:"b"' },
  { subjectaltname: 'DNS:a."com"' },
  { subjectaltname: 'DNS:"a.com"x, DNS:www.a.com' },
  { subjectaltname: 'DNS:"\\b\\f\\n\\r\\t\\/\\\\"' },
  { subjectaltname: 'DNS:"\n"' },
  { subjectaltname: 'IP Address:192.0.2.1' },
  { subjectaltname: 'IP Address:192.0.2.1, IP Address:::1' },
  { subjectaltname: 'IP Address:0:0:0:0:0:0:0:1' },
  { subjectaltname: 'IP Address:2001:DB8:0:0:0:0:0:1' },
  { subjectaltname: 'IP Address:0:0:0:0:0:FFFF:C000:201' },
  { subjectaltname: 'IP Address:0:0:0:0:0:0:C000:201' },
  { subjectaltname: 'IP Address:FE80:0:0:0:0:0:0:1' },
  { subjectaltname: 'IP Address:<invalid>' },
  { subjectaltname: 'DNS:192.0.2.1' },
  { subjectaltname: 'IP Address:192.0.2.1, DNS:a.com' },
  { subjectaltname: 'othername:<unsupported>, DirName:CN = a.com' },
];

/**
 * Before 24, Node made addresses ASCII as if they were names: it found no IPv6 address in any certificate, and took `0x7f.1`
 * for 127.0.0.1. Nothing to compare with there.
 */
const nodeKnowsAddresses =
  tls.checkServerIdentity('::1', { subjectaltname: 'IP Address:0:0:0:0:0:0:0:1' } as PeerCertificate) === undefined;
const comparable = (host: string): boolean => nodeKnowsAddresses || isIP(domainToASCII(host)) === isIP(host);

describe('checkServerIdentity', () => {
  for (const named of certificates) {
    it(`answers as node:tls for ${JSON.stringify(named)} and each of ${hosts.length} hosts`, () => {
      for (const host of hosts) if (comparable(host)) assertAsNode(host, named);
    });
  }

  it('finds an IPv6 address however it is written', () => {
    for (const subjectaltname of ['IP Address:0:0:0:0:0:0:0:1', 'IP Address:::1']) {
      assert.equal(told(checkServerIdentity, '::1', { subjectaltname }), 'accepted');
      assert.equal(told(checkServerIdentity, '0::0:1', { subjectaltname }), 'accepted');
    }
  });

  it('says whose certificate it is, as node:tls does', () => {
    const cert = { subject: { CN: 'b.com' } } as unknown as PeerCertificate;
    const error = checkServerIdentity('a.com.', cert);
    assert.equal(error?.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.equal(
      error.message,
      "Hostname/IP does not match certificate's altnames: Host: a.com. is not cert's CN: b.com",
    );
    assert.equal(error.reason, "Host: a.com. is not cert's CN: b.com");
    assert.equal(error.host, 'a.com');
    assert.equal(error.cert, cert);
    assert.deepEqual(Object.keys(error), ['code', 'reason', 'host', 'cert']);
  });

  it('takes what is no string as the text that it makes', () => {
    const named: Named = { subject: { CN: 'undefined' } };
    assert.equal(told(checkServerIdentity, undefined as unknown as string, named), 'accepted');
    assertAsNode(undefined as unknown as string, named);
    assertAsNode(true as unknown as string, named);
  });

  it('throws a TypeError without a certificate', () => {
    for (const nothing of [null, undefined] as unknown as PeerCertificate[]) {
      assert.throws(() => tls.checkServerIdentity('a.com', nothing), TypeError);
      assert.throws(() => checkServerIdentity('a.com', nothing), TypeError);
    }
  });

  it('answers as node:tls for names put together by chance', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      'W',
      'com',
      '*',
      '.',
      '.',
      '-',
      'xn--',
      'ü',
      ' ',
      '_',
      '"',
      '\\',
      '\0',
      ', ',
      ',',
      'DNS:',
      '\u212a',
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const name = fc.oneof(text, fc.domain());
    const altName = fc.tuple(
      fc.constantFrom('DNS:', 'DNS:', 'URI:', 'IP Address:', ''),
      fc.oneof(
        name,
        name.map((one) => JSON.stringify(one)),
      ),
    );
    const altNames = fc
      .array(
        altName.map((parts) => parts.join('')),
        { maxLength: 3 },
      )
      .map((names) => names.join(', '));
    const commonName = fc.oneof(name, fc.array(name, { maxLength: 2 }));
    fc.assert(
      fc.property(name, fc.option(commonName), fc.option(altNames), (host, CN, subjectaltname) => {
        assertAsNode(host, {
          ...(CN !== null && { subject: { CN } }),
          ...(subjectaltname !== null && { subjectaltname }),
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('answers as node:tls where the host was made from the name', () => {
    const label = fc.stringMatching(/^[a-c]{1,3}$/);
    const pattern = fc
      .tuple(fc.constantFrom('', '*', 'a*', '*a', 'a*a'), label, fc.constantFrom('', '*'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, label, fc.array(label, { maxLength: 3 }), (first, hostLabel, parents) => {
        assertAsNode([hostLabel, ...parents].join('.'), { subjectaltname: `DNS:${[first, ...parents].join('.')}` });
        assertAsNode([hostLabel, ...parents].join('.'), { subject: { CN: [first, ...parents].join('.') } });
      }),
      { numRuns: 1000 },
    );
  });

  it('answers as node:tls for addresses', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6());
    fc.assert(
      fc.property(address, address, fc.boolean(), (host, listed, same) => {
        fc.pre(comparable(host));
        assertAsNode(host, { subjectaltname: `IP Address:${same ? host : listed}` });
      }),
      { numRuns: 1000 },
    );
  });
});
