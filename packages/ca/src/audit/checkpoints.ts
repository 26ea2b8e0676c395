/**
 * Checkpoints as the database has them, and how they are made: by any process, for the chains of all.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { copyBytes, type SignatureAlgorithm, type Signer } from '@handfast/crypto';
import type { Database, Sql, SqlRow, SqlValue } from '../store/database.ts';
import { bytes, integer, text } from '../store/rows.ts';
import {
  type AuditCheckpoint,
  type AuditHead,
  checkpointHash,
  maxHeads,
  signedBytes,
  type UnsignedCheckpoint,
} from './checkpoint.ts';

export interface CheckpointOptions {
  readonly database: Database;
  /** The audit key: one that signs nothing else. */
  readonly signer: Signer;
  readonly clock?: () => Date;
  /** Gets each checkpoint once it is in the database, to write it where the database is not. What it throws is passed on. */
  readonly publish?: (checkpoint: AuditCheckpoint) => void | Promise<void>;
}

/** Others may be making one at the same time; each time one of them has. */
const maxAttempts = 20;

/**
 * Covers all entries that are committed and that no checkpoint covers: by as many as it takes, none where there is nothing new.
 *
 * @throws what the signer and the database throw
 */
export async function checkpointAudit(options: CheckpointOptions): Promise<readonly AuditCheckpoint[]> {
  const made: AuditCheckpoint[] = [];
  for (;;) {
    const checkpoint = await makeCheckpoint(options);
    if (checkpoint === undefined) return made;
    made.push(checkpoint);
    if (checkpoint.heads.length < maxHeads) return made;
  }
}

/** One, and where `pruned` says so although there is nothing new. */
export async function makeCheckpoint(
  { database, signer, clock = () => new Date(), publish }: CheckpointOptions,
  pruned?: number,
): Promise<AuditCheckpoint | undefined> {
  const [algorithm] = signer.algorithms;
  if (algorithm === undefined) throw new RangeError('the audit key signs by no algorithm');
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const unsigned = await nextCheckpoint(database, signer, clock(), pruned);
    if (unsigned === undefined) return undefined;
    // Copied: a signer may have the memory from a pool.
    const signature = copyBytes(await signer.sign(algorithm, signedBytes(unsigned)));
    const checkpoint = { ...unsigned, hash: checkpointHash(unsigned), algorithm, signature };
    if (!(await database.transaction((sql) => insertCheckpoint(sql, checkpoint)))) continue;
    await publish?.(checkpoint);
    return checkpoint;
  }
  throw new Error('other processes make checkpoints of the audit log all the time');
}

async function nextCheckpoint(
  sql: Sql,
  { publicKey }: Signer,
  at: Date,
  pruned: number | undefined,
): Promise<UnsignedCheckpoint | undefined> {
  const newest = await newestCheckpoint(sql);
  const rows = await sql.all(
    `SELECT c.writer, coalesce(m.covered, 0) + 1 AS first, c.seq AS last, c.hash
     FROM audit_chains c LEFT JOIN audit_marks m ON m.writer = c.writer
     WHERE c.seq > coalesce(m.covered, 0) ORDER BY c.writer LIMIT $1`,
    [maxHeads],
  );
  if (rows.length === 0 && pruned === undefined) return undefined;
  return {
    number: (newest?.number ?? 0) + 1,
    at,
    previous: newest?.hash ?? '',
    pruned: Math.max(pruned ?? 0, newest?.pruned ?? 0),
    heads: rows.map(headOf),
    key: createHash('sha256').update(publicKey.spki).digest('hex'),
  };
}

type Newest = Pick<AuditCheckpoint, 'number' | 'hash' | 'pruned'>;

export async function newestCheckpoint(sql: Sql): Promise<Newest | undefined> {
  const [row] = await sql.all('SELECT number, hash, pruned FROM audit_checkpoints ORDER BY number DESC LIMIT 1');
  return row && { number: integer(row, 'number'), hash: text(row, 'hash'), pruned: integer(row, 'pruned') };
}

/** False where another has its number. */
export async function insertCheckpoint(sql: Sql, checkpoint: AuditCheckpoint): Promise<boolean> {
  const { number, at, previous, pruned, key, hash, algorithm, signature, heads } = checkpoint;
  const inserted = await sql.run(
    `INSERT INTO audit_checkpoints (number, at, previous, pruned, signing_key, hash, algorithm, signature)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (number) DO NOTHING`,
    [number, at.getTime(), previous, pruned, key, hash, algorithm, signature],
  );
  if (inserted === 0) return false;
  await insertRows(
    sql,
    heads.map((head) => [number, head.writer, head.first, head.last, head.hash]),
    (places) => `INSERT INTO audit_heads (number, writer, first, last, hash) VALUES ${places}`,
  );
  await insertRows(
    sql,
    heads.map(({ writer, last }) => [writer, last, 0]),
    (places) => `INSERT INTO audit_marks (writer, covered, streamed) VALUES ${places}
      ON CONFLICT (writer) DO UPDATE SET covered = excluded.covered`,
  );
  return true;
}

async function insertRows(
  sql: Sql,
  rows: readonly (readonly SqlValue[])[],
  statement: (places: string) => string,
): Promise<void> {
  if (rows.length === 0) return;
  let count = 0;
  const places = rows.map((row) => `(${row.map(() => `$${++count}`).join(', ')})`);
  await sql.run(statement(places.join(', ')), rows.flat());
}

/** Checkpoints that are read at once. */
const batch = 200;

/** From the oldest that is there, and comes after one. */
export async function* readCheckpoints(sql: Sql, first = -1): AsyncGenerator<AuditCheckpoint, void, undefined> {
  for (let after = first; ; ) {
    const rows = await sql.all('SELECT * FROM audit_checkpoints WHERE number > $1 ORDER BY number LIMIT $2', [
      after,
      batch,
    ]);
    const upTo = rows.length === 0 ? after : integer(rows[rows.length - 1] as SqlRow, 'number');
    const heads = await sql.all(
      'SELECT * FROM audit_heads WHERE number > $1 AND number <= $2 ORDER BY number, writer',
      [after, upTo],
    );
    const byNumber = Map.groupBy(heads, (row) => row.number);
    for (const row of rows) yield checkpointOf(row, (byNumber.get(row.number ?? null) ?? []).map(headOf));
    if (rows.length < batch) return;
    after = upTo;
  }
}

function checkpointOf(row: SqlRow, heads: readonly AuditHead[]): AuditCheckpoint {
  return {
    number: integer(row, 'number'),
    at: new Date(integer(row, 'at')),
    previous: text(row, 'previous'),
    pruned: integer(row, 'pruned'),
    heads,
    key: text(row, 'signing_key'),
    hash: text(row, 'hash'),
    algorithm: text(row, 'algorithm') as SignatureAlgorithm, // what was inserted; one that is none verifies nothing
    signature: bytes(row, 'signature'),
  };
}

function headOf(row: SqlRow): AuditHead {
  return {
    writer: text(row, 'writer'),
    first: integer(row, 'first'),
    last: integer(row, 'last'),
    hash: text(row, 'hash'),
  };
}
