/**
 * The way in: reads the transport, one chunk at a time, and gives the engine as much as it takes. While the engine works, or
 * nobody reads what it gave, the transport is not read.
 *
 * @module
 */

import { bytesFrom } from './chunks.ts';
import { nextTurn } from './turns.ts';

/** After our last word the peer's bytes are dropped for so much: a reset would destroy that word. */
const lingerBytes = 256 * 1024;

/** What an intake needs of its connection. */
export interface IntakeSink {
  /** Takes bytes; answers how many. */
  receive(input: Uint8Array): number;
  readonly parked: boolean;
  /** Wait for this before more is given; undefined: there is room. */
  readonly full: Promise<void> | undefined;
  /** The transport has ended. */
  end(): void;
  /** The transport failed. */
  failed(cause: unknown): void;
}

export class Intake {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array | ArrayBuffer>;
  readonly #sink: IntakeSink;
  #resumed: (() => void) | undefined;
  /** Whether the transport is what is waited for. */
  waiting = false;
  /** Bytes that may still come; undefined: any number. */
  #left: number | undefined;
  /** Done when nothing is read any more; never rejects. */
  readonly over: Promise<void>;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array | ArrayBuffer>, sink: IntakeSink) {
    this.#reader = reader;
    this.#sink = sink;
    reader.closed.catch(() => {});
    this.over = this.#read();
  }

  /** The engine takes input again. */
  resume(): void {
    const resumed = this.#resumed;
    this.#resumed = undefined;
    resumed?.();
  }

  /** Nobody wants what comes from now on: it is read up to a limit, then it is over. */
  linger(): void {
    this.#left ??= lingerBytes;
    this.resume();
  }

  /** Reads nothing more. */
  cancel(reason?: unknown): void {
    this.#left = 0;
    this.resume();
    this.#reader.cancel(reason).catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        this.waiting = true;
        const { value, done } = await this.#reader.read();
        this.waiting = false;
        if (done) break;
        const chunk = bytesFrom('transport', value);
        if (this.#left !== undefined) this.#left -= chunk.length;
        if (this.#left !== undefined && this.#left < 0) {
          this.cancel();
          break;
        }
        await this.#give(chunk);
      }
      this.#sink.end();
    } catch (cause) {
      this.#sink.failed(cause);
    }
  }

  async #give(chunk: Uint8Array): Promise<void> {
    for (let at = 0; ; ) {
      await this.#sink.full;
      at += this.#sink.receive(at === 0 ? chunk : chunk.subarray(at));
      if (at >= chunk.length) break;
      if (this.#sink.parked) {
        await new Promise<void>((resolve) => {
          this.#resumed = resolve;
        });
      } else await nextTurn();
    }
    await this.#sink.full;
  }
}
