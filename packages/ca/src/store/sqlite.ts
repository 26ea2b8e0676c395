/**
 * A database in a file, by `node:sqlite` in a thread of its own (`sqlite-channel.ts`).
 *
 * Transactions run one after another, each in a savepoint; those that wait meanwhile are committed together, since a commit's
 * cost is the disk's and the same for one as for many. None is answered before the commit that holds it. To wake a thread costs more
 * than most statements: what can be asked together is, the commit with a transaction's last statements where nobody waits.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Database, newWriter, type Sql, type SqlRow, type SqlValue, type TransactionOptions } from './database.ts';
import { Channel, localTransport, threadTransport } from './sqlite-channel.ts';
import type { ConnectionOptions } from './sqlite-connection.ts';

export interface SqliteOptions {
  /** How long to wait for another process that writes: 5 seconds unless set. Then the error is SQLite's, `database is locked`. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens the database of a file, which is made where it is not there; `:memory:` is one that ends with `close`.
 *
 * @throws what SQLite has to say of the file
 */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<Database> {
  const database = new SqliteDatabase({ file, busyTimeoutMs: options.busyTimeoutMs ?? 5000 });
  try {
    await database.all('SELECT 1');
  } catch (error) {
    await database.close().catch(() => undefined); // it never opened
    throw error;
  }
  return database;
}

/** Transactions that one commit takes at most, so that the first does not wait for ever. */
const maxBatch = 64;

type Rows = readonly SqlRow[];

/** What waits for the connection that writes. */
type Job =
  | { readonly kind: 'statement'; readonly perform: () => Promise<void> }
  | { readonly kind: 'transaction'; readonly member: Member };

/** One transaction among those that are committed together. */
interface Member {
  run(sql: Sql): Promise<void>;
  readonly atOnce: boolean;
  /** After the commit. */
  succeed(): void;
  fail(error: unknown): void;
}

class SqliteDatabase implements Database {
  readonly kind = 'sqlite';
  readonly writer: string = newWriter();
  readonly #channel: Channel;
  readonly #readsApart: boolean;
  readonly #jobs: Job[] = [];
  readonly #inside = new AsyncLocalStorage<true>();
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    const inMemory = options.file === ':memory:';
    this.#channel = new Channel(inMemory ? localTransport(options) : threadTransport(options));
    this.#readsApart = !inMemory;
  }

  async all(text: string, values: readonly SqlValue[] = []): Promise<Rows> {
    // A SELECT sees what is committed, and waits for nobody.
    if (this.#readsApart && /^\s*select\b/i.test(text)) {
      this.#refuseInside();
      return this.#channel.rows('read', text, values, false);
    }
    return this.#statement(() => this.#channel.rows('all', text, values, false));
  }

  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.#statement(() => this.#channel.run(text, values, false));
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>, { atOnce = false }: TransactionOptions = {}): Promise<T> {
    this.#refuseInside();
    return new Promise<T>((resolve, reject) => {
      let result: T;
      const member: Member = {
        run: async (sql) => {
          result = await this.#inside.run(true, () => work(sql));
        },
        atOnce,
        succeed: () => resolve(result),
        fail: reject,
      };
      this.#enqueue({ kind: 'transaction', member });
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#draining;
      await this.#channel.close();
    })();
    return this.#closing;
  }

  #statement<T>(perform: () => Promise<T>): Promise<T> {
    this.#refuseInside();
    return new Promise<T>((resolve, reject) => {
      this.#enqueue({ kind: 'statement', perform: () => perform().then(resolve, reject) });
    });
  }

  /** It would wait for the transaction that it is in. */
  #refuseInside(): void {
    if (this.#inside.getStore() === true) {
      throw new Error('within a transaction, statements go by the `sql` that its work is given');
    }
    if (this.#closing !== undefined) throw new Error('the database is closed');
  }

  #enqueue(job: Job): void {
    this.#jobs.push(job);
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      if (job.kind === 'statement') await job.perform();
      else await this.#commitTogether(job.member);
    }
    this.#draining = undefined;
  }

  /** `first`, and whoever comes to wait while it runs. */
  async #commitTogether(first: Member): Promise<void> {
    const done: Member[] = [];
    // SQLite takes things in order, so its answer is waited for where something fails: then all after it does.
    const begun = this.#channel.exec('BEGIN IMMEDIATE', false);
    begun.catch(() => undefined); // `reasonOf` tells, once something is asked of it, which may be long after
    const reasonOf = (error: unknown): Promise<unknown> =>
      begun.then(
        () => error,
        (reason: unknown) => reason,
      );
    try {
      let committed = false;
      for (let member: Member | undefined = first; member !== undefined; member = this.#nextMember(done.length)) {
        committed = await this.#runMember(member, done, reasonOf);
        if (committed) break;
      }
      if (!committed) await this.#channel.exec('COMMIT', true);
    } catch (error) {
      // A full disk ends the transaction at once; then there is nothing to roll back.
      await this.#channel.exec('ROLLBACK', true).catch(() => undefined);
      const reason = await reasonOf(error);
      for (const member of done) member.fail(reason);
      return;
    }
    for (const member of done) member.succeed();
  }

  #nextMember(taken: number): Member | undefined {
    if (!this.#waits(taken)) return undefined;
    const next = this.#jobs.shift();
    return next?.kind === 'transaction' ? next.member : undefined;
  }

  /** Whether there is somebody to be committed together with so many. */
  #waits(taken: number): boolean {
    return this.#jobs[0]?.kind === 'transaction' && taken < maxBatch;
  }

  /** Puts a member among `done`, or lets it fail alone; whether all have been committed with it. Throws where all have failed. */
  async #runMember(member: Member, done: Member[], reasonOf: (error: unknown) => Promise<unknown>): Promise<boolean> {
    const sql = new TransactionSql(this.#channel, this.writer);
    this.#channel.exec('SAVEPOINT member', true).catch(() => undefined); // as for BEGIN
    const ran = member.run(sql);
    if (member.atOnce && !this.#waits(done.length + 1)) {
      ran.catch(() => undefined); // it is waited for below
      await this.#commitWith(sql, member, done);
      await ran.catch((error: unknown) => {
        done.pop();
        member.fail(error);
      });
      return true;
    }
    let failure = await failureOf(ran);
    if (failure === undefined && !this.#waits(done.length + 1)) {
      await this.#commitWith(sql, member, done);
      return true;
    }
    const [own] = await sql.end();
    failure ??= own;
    if (failure !== undefined) {
      member.fail(await reasonOf(failure.reason));
      await this.#channel.exec('ROLLBACK TO member; RELEASE member', true);
      return false;
    }
    done.push(member);
    this.#channel.exec('RELEASE member', true).catch(() => undefined); // where it fails, so does COMMIT
    return false;
  }

  /** Sends the commit after statements that are not answered yet. */
  async #commitWith(sql: TransactionSql, member: Member, done: Member[]): Promise<void> {
    done.push(member);
    const { first, pending } = sql.close();
    try {
      await this.#channel.execUnlessFailed('RELEASE member; COMMIT', first ?? this.#channel.nextId);
    } catch (error) {
      // Whichever of them failed says why.
      await Promise.all(pending);
      throw error;
    }
  }
}

interface Failure {
  readonly reason: unknown;
}

async function failureOf(ran: Promise<void>): Promise<Failure | undefined> {
  return await ran.then(
    () => undefined,
    (reason: unknown) => ({ reason }),
  );
}

/** What a transaction's work is given: of no use when it is over. */
class TransactionSql implements Sql {
  readonly writer: string;
  readonly #channel: Channel;
  /** By their number. */
  readonly #pending = new Map<number, Promise<unknown>>();
  #ended = false;

  constructor(channel: Channel, writer: string) {
    this.#channel = channel;
    this.writer = writer;
  }

  all(text: string, values: readonly SqlValue[] = []): Promise<Rows> {
    return this.#track(() => this.#channel.rows('all', text, values, true));
  }

  run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return this.#track(() => this.#channel.run(text, values, true));
  }

  /** Waits for statements that its work did not wait for: those that have failed. */
  async end(): Promise<readonly PromiseRejectedResult[]> {
    const results = await Promise.allSettled(this.close().pending);
    return results.filter((result) => result.status === 'rejected');
  }

  /** Statements that are not answered, and the number of the first of them. */
  close(): { readonly first: number | undefined; readonly pending: readonly Promise<unknown>[] } {
    this.#ended = true;
    const [first] = this.#pending.keys();
    return { first, pending: [...this.#pending.values()] };
  }

  async #track<T>(perform: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new Error('the transaction is over');
    const id = this.#channel.nextId;
    const pending = perform();
    this.#pending.set(id, pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(id);
    }
  }
}
