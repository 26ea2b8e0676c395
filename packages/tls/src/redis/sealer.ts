/**
 * What stands in Redis is sealed: who can read it learns nothing, and who can write to it makes nothing that is taken.
 *
 * ```
 * base64( salt[32] || AES-256-GCM(key, nonce, value) ), the name that it stands under being its associated data
 * ```
 *
 * Each value has a key of its own, as tickets have (`session/derived-cipher.ts`), for "handfast redis value 1".
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, copyBytes, utf8, wipe } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import { derivedCipher, saltLength, sealingAead } from '../session/derived-cipher.ts';

const secretLength = 32;
const info = utf8('handfast redis value 1');
/** In base64: a longer value is none of ours. */
const longestText = 200_000;

export interface Sealer {
  /** The text to store under `name`. */
  seal(name: string, value: Uint8Array): Promise<string>;
  /** What was sealed for `name`, the caller's to wipe; undefined: it was not, or not under a secret of ours. */
  open(name: string, text: unknown): Promise<Bytes | undefined>;
  dispose(): void;
}

/** @throws TlsConfigError */
export function sealerOf(provider: Cryptography, given: Uint8Array | readonly Uint8Array[]): Sealer {
  const { tagLength } = sealingAead(provider);
  const list: readonly unknown[] = given instanceof Uint8Array ? [given] : Array.isArray(given) ? given : [];
  const secrets = list.map(checkedSecret);
  const [first] = secrets;
  if (first === undefined) throw new TlsConfigError('secret', 'there is none: 32 random bytes that all servers share');

  return {
    async seal(name, value) {
      const salt = provider.random(saltLength);
      const { cipher, nonce } = derivedCipher(provider, first, salt, info);
      try {
        return toBase64(concat(salt, await cipher.seal(nonce, utf8(name), value)));
      } finally {
        cipher.dispose();
      }
    },

    async open(name, text) {
      const bytes = typeof text === 'string' && text.length <= longestText ? fromBase64(text) : undefined;
      if (bytes === undefined || bytes.length < saltLength + tagLength) return undefined;
      for (const secret of secrets) {
        const { cipher, nonce } = derivedCipher(provider, secret, bytes.subarray(0, saltLength), info);
        try {
          const opened = await cipher.open(nonce, utf8(name), bytes.subarray(saltLength));
          if (opened !== undefined) return opened;
        } finally {
          cipher.dispose();
        }
      }
      return undefined;
    },

    dispose() {
      // Nothing is sealed under a secret that was wiped, nor opened.
      wipe(...secrets);
    },
  };
}

function checkedSecret(secret: unknown): Bytes {
  if (!(secret instanceof Uint8Array) || secret.length !== secretLength || secret.every((byte) => byte === 0)) {
    throw new TlsConfigError('secret', `it is not ${secretLength} random bytes`);
  }
  return copyBytes(secret);
}

function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 4096) parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  return btoa(parts.join(''));
}

function fromBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
