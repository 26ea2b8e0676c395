/**
 * Forgetting: entries of an age, up to a checkpoint that stays. That they may be gone is said first, in a signed checkpoint: whoever
 * else removes entries cannot call it forgetting.
 *
 * @module
 */

import type { Sql } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { maxHeads } from './checkpoint.ts';
import { type CheckpointOptions, checkpointAudit, makeCheckpoint, newestCheckpoint } from './checkpoints.ts';

export interface PruneAuditOptions extends CheckpointOptions {
  /** How old entries must be. What tells of a certificate that has not expired stays, however old it is. */
  readonly auditKeptMs: number;
  /** Entries that one transaction removes at most: 1000 unless set. */
  readonly batch?: number;
  /** Transactions at most, so that it ends: 100 unless set. What is left is removed the next time. */
  readonly batches?: number;
}

/**
 * Removes entries for their age.
 *
 * @returns how many
 */
export async function pruneAudit(options: PruneAuditOptions): Promise<number> {
  const { database, auditKeptMs, clock = () => new Date(), batch = 1000, batches = 100 } = options;
  const now = clock().getTime();
  const target = await lastBefore(database, await keptFrom(database, now, auditKeptMs));
  const before = (await newestCheckpoint(database))?.pruned ?? 0;
  if (target > before) {
    // What is behind the newest checkpoint is covered before anything goes.
    await checkpointAudit(options);
    await makeCheckpoint(options, target);
  }
  const upTo = Math.max(target, before);
  let removed = 0;
  for (let turn = 0; turn < batches; turn++) {
    const done = await database.transaction((sql) => removeSome(sql, upTo, batch));
    if (done === undefined) break;
    removed += done;
  }
  return removed;
}

/** The time from which on entries are kept. */
async function keptFrom(sql: Sql, now: number, auditKeptMs: number): Promise<number> {
  const [row] = await sql.all('SELECT min(issued_at) AS oldest FROM certificates WHERE not_after >= $1', [now]);
  const oldest = row && optional(row, 'oldest', integer);
  return Math.min(now - auditKeptMs, oldest ?? now);
}

/** The number of the newest checkpoint before a time; 0: there is none. */
async function lastBefore(sql: Sql, time: number): Promise<number> {
  const [row] = await sql.all('SELECT coalesce(max(number), 0) AS number FROM audit_checkpoints WHERE at < $1', [time]);
  return row === undefined ? 0 : integer(row, 'number');
}

/**
 * From the oldest checkpoint on, which goes with what it covers; the last of all stays. How far chains came stays, too: a process that was
 * quiet for long goes on from there, and as many rows as processes ever wrote are no burden. `undefined`: nothing is left.
 */
async function removeSome(sql: Sql, upTo: number, batch: number): Promise<number | undefined> {
  const most = Math.max(batch, 2 * maxHeads);
  const heads = await sql.all(
    'SELECT number, writer, last FROM audit_heads WHERE number <= $1 ORDER BY number, writer LIMIT $2',
    [upTo, most],
  );
  let removed = 0;
  for (const row of heads) {
    removed += await sql.run(
      `DELETE FROM audit WHERE writer = $1 AND seq IN
         (SELECT seq FROM audit WHERE writer = $1 AND seq <= $2 ORDER BY seq LIMIT $3)`,
      [text(row, 'writer'), integer(row, 'last'), batch - removed],
    );
    if (removed >= batch) return removed;
  }
  const all = heads.length < most;
  // Of the last one there may be more heads.
  const done = all ? upTo : Math.max(...heads.map((row) => integer(row, 'number')));
  await sql.run('DELETE FROM audit_heads WHERE number < $1', [done]);
  await sql.run('DELETE FROM audit_checkpoints WHERE number < $1', [done]);
  return all && removed === 0 ? undefined : removed;
}
