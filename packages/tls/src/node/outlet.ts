/**
 * The way out of a socket: records to its transport, and the transport's end, which is another one after both have said
 * goodbye, after an alert of ours, and after anything else.
 *
 * @module
 */

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Bytes } from '@handfast/crypto';
import { releaseMemory } from '@handfast/crypto/node';

/** After a fatal alert the peer's bytes are read and dropped for so long and so much: a reset would destroy the alert. */
const lingerMs = 1_000;
const lingerBytes = 256 * 1024;

/** What is smaller is not worth a callback of its own. */
const largeRecord = 4096;

export class Outlet {
  /** Whether the transport has said that it is enough, and not yet that there is room again. */
  full = false;
  readonly #transport: Duplex;
  /** Whose buffers nobody else has: another stream may keep what it was given. */
  readonly #isTcp: boolean;
  #corked = false;
  #lingering: number | undefined;

  constructor(transport: Duplex) {
    this.#transport = transport;
    this.#isTcp = transport.constructor === Socket;
  }

  /** Hands records over. All of one turn are one write to the kernel: a flight, a large write, a Finished and the first request. */
  send(records: readonly Bytes[]): void {
    const transport = this.#transport;
    if (transport.destroyed || transport.writableEnded) return;
    if (!this.#corked) {
      this.#corked = true;
      transport.cork();
      process.nextTick(() => {
        this.#corked = false;
        transport.uncork();
      });
    }
    for (const record of records) {
      const written = this.#isTcp && record.length >= largeRecord ? released(record) : undefined;
      this.full = !transport.write(record, written);
    }
  }

  /** Input was read to its end: its memory goes back at once where it is nobody else's. */
  spent(input: Uint8Array): void {
    if (this.#isTcp && this.#transport.listenerCount('data') === 1) releaseMemory(input);
  }

  /** After both close_notify: what waits goes out, however long that takes, and the peer ends too. */
  close(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    if (transport instanceof Socket) {
      transport.destroySoon();
      return;
    }
    // Another Duplex goes by itself once both its sides have ended.
    transport.end();
    transport.resume();
    transport.once('finish', () => this.#destroyLater());
  }

  /** After `destroy` or an error: what waits goes out if it can soon. A peer that does not read keeps nothing alive. */
  drop(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    if ('connecting' in transport && transport.connecting === true) {
      transport.destroy();
      return;
    }
    transport.end();
    if (transport.writableFinished) transport.destroy();
    else transport.once('finish', () => transport.destroy());
    this.#destroyLater();
  }

  /** After an alert of ours: our side ends, the peer's bytes are dropped for a while, then the transport goes. */
  linger(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    this.#lingering = lingerBytes;
    transport.end();
    transport.resume();
    transport.once('end', () => transport.destroy());
    this.#destroyLater();
  }

  /** Whether input is dropped, as this one is then. */
  dropsInput({ length }: Uint8Array): boolean {
    if (this.#lingering === undefined) return false;
    this.#lingering -= length;
    if (this.#lingering <= 0) this.#transport.destroy();
    return true;
  }

  #destroyLater(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    const timer = setTimeout(() => transport.destroy(), lingerMs);
    transport.once('close', () => clearTimeout(timer));
  }
}

function released(record: Bytes): (error?: Error | null) => void {
  return (error) => {
    if (!error) releaseMemory(record);
  };
}
