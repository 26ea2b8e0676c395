/**
 * What TLS 1.3 does with secrets: comparisons, a record's tag, key agreement.
 *
 * @module
 */

import { equalBytes, equalConstantTime } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import type { Case } from './measure.ts';

/** A case of two inputs that do not change. */
type Plain = Omit<Case, 'inputLength' | 'write'> & { readonly inputs: readonly [Uint8Array, Uint8Array] };

function plain({ inputs, ...rest }: Plain): Case {
  return { ...rest, inputLength: inputs[0].length, write: (which, input) => input.set(inputs[which === 0 ? 0 : 1]) };
}

export function tls13Cases(): readonly Case[] {
  const secret = nodeProvider.random(32);
  const comparison = {
    classes: ['wrong in the first byte', 'wrong in the last byte'],
    calls: 64,
    bound: 1,
    share: 2,
    inputs: [changedAt(secret, 0), changedAt(secret, 31)],
  } as const;
  return [
    plain({
      ...comparison,
      name: 'a comparison that stops at the first difference',
      control: true,
      work: (input) => equalBytes(secret, input),
    }),
    plain({ ...comparison, name: 'Finished, MACs', work: (input) => equalConstantTime(secret, input) }),
    plain(recordTag()),
    plain(keyAgreement()),
  ];
}

function recordTag(): Plain {
  const aead = nodeProvider.aeads['aes-128-gcm'];
  if (aead === undefined) throw new Error('the node provider lacks AES-GCM');
  const key = aead.key(nodeProvider.random(16));
  const nonce = nodeProvider.random(12);
  const header = nodeProvider.random(5);
  const sealed = key.seal(nonce, header, nodeProvider.random(1024)) as Uint8Array;
  return {
    name: "a record's tag",
    classes: ['wrong in the first byte', 'wrong in the last byte'],
    bound: 100,
    share: 2,
    inputs: [changedAt(sealed, sealed.length - 16), changedAt(sealed, sealed.length - 1)],
    work: (input) => key.open(nonce, header, input),
  };
}

function keyAgreement(): Plain {
  const ephemeral = nodeProvider.groups.x25519?.generate();
  if (ephemeral === undefined || ephemeral instanceof Promise) throw new Error('the node provider lacks X25519');
  return {
    name: 'X25519',
    classes: ["the peer's coordinate is small", 'large'],
    bound: 1_000,
    share: 2,
    inputs: [Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0)), nodeProvider.random(32)],
    work: (input) => ephemeral.agree(input),
  };
}

function changedAt(bytes: Uint8Array, index: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[index] = (out[index] ?? 0) ^ 1;
  return out;
}
