/**
 * The audit stream: every entry of the log, once it is committed, goes elsewhere too, with what is needed to do again what it tells
 * of. How far it went is in the database, so that a process which ends between a commit and that leaves nothing out: what was not
 * marked is sent again, by whoever comes next, and so may come twice.
 *
 * @module
 */

import { namesOf } from '../store/certificates.ts';
import type { Database, Sql, SqlRow } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';
import type { AuditCheckpoint } from './checkpoint.ts';
import { readCheckpoints } from './checkpoints.ts';
import { type AuditRecord, auditColumns, recordOf } from './entry.ts';

/** An entry, and of an issuance what was issued. */
export interface AuditEvent extends AuditRecord {
  readonly certificate?: {
    readonly der: Uint8Array;
    readonly names: readonly string[];
    readonly profile: string;
    /** Of the CRL that it names. */
    readonly shard: number | undefined;
    readonly origin: string | undefined;
    readonly replaces: string | undefined;
  };
}

export interface AuditStreamOptions {
  readonly database: Database;
  /** Takes events, in order within a chain. Where it throws they come again. */
  readonly write: (events: readonly AuditEvent[]) => void | Promise<void>;
  /** Takes checkpoints, whoever made them, in the same way: after entries that they cover, as far as those are told here. */
  readonly writeCheckpoint?: (checkpoint: AuditCheckpoint) => void | Promise<void>;
  readonly clock?: () => Date;
  /**
   * Entries of other processes are left to them for so long: a minute unless set. Commands have no stream of their own, and a
   * process that died sends nothing more.
   */
  readonly othersAfterMs?: number;
}

/** Entries that are written at once. */
const batch = 500;

export class AuditStream {
  readonly #options: Required<Omit<AuditStreamOptions, 'writeCheckpoint'>> & AuditStreamOptions;
  #othersAt = 0;

  constructor(options: AuditStreamOptions) {
    this.#options = { clock: () => new Date(), othersAfterMs: 60_000, ...options };
  }

  /**
   * Sends what is new: one call after the other. To be called every second or so, and at the end.
   *
   * @returns how many entries
   * @throws what `write` and the database throw
   */
  async send(): Promise<number> {
    const { database, clock, othersAfterMs } = this.#options;
    const now = clock().getTime();
    let sent = 0;
    for (const { writer, streamed } of await unsent(database, 'c.writer = $1', database.writer)) {
      sent += await this.#sendChain(writer, streamed, Number.MAX_SAFE_INTEGER);
    }
    if (now - this.#othersAt < othersAfterMs) {
      await this.#sendCheckpoints();
      return sent;
    }
    for (const { writer, streamed } of await unsent(database, 'c.writer <> $1', database.writer)) {
      sent += await this.#sendChain(writer, streamed, now - othersAfterMs);
    }
    this.#othersAt = now;
    await this.#sendCheckpoints();
    return sent;
  }

  async #sendCheckpoints(): Promise<void> {
    const { database, writeCheckpoint } = this.#options;
    if (writeCheckpoint === undefined) return;
    const [row] = await database.all('SELECT streamed FROM audit_marks WHERE writer = $1', [checkpointMark]);
    for await (const checkpoint of readCheckpoints(database, row === undefined ? 0 : integer(row, 'streamed'))) {
      await writeCheckpoint(checkpoint);
      await mark(database, checkpointMark, checkpoint.number);
    }
  }

  /** Entries up to a time. */
  async #sendChain(writer: string, streamed: number, until: number): Promise<number> {
    const { database, write } = this.#options;
    let sent = 0;
    for (let after = streamed; ; ) {
      const events = await eventsOf(database, writer, after, until);
      const last = events.at(-1);
      if (last === undefined) return sent;
      await write(events);
      await mark(database, writer, last.seq);
      sent += events.length;
      after = last.seq;
      if (events.length < batch) return sent;
    }
  }
}

/** In the place of a writer, for the number of the last checkpoint that was told. */
const checkpointMark = 'checkpoints';

async function mark(sql: Sql, writer: string, streamed: number): Promise<void> {
  await sql.run(
    `INSERT INTO audit_marks (writer, covered, streamed) VALUES ($1, 0, $2)
     ON CONFLICT (writer) DO UPDATE SET streamed = excluded.streamed WHERE audit_marks.streamed < excluded.streamed`,
    [writer, streamed],
  );
}

interface Unsent {
  readonly writer: string;
  readonly streamed: number;
}

/** `condition` is about `$1`. */
async function unsent(sql: Sql, condition: string, value: string): Promise<readonly Unsent[]> {
  const rows = await sql.all(
    `SELECT c.writer, coalesce(m.streamed, 0) AS streamed
     FROM audit_chains c LEFT JOIN audit_marks m ON m.writer = c.writer
     WHERE c.seq > coalesce(m.streamed, 0) AND ${condition} ORDER BY c.writer`,
    [value],
  );
  return rows.map((row) => ({ writer: text(row, 'writer'), streamed: integer(row, 'streamed') }));
}

async function eventsOf(sql: Sql, writer: string, after: number, until: number): Promise<readonly AuditEvent[]> {
  const columns = auditColumns.replace(/\w+/g, 'a.$&');
  const rows = await sql.all(
    `SELECT ${columns}, c.serial, c.der, c.profile, c.crl_shard, c.origin, c.replaces
     FROM audit a LEFT JOIN certificates c ON a.action = 'issue' AND c.serial = a.subject
     WHERE a.writer = $1 AND a.seq > $2 ORDER BY a.seq LIMIT $3`,
    [writer, after, batch],
  );
  const end = rows.findIndex((row) => integer(row, 'at') > until);
  const told = end < 0 ? rows : rows.slice(0, end);
  const issued = told.filter((row) => row.der !== null);
  const names = await namesOf(sql, issued);
  return told.map((row) => ({ ...recordOf(row), ...certificateOf(row, names) }));
}

function certificateOf(
  row: SqlRow,
  names: ReadonlyMap<string, readonly string[]>,
): Pick<AuditEvent, 'certificate'> | undefined {
  if (row.der === null) return undefined;
  return {
    certificate: {
      der: bytes(row, 'der'),
      names: names.get(text(row, 'serial')) ?? [],
      profile: text(row, 'profile'),
      shard: optional(row, 'crl_shard', integer),
      origin: optional(row, 'origin', text),
      replaces: optional(row, 'replaces', text),
    },
  };
}
