/**
 * What a client writes before its handshake is done: counted, and kept until the server has taken it.
 *
 * @module
 */

import { type Bytes, concat, copyBytes } from '@handfast/crypto';

export class EarlyWrites {
  /** Bytes in all. */
  readonly limit: number;
  /** Bytes that may still go. */
  #left: number;
  #sent: Bytes[] = [];
  #rejected = false;

  constructor(limit: number) {
    this.limit = limit;
    this.#left = limit;
  }

  /** As much of `data` as may still go; a copy is kept. */
  take(data: Uint8Array): Bytes {
    const taken = copyBytes(data.subarray(0, this.#left));
    this.#left -= taken.length;
    if (taken.length > 0) this.#sent.push(taken);
    return taken;
  }

  /** Nothing goes any more. */
  end(accepted: boolean): void {
    this.#left = 0;
    this.#rejected = !accepted;
  }

  /** What was written and rejected, once; undefined: nothing, or nobody knows. */
  takeBack(): Bytes | undefined {
    if (!this.#rejected || this.#sent.length === 0) return undefined;
    const back = concat(...this.#sent);
    this.#sent = [];
    return back;
  }
}
