/**
 * Hybrid key exchange (draft-ietf-tls-ecdhe-mlkem): two groups side by side, shares and secrets concatenated in wire
 * order. The result is secure while either is.
 *
 * @module
 */

import { concat, wipe } from './bytes.ts';
import { CryptoError, type EphemeralKey, type GroupName, type KeyExchange } from './provider.ts';
import { runSettling, type Settling, settle } from './settle.ts';

/** A group of two: `hybrid('x25519mlkem768', mlkem768, x25519)`. */
export function hybrid(name: GroupName, first: KeyExchange, second: KeyExchange): KeyExchange {
  const clientShareLength = first.clientShareLength + second.clientShareLength;
  const serverShareLength = first.serverShareLength + second.serverShareLength;

  function split(share: Uint8Array, length: number, at: number): readonly [Uint8Array, Uint8Array] {
    if (share.length !== length) {
      throw new CryptoError('invalid_share', `a ${name} share has ${length} bytes, not ${share.length}`);
    }
    return [share.subarray(0, at), share.subarray(at)];
  }

  function combine(one: EphemeralKey, two: EphemeralKey): EphemeralKey {
    return {
      share: concat(one.share, two.share),
      agree: (serverShare) =>
        runSettling(
          (function* (): Settling<Uint8Array<ArrayBuffer>> {
            const [left, right] = split(serverShare, serverShareLength, first.serverShareLength);
            return joined(yield* settle(one.agree(left)), yield* settle(two.agree(right)));
          })(),
        ),
      dispose() {
        one.dispose();
        two.dispose();
      },
    };
  }

  return {
    name,
    clientShareLength,
    serverShareLength,
    parts: [first, second],
    generate: (parts) =>
      runSettling(
        (function* (): Settling<EphemeralKey> {
          const [one, two] = parts ?? [yield* settle(first.generate()), yield* settle(second.generate())];
          return combine(one, two);
        })(),
      ),
    encapsulate: (clientShare) =>
      runSettling(
        (function* () {
          const [left, right] = split(clientShare, clientShareLength, first.clientShareLength);
          const one = yield* settle(first.encapsulate(left));
          const two = yield* settle(second.encapsulate(right));
          return { share: concat(one.share, two.share), secret: joined(one.secret, two.secret) };
        })(),
      ),
  };
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array<ArrayBuffer> {
  const secret = concat(one, two);
  wipe(one, two);
  return secret;
}
