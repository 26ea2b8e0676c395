/**
 * The way to SQLite's connections and back: by a thread of their own for a file, and in this one for what is in memory, where
 * nothing waits for a disk.
 *
 * @module
 */

import process from 'node:process';
import { Worker } from 'node:worker_threads';
import type { SqlRow, SqlValue } from './database.ts';
import { answerer, type ConnectionOptions, type SqliteReply, type SqliteRequest } from './sqlite-connection.ts';

export interface Transport {
  listen(receive: (replies: readonly SqliteReply[]) => void, fail: (error: Error) => void): void;
  post(requests: readonly SqliteRequest[]): void;
  /** Whether the process is to stay alive for a reply. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

export function threadTransport(workerData: ConnectionOptions): Transport {
  const source = new URL('./sqlite-worker.ts', import.meta.url);
  const compiled = new URL('./sqlite-worker.js', import.meta.url);
  const worker = new Worker(import.meta.url.endsWith('.ts') ? source : compiled, { workerData, name: 'sqlite' });
  worker.unref();
  return {
    listen(receive, fail) {
      worker.on('message', receive);
      worker.on('error', fail);
      worker.on('exit', () => fail(new Error('the database is closed')));
    },
    post: (requests) => worker.postMessage(requests),
    hold(held) {
      if (held) worker.ref();
      else worker.unref();
    },
    async end() {
      await worker.terminate();
    },
  };
}

export function localTransport(options: ConnectionOptions): Transport {
  const answer = answerer(options);
  let receive: (replies: readonly SqliteReply[]) => void = () => undefined;
  return {
    listen(listener) {
      receive = listener;
    },
    // Cloned, as between threads.
    post: (requests) => receive(structuredClone(answer(structuredClone(requests)))),
    hold: () => undefined,
    end: async () => undefined,
  };
}

type Rows = readonly SqlRow[];

type Answer = Exclude<SqliteReply, { readonly error: unknown }>;

interface Waiting {
  resolve(reply: Answer): void;
  reject(error: Error): void;
}

/** Requests, and what waits for their replies. */
export class Channel {
  readonly #transport: Transport;
  readonly #waiting = new Map<number, Waiting>();
  #outbox: SqliteRequest[] = [];
  #lastId = 0;
  #gone: Error | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.listen(
      (replies) => {
        for (const reply of replies) this.#settle(reply);
      },
      (error) => this.#fail(error),
    );
  }

  async rows(
    what: 'all' | 'read' | 'exec' | 'close',
    text: string,
    values: readonly SqlValue[],
    inside: boolean,
  ): Promise<Rows> {
    const reply = await this.#ask({ what, text, values, inside });
    return 'rows' in reply ? reply.rows : [];
  }

  async run(text: string, values: readonly SqlValue[], inside: boolean): Promise<number> {
    const reply = await this.#ask({ what: 'run', text, values, inside });
    return 'changes' in reply ? reply.changes : 0;
  }

  async exec(text: string, inside: boolean): Promise<void> {
    await this.rows('exec', text, [], inside);
  }

  /** Within a transaction, and not where anything fails that was asked since `nextId` was `from`. */
  async execUnlessFailed(text: string, from: number): Promise<void> {
    await this.#ask({ what: 'exec', text, values: [], inside: true, unlessFailedFrom: from });
  }

  /** Of what is asked next. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  async close(): Promise<void> {
    try {
      await this.rows('close', '', [], false);
    } finally {
      await this.#transport.end();
    }
  }

  #ask(request: Omit<SqliteRequest, 'id'>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.#gone !== undefined) {
      reject(this.#gone);
      return promise;
    }
    const id = ++this.#lastId;
    if (this.#waiting.size === 0) this.#transport.hold(true);
    this.#waiting.set(id, { resolve, reject });
    // What is asked within one turn goes at once: to wake a thread costs more than most statements.
    if (this.#outbox.length === 0) process.nextTick(() => this.#send());
    this.#outbox.push({ ...request, id, values: request.values.map(own) });
    return promise;
  }

  #send(): void {
    this.#transport.post(this.#outbox);
    this.#outbox = [];
  }

  #settle(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#transport.hold(false);
    if (waiting === undefined) return;
    if (!('error' in reply)) {
      waiting.resolve(reply);
      return;
    }
    const { message, ...rest } = reply.error;
    waiting.reject(Object.assign(new Error(message), rest));
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}

/** A view would take all the memory that it looks at with it, a pool's too. */
function own(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? Uint8Array.from(value) : value;
}
