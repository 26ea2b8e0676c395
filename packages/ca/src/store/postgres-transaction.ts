/**
 * One transaction's way to PostgreSQL: statements are sent at once, and answered in order.
 *
 * @module
 */

import process from 'node:process';
import type pg from 'pg';
import type { Sql, SqlRow, SqlValue } from './database.ts';
import { inWords } from './postgres-errors.ts';
import { queryOf } from './postgres-statements.ts';

/** What a transaction's work is given: of no use when it is over. */
export class TransactionSql implements Sql {
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

  async all(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return (await this.#query(text, values)).rows;
  }

  async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
    return (await this.#query(text, values)).rowCount ?? 0;
  }

  /** Waits for statements that its work did not wait for. */
  async end(): Promise<void> {
    this.close();
    await this.#last;
  }

  close(): void {
    this.#ended = true;
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
