/**
 * Bytes on their way to a reader: a queue that is counted, so that who fills it knows when to stop, and a stream that hands out
 * all of it before it says that there is no more, or why.
 *
 * A stream's own queue would be dropped by an error; so it has none (a high-water mark of 0), and the bytes wait here.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';

/** Bytes that wait before it is said to be enough. */
const enough = 64 * 1024;

type Controller = ReadableByteStreamController | ReadableStreamDefaultController<Bytes>;

export interface InletNews {
  /** The reader wants no more. */
  cancelled?(reason: unknown): void;
  /** So many bytes were read. */
  taken?(length: number): void;
}

export class Inlet {
  readonly readable: ReadableStream<Bytes>;
  readonly #news: InletNews;
  readonly #queue: Bytes[] = [];
  #length = 0;
  #controller: Controller | undefined;
  /** A read waits. */
  #asked: (() => void) | undefined;
  /** Who fills it waits. */
  #room: PromiseWithResolvers<void> | undefined;
  #end: { readonly error?: Error } | undefined;
  #over = false;

  /** @param ReadableStream for tests of runtimes whose constructor knows no byte streams */
  constructor(news: InletNews = {}, Stream: typeof ReadableStream = ReadableStream) {
    this.#news = news;
    const source = {
      start: (controller: Controller): void => {
        this.#controller = controller;
      },
      pull: (): Promise<void> | undefined => this.#pull(),
      cancel: (reason: unknown): void => this.#cancelled(reason),
    };
    this.readable = byteStream(source, Stream);
  }

  /** Bytes that nobody has read yet. */
  get length(): number {
    return this.#length;
  }

  /** Whether nobody reads any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Wait for this before more is pushed; undefined: there is room. */
  get full(): Promise<void> | undefined {
    if (this.#length < enough || this.#over || this.#end !== undefined) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Takes bytes over. */
  push(bytes: Bytes): void {
    if (this.#over || this.#end !== undefined || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#length += bytes.length;
    if (this.#asked) this.#hand();
  }

  /** There is no more: because of an error, or in good order. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error ? { error } : {};
    this.#finish();
    this.#roomAgain();
  }

  #pull(): Promise<void> | undefined {
    if (this.#queue.length > 0) {
      this.#hand();
      return undefined;
    }
    if (this.#over) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asked = resolve;
    return promise;
  }

  #hand(): void {
    const bytes = this.#queue.shift();
    if (bytes === undefined) return;
    const { length } = bytes;
    this.#length -= length;
    // A byte stream takes the whole buffer away from everybody else: the view has no length any more.
    this.#controller?.enqueue(isOwn(bytes) ? bytes : copyBytes(bytes));
    this.#answered();
    this.#news.taken?.(length);
    if (this.#length < enough) this.#roomAgain();
    this.#finish();
  }

  /** Says that it is over once all has been handed out. */
  #finish(): void {
    const controller = this.#controller;
    if (this.#end === undefined || this.#queue.length > 0 || this.#over || controller === undefined) return;
    this.#over = true;
    const { error } = this.#end;
    if (error) controller.error(error);
    else {
      controller.close();
      // A reader of mode `byob` gets its buffer back.
      if ('byobRequest' in controller) controller.byobRequest?.respond(0);
    }
    this.#answered();
  }

  #cancelled(reason: unknown): void {
    this.#over = true;
    this.#queue.length = 0;
    this.#length = 0;
    this.#answered();
    this.#roomAgain();
    this.#news.cancelled?.(reason);
  }

  #answered(): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.();
  }

  #roomAgain(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }
}

interface Source {
  start(controller: Controller): void;
  pull(): Promise<void> | undefined;
  cancel(reason: unknown): void;
}

/** A byte stream, or a plain one where the constructor refuses. */
function byteStream(source: Source, Stream: typeof ReadableStream): ReadableStream<Bytes> {
  const given = source as Parameters<typeof asBytes>[0];
  try {
    return asBytes(given, Stream);
  } catch {
    return new Stream<Bytes>(source as UnderlyingDefaultSource<Bytes>, { highWaterMark: 0 });
  }
}

function asBytes(source: Omit<UnderlyingByteSource, 'type'>, Stream: typeof ReadableStream): ReadableStream<Bytes> {
  return new Stream({ ...source, type: 'bytes' }, { highWaterMark: 0 });
}

/** Whether these bytes are all that their buffer is for: a record's padding may stand behind them. */
function isOwn({ buffer, byteOffset, byteLength }: Bytes): boolean {
  return byteOffset === 0 && buffer.byteLength - byteLength <= 256;
}
