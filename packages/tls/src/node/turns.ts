/**
 * Turns for dear work: so many pieces in one turn of the event loop, the rest in later ones, first come first served. A
 * crowd of handshakes then leaves room for timers, for connections that stand and for the rest of the program.
 *
 * @module
 */

/**
 * Pieces of input that a server's handshakes take in one turn. A ClientHello costs a third of a millisecond with ECDSA, a
 * millisecond with RSA 2048: some 5 to 15 ms in all, about what a program expects of one turn.
 */
const handshakesPerTurn = 16;

export class Turns {
  readonly #perTurn: number;
  #left: number;
  readonly #waiting: (() => void)[] = [];
  #renewal: NodeJS.Immediate | undefined;

  constructor(perTurn: number = handshakesPerTurn) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Whether one may work in this turn: not where others wait, who came first. */
  take(): boolean {
    this.#renewLater();
    if (this.#left === 0 || this.#waiting.length > 0) return false;
    this.#left--;
    return true;
  }

  /** Calls `work` in a later turn. It must not throw. */
  wait(work: () => void): void {
    this.#waiting.push(work);
    this.#renewLater();
  }

  #renewLater(): void {
    this.#renewal ??= setImmediate(() => {
      this.#renewal = undefined;
      const now = this.#waiting.splice(0, this.#perTurn);
      this.#left = this.#perTurn - now.length;
      if (this.#waiting.length > 0) this.#renewLater();
      for (const work of now) work();
    });
  }
}
