/**
 * `@handfast/ca/postgres`: a database in a PostgreSQL server, for CAs of which several servers share one. It needs the package `pg`.
 *
 * Everything is serializable: what two servers do at once is as if one had come after the other, or one of them does it again. Within
 * a process transactions run one after another, since nearly all of them append to the process's chain of the audit log, and would
 * only wait for each other at the server; those that wait meanwhile are committed together, each in a savepoint. Statements are
 * prepared once a connection, and sent without waiting for the answers to those before, a commit too where nobody waits to share it.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Database, newWriter, type Sql, type SqlRow, type SqlValue, type TransactionOptions } from './database.ts';
import { attemptsAfter, DatabaseLostError, endsBatch, inWords, isStalePlan } from './postgres-errors.ts';
import { queryOf } from './postgres-statements.ts';
import { TransactionSql } from './postgres-transaction.ts';
import { types } from './postgres-values.ts';

export { DatabaseLostError };

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…`, as `pg` reads it. */
  readonly url: string;
  /** The schema that holds the tables: the user's first one unless set. It must be there. */
  readonly schema?: string;
  /** At most that many at once: 10 unless set. */
  readonly maxConnections?: number;
  /** How long to wait for a connection: 10 seconds unless set. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, locks included: 30 seconds unless set. */
  readonly statementTimeoutMs?: number;
  /**
   * How long to wait for an answer of the server's, which ends statements by itself before: 5 seconds more than `statementTimeoutMs`
   * unless set. Then the connection is given up: a network that swallows packets says nothing, and everything would wait behind it.
   */
  readonly answerTimeoutMs?: number;
}

/**
 * Opens a database of a PostgreSQL server.
 *
 * @throws DatabaseLostError where there is no server, or it goes; what PostgreSQL has to say of user and database
 */
export async function openPostgres(given: string | PostgresOptions): Promise<Database> {
  const database = new PostgresDatabase(typeof given === 'string' ? { url: given } : given);
  try {
    await database.all('SELECT 1');
  } catch (error) {
    await database.close().catch(() => undefined); // it never opened
    throw error;
  }
  return database;
}

type Rows = readonly SqlRow[];

/** The longest pause before the second attempt; with each further one it is longer by as much, up to `longestPauseMs`. */
const pauseMs = 5;
const longestPauseMs = 100;

const defaultStatementTimeoutMs = 30_000;
const answerMarginMs = 5000;

/** Transactions that one commit takes at most, so that the first does not wait for ever, and few are done again. */
const maxBatch = 16;

/** A transaction that waits, or runs. */
interface Member {
  run(sql: Sql): Promise<void>;
  readonly atOnce: boolean;
  /** How often it was run in vain. */
  failures: number;
  succeed(): void;
  fail(error: unknown): void;
}

/** Why a member came to nothing. */
interface Failure {
  readonly reason: unknown;
}

class PostgresDatabase implements Database {
  readonly kind = 'postgres';
  readonly writer: string = newWriter();
  readonly #pool: pg.Pool;
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #members: Member[] = [];
  #draining = false;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const {
      url,
      maxConnections = 10,
      connectTimeoutMs = 10_000,
      statementTimeoutMs = defaultStatementTimeoutMs,
    } = options;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: options.answerTimeoutMs ?? statementTimeoutMs + answerMarginMs,
      keepAlive: true,
      allowExitOnIdle: true,
      application_name: 'handfast ca',
      pipeline: true,
      types,
      onConnect: (client) => prepareSession(client, options),
    });
    // A connection that fails while nobody uses it: the pool has let go of it, and the next one is new.
    this.#pool.on('error', () => undefined);
  }

  async all(text: string, values: readonly SqlValue[] = []): Promise<Rows> {
    return (await this.#statement(text, values)).rows as Rows;
  }

  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.#statement(text, values)).rowCount ?? 0;
  }

  transaction<T>(work: (sql: Sql) => Promise<T>, { atOnce = false }: TransactionOptions = {}): Promise<T> {
    return this.#track(
      () =>
        new Promise<T>((resolve, reject) => {
          let result: T;
          this.#members.push({
            run: async (sql) => {
              result = await this.#inside.run(true, () => work(sql));
            },
            atOnce,
            failures: 0,
            succeed: () => resolve(result),
            fail: reject,
          });
          void this.#drain();
        }),
    );
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#pending);
      await this.#pool.end();
    })();
    return this.#closing;
  }

  #statement(text: string, values: readonly SqlValue[]): Promise<pg.QueryResult> {
    return this.#track(() =>
      again(async () => {
        try {
          return await this.#pool.query(queryOf(text, values));
        } catch (error) {
          throw inWords(error, 'during a statement, which may have been done');
        }
      }),
    );
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    for (let first = this.#members.shift(); first !== undefined; first = this.#members.shift()) {
      if (first.failures > 0) await pauseAfter(first.failures);
      await this.#commitTogether(first);
    }
    this.#draining = false;
  }

  /** `first`, and whoever comes to wait while it runs: each is settled then, or waits to be run once more. */
  async #commitTogether(first: Member): Promise<void> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      const reason = inWords(error, 'before a transaction, of which nothing was done');
      // Those that wait would each wait as long again, for the same.
      for (const member of [first, ...this.#members.splice(0)]) member.fail(reason);
      return;
    }
    // A connection that breaks says so to whatever waits for it, and here, where nothing does.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    const outcomes = new Map<Member, Failure | undefined>();
    let broken = false;
    try {
      await this.#runAll(client, first, outcomes);
    } catch (reason) {
      broken = !(await rollBack(client, reason));
      // All of them: what one was refused for may have been another's.
      for (const member of outcomes.keys()) outcomes.set(member, { reason });
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
    const oncemore: Member[] = [];
    for (const [member, failure] of outcomes) {
      if (failure === undefined) member.succeed();
      else if (++member.failures < attemptsAfter(failure.reason)) oncemore.push(member);
      else member.fail(failure.reason);
    }
    this.#members.unshift(...oncemore);
  }

  /** Throws where all have failed. */
  async #runAll(client: pg.PoolClient, first: Member, outcomes: Map<Member, Failure | undefined>): Promise<void> {
    let begin = 'BEGIN ISOLATION LEVEL SERIALIZABLE';
    for (let member: Member | undefined = first; member !== undefined; member = this.#companion(first, outcomes.size)) {
      const sql = new TransactionSql(client, this.writer);
      sql.begin(begin);
      outcomes.set(member, undefined);
      const ran = member.run(sql);
      // Sent after statements that are not answered yet.
      const early = member.atOnce && !this.#hasCompanion(first, outcomes.size) ? commitWith(client, sql) : undefined;
      early?.catch(() => undefined); // it is waited for below
      const thrown = await failureOf(ran);
      if (early !== undefined) {
        await early;
        outcomes.set(member, thrown);
        return;
      }
      if (thrown === undefined && !this.#hasCompanion(first, outcomes.size)) return await commitWith(client, sql);
      const failure = await wholeFailure(thrown, sql);
      begin = member === first ? 'SAVEPOINT member' : 'RELEASE member; SAVEPOINT member';
      if (failure === undefined) continue;
      // The first one has no savepoint: as a rule it is alone.
      if (member === first || endsBatch(failure.reason)) throw failure.reason;
      outcomes.set(member, failure);
      begin = rollBackOne;
    }
    if (begin === rollBackOne) client.query(rollBackOne).catch(() => undefined); // where it fails, so does COMMIT
    await commit(client);
  }

  /** What is run a second time is run alone. */
  #hasCompanion(first: Member, taken: number): boolean {
    const [next] = this.#members;
    return next !== undefined && taken < maxBatch && first.failures === 0 && next.failures === 0;
  }

  #companion(first: Member, taken: number): Member | undefined {
    return this.#hasCompanion(first, taken) ? this.#members.shift() : undefined;
  }

  async #track<T>(perform: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore() === true) {
      throw new Error('within a transaction, statements go by the `sql` that its work is given');
    }
    if (this.#closing !== undefined) throw new Error('the database is closed');
    const pending = perform();
    this.#pending.add(pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(pending);
    }
  }
}

const rollBackOne = 'ROLLBACK TO member';

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT').catch((error: unknown) => {
    throw inWords(error, 'during a commit, which may have been done');
  });
  if (command !== 'COMMIT') throw new Error(`the database has ended the transaction by itself: ${command}`);
}

/** Without waiting for statements' answers: where one has failed, PostgreSQL takes no commit. */
async function commitWith(client: pg.PoolClient, sql: TransactionSql): Promise<void> {
  sql.close();
  try {
    await commit(client);
  } catch (error) {
    await sql.end();
    throw error instanceof DatabaseLostError ? error : (sql.failure ?? error);
  }
}

async function failureOf(ran: Promise<void>): Promise<Failure | undefined> {
  try {
    await ran;
    return undefined;
  } catch (reason) {
    return { reason };
  }
}

/** What came of a member's work, and of its statements. */
async function wholeFailure(failure: Failure | undefined, sql: TransactionSql): Promise<Failure | undefined> {
  await sql.end();
  const { failure: own } = sql;
  // PostgreSQL gives up with the first error, whatever the work makes of it; what that is tells nothing of whether to try again.
  const better = failure === undefined || attemptsAfter(own) > 1 || own instanceof DatabaseLostError;
  return own !== undefined && better ? { reason: own } : failure;
}

/** Whatever role, database and server have for a default: what is committed is on the disk, and nothing waits for ever. */
async function prepareSession(client: pg.ClientBase, options: PostgresOptions): Promise<void> {
  const { schema, statementTimeoutMs = defaultStatementTimeoutMs } = options;
  const settings: readonly (readonly [name: string, value: string])[] = [
    ['synchronous_commit', 'on'],
    ['default_transaction_isolation', 'serializable'],
    ['statement_timeout', `${statementTimeoutMs}`],
    ['idle_in_transaction_session_timeout', `${2 * statementTimeoutMs}`],
    ['bytea_output', 'hex'],
    ...(schema === undefined ? [] : [['search_path', pg.escapeIdentifier(schema)] as const]),
  ];
  const calls = settings.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
  await client.query(`SELECT ${calls.join(', ')}`, settings.flat());
}

/** Whether the connection is good for another transaction. */
async function rollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (error instanceof DatabaseLostError || isStalePlan(error)) return false;
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** Does it once more where the database asks for that, some time later each time, so that those who collide come apart. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let done = 1; ; done++) {
    try {
      return await attempt();
    } catch (error) {
      if (done >= attemptsAfter(error)) throw error;
    }
    await pauseAfter(done);
  }
}

async function pauseAfter(failures: number): Promise<void> {
  await delay(Math.random() * Math.min(failures * pauseMs, longestPauseMs));
}
