/**
 * Wycheproof: AEADs, HMAC and HKDF, on both providers. No case of these files is "acceptable".
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AeadName,
  type CryptoProvider,
  fromHex,
  type HashName,
  hkdfExpand,
  hkdfExtract,
  toHex,
} from '@handfast/crypto';
import { createWebProvider } from '@handfast/crypto/web';
import { nobleRows } from '@handfast/crypto/web/noble';
import { type Case, eachCase, type Group, groupsOf, providers } from '../support/wycheproof.ts';

interface AeadCase extends Case {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

interface AeadGroup extends Group<AeadCase> {
  readonly keySize: number;
  readonly tagSize: number;
}

const aeadFiles: readonly (readonly [file: string, name: AeadName, keySize: number, tagSize: number])[] = [
  ['aes_gcm', 'aes-128-gcm', 128, 128],
  ['aes_gcm', 'aes-256-gcm', 256, 128],
  ['chacha20_poly1305', 'chacha20-poly1305', 256, 128],
  ['aes_ccm', 'aes-128-ccm', 128, 128],
  ['aes_ccm', 'aes-128-ccm-8', 128, 64],
];

const reserve = 5;

const nobleProvider: CryptoProvider = { ...createWebProvider(nobleRows), name: 'noble' };

for (const provider of [...providers, nobleProvider]) {
  for (const [file, name, keySize, tagSize] of aeadFiles) {
    const aead = provider.aeads[name];
    if (aead === undefined) {
      test(`${provider.name}: ${name} is absent`, () => assert.match(name, /ccm/));
      continue;
    }
    test(`${provider.name}: ${name} agrees with Wycheproof`, async (t) => {
      const groups = groupsOf<AeadGroup>(file).filter(
        (group) => group.keySize === keySize && group.tagSize === tagSize,
      );
      const count = await eachCase<AeadCase, AeadGroup>(groups, async (vector) => {
        const key = aead.key(fromHex(vector.key));
        const nonce = fromHex(vector.iv);
        const data = fromHex(vector.aad);
        const opened = await key.open(nonce, data, fromHex(vector.ct + vector.tag));
        assert.equal(opened && toHex(opened), vector.result === 'valid' ? vector.msg : undefined);
        if (vector.result !== 'valid') return;
        const sealed = await key.seal(nonce, data, fromHex(vector.msg), reserve);
        assert.equal(toHex(sealed), '00'.repeat(reserve) + vector.ct + vector.tag);
        key.dispose();
      });
      t.diagnostic(`${count} vectors`);
    });
  }
}

interface MacCase extends Case {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

interface MacGroup extends Group<MacCase> {
  readonly tagSize: number;
}

interface HkdfCase extends Case {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

const hashes: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

for (const provider of providers) {
  for (const hash of hashes) {
    test(`${provider.name}: HMAC with ${hash} agrees with Wycheproof`, async (t) => {
      const count = await eachCase<MacCase, MacGroup>(groupsOf<MacGroup>(`hmac_${hash}`), (vector, { tagSize }) => {
        const mac = toHex(
          provider
            .hmac(
              hash,
              fromHex(vector.key),
            )(fromHex(vector.msg))
            .subarray(0, tagSize / 8),
        );
        assert.equal(mac === vector.tag, vector.result === 'valid');
      });
      t.diagnostic(`${count} vectors`);
    });

    test(`${provider.name}: HKDF with ${hash} agrees with Wycheproof`, async (t) => {
      const count = await eachCase<HkdfCase, Group<HkdfCase>>(groupsOf(`hkdf_${hash}`), (vector) => {
        const derive = () => {
          const pseudorandomKey = hkdfExtract(provider, hash, fromHex(vector.salt), fromHex(vector.ikm));
          return toHex(hkdfExpand(hash, provider.hmac(hash, pseudorandomKey), fromHex(vector.info), vector.size));
        };
        if (vector.result === 'valid') assert.equal(derive(), vector.okm);
        else assert.throws(derive, RangeError);
      });
      t.diagnostic(`${count} vectors`);
    });
  }
}
