/**
 * The handshake's messages before TLS 1.3: as bytes until client authentication is settled, because CertificateVerify
 * signs them with a hash that is not known before (RFC 5246 §7.4.8); after that their hash alone.
 *
 * @module
 */

import { type Bytes, concat, type Hash } from '@handfast/crypto';

export class Transcript12 {
  /** Each is bounded by its type's limit, and a handshake has a fixed number of them. */
  #messages: Uint8Array[] | undefined = [];
  #hashes: readonly Hash[] = [];

  add(message: Uint8Array): this {
    this.#messages?.push(message);
    for (const hash of this.#hashes) hash.update(message);
    return this;
  }

  /** From here on there is a hash: one, or before TLS 1.2 two side by side. */
  hashBy(hashes: readonly Hash[]): void {
    for (const message of this.#messages ?? []) for (const hash of hashes) hash.update(message);
    this.#hashes = hashes;
  }

  /** The hash of everything added so far; more can be added after. */
  hash(): Bytes {
    return concat(...this.clones().map((hash) => hash.digest()));
  }

  /** The hashes as they are now, to go on from. */
  clones(): readonly Hash[] {
    return this.#hashes.map((hash) => hash.clone());
  }

  /** Everything added so far. */
  bytes(): Bytes {
    if (this.#messages === undefined) throw new TypeError('the messages have been let go');
    return concat(...this.#messages);
  }

  /** No signature over the messages is to come. */
  forgetMessages(): void {
    this.#messages = undefined;
  }
}
