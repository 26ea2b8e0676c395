/**
 * What leaves a connection between its steps: output first, then events in their order, then word that there is room again.
 * Never inside a step, and never one delivery inside another.
 *
 * @module
 */

import { type Bytes, isThenable } from '@handfast/crypto';
import type { ConnectionHandlers } from './connection-options.ts';
import { reasonOf, TlsError } from './errors.ts';

/** What deliveries ask of their connection. */
export interface DeliverySource {
  /** Whole records, in order. */
  takeOutput(): readonly Bytes[];
  /** Whether something that was written has not become output yet. */
  holdsBack(): boolean;
  /** Whether no input is taken. */
  parked(): boolean;
  /** Ends the connection. */
  fail(error: TlsError): void;
}

export class Deliveries {
  readonly #handlers: ConnectionHandlers;
  readonly #source: DeliverySource;
  readonly #events: (() => void)[] = [];
  #delivering = false;
  #owesResume = false;
  #owesDrained = false;

  constructor(handlers: ConnectionHandlers, source: DeliverySource) {
    this.#handlers = handlers;
    this.#source = source;
  }

  push(event: () => void): void {
    this.#events.push(event);
  }

  /** Calls a listener of the user's after the step; what it throws ends this connection. */
  listener(name: string, call: () => unknown): void {
    const failed = (cause: unknown): void => {
      this.#source.fail(new TlsError('callback_failed', `the ${name} callback failed: ${reasonOf(cause)}`, { cause }));
    };
    this.#events.push(() => {
      try {
        // A listener's answer is not waited for; an async one may reject all the same.
        const answer = call();
        if (isThenable(answer)) Promise.resolve(answer).catch(failed);
      } catch (cause) {
        failed(cause);
      }
    });
  }

  /** Input was left: `resume` follows as soon as some is taken again. */
  oweResume(): void {
    this.#owesResume = true;
  }

  deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (;;) {
        const chunks = this.#source.takeOutput();
        if (chunks.length > 0) this.#handlers.send(chunks);
        if (this.#source.holdsBack()) this.#owesDrained = true;
        else if (this.#owesDrained) {
          this.#owesDrained = false;
          this.#handlers.drained?.();
        }
        const event = this.#events.shift();
        if (event !== undefined) event();
        else if (this.#owesResume && !this.#source.parked()) {
          this.#owesResume = false;
          this.#handlers.resume?.();
        } else if (chunks.length === 0) return;
      }
    } finally {
      this.#delivering = false;
    }
  }
}
