/**
 * The transcript hash (RFC 9846 §4.1): all handshake messages so far, readable at any point.
 *
 * @module
 */

import type { Bytes, Cryptography, Hash, HashName } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';

export class Transcript {
  readonly #provider: Cryptography;
  readonly #name: HashName;
  #hash: Hash;
  /** The hash at this point, where it was asked for before. */
  #digest: Bytes | undefined;

  constructor(provider: Cryptography, hash: HashName) {
    this.#provider = provider;
    this.#name = hash;
    this.#hash = provider.createHash(hash);
  }

  add(message: Uint8Array): this {
    this.#hash.update(message);
    this.#digest = undefined;
    return this;
  }

  /** The hash of everything added so far; more can be added after. */
  hash(): Bytes {
    this.#digest ??= this.#hash.clone().digest();
    return this.#digest;
  }

  /** The hash of everything added so far and of `more`, which is not added. */
  hashWith(more: Uint8Array): Bytes {
    return this.#hash.clone().update(more).digest();
  }

  /** After a HelloRetryRequest the first ClientHello is replaced by a message_hash of it. */
  replaceByMessageHash(): this {
    const digest = this.#hash.digest();
    this.#digest = undefined;
    this.#hash = this.#provider.createHash(this.#name);
    this.#hash.update(Uint8Array.of(handshakeType.message_hash, 0, 0, digest.length)).update(digest);
    return this;
  }
}
