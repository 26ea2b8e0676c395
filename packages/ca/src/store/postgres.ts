/**
 * `@handfast/ca/postgres`: a database in a PostgreSQL server, for CAs of which several servers share one. It needs the package `pg`.
 *
 * Everything is serializable: what two servers do at once is as if one had come after the other, or one of them does it again. Within
 * a process transactions run one after another, since nearly all of them append to the process's chain of the audit log, and would
 * only wait for each other at the server; those that wait meanwhile are committed together, each in a savepoint. Statements are
 * prepared once a connection, and sent without waiting for the answers to those before.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Database, newWriter, type Sql, type SqlRow, type SqlValue } from './database.ts';
import { attemptsAfter, DatabaseLostError, endsBatch, inWords, isStalePlan } from './postgres-errors.ts';
import { preparedName } from './postgres-statements.ts';
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

/** Transactions that one commit takes at most, so that the first does not wait for ever, and few are done again. */
const maxBatch = 16;

/** A transaction that waits, or runs. */
interface Member {
  run(sql: Sql): Promise<void>;
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
    const { url, maxConnections = 10, connectTimeoutMs = 10_000 } = options;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
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

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#track(
      () =>
        new Promise<T>((resolve, reject) => {
          let result: T;
          this.#members.push({
            run: async (sql) => {
              result = await this.#inside.run(true, () => work(sql));
            },
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
      return first.fail(inWords(error, 'before a transaction, of which nothing was done'));
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
      const failure = await failureOf(member, sql);
      begin = member === first ? 'SAVEPOINT member' : 'RELEASE member; SAVEPOINT member';
      if (failure === undefined) continue;
      // The first one has no savepoint: as a rule it is alone.
      if (member === first || endsBatch(failure.reason)) throw failure.reason;
      outcomes.set(member, failure);
      begin = rollBackOne;
    }
    if (begin === rollBackOne) client.query(rollBackOne).catch(() => undefined); // where it fails, so does COMMIT
    const { command } = await client.query('COMMIT').catch((error: unknown) => {
      throw inWords(error, 'during a commit, which may have been done');
    });
    if (command !== 'COMMIT') throw new Error(`the database has ended the transaction by itself: ${command}`);
  }

  /** What is run a second time is run alone. */
  #companion(first: Member, taken: number): Member | undefined {
    const [next] = this.#members;
    if (next === undefined || taken >= maxBatch || first.failures > 0 || next.failures > 0) return undefined;
    return this.#members.shift();
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

async function failureOf(member: Member, sql: TransactionSql): Promise<Failure | undefined> {
  let failure: Failure | undefined;
  try {
    await member.run(sql);
  } catch (reason) {
    failure = { reason };
  }
  await sql.end();
  const { failure: own } = sql;
  // PostgreSQL gives up with the first error, whatever the work makes of it; what that is tells nothing of whether to try again.
  const better = failure === undefined || attemptsAfter(own) > 1 || own instanceof DatabaseLostError;
  return own !== undefined && better ? { reason: own } : failure;
}

function queryOf(text: string, values: readonly SqlValue[]): pg.QueryConfig {
  return { ...preparedName(text), text, values: parameters(values) };
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

/** What a transaction's work is given: of no use when it is over. */
class TransactionSql implements Sql {
  readonly writer: string;
  readonly #client: pg.PoolClient;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;
  #failure: unknown;

  constructor(client: pg.PoolClient, writer: string) {
    this.#client = client;
    this.writer = writer;
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

  /** What comes before its work. */
  begin(text: string): void {
    this.#send({ text }).catch(() => undefined); // it is its failure
  }

  async #query(text: string, values: readonly SqlValue[]): Promise<pg.QueryResult> {
    if (this.#ended) throw new Error('the transaction is over');
    return await this.#send(queryOf(text, values));
  }

  #send(query: pg.QueryConfig): Promise<pg.QueryResult> {
    cork(this.#client);
    const answer = this.#client.query(query).catch((error: unknown) => {
      const failure = inWords(error, 'during a transaction, of which nothing was done');
      this.#failure ??= failure;
      throw failure;
    });
    // The last one asked is the last one answered.
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}

/** What is asked within one turn goes to the server at once. */
function cork({ connection: { stream } }: pg.PoolClient): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
