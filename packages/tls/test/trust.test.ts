/**
 * What a trust store answers is held to its type: anything but a path from the peer's certificate to an anchor has refused.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runSettling } from '@handfast/crypto';
import type { TrustStore } from '@handfast/x509';
import { otherPki, pki, serverCredential } from './support/identities.ts';
import { exchange, pair, providers } from './support/pair.ts';

/** The store of the peer's own CA, but for what `verify` answers. */
function answering(verify: (...options: Parameters<TrustStore['verify']>) => unknown): TrustStore {
  const { trust } = pki;
  return {
    size: trust.size,
    anchors: trust.anchors,
    skipped: trust.skipped,
    bySubject: (name) => trust.bySubject(name),
    has: (certificate) => trust.has(certificate),
    limitsOf: (anchor) => trust.limitsOf(anchor),
    // biome-ignore lint/correctness/useYield: these answer at once.
    *verify(options) {
      return verify(options) as never;
    },
  };
}

const [leaf] = serverCredential.chain;
const foreign = { path: [leaf, otherPki.root], anchor: otherPki.root };
const answers: readonly (readonly [string, (...options: Parameters<TrustStore['verify']>) => unknown])[] = [
  ['nothing', () => undefined],
  ['true', () => true],
  ['an empty object', () => ({})],
  ['an empty path', () => ({ path: [], anchor: pki.root })],
  ['the path of another certificate', () => ({ path: [pki.root], anchor: pki.root })],
  ['a path to nobody whom it trusts', ({ leaf: own }) => ({ ...foreign, path: [own, otherPki.root] })],
  ['a path that ends elsewhere than at its anchor', ({ leaf: own }) => ({ path: [own], anchor: pki.root })],
];

for (const provider of providers) {
  describe(`a trust store of one's own, provider ${provider.name}`, () => {
    for (const [what, verify] of answers) {
      it(`that answers ${what} has refused`, async () => {
        const both = pair({ provider, client: { trust: answering(verify) } });
        await exchange(both);
        const { error, established } = both.client;
        assert.deepEqual(
          [error?.code, error?.alert, error?.message, established],
          [
            'callback_failed',
            'internal_error',
            'trust.verify answered no path from the peer’s certificate to an anchor of the store: refused',
            false,
          ],
        );
        assert.equal(both.server.error?.alert, 'internal_error');
      });
    }

    it('that verifies as ours does is taken', async () => {
      const trust: TrustStore = { ...answering(() => undefined), verify: (options) => pki.trust.verify(options) };
      const both = pair({ provider, client: { trust } });
      await exchange(both);
      assert.equal(both.client.error, undefined);
      assert.equal(both.client.connection.negotiated?.peer?.path?.anchor, pki.root);
    });
  });
}

it('verify of a store throws its refusals, and trustNobody has one', async () => {
  const { trustNobody } = await import('@handfast/x509');
  const options = { provider: providers[0], leaf, time: new Date(), usage: 'serverAuth' } as never;
  assert.throws(() => runSettling(trustNobody.verify(options)), { code: 'empty_trust' });
});
