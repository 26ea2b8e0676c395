/**
 * Much data, both ways at once, through every AEAD.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import {
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
} from '@handfast/tls';
import { equal } from './check.ts';
import { bytesOf, carry, meet, type Side } from './meet.ts';
import { test } from './registry.ts';

const mebibyte = 2 ** 20;
const total = 8 * mebibyte;

/** Bytes without a short period, other ones for each seed. */
function pattern(seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(total / 4);
  for (let at = 0, state = seed; at < words.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return new Uint8Array(words.buffer);
}

const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

for (const suite of [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
]) {
  test(`${suite.name}: 8 MiB both ways arrive as they were`, async () => {
    const both = await meet({ client: { cipherSuites: [suite] } });
    const [up, down] = [pattern(1), pattern(2)];
    for (let at = 0; at < total; at += mebibyte) {
      both.client.connection.write(up.subarray(at, at + mebibyte));
      both.server.connection.write(down.subarray(at, at + mebibyte));
      await carry(both);
    }
    const came = async (side: Side) => [bytesOf(side).length, await digest(bytesOf(side))];
    equal(await came(both.server), [total, await digest(up)], 'what the server got');
    equal(await came(both.client), [total, await digest(down)], 'what the client got');
  });
}
