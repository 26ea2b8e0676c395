/**
 * Keys from outside that are imported into TLS 1.3 (RFC 9258): what they are made of, what they are bound to.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientOptions,
  type ImportedName,
  type ImportOptions,
  importedKeys,
  importKey,
  type PreSharedKey,
  TLS_AES_256_GCM_SHA384,
} from '../../src/index.ts';
import { serverCredential } from '../support/identities.ts';
import { providers } from '../support/pair.ts';
import { opaque16, u16 } from '../support/wire.ts';
import {
  ended,
  filled,
  good,
  groups,
  meet,
  named,
  type Options,
  ring,
  secp256r1,
  wrongBinder,
  x25519,
} from './shared-keys.ts';

const credentials = [serverCredential];
const keyed = (...keys: readonly PreSharedKey[]): Partial<ClientOptions> => ({ preSharedKey: () => keys });

for (const provider of providers) {
  const between = (client: Options['client'], server: Options['server']) =>
    meet({ provider, client: client ?? {}, server: server ?? {} });

  describe(`imported keys, provider ${provider.name},`, () => {
    const external = filled(24, 0x9c);
    const outside = { provider, identity: named('machine 7'), key: external, context: named('client 7, server 2') };
    const imported = (change: Partial<ImportOptions> = {}): PreSharedKey =>
      importKey({ ...outside, hash: 'sha256', ...change });
    const lookUp = ({ identity, context }: ImportedName): Uint8Array | undefined =>
      Buffer.compare(identity, outside.identity) === 0 && Buffer.compare(context, outside.context) === 0
        ? external
        : undefined;
    const server = { preSharedKey: importedKeys(provider, lookUp) };

    for (const [keyHash, hash, id] of [
      ['sha256', 'sha256', 1],
      ['sha256', 'sha384', 2],
      ['sha384', 'sha256', 1],
      ['sha384', 'sha384', 2],
    ] as const) {
      it(`are what RFC 9258 says: a key of ${keyHash}, for suites of ${hash}`, async () => {
        const identity = concat(opaque16(outside.identity), opaque16(outside.context), u16(0x0304), u16(id));
        const key = byTheRfc(external, identity, keyHash, hash);
        const expected = { identity, key, hash, imported: true };
        assert.deepEqual(imported({ hash, keyHash }), expected);
        assert.deepEqual(await importedKeys(provider, lookUp, keyHash)(identity), { key, hash, imported: true });
        assert.deepEqual(external, filled(24, 0x9c));
      });
    }

    it('have a context of their own where none is given: an empty one', () => {
      const { context: _, ...without } = outside;
      const identity = concat(opaque16(outside.identity), opaque16(filled(0, 0)), u16(0x0304), u16(1));
      const { identity: name, key } = importKey({ ...without, hash: 'sha256' });
      assert.deepEqual(name, identity);
      assert.deepEqual(key, byTheRfc(external, identity, 'sha256', 'sha256'));
    });

    it('differ by everything that they are made of', () => {
      const all = [
        ...[imported(), imported({ hash: 'sha384' }), imported({ keyHash: 'sha384' })],
        ...[imported({ context: named('other') }), imported({ identity: named('machine 8') })],
        imported({ key: filled(24, 1) }),
      ].map(({ key }) => Buffer.from(key.slice(0, 32)).toString('hex'));
      assert.equal(new Set(all).size, all.length);
    });

    for (const hash of ['sha256', 'sha384'] as const) {
      it(`connect both sides, with suites of ${hash}`, async () => {
        const key = imported({ hash });
        const met = await between(keyed(key), server);
        await good(met, key);
      });
    }

    it('are offered for both hashes at once, and the server has its choice by suite', async () => {
      const both = [imported(), imported({ hash: 'sha384' })];
      await good(await between(keyed(...both), server), both[0]);
      await good(await between(keyed(...both), { ...server, cipherSuites: [TLS_AES_256_GCM_SHA384] }), both[1]);
      await good(await between({ ...keyed(...both), cipherSuites: [TLS_AES_256_GCM_SHA384] }, server), both[1]);
    });

    it('have their binder after HelloRetryRequest too', async () => {
      const retrying = { groups, keyShares: x25519 };
      const key = imported({ hash: 'sha384' });
      const met = await between({ ...keyed(key), ...retrying }, { ...server, groups: secp256r1 });
      assert.equal((await good(met, key)).helloRetryRequest, true);
    });

    it('may be looked up later', async () => {
      const key = imported();
      const later = importedKeys(provider, async (name) => {
        await new Promise((resolve) => setImmediate(resolve));
        return lookUp(name);
      });
      await good(await between(keyed(key), { preSharedKey: later }), key);
    });

    it('are refused where the context is another one, as an unknown name is', async () => {
      const elsewhere = imported({ context: named('client 7, server 3') });
      const met = await between(keyed(elsewhere), server);
      ended(met, 'server', wrongBinder());
      // Another’s context over our own key.
      ended(await between(keyed({ ...elsewhere, identity: imported().identity }), server), 'server', wrongBinder());
      await good(await between(keyed(elsewhere), { ...server, credentials }), undefined);
    });

    it('are refused where both sides took another hash for the key’s own', async () => {
      ended(await between(keyed(imported({ keyHash: 'sha384' })), server), 'server', wrongBinder());
    });

    it('are bound as imported: with the binder of a key that is not, they are refused, both ways round', async () => {
      const { imported: _, ...plain } = imported();
      ended(await between(keyed(plain), server), 'server', wrongBinder());
      ended(await between(keyed(imported()), { preSharedKey: ring(plain) }), 'server', wrongBinder());
      await good(await between(keyed(plain), { preSharedKey: ring(plain) }), plain);
    });

    it('are no keys from outside: the key itself, by its own name or by the imported one, is refused', async () => {
      const raw: PreSharedKey = { identity: outside.identity, key: external, hash: 'sha256' };
      ended(await between(keyed(raw), server), 'server', wrongBinder());
      ended(await between(keyed({ ...raw, identity: imported().identity }), server), 'server', wrongBinder());
      ended(await between(keyed({ ...imported(), key: external }), server), 'server', wrongBinder());
    });

    const name = (identity: Uint8Array, context: Uint8Array, protocol: number, kdf: number): Bytes =>
      concat(opaque16(identity), opaque16(context), u16(protocol), u16(kdf));
    const right = name(outside.identity, outside.context, 0x0304, 1);
    for (const [what, identity] of [
      ['that ends early', right.subarray(0, -1)],
      ['of one byte', right.subarray(0, 1)],
      ['with a byte behind its end', concat(right, filled(1, 0))],
      ['without an external identity', name(filled(0, 0), outside.context, 0x0304, 1)],
      ['whose lengths run out', concat(u16(0xffff), right.subarray(2))],
      ['for TLS 1.2', name(outside.identity, outside.context, 0x0303, 1)],
      ['for DTLS 1.3', name(outside.identity, outside.context, 0xfefc, 1)],
      ['for the KDF 0', name(outside.identity, outside.context, 0x0304, 0)],
      ['for the KDF 3', name(outside.identity, outside.context, 0x0304, 3)],
      ['that is a plain name', named('machine 7')],
    ] as const) {
      it(`have a name that is read whole: one ${what} is nobody’s, and nobody is asked`, async () => {
        let asked = 0;
        const preSharedKey = importedKeys(provider, () => {
          asked++;
          return external;
        });
        assert.equal(await preSharedKey(identity), undefined);
        const key: PreSharedKey = { ...imported(), identity };
        ended(await between(keyed(key), { preSharedKey }), 'server', wrongBinder());
        await good(await between(keyed(key), { preSharedKey, credentials }), undefined);
        assert.equal(asked, 0);
      });
    }

    it('end with callback_failed where the look-up fails', async () => {
      const fails = importedKeys(provider, () => {
        throw new Error('no vault');
      });
      ended(await between(keyed(imported()), { preSharedKey: fails }), 'server', {
        ...{ code: 'callback_failed', alert: 'internal_error' },
        message: 'the preSharedKey callback failed: no vault',
      });
    });
  });
}

/** RFC 9258 §5.1, by OpenSSL's HKDF: HKDF-Expand-Label(HKDF-Extract(0, key), "derived psk", Hash(ImportedIdentity), L). */
function byTheRfc(key: Bytes, identity: Bytes, keyHash: 'sha256' | 'sha384', hash: 'sha256' | 'sha384'): Bytes {
  const length = { sha256: 32, sha384: 48 }[hash];
  const context = nodeProvider.digest(keyHash, identity);
  const label = named('tls13 derived psk');
  const info = concat(u16(length), Uint8Array.of(label.length), label, Uint8Array.of(context.length), context);
  const zeros = new Uint8Array({ sha256: 32, sha384: 48 }[keyHash]);
  return new Uint8Array(hkdfSync(keyHash, key, zeros, info, length));
}
