/**
 * What either side of TLS 1.2 refuses of the other's last two messages, ChangeCipherSpec and Finished.
 *
 * @module
 */

import { it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import type { TlsErrorCode } from '../../src/index.ts';
import { contentType } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import type { Puppet12 } from '../support/puppet12.ts';
import type { Step } from '../support/scripted.ts';
import { handshake, record } from '../support/wire.ts';

/** Plays the whole handshake with these steps changed. */
type Play = (changes?: LastChanges | ((puppet: Puppet12) => LastChanges)) => Promise<Puppet12>;

type LastChanges = Readonly<Partial<Record<'change_cipher_spec' | 'finished', Step>>>;

const none: Bytes = new Uint8Array(0);
const spec: Bytes = record(contentType.change_cipher_spec, Uint8Array.of(1));

/** The last byte, with a bit turned over. */
export const damaged = (bytes: Bytes): Bytes => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);

/** Tests, for the `describe` of whoever calls. */
export function refusesChangeCipherSpec(played: Play): void {
  it('its absence before Finished', async () => {
    await assertRefused(
      await played({ change_cipher_spec: () => [] }),
      'unexpected_message',
      /Finished came in state WAIT_CCS_12, which takes change_cipher_spec/,
    );
  });
  it('a second one under the new keys', async () => {
    await assertRefused(
      await played({ change_cipher_spec: (right) => [right, right], finished: () => [] }),
      'unexpected_message',
      /a protected ChangeCipherSpec came/,
    );
  });
  it('a second one in the clear', async () => {
    const peer = await played((puppet) => ({
      async finished() {
        await puppet.give(spec);
        return [];
      },
    }));
    await assertRefused(peer, 'bad_record_mac', /a record does not authenticate/);
  });
  it('one after the handshake', async () => {
    const peer = await played();
    await peer.give(peer.seal(contentType.change_cipher_spec, Uint8Array.of(1)));
    await assertRefused(peer, 'unexpected_message', /a protected ChangeCipherSpec came/);
  });
  for (const [name, content] of [
    ['of two bytes', Uint8Array.of(1, 1)],
    ['of no byte', none],
    ['of another value', Uint8Array.of(2)],
  ] as const) {
    it(`one ${name}`, async () => {
      await assertRefused(
        await played({ change_cipher_spec: () => content }),
        'illegal_parameter',
        /a ChangeCipherSpec other than 0x01 came/,
      );
    });
  }
  it('the beginning of Finished before it', async () => {
    const peer = await played((puppet) => ({
      async change_cipher_spec(right) {
        await puppet.give(record(contentType.handshake, Uint8Array.of(20, 0)));
        return right;
      },
      finished: () => [],
    }));
    await assertRefused(peer, 'unexpected_message', /Finished came in state WAIT_CCS_12/);
  });
}

/** Likewise. @param from whose Finished it is */
export function refusesFinished(from: 'client' | 'server', played: Play): void {
  const other = new RegExp(`the ${from} saw another handshake than we did`);
  const cases: readonly [string, (right: Bytes) => Bytes, TlsErrorCode, RegExp][] = [
    ['other verify_data', damaged, 'decrypt_error', other],
    [
      'too few bytes',
      (right) => handshake(20, right.subarray(4, -1)),
      'decode_error',
      /Finished: 11 bytes, where 12 are due/,
    ],
    [
      'too many bytes',
      (right) => handshake(20, concat(right.subarray(4), Uint8Array.of(0))),
      'decode_error',
      /Finished: 13 bytes, where 12 are due/,
    ],
    ['no bytes', () => handshake(20, none), 'decode_error', /Finished: 0 bytes, where 12 are due/],
  ];
  for (const [name, change, code, pattern] of cases) {
    it(name, async () => assertRefused(await played({ finished: change }), code, pattern));
  }
  it('our own, sent back', async () => {
    const ours = from === 'client' ? 'server' : 'client';
    const peer = await played((puppet) => ({ finished: () => puppet.finished(ours) }));
    await assertRefused(peer, 'decrypt_error', other);
  });
}
