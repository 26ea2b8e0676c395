/**
 * The audit log: who did what, in the transaction that did it. Each open database, and so each process, has a chain of its own, so
 * that none waits for another; checkpoints (`audit/checkpoints.ts`) join them, and what they are good for is in `audit/verify.ts`.
 *
 * @module
 */

import {
  type AuditEntry,
  type AuditRecord,
  auditInsert,
  emptyChain,
  recordOf,
  sealed,
  valuesOf,
} from './audit/entry.ts';
import { lastly, type Sql } from './store/database.ts';
import { integer, text } from './store/rows.ts';

export type { AuditEntry, AuditRecord } from './audit/entry.ts';

/** Adds entries, in order. `sql` is the transaction that does what they tell of. */
export async function appendAudit(sql: Sql, at: Date, ...entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const { writer } = sql;
  // The end of a chain is a row: what others append is not looked at, and so PostgreSQL sees no conflict with it.
  const [known] = await sql.all('SELECT seq, hash FROM audit_chains WHERE writer = $1', [writer]);
  let end = known === undefined ? emptyChain : { seq: integer(known, 'seq'), hash: text(known, 'hash') };
  const all: Promise<number>[] = [];
  for (const entry of entries) {
    const record = sealed(entry, writer, at, end);
    all.push(sql.run(auditInsert, valuesOf(record)));
    end = record;
  }
  const statement =
    known === undefined
      ? 'INSERT INTO audit_chains (writer, seq, hash) VALUES ($1, $2, $3)'
      : 'UPDATE audit_chains SET seq = $2, hash = $3 WHERE writer = $1';
  all.push(sql.run(statement, [writer, end.seq, end.hash]));
  lastly(...all);
}

/** Entries of all chains, the newest first. `before`: those that stand behind one in this order. 100 unless `limit` says otherwise. */
export async function listAudit(
  sql: Sql,
  { before, limit = 100 }: { readonly before?: AuditRecord; readonly limit?: number } = {},
): Promise<readonly AuditRecord[]> {
  const rows =
    before === undefined
      ? await sql.all('SELECT * FROM audit ORDER BY at DESC, writer DESC, seq DESC LIMIT $1', [limit])
      : await sql.all(
          `SELECT * FROM audit WHERE (at, writer, seq) < ($1, $2, $3)
           ORDER BY at DESC, writer DESC, seq DESC LIMIT $4`,
          [before.at.getTime(), before.writer, before.seq, limit],
        );
  return rows.map(recordOf);
}
