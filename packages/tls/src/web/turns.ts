/**
 * Turns of the event loop. Streams go on in microtasks, and so may WebCrypto's answers: as long as bytes flow, nothing else would be
 * done, no timer and no click. So whoever writes gives way after some of them. Who reads does not: what transports bring that cannot
 * have their senders wait would pile up meanwhile.
 *
 * @module
 */

/** The clock is asked after so many: about 2 ms of work, and 25 where a machine is very slow. */
const bytesPerTurn = 256 * 1024;
/** No sooner: a turn costs something, too. */
const turnMs = 4;

export class Turns {
  readonly #now: () => number;
  #moved = 0;
  #since: number;

  /** @param now a clock, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** So many bytes more were moved. Wait for what it answers before others are; undefined: go on. */
  moved(bytes: number): Promise<void> | undefined {
    this.#moved += bytes;
    if (this.#moved < bytesPerTurn) return undefined;
    this.#moved = 0;
    const now = this.#now();
    if (now - this.#since < turnMs) return undefined;
    this.#since = now;
    return nextTurn();
  }
}

/** Done in a later task. Timers would do it, but browsers have those wait for 4 ms, and for a second in a hidden page. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof MessageChannel === 'undefined') {
      setTimeout(resolve, 0);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
