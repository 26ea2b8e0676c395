/**
 * Tables as numbered migrations, one text for SQLite and PostgreSQL: column types are words in braces. The authority's own are
 * `coreSchema`; ACME has its own beside.
 *
 * @module
 */

import type { Database, Sql } from './database.ts';
import { integer } from './rows.ts';

export interface Schema {
  readonly name: string;
  /**
   * From the first on, never changed once released. Statements end with `;` at the end of a line. `{text}`, `{int}`, `{bytes}`
   * are column types; `{strict}` stands behind a table's closing parenthesis, `{strict by key}` where rows are kept in the order of
   * their key and nowhere else.
   */
  readonly migrations: readonly string[];
}

const words: Readonly<Record<Database['kind'], ReadonlyMap<string, string>>> = {
  sqlite: new Map([
    ['text', 'TEXT'],
    ['int', 'INTEGER'],
    ['bytes', 'BLOB'],
    ['strict', 'STRICT'],
    ['strict by key', 'STRICT, WITHOUT ROWID'],
  ]),
  postgres: new Map([
    ['text', 'TEXT'],
    ['int', 'BIGINT'],
    ['bytes', 'BYTEA'],
    ['strict', ''],
    ['strict by key', ''],
  ]),
};

/**
 * Brings the tables of a database to the newest form: all of it in one transaction, or nothing.
 *
 * @throws Error for a database that a newer version has written
 */
export async function migrate(
  database: Database,
  schemas: readonly Schema[],
  clock: () => Date = () => new Date(),
): Promise<void> {
  await database.transaction(async (sql) => {
    const run = (text: string): Promise<number> => sql.run(translate(text, database.kind));
    await run(`CREATE TABLE IF NOT EXISTS schema_migrations (
      name {text} NOT NULL, number {int} NOT NULL, at {int} NOT NULL, PRIMARY KEY (name, number)
    ) {strict}`);
    for (const { name, migrations } of schemas) {
      const done = await newestMigration(sql, name);
      if (done > migrations.length) {
        throw new Error(
          `the database has tables of "${name}" in form ${done}, and this version knows ${migrations.length}: a newer version wrote it`,
        );
      }
      for (const [index, text] of migrations.entries()) {
        if (index < done) continue;
        for (const statement of statementsOf(text)) await run(statement);
        const values = [name, index + 1, clock().getTime()];
        await sql.run('INSERT INTO schema_migrations (name, number, at) VALUES ($1, $2, $3)', values);
      }
    }
  });
}

async function newestMigration(sql: Sql, name: string): Promise<number> {
  const [row] = await sql.all('SELECT coalesce(max(number), 0) AS number FROM schema_migrations WHERE name = $1', [
    name,
  ]);
  return row === undefined ? 0 : integer(row, 'number');
}

function statementsOf(text: string): readonly string[] {
  return text
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function translate(text: string, kind: Database['kind']): string {
  return text.replace(/\{([\w ]+)\}/g, (_, word: string) => {
    const translated = words[kind].get(word);
    if (translated === undefined) throw new RangeError(`no column type {${word}}`);
    return translated;
  });
}

export const coreSchema: Schema = {
  name: 'core',
  migrations: [
    `
    CREATE TABLE issuers (
      id {text} PRIMARY KEY,
      certificate {bytes} NOT NULL,
      parent {text} REFERENCES issuers (id),
      state {text} NOT NULL CHECK (state IN ('current', 'retired')),
      crl_number {int} NOT NULL,
      crl_shards {int} NOT NULL,
      revocations {int} NOT NULL
    ) {strict};

    CREATE TABLE issuer_urls (
      issuer_id {text} NOT NULL REFERENCES issuers (id),
      base_url {text} NOT NULL,
      PRIMARY KEY (issuer_id, base_url)
    ) {strict};

    CREATE TABLE certificates (
      serial {text} PRIMARY KEY,
      issuer_id {text} NOT NULL REFERENCES issuers (id),
      crl_shard {int},
      profile {text} NOT NULL,
      state {text} NOT NULL CHECK (state IN ('intended', 'unfinished', 'issued')),
      tbs_hash {text} NOT NULL,
      der {bytes},
      spki_hash {text} NOT NULL,
      common_name {text},
      not_before {int} NOT NULL,
      not_after {int} NOT NULL,
      issued_at {int} NOT NULL,
      issued_by {text} NOT NULL,
      origin {text},
      replaces {text},
      revoked_at {int},
      reason {text},
      revocation {int},
      CHECK ((state = 'issued') = (der IS NOT NULL)),
      CHECK ((revoked_at IS NULL) = (reason IS NULL))
    ) {strict};
    CREATE INDEX certificates_by_time ON certificates (issued_at, serial);
    CREATE INDEX certificates_by_end ON certificates (not_after);
    CREATE INDEX certificates_by_issuer ON certificates (issuer_id, not_after);
    CREATE INDEX certificates_by_key ON certificates (spki_hash);
    CREATE INDEX certificates_replaced ON certificates (replaces) WHERE replaces IS NOT NULL;
    CREATE INDEX certificates_revoked ON certificates (issuer_id, not_after, serial) WHERE revoked_at IS NOT NULL;
    CREATE INDEX certificates_in_shard ON certificates (issuer_id, crl_shard, not_after, serial)
      WHERE revoked_at IS NOT NULL;
    CREATE INDEX certificates_last_in_shard ON certificates (issuer_id, crl_shard, revocation)
      WHERE revoked_at IS NOT NULL;
    CREATE INDEX certificates_begun ON certificates (serial) WHERE state <> 'issued';

    CREATE TABLE certificate_names (
      serial {text} NOT NULL REFERENCES certificates (serial) ON DELETE CASCADE,
      position {int} NOT NULL,
      kind {text} NOT NULL CHECK (kind IN ('dns', 'ip', 'email')),
      name {text} NOT NULL,
      PRIMARY KEY (serial, position)
    ) {strict};
    CREATE INDEX certificate_names_by_name ON certificate_names (name);

    CREATE TABLE blocked_keys (
      spki_hash {text} PRIMARY KEY,
      reason {text} NOT NULL,
      at {int} NOT NULL
    ) {strict};

    CREATE TABLE crls (
      issuer_id {text} NOT NULL REFERENCES issuers (id),
      scope {text} NOT NULL,
      number {int} NOT NULL,
      this_update {int} NOT NULL,
      next_update {int} NOT NULL,
      issued_at {int} NOT NULL,
      revocations {int} NOT NULL,
      der {bytes},
      PRIMARY KEY (issuer_id, scope, number)
    ) {strict};
    CREATE INDEX crls_by_time ON crls (issued_at);

    CREATE TABLE leases (
      name {text} PRIMARY KEY,
      leased_until {int} NOT NULL
    ) {strict};

    CREATE TABLE audit (
      writer {text} NOT NULL,
      seq {int} NOT NULL,
      at {int} NOT NULL,
      actor {text} NOT NULL,
      action {text} NOT NULL,
      subject {text} NOT NULL,
      issuer_id {text},
      reason {text},
      digest {text},
      note {text},
      previous {text} NOT NULL,
      hash {text} NOT NULL,
      PRIMARY KEY (writer, seq)
    ) {strict};
    CREATE INDEX audit_by_time ON audit (at, writer, seq);

    CREATE TABLE audit_chains (
      writer {text} PRIMARY KEY,
      seq {int} NOT NULL,
      hash {text} NOT NULL
    ) {strict};

    CREATE TABLE audit_marks (
      writer {text} PRIMARY KEY,
      covered {int} NOT NULL,
      streamed {int} NOT NULL
    ) {strict};

    CREATE TABLE audit_checkpoints (
      number {int} PRIMARY KEY,
      at {int} NOT NULL,
      previous {text} NOT NULL,
      pruned {int} NOT NULL,
      signing_key {text} NOT NULL,
      hash {text} NOT NULL,
      algorithm {text} NOT NULL,
      signature {bytes} NOT NULL
    ) {strict};

    CREATE TABLE audit_heads (
      number {int} NOT NULL REFERENCES audit_checkpoints (number),
      writer {text} NOT NULL,
      first {int} NOT NULL,
      last {int} NOT NULL,
      hash {text} NOT NULL,
      PRIMARY KEY (number, writer)
    ) {strict};
    `,
    `
    CREATE INDEX certificates_by_origin ON certificates (origin) WHERE origin IS NOT NULL;

    CREATE TABLE ocsp_answers (
      serial {text} NOT NULL REFERENCES certificates (serial) ON DELETE CASCADE,
      hash {text} NOT NULL,
      reason {text},
      this_update {int} NOT NULL,
      renew_at {int} NOT NULL,
      next_update {int} NOT NULL,
      leased_until {int} NOT NULL,
      der {bytes} NOT NULL,
      PRIMARY KEY (serial, hash)
    ) {strict};
    CREATE INDEX ocsp_answers_to_renew ON ocsp_answers (renew_at);
    `,
    `
    CREATE INDEX audit_revocations ON audit (subject) WHERE action = 'revoke';
    `,
  ],
};
