/**
 * A provider whose AEADs answer when a test says so, in the order that it says.
 *
 * @module
 */

import { type Aead, type AeadName, type Bytes, type CryptoProvider, copyBytes, isThenable } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';

/** A record that is being sealed or opened. */
interface Held {
  readonly kind: 'seal' | 'open';
  answer(): void;
}

export class HeldAeads {
  readonly provider: CryptoProvider;
  /** Answers wait for `release`; until it is set they come by themselves. */
  holds = false;
  readonly pending: Held[] = [];
  /** Every plaintext that was opened, in the memory that it was handed over in. */
  readonly opened: Bytes[] = [];
  /** How often a record was begun to be opened. */
  opens = 0;

  constructor() {
    const aeads: Partial<Record<AeadName, Aead>> = {};
    for (const aead of Object.values(nodeProvider.aeads)) aeads[aead.name as AeadName] = this.#wrap(aead);
    this.provider = { ...nodeProvider, name: 'held', aeads };
  }

  count(kind: Held['kind']): number {
    return this.pending.filter((held) => held.kind === kind).length;
  }

  /** Lets the one at `index` of those that wait answer, and what follows of it happen. */
  async release(index = 0): Promise<void> {
    this.pending.splice(index, 1)[0]?.answer();
    await turn();
  }

  /** Lets all answer, what comes of it too. `pick` says which of so many is next. */
  async releaseAll(pick: (count: number) => number = () => 0): Promise<void> {
    while (this.pending.length > 0) await this.release(pick(this.pending.length));
  }

  #wrap(aead: Aead): Aead {
    return {
      ...aead,
      key: (raw) => {
        const key = aead.key(raw);
        return {
          seal: (nonce, data, plaintext, reserve) => this.#late('seal', key.seal(nonce, data, plaintext, reserve)),
          open: (nonce, data, sealed) => {
            this.opens++;
            const opened = key.open(nonce, data, copyBytes(sealed));
            if (opened instanceof Uint8Array) this.opened.push(opened);
            return this.#late('open', opened);
          },
          dispose: () => key.dispose(),
        };
      },
    };
  }

  /** What `node:crypto` has done by now is told later. */
  #late<T>(kind: Held['kind'], value: T | Promise<T>): Promise<T> {
    if (isThenable(value)) throw new TypeError('node:crypto is synchronous');
    if (!this.holds) return Promise.resolve(value);
    return new Promise((resolve) => this.pending.push({ kind, answer: () => resolve(value) }));
  }
}

/** Lets every microtask run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
