/**
 * Hybrid key exchange (draft-ietf-tls-ecdhe-mlkem): two groups side by side, shares and secrets concatenated in wire
 * order. The result is secure while either is.
 *
 * @module
 */

import { concat, copyBytes, wipe } from './bytes.ts';
import {
  type Bytes,
  CryptoError,
  type Encapsulation,
  type EphemeralKey,
  type GroupName,
  type KeyExchange,
  type MaybePromise,
} from './provider.ts';
import { runSettling, type Settling, settle } from './settle.ts';

/**
 * A group of two: `hybrid('x25519mlkem768', mlkem768, x25519)`.
 *
 * A key made from given parts is disposed of with them: whoever made the parts may do either, more than once.
 */
export function hybrid(name: GroupName, first: KeyExchange, second: KeyExchange): KeyExchange {
  const clientShareLength = first.clientShareLength + second.clientShareLength;
  const serverShareLength = first.serverShareLength + second.serverShareLength;

  function split(share: Uint8Array, length: number, at: number): readonly [Uint8Array, Uint8Array] {
    if (share.length !== length) {
      throw new CryptoError('invalid_share', `a ${name} share has ${length} bytes, not ${share.length}`);
    }
    // The share is borrowed, and the second group may see its half only after the first has settled.
    const own = copyBytes(share);
    return [own.subarray(0, at), own.subarray(at)];
  }

  function* generate(): Settling<EphemeralKey> {
    const one = yield* settle(first.generate());
    try {
      return combine(one, yield* settle(second.generate()));
    } catch (error) {
      one.dispose();
      throw error;
    }
  }

  function combine(one: EphemeralKey, two: EphemeralKey): EphemeralKey {
    return {
      share: concat(one.share, two.share),
      agree: (serverShare) => runSettling(agree(one, two, serverShare)),
      dispose() {
        one.dispose();
        two.dispose();
      },
    };
  }

  function* agree(one: EphemeralKey, two: EphemeralKey, serverShare: Uint8Array): Settling<Bytes> {
    const [left, right] = split(serverShare, serverShareLength, first.serverShareLength);
    return yield* joined(yield* settle(one.agree(left)), () => two.agree(right));
  }

  function* encapsulate(clientShare: Uint8Array): Settling<Encapsulation> {
    const [left, right] = split(clientShare, clientShareLength, first.clientShareLength);
    const one = yield* settle(first.encapsulate(left));
    let two: Encapsulation;
    try {
      two = yield* settle(second.encapsulate(right));
    } catch (error) {
      wipe(one.secret);
      throw error;
    }
    return { share: concat(one.share, two.share), secret: yield* joined(one.secret, () => two.secret) };
  }

  return {
    name,
    clientShareLength,
    serverShareLength,
    parts: [first, second],
    generate: (parts) => (parts === undefined ? runSettling(generate()) : combine(...parts)),
    encapsulate: (clientShare) => runSettling(encapsulate(clientShare)),
  };
}

/** Both secrets in one; each part is wiped, also where the second does not come about. */
function* joined(one: Bytes, second: () => MaybePromise<Bytes>): Settling<Bytes> {
  try {
    const two = yield* settle(second());
    const secret = concat(one, two);
    wipe(two);
    return secret;
  } finally {
    wipe(one);
  }
}
