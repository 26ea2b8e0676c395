/**
 * Hybrid groups: wire order, shared components, and what happens to one half when the other fails.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryptoError, concat, type EphemeralKey, type GroupName, type KeyExchange } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';
import { hybrid } from '../src/hybrid.ts';

/** draft-ietf-tls-ecdhe-mlkem §4.1 and §4.2 */
const groups: readonly (readonly [
  name: GroupName,
  first: GroupName,
  second: GroupName,
  client: number,
  server: number,
])[] = [
  ['x25519mlkem768', 'mlkem768', 'x25519', 1216, 1120],
  ['secp256r1mlkem768', 'secp256r1', 'mlkem768', 1249, 1153],
  ['secp384r1mlkem1024', 'secp384r1', 'mlkem1024', 1665, 1665],
];

for (const provider of [nodeProvider, webProvider]) {
  for (const [name, first, second, client, server] of groups) {
    test(`${provider.name}: ${name} has its parts, and their lengths, in wire order`, async () => {
      const group = provider.groups[name];
      const [one, two] = [provider.groups[first], provider.groups[second]];
      assert.ok(group && one && two);
      assert.deepEqual(group.parts, [one, two]);
      assert.deepEqual([group.clientShareLength, group.serverShareLength], [client, server]);
      const parts = [await one.generate(), await two.generate()] as const;
      const key = await group.generate(parts);
      assert.deepEqual(key.share, concat(parts[0].share, parts[1].share));
      // Each half is answered by its own group, and the secret is both, in the same order.
      const answers = [await one.encapsulate(parts[0].share), await two.encapsulate(parts[1].share)] as const;
      const secret = await key.agree(concat(answers[0].share, answers[1].share));
      assert.deepEqual(secret, concat(answers[0].secret, answers[1].secret));
    });
  }

  test(`${provider.name}: a part that stands alone too may be disposed of with the hybrid, and again`, async () => {
    const group = provider.groups.x25519mlkem768;
    assert.ok(group?.parts);
    const parts = [await group.parts[0].generate(), await group.parts[1].generate()] as const;
    const key = await group.generate(parts);
    const { share } = await group.parts[1].encapsulate(parts[1].share);
    key.dispose();
    parts[1].dispose();
    key.dispose();
    const isDisposed = (error: unknown) => error instanceof CryptoError && error.code === 'failed';
    await assert.rejects(async () => parts[1].agree(share), isDisposed);
    await assert.rejects(async () => key.agree(new Uint8Array(group.serverShareLength)), isDisposed);
  });
}

interface Fake {
  readonly group: KeyExchange;
  /** Every secret that was given out. */
  readonly secrets: Uint8Array[];
  disposed: number;
}

const refusal = new CryptoError('invalid_share', 'refused');

function fake(name: GroupName, fails: 'generate' | 'agree' | 'encapsulate' | 'never'): Fake {
  const secrets: Uint8Array[] = [];
  const secret = () => {
    const bytes = new Uint8Array(4).fill(7);
    secrets.push(bytes);
    return bytes;
  };
  const key: EphemeralKey = {
    share: new Uint8Array(2),
    agree() {
      if (fails === 'agree') throw refusal;
      return secret();
    },
    dispose() {
      made.disposed++;
    },
  };
  const made: Fake = {
    group: {
      name,
      clientShareLength: 2,
      serverShareLength: 2,
      generate() {
        if (fails === 'generate') throw refusal;
        return key;
      },
      encapsulate() {
        if (fails === 'encapsulate') throw refusal;
        return { share: new Uint8Array(2), secret: secret() };
      },
    },
    secrets,
    disposed: 0,
  };
  return made;
}

test('the secrets of both parts are wiped once they are joined', async () => {
  const [one, two] = [fake('mlkem768', 'never'), fake('x25519', 'never')];
  const group = hybrid('x25519mlkem768', one.group, two.group);
  const key = await group.generate();
  assert.deepEqual(await key.agree(new Uint8Array(4)), new Uint8Array(8).fill(7));
  assert.deepEqual((await group.encapsulate(new Uint8Array(4))).secret, new Uint8Array(8).fill(7));
  assert.deepEqual([...one.secrets, ...two.secrets], Array(4).fill(new Uint8Array(4)));
});

test('the first part is wiped where the second one fails', async () => {
  for (const step of ['generate', 'agree', 'encapsulate'] as const) {
    const [one, two] = [fake('mlkem768', 'never'), fake('x25519', step)];
    const group = hybrid('x25519mlkem768', one.group, two.group);
    const work = async () =>
      step === 'encapsulate' ? group.encapsulate(new Uint8Array(4)) : (await group.generate()).agree(new Uint8Array(4));
    await assert.rejects(work, (error) => error === refusal);
    for (const secret of one.secrets) assert.deepEqual(secret, new Uint8Array(4));
    assert.equal(one.disposed, step === 'generate' ? 1 : 0);
  }
});
