/**
 * Plaintext on its way to the engine: a `WritableStream` that takes more only while the engine and the transport keep up.
 *
 * @module
 */

import type { Connection } from '../connection.ts';
import type { TlsError } from '../errors.ts';
import { asBytes } from './chunks.ts';
import { closedError } from './failures.ts';
import type { Outlet } from './outlet.ts';
import { Turns } from './turns.ts';

/** Bytes that wait in the stream before a writer is told to wait. */
const highWaterMark = 64 * 1024;
/** The engine is given so much at a time. */
const pieceBytes = 64 * 1024;

export class PlaintextSink {
  readonly writable: WritableStream<Uint8Array>;
  readonly #connection: Connection;
  readonly #outlet: Outlet;
  readonly #turns: Turns = new Turns();
  #controller: WritableStreamDefaultController | undefined;
  /** Chunks that were written, and are not with the engine yet. */
  #waiting = 0;
  #news: PromiseWithResolvers<void> | undefined;
  #error: TlsError | undefined;
  /** Our close_notify was asked for. */
  closes = false;
  /** Whether the end came while something was still to be sent. */
  lost = false;

  constructor(connection: Connection, outlet: Outlet, abort: (reason: unknown) => void) {
    this.#connection = connection;
    this.#outlet = outlet;
    this.writable = new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        write: async (chunk) => {
          try {
            await this.#write(bytesOf(chunk));
          } catch (cause) {
            // A stream that lacks a piece must not look whole.
            if (cause instanceof TypeError) abort(cause);
            throw cause;
          } finally {
            this.#waiting -= 1;
          }
        },
        close: () => this.#close(),
        abort,
      },
      {
        highWaterMark,
        size: (chunk: Partial<Uint8Array> | undefined) => {
          // Called once for each chunk, when it is written.
          this.#waiting += 1;
          return chunk?.byteLength ?? 0;
        },
      },
    );
  }

  /** Something has left the engine, or the transport has taken something. */
  roomAgain(): void {
    const news = this.#news;
    this.#news = undefined;
    news?.resolve();
  }

  /** Ends our side behind all that was written. Rejects where something of it could not be sent. */
  async end(): Promise<void> {
    // Where a writer holds the stream, what it wrote is waited for; elsewhere the stream is closed as well.
    if (this.writable.locked) await this.#until(() => this.#waiting === 0);
    else await this.writable.close().catch(() => {});
    await this.#close();
  }

  /** Done when nothing is being sealed: what the engine had to say is with the outlet. Never rejects. */
  async sealed(): Promise<void> {
    while (this.#connection.sealing) await this.#something();
  }

  /** Nothing is taken any more, because of an error. */
  fail(error: TlsError): void {
    this.#over(error, !this.#isOut);
  }

  /** Nothing is taken any more: both sides have ended. What is already sealed goes out. */
  finish(): void {
    if (this.closes && this.#waiting === 0) this.roomAgain();
    else this.#over(closedError(), false);
  }

  #over(error: TlsError, lost: boolean): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.lost = lost || this.#waiting > 0;
    this.#controller?.error(error);
    this.roomAgain();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      await this.#until(() => this.#hasRoom);
      // No more than is sealed at once: the engine would copy the rest.
      const end = Math.min(bytes.length, at + Math.min(pieceBytes, this.#connection.writeRoom));
      this.#connection.write(bytes.subarray(at, end));
      await this.#turns.moved(end - at);
      at = end;
    }
    await this.#until(() => this.#hasRoom);
  }

  async #close(): Promise<void> {
    if (this.#error) throw this.#error;
    this.closes = true;
    this.#connection.closeWrite();
    await this.#until(() => this.#isOut);
  }

  get #isOut(): boolean {
    return !this.#connection.sealing && !this.#connection.holding && this.#outlet.idle;
  }

  get #hasRoom(): boolean {
    return !this.#outlet.full && this.#connection.writeRoom > 0;
  }

  #something(): Promise<void> {
    this.#news ??= Promise.withResolvers();
    return this.#news.promise;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (this.#error === undefined && !condition()) await this.#something();
    if (this.#error) throw this.#error;
  }
}

/** @throws TypeError for what is no bytes. */
function bytesOf(chunk: unknown): Uint8Array {
  const bytes = asBytes(chunk);
  if (bytes) return bytes;
  throw new TypeError(`a chunk of type ${typeof chunk} was written to a TLS stream: it takes Uint8Array`);
}
