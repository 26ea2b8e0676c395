/**
 * What a database that was put back to an older state has forgotten, entered again from the audit stream: entries in their chains,
 * checkpoints, certificates, revocations, keys that are blocked, numbers of CRLs. Nothing is believed that its chain, and for a
 * certificate its issuer's signature, does not bear out, but for what little `effects.ts` names.
 *
 * @module
 */

import type { CryptoProvider, PublicKeyInfo } from '@handfast/crypto';
import type { Database, Sql } from '../store/database.ts';
import { integer, text } from '../store/rows.ts';
import { type AuditCheckpoint, checkpointFlaw } from './checkpoint.ts';
import { insertCheckpoint, newestCheckpoint } from './checkpoints.ts';
import { type Effect, effectOf } from './effects.ts';
import { auditInsert, type ChainEnd, emptyChain, hashOf, valuesOf } from './entry.ts';
import { type AuditLine, parseAuditLine } from './events.ts';
import { FormError } from './fields.ts';
import type { AuditEvent } from './stream.ts';

export interface ReenterOptions {
  /** Whose tables are there: an authority was opened over it. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** The audit key, and those before it. */
  readonly keys: readonly PublicKeyInfo[];
  /** Lines of the audit stream; lines about other things are passed over. */
  readonly lines: AsyncIterable<string> | Iterable<string>;
}

/** What was done, and what was not. */
export interface Reentered {
  readonly entries: number;
  readonly issued: number;
  readonly revoked: number;
  readonly blocked: number;
  readonly checkpoints: number;
  /** Entries that were entered, and whose effect was not: by action, how many. */
  readonly notDone: ReadonlyMap<string, number>;
  /**
   * Certificates that were issued, as entries say, and that are not there: at most a thousand. Entries that were refused for want of
   * those before them count, too.
   */
  readonly unknown: readonly string[];
  /** Certificates that were revoked, as such entries say, and are not: at most a thousand. */
  readonly notRevoked: readonly string[];
  /** Entries that do not follow from what is there, or were changed. */
  readonly refused: number;
  /** Lines that are no JSON: torn, as by a process that ended. */
  readonly torn: number;
  /** All checkpoints that were read: `verifyAudit` says by them what is missing. */
  readonly known: readonly AuditCheckpoint[];
}

/** Entries that one transaction takes. */
const batch = 200;
/** Serial numbers that are told of one by one. */
const maxSerials = 1000;

/** @throws what the database throws, and what `lines` do */
export async function reenterAudit(options: ReenterOptions): Promise<Reentered> {
  const work = new Reentry(options);
  for await (const line of options.lines) await work.take(line);
  await work.flush();
  return await work.end();
}

class Reentry {
  readonly #options: ReenterOptions;
  readonly #known: AuditCheckpoint[] = [];
  readonly #notDone = new Map<string, number>();
  readonly #unknown = new Set<string>();
  /** By serial number, how many entries tell of it that were entered. */
  readonly #notRevoked = new Map<string, number>();
  readonly #counts = { entries: 0, issued: 0, revoked: 0, blocked: 0, checkpoints: 0, refused: 0, torn: 0 };
  #waiting: AuditEvent[] = [];

  constructor(options: ReenterOptions) {
    this.#options = options;
  }

  async take(line: string): Promise<void> {
    const parsed = this.#parsed(line);
    if (parsed === undefined) return;
    if (parsed.kind === 'checkpoint') this.#known.push(parsed.checkpoint);
    else if (this.#waiting.push(parsed.entry) >= batch) await this.flush();
  }

  #parsed(line: string): AuditLine | undefined {
    try {
      return parseAuditLine(line);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof FormError)) throw error;
      this.#counts.torn++;
      return undefined;
    }
  }

  async flush(): Promise<void> {
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length === 0) return;
    const outcomes = await this.#options.database.transaction(async (sql) => {
      const all: (Outcome & { readonly event: AuditEvent })[] = [];
      for (const event of events) all.push({ event, ...(await this.#enter(sql, event)) });
      return all;
    });
    for (const outcome of outcomes) this.#count(outcome);
  }

  async #enter(sql: Sql, event: AuditEvent): Promise<Outcome> {
    const end = await endOf(sql, event.writer);
    if (event.seq <= end.seq) return (await isThere(sql, event)) ? there : refused;
    if (event.seq !== end.seq + 1 || event.previous !== end.hash || event.hash !== hashOf(event)) return refused;
    await sql.run(auditInsert, valuesOf(event));
    await sql.run(
      `INSERT INTO audit_chains (writer, seq, hash) VALUES ($1, $2, $3)
       ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
      [event.writer, event.seq, event.hash],
    );
    await sql.run(
      `INSERT INTO audit_marks (writer, covered, streamed) VALUES ($1, 0, $2)
       ON CONFLICT (writer) DO UPDATE SET streamed = excluded.streamed`,
      [event.writer, event.seq],
    );
    return { entered: true, effect: await effectOf(sql, event, this.#options.provider) };
  }

  #count({ event, entered, effect }: Outcome & { readonly event: AuditEvent }): void {
    const counts = this.#counts;
    if (entered === 'refused') {
      counts.refused++;
      // One that was changed tells of nothing.
      if (event.hash === hashOf(event)) this.#miss(event, 0);
    }
    if (entered !== true) return;
    counts.entries++;
    if (effect === 'issued' || effect === 'issued and revoked') counts.issued++;
    if (effect === 'revoked' || effect === 'issued and revoked') counts.revoked++;
    if (effect === 'blocked') counts.blocked++;
    if (effect === 'not done') this.#miss(event, 1);
  }

  /** What an entry tells of is not done, as far as is known by now. */
  #miss({ action, subject }: AuditEvent, entered: 0 | 1): void {
    if (action === 'revoke') {
      this.#notRevoked.set(subject, (this.#notRevoked.get(subject) ?? 0) + entered);
      return;
    }
    if (action === 'issue') this.#unknown.add(subject);
    if (entered > 0) this.#notDone.set(action, (this.#notDone.get(action) ?? 0) + 1);
  }

  /** Forgets what another entry has done after all. */
  async #settle(sql: Sql): Promise<void> {
    for (const serial of this.#unknown) {
      if ((await stateOf(sql, serial)) !== undefined) this.#unknown.delete(serial);
    }
    let entered = 0;
    for (const [serial, entries] of this.#notRevoked) {
      if ((await stateOf(sql, serial)) === 'revoked') this.#notRevoked.delete(serial);
      else entered += entries;
    }
    if (entered > 0) this.#notDone.set('revoke', entered);
  }

  async end(): Promise<Reentered> {
    const { database } = this.#options;
    await this.#settle(database);
    for (const checkpoint of this.#known.toSorted((a, b) => a.number - b.number)) {
      if (await database.transaction((sql) => this.#insert(sql, checkpoint))) this.#counts.checkpoints++;
    }
    return {
      ...this.#counts,
      notDone: this.#notDone,
      unknown: [...this.#unknown].slice(0, maxSerials),
      notRevoked: [...this.#notRevoked.keys()].slice(0, maxSerials),
      known: this.#known,
    };
  }

  /** The next one, where what it covers is there. */
  async #insert(sql: Sql, checkpoint: AuditCheckpoint): Promise<boolean> {
    const newest = await newestCheckpoint(sql);
    const { number, previous, heads } = checkpoint;
    if (number !== (newest?.number ?? 0) + 1 || previous !== (newest?.hash ?? '')) return false;
    if ((await checkpointFlaw(checkpoint, this.#options.provider, this.#options.keys)) !== undefined) return false;
    for (const { writer, last, hash } of heads) {
      if (!(await isThere(sql, { writer, seq: last, hash }))) return false;
    }
    return await insertCheckpoint(sql, checkpoint);
  }
}

interface Outcome {
  readonly entered: true | 'there' | 'refused';
  readonly effect?: Effect;
}

const there: Outcome = { entered: 'there' };
const refused: Outcome = { entered: 'refused' };

/** Of a certificate; `undefined`: it is not there. */
async function stateOf(sql: Sql, serial: string): Promise<'issued' | 'revoked' | undefined> {
  const [row] = await sql.all(`SELECT revoked_at FROM certificates WHERE serial = $1 AND state = 'issued'`, [serial]);
  return row && (row.revoked_at === null ? 'issued' : 'revoked');
}

async function endOf(sql: Sql, writer: string): Promise<ChainEnd> {
  const [row] = await sql.all('SELECT seq, hash FROM audit_chains WHERE writer = $1', [writer]);
  return row === undefined ? emptyChain : { seq: integer(row, 'seq'), hash: text(row, 'hash') };
}

/** Those that were forgotten for their age are taken for the same. */
async function isThere(
  sql: Sql,
  { writer, seq, hash }: { readonly writer: string; readonly seq: number; readonly hash: string },
): Promise<boolean> {
  const [row] = await sql.all('SELECT hash FROM audit WHERE writer = $1 AND seq = $2', [writer, seq]);
  if (row !== undefined) return text(row, 'hash') === hash;
  const [later] = await sql.all('SELECT 1 AS found FROM audit_chains WHERE writer = $1 AND seq >= $2', [writer, seq]);
  return later !== undefined;
}
