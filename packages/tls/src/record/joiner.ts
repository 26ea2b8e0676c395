/**
 * Joins handshake messages from the fragments that records carry (RFC 9846 §5.1): any cut, several messages in one
 * record, bounded by message type, in memory of its own.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { messageTitle } from '../messages/handshake.ts';

const headerLength = 4;
const nothing: Bytes = new Uint8Array(0);

export class HandshakeJoiner {
  #bytes: Bytes = nothing;
  #start = 0;
  #end = 0;

  /** Whether bytes are left that belong to a message not yet taken. */
  get pending(): boolean {
    return this.#end > this.#start;
  }

  /** The type of the message whose first byte has come. */
  get nextType(): number | undefined {
    return this.pending ? this.#bytes[this.#start] : undefined;
  }

  append(fragment: Uint8Array): void {
    const waiting = this.#end - this.#start;
    if (this.#end + fragment.length > this.#bytes.length) {
      // New memory: what was taken keeps the old. Doubled, so that many small fragments cost no more than their length.
      const room = waiting === 0 ? fragment.length : Math.max(waiting + fragment.length, 2 * waiting);
      const target = new Uint8Array(room);
      target.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = target;
      this.#start = 0;
      this.#end = waiting;
    }
    this.#bytes.set(fragment, this.#end);
    this.#end += fragment.length;
  }

  /**
   * The next whole message, header included; undefined while it is incomplete.
   * @param maxLength the largest body for the type that stands next: a longer one is refused by its header.
   */
  take(maxLength: number): Bytes | undefined {
    const waiting = this.#end - this.#start;
    if (waiting < headerLength) return undefined;
    const at = this.#start;
    const bytes = this.#bytes;
    const length = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    if (length > maxLength) {
      throw new TlsError(
        'message_too_large',
        `${messageTitle(bytes[at] as number)} announces ${length} bytes, where ${maxLength} are the most that we take`,
      );
    }
    if (waiting < headerLength + length) return undefined;
    this.#start = at + headerLength + length;
    return bytes.subarray(at, this.#start);
  }
}
