/**
 * The audit log: who did what, in the transaction that did it. Entries are chained: each holds the hash of the one before, so that
 * none can be changed, left out or put in without all after it being made anew. That nobody cut off the end shows by an entry's
 * hash that was kept elsewhere.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { Sql, SqlRow } from './store/database.ts';
import { integer, optional, text } from './store/rows.ts';

export interface AuditEntry {
  /** `operator alice`, `acme account 17`; the CA itself is `authority`. */
  readonly actor: string;
  /** `issue`, `revoke`, `crl`, …: a word or two. */
  readonly action: string;
  /** What it was done to: a serial number, an issuer, an account. */
  readonly subject: string;
  readonly issuerId?: string | undefined;
  readonly reason?: string | undefined;
  /** SHA-256 of what was signed, hexadecimal. */
  readonly digest?: string | undefined;
  readonly note?: string | undefined;
}

export interface AuditRecord extends AuditEntry {
  /** From 1 on, without gaps. */
  readonly seq: number;
  readonly at: Date;
  /** SHA-256, hexadecimal; before the first it is empty. */
  readonly previous: string;
  readonly hash: string;
}

/** An entry as it is known from elsewhere. */
export interface AuditCheckpoint {
  readonly seq: number;
  readonly hash: string;
}

/** What `verifyAudit` found. */
export interface AuditVerdict {
  /** The last entry up to which all holds; `undefined` where not even the first does, or there is none. */
  readonly last: AuditCheckpoint | undefined;
  /** The first that does not hold, and why. Absent: all do. */
  readonly broken: { readonly seq: number; readonly why: string } | undefined;
}

/** Adds entries, in order. `sql` is the transaction that does what they tell of. */
export async function appendAudit(sql: Sql, at: Date, ...entries: readonly AuditEntry[]): Promise<void> {
  const [newest] = await sql.all('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  let seq = newest === undefined ? 0 : integer(newest, 'seq');
  let previous = newest === undefined ? '' : text(newest, 'hash');
  const all: Promise<number>[] = [];
  for (const entry of entries) {
    const unsealed = { ...entry, seq: ++seq, at, previous };
    const hash = hashOf(unsealed);
    const written = sql.run(
      `INSERT INTO audit (seq, at, actor, action, subject, issuer_id, reason, digest, note, previous, hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [...fieldsOf(unsealed), hash],
    );
    all.push(written);
    previous = hash;
  }
  await Promise.all(all);
}

/** Entries, the newest first. `before`: those whose number is less. 100 unless `limit` says otherwise. */
export async function listAudit(
  sql: Sql,
  { before = Number.MAX_SAFE_INTEGER, limit = 100 }: { readonly before?: number; readonly limit?: number } = {},
): Promise<readonly AuditRecord[]> {
  const rows = await sql.all('SELECT * FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2', [before, limit]);
  return rows.map(recordOf);
}

/** Entries that are read at once. */
const batch = 1000;

/**
 * Up to where the log holds. `checkpoint`: an entry as it was noted elsewhere, which must be in it unchanged.
 */
export async function verifyAudit(sql: Sql, checkpoint?: AuditCheckpoint): Promise<AuditVerdict> {
  let last: AuditCheckpoint | undefined;
  for (;;) {
    const rows = await sql.all('SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2', [last?.seq ?? 0, batch]);
    for (const row of rows) {
      const record = recordOf(row);
      const why = breach(record, last, checkpoint);
      if (why !== undefined) return { last, broken: { seq: record.seq, why } };
      last = { seq: record.seq, hash: record.hash };
    }
    if (rows.length < batch) break;
  }
  if (checkpoint !== undefined && (last?.seq ?? 0) < checkpoint.seq) {
    return { last, broken: { seq: (last?.seq ?? 0) + 1, why: `the log ends before entry ${checkpoint.seq}` } };
  }
  return { last, broken: undefined };
}

function breach(
  record: AuditRecord,
  last: AuditCheckpoint | undefined,
  checkpoint: AuditCheckpoint | undefined,
): string | undefined {
  const next = (last?.seq ?? 0) + 1;
  if (record.seq !== next) return `entry ${next} is missing`;
  if (record.previous !== (last?.hash ?? '')) return 'it does not follow from the entry before it';
  if (record.hash !== hashOf(record)) return 'it was changed';
  if (record.seq === checkpoint?.seq && record.hash !== checkpoint.hash) return 'it is not the entry that was noted';
  return undefined;
}

type Unsealed = Omit<AuditRecord, 'hash'>;

/** The columns before the hash, in order. */
function fieldsOf({ seq, at, actor, action, subject, issuerId, reason, digest, note, previous }: Unsealed) {
  const details = [issuerId ?? null, reason ?? null, digest ?? null, note ?? null] as const;
  return [seq, at.getTime(), actor, action, subject, ...details, previous] as const;
}

/** Over the columns as JSON, in which no value can imitate two. */
function hashOf(record: Unsealed): string {
  return createHash('sha256')
    .update(JSON.stringify(fieldsOf(record)))
    .digest('hex');
}

function recordOf(row: SqlRow): AuditRecord {
  return {
    seq: integer(row, 'seq'),
    at: new Date(integer(row, 'at')),
    actor: text(row, 'actor'),
    action: text(row, 'action'),
    subject: text(row, 'subject'),
    issuerId: optional(row, 'issuer_id', text),
    reason: optional(row, 'reason', text),
    digest: optional(row, 'digest', text),
    note: optional(row, 'note', text),
    previous: text(row, 'previous'),
    hash: text(row, 'hash'),
  };
}
