/**
 * Diffie-Hellman with a server's own parameters (RFC 5246 §7.4.3) by `node:crypto`: their form is checked here, the
 * arithmetic is that of the named groups. Neither here nor in OpenSSL is the prime tested: it takes up to half a minute.
 *
 * @module
 */

import { toHex } from '../../bytes.ts';
import { exchangeModulo, leftPadded } from '../../node/ffdhe.ts';
import { type Bytes, CryptoError, type DhExchange } from '../../provider.ts';

export function finiteField(prime: Uint8Array, generator: Uint8Array): DhExchange {
  const p = withoutLeadingZeros(prime);
  const g = withoutLeadingZeros(generator);
  checkForm(p, g);
  const exchange = exchangeModulo(`${8 * p.length}-bit Diffie-Hellman`, p, g);
  // Versions before TLS 1.3 do not say that a share has the prime's length, and many peers leave its zeros out.
  const padded = (share: Uint8Array) => (share.length < p.length ? leftPadded(share, p.length) : share);
  return {
    generate() {
      const key = asked(() => exchange.generate());
      return { share: key.share, agree: (peerShare) => key.agree(padded(peerShare)), dispose: () => key.dispose() };
    },
    encapsulate: (peerShare) => asked(() => exchange.encapsulate(padded(peerShare))),
  };
}

/** An odd prime, and 1 < g < p - 1. */
function checkForm(prime: Bytes, generator: Bytes): void {
  if (((prime.at(-1) ?? 0) & 1) === 0) throw new CryptoError('invalid_share', 'the Diffie-Hellman prime is even');
  const p = BigInt(`0x${toHex(prime)}`);
  const g = generator.length === 0 ? 0n : BigInt(`0x${toHex(generator)}`);
  if (g <= 1n || g >= p - 1n) {
    throw new CryptoError('invalid_share', 'the Diffie-Hellman generator is outside 1 < g < p - 1');
  }
}

/** What OpenSSL refuses of a group that is well-formed is its size: it takes 512 to 10 000 bits. */
function asked<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CryptoError) throw cause;
    throw new CryptoError('unsupported', 'OpenSSL refuses a Diffie-Hellman group of this size', { cause });
  }
}

function withoutLeadingZeros(number: Uint8Array): Bytes {
  const at = number.findIndex((byte) => byte !== 0);
  return at < 0 ? new Uint8Array(0) : new Uint8Array(number.subarray(at));
}
