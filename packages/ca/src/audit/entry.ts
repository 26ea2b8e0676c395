/**
 * An entry of the audit log, and its place in a chain: each holds the hash of the one before, so that none can be changed, left out
 * or put in without all after it being made anew.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { SqlRow, SqlValue } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';

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
  /** Whose chain it is in: an open database's, and so a process's. */
  readonly writer: string;
  /** From 1 on, without gaps. */
  readonly seq: number;
  readonly at: Date;
  /** SHA-256, hexadecimal; before the first it is empty. */
  readonly previous: string;
  readonly hash: string;
}

/** Where a chain ends, or ended. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const emptyChain: ChainEnd = { seq: 0, hash: '' };

/** The next of a chain. */
export function sealed(entry: AuditEntry, writer: string, at: Date, { seq, hash }: ChainEnd): AuditRecord {
  const unsealed = { ...entry, writer, seq: seq + 1, at, previous: hash };
  return { ...unsealed, hash: hashOf(unsealed) };
}

/** As SQL has them: `fieldsOf`, then the hash. */
export const auditColumns =
  'writer, seq, at, actor, action, subject, issuer_id, reason, digest, note, previous, hash' as const;

export const auditInsert: string = `INSERT INTO audit (${auditColumns})
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

export function valuesOf(record: AuditRecord): readonly SqlValue[] {
  return [...fieldsOf(record), record.hash];
}

type Unsealed = Omit<AuditRecord, 'hash'>;

function fieldsOf({ writer, seq, at, actor, action, subject, previous, ...rest }: Unsealed): readonly SqlValue[] {
  const details = [rest.issuerId ?? null, rest.reason ?? null, rest.digest ?? null, rest.note ?? null];
  return [writer, seq, at.getTime(), actor, action, subject, ...details, previous];
}

/** Over the columns as JSON, in which no value can imitate two. */
export function hashOf(record: Unsealed): string {
  return createHash('sha256')
    .update(JSON.stringify(fieldsOf(record)))
    .digest('hex');
}

export function recordOf(row: SqlRow): AuditRecord {
  return {
    writer: text(row, 'writer'),
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
