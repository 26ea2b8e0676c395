/**
 * Application data on its way in: none before the application knows of the connection, and early data marked as such, or held
 * until it is data as any other.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { ConnectionHandlers } from './connection-options.ts';
import type { Deliveries } from './deliveries.ts';
import { TlsError } from './errors.ts';
import type { Negotiated } from './flow.ts';

export class Inbox {
  readonly #handlers: ConnectionHandlers;
  readonly #deliveries: Deliveries;
  /** Bytes of early data that may still come. */
  #earlyLeft = 0;
  /** Early data that nobody wants before the handshake is done. */
  #held: Bytes[] = [];
  #announced = false;
  #failed = false;

  constructor(handlers: ConnectionHandlers, deliveries: Deliveries) {
    this.#handlers = handlers;
    this.#deliveries = deliveries;
  }

  takeEarlyData(limit: number): void {
    this.#earlyLeft = limit;
  }

  /** @throws TlsError `unexpected_message` beyond the limit (RFC 9846 §4.7.1). */
  earlyData(data: Bytes): void {
    this.#earlyLeft -= data.length;
    if (this.#earlyLeft < 0) {
      throw new TlsError('unexpected_message', 'more early data came than the ticket allows (max_early_data_size)');
    }
    if (this.#handlers.earlyData === undefined) this.#held.push(data);
    else {
      this.#deliveries.push(() => {
        if (!this.#failed) this.#handlers.earlyData?.(data);
      });
    }
  }

  data(data: Bytes): void {
    this.#deliveries.push(() => {
      if (this.#announced) this.#handlers.data?.(data);
    });
  }

  announce(negotiated: Negotiated): void {
    this.#deliveries.push(() => {
      // Bytes of the same input may have broken it since: then it never stood for the handler, which may write at once. A clean
      // end comes after what was said before it.
      if (this.#failed) return;
      this.#announced = true;
      this.#handlers.established?.(negotiated);
    });
    for (const data of this.#held) this.data(data);
    this.#held = [];
  }

  /** The connection failed: what was not announced is not any more. */
  fail(): void {
    this.#failed = true;
  }
}
