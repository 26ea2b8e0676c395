/**
 * `@handfast/ca/postgres`: a database in a PostgreSQL server, for CAs of which several servers share one. It needs the package `pg`.
 *
 * Everything is serializable: what two servers do at once is as if one had come after the other, or one of them does it again. Within
 * a process transactions run one after another, since nearly all of them append to the audit log, and would only wait for each other
 * at the server.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Database, Sql, SqlRow, SqlValue } from './database.ts';
import { attemptsAfter, DatabaseLostError, inWords } from './postgres-errors.ts';
import { parameters, types } from './postgres-values.ts';

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

class PostgresDatabase implements Database {
  readonly kind = 'postgres';
  readonly #pool: pg.Pool;
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #pending = new Set<Promise<unknown>>();
  #lastTransaction: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const { url, maxConnections = 10, connectTimeoutMs = 10_000 } = options;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      allowExitOnIdle: true,
      application_name: 'handfast ca',
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

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#track(() => {
      const turn = this.#lastTransaction.then(() => again(() => this.#attempt(work)));
      this.#lastTransaction = turn.catch(() => undefined);
      return turn;
    });
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
          return await this.#pool.query(text, parameters(values));
        } catch (error) {
          throw inWords(error, 'during a statement, which may have been done');
        }
      }),
    );
  }

  async #attempt<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw inWords(error, 'before a transaction, of which nothing was done');
    });
    // A connection that breaks says so to whatever waits for it, and here, where nothing does.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    let broken = true;
    try {
      const result = await this.#transact(client, work);
      broken = false;
      return result;
    } catch (error) {
      broken = !(await rollBack(client, error));
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  async #transact<T>(client: pg.PoolClient, work: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = new TransactionSql(client);
    await sql.run('BEGIN ISOLATION LEVEL SERIALIZABLE');
    let result: T;
    try {
      result = await this.#inside.run(true, () => work(sql));
    } catch (error) {
      // What the work makes of a statement's failure tells nothing of whether to try again.
      throw attemptsAfter(sql.failure) > 1 || sql.failure instanceof DatabaseLostError ? sql.failure : error;
    } finally {
      await sql.end();
    }
    // PostgreSQL gives up a transaction with its first error, and a COMMIT then only confirms that.
    if (sql.failure !== undefined) throw sql.failure;
    const { command } = await client.query('COMMIT').catch((error: unknown) => {
      throw inWords(error, 'during a commit, which may have been done');
    });
    if (command !== 'COMMIT') throw new Error(`the database has ended the transaction by itself: ${command}`);
    return result;
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

/** Whatever role, database and server have for a default: what is committed is on the disk, and nothing waits for ever. */
async function prepareSession(client: pg.ClientBase, options: PostgresOptions): Promise<void> {
  const { schema, statementTimeoutMs = 30_000 } = options;
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
  if (error instanceof DatabaseLostError) return false;
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
    await delay(Math.random() * Math.min(done * pauseMs, longestPauseMs));
  }
}

/** What a transaction's work is given: of no use when it is over. Statements go one after another. */
class TransactionSql implements Sql {
  readonly #client: pg.PoolClient;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;
  #failure: unknown;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  /** Of the first statement that failed: with it, all of the transaction has. */
  get failure(): unknown {
    return this.#failure;
  }

  async all(text: string, values: readonly SqlValue[] = []): Promise<Rows> {
    return (await this.#query(text, values)).rows as Rows;
  }

  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.#query(text, values)).rowCount ?? 0;
  }

  /** Waits for statements that its work did not wait for. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#last;
  }

  #query(text: string, values: readonly SqlValue[]): Promise<pg.QueryResult> {
    if (this.#ended) return Promise.reject(new Error('the transaction is over'));
    const given = parameters(values);
    const answer = this.#last.then(async () => {
      try {
        return await this.#client.query(text, given);
      } catch (error) {
        const failure = inWords(error, 'during a transaction, of which nothing was done');
        this.#failure ??= failure;
        throw failure;
      }
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}
