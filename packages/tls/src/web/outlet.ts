/**
 * The way out: records to the transport's writer. What waits is counted, and goes out in larger pieces, as every write of a
 * message-based transport is one message.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';

/** Bytes that wait for the transport before it is said to be enough. */
const enough = 256 * 1024;
/** One write to the transport ends with the record that makes it so long: four full ones. */
const pieceBytes = 64 * 1024;

export interface OutletNews {
  /** There is room again. */
  room(): void;
  /** Whether more is on its way here: what makes no full piece is kept until it comes. */
  more(): boolean;
  /** The transport takes nothing more. */
  failed(cause: unknown): void;
}

export class Outlet {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #news: OutletNews;
  readonly #queue: Bytes[] = [];
  #length = 0;
  #pumping: Promise<void> | undefined;
  #over = false;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>, news: OutletNews) {
    this.#writer = writer;
    this.#news = news;
    writer.closed.catch((cause: unknown) => this.#failed(cause));
    writer.ready.catch(() => {});
  }

  /** Whether enough waits. */
  get full(): boolean {
    return this.#length >= enough;
  }

  /** Takes pieces of records over, all of each record at once. */
  send(pieces: readonly Bytes[]): void {
    if (this.#over || pieces.length === 0) return;
    for (const piece of pieces) {
      this.#queue.push(piece);
      this.#length += piece.length;
    }
    if (this.#length >= pieceBytes || !this.#news.more()) this.#pumping ??= this.#pump();
  }

  /** Whether nothing waits. */
  get idle(): boolean {
    return this.#pumping === undefined && this.#queue.length === 0;
  }

  /** Ends the transport's side behind what waits. Never rejects. */
  async close(): Promise<void> {
    if (!this.#over && this.#queue.length > 0) this.#pumping ??= this.#pump();
    await this.#pumping;
    if (this.#over) return;
    this.#over = true;
    await this.#writer.close().catch(() => {});
  }

  /** Ends it at once. */
  abort(reason: unknown): void {
    this.#over = true;
    this.#drop();
    this.#writer.abort(reason).catch(() => {});
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        // Also where there is room: all that one turn sends is one write.
        await this.#writer.ready;
        const piece = this.#take();
        if (piece.length === 0) continue;
        this.#writer.write(piece).catch((cause: unknown) => this.#failed(cause));
        if (!this.full) this.#news.room();
      }
    } catch (cause) {
      this.#failed(cause);
    }
    this.#pumping = undefined;
    this.#news.room();
  }

  #take(): Bytes {
    const records: Bytes[] = [];
    let length = 0;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      records.push(next);
      length += next.length;
      if (length >= pieceBytes) break;
    }
    this.#length -= length;
    const [only] = records;
    return only !== undefined && records.length === 1 ? only : concat(...records);
  }

  #failed(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#news.failed(cause);
    this.#drop();
  }

  #drop(): void {
    this.#queue.length = 0;
    this.#length = 0;
    this.#news.room();
  }
}
