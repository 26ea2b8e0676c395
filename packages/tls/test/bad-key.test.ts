/**
 * A certificate whose key is none: certificates are read lazily, and that must not make the peer's fault ours.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, fromHex, toHex } from '@handfast/crypto';
import { parseCertificate } from '@handfast/x509';
import { tls12, tls13 } from '../src/index.ts';
import { serverCredential } from './support/identities.ts';
import { exchange, pair, providers } from './support/pair.ts';

const [leaf] = serverCredential.chain;
if (leaf === undefined) throw new TypeError('a credential without a certificate');

/** The certificate with some of its bytes changed; its signature is not looked at before its key. */
function changed(from: string, to: string): Bytes {
  const hex = toHex(leaf?.raw ?? new Uint8Array(0));
  assert.ok(hex.includes(from), from);
  return fromHex(hex.replace(from, to));
}

const ecPublicKey = '06072a8648ce3d0201';
const [x = ''] = /0342000[4].{8}/.exec(toHex(leaf.raw)) ?? [];

const cases: readonly (readonly [string, Bytes, string, string, RegExp])[] = [
  [
    'an algorithm that nobody knows',
    changed(ecPublicKey, '06072a8648ce3d0209'),
    'certificate_unsupported',
    'unsupported_certificate',
    /a key of algorithm 1\.2\.840\.10045\.2\.9 is not supported/,
  ],
  [
    'a point that is not on its curve',
    changed(x, `${x.slice(0, -8)}${'0'.repeat(8)}`),
    'certificate_malformed',
    'bad_certificate',
    /: the key of the certificate is none: /,
  ],
  [
    'a compressed point',
    changed(x, x.replace('03420004', '03420002')),
    'certificate_unsupported',
    'unsupported_certificate',
    /an EC point in compressed form is not supported/,
  ],
];

for (const provider of providers) {
  for (const version of [tls13, tls12]) {
    describe(`a server's certificate with a bad key, ${version.name}, provider ${provider.name}`, () => {
      for (const [name, raw, code, alert, message] of cases) {
        it(name, async () => {
          // Sent is `raw`; everything else that the server looks at is the good certificate's.
          const get = (good: object, name: string): unknown => (name === 'raw' ? raw : Reflect.get(good, name, good));
          const chain = [new Proxy(leaf, { get: (good, name) => get(good, String(name)) })];
          const both = pair({
            provider,
            client: { versions: [version] },
            server: { versions: [version], selectCredential: () => ({ ...serverCredential, chain }) },
          });
          await exchange(both);
          assert.equal(both.client.error?.code, code, both.client.error?.message);
          assert.equal(both.client.error?.alert, alert);
          assert.match(both.client.error?.message ?? '', message);
        });
      }
    });
  }
}

it('a lazy certificate is read without its key', () => {
  assert.throws(() => parseCertificate(changed(ecPublicKey, '06072a8648ce3d0209')).publicKey, /not supported/);
});
