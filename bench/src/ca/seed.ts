/**
 * A store with very many certificates, as if ACME clients had ordered each: rows by the store's own transactions, many at a time. The
 * certificates are one that was issued, with the serial number and the name of each put in its place: their signatures are worth nothing.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { type Database, openSqlite } from '@handfast/ca';
import { nodeProvider } from '@handfast/crypto/node';
import { toPem } from '@handfast/x509';
import { acmeSchema } from '../../../packages/ca/src/acme/schema.ts';
import { auditColumns, emptyChain, sealed, valuesOf } from '../../../packages/ca/src/audit/entry.ts';
import type { Sql, SqlValue } from '../../../packages/ca/src/store/database.ts';
import { coreSchema, migrate } from '../../../packages/ca/src/store/schema.ts';
import { type OpenCa, openFolder } from '../../../packages/cli/src/ca/open.ts';
import type { CaFolder } from './servers.ts';

type Row = readonly SqlValue[];

/** Certificates in a transaction. */
const batch = 250;
const certificatesOfAccount = 100;
const day = 86_400_000;

/** Opens a CA of the bench in this process. */
export async function openCa({ directory, env }: CaFolder): Promise<OpenCa> {
  // The driver reads it there.
  if (env.PGPASSWORD !== undefined) process.env.PGPASSWORD = env.PGPASSWORD;
  return await openFolder(directory, async () => '');
}

export async function seed(folder: CaFolder, count: number): Promise<void> {
  const ca = await openCa(folder);
  try {
    const { database } = ca;
    await migrate(database, [coreSchema, acmeSchema]);
    const template = await templateOf(ca);
    const { writer } = database;
    const [last] = await database.all('SELECT seq, hash FROM audit_chains WHERE writer = $1', [writer]);
    let end = last === undefined ? emptyChain : { seq: Number(last.seq), hash: String(last.hash) };
    for (let from = 0; from < count; from += batch) {
      const rows = rowsFor(template, from, Math.min(count, from + batch), end, writer);
      end = rows.end;
      await database.transaction(async (sql) => {
        for (const [table, columns, values] of rows.tables) await insert(sql, table, columns, values);
      });
    }
    await database.transaction(async (sql) => {
      await sql.run('UPDATE audit_chains SET seq = $2, hash = $3 WHERE writer = $1', [writer, end.seq, end.hash]);
    });
    // As PostgreSQL does by itself within a minute.
    if (database.kind === 'postgres') await database.run('ANALYZE');
  } finally {
    await ca.close();
  }
}

/** Revokes all of them, at once. No list tells of it yet. */
export async function revokeAll({ authority, database }: OpenCa): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.run('UPDATE issuers SET revocations = revocations + 1 WHERE id = $1', [authority.issuerId]);
    await sql.run("UPDATE certificates SET revoked_at = $1, reason = 'superseded', revocation = 1", [Date.now()]);
  });
}

interface Template {
  readonly issuerId: string;
  readonly der: Buffer;
  readonly serial: Buffer;
  readonly name: Buffer;
  readonly chain: string;
}

const nameOf = (index: number): string => `host-${String(index).padStart(7, '0')}.seed.localhost`;

async function templateOf({ authority }: OpenCa): Promise<Template> {
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const name = 'template-0000.seed.localhost';
  const { certificate, chain } = await authority.issue({ publicKey: signer.publicKey, names: [name], by: 'the bench' });
  return {
    issuerId: authority.issuerId,
    der: Buffer.from(certificate.raw),
    serial: Buffer.from(certificate.serialNumberHex, 'hex'),
    name: Buffer.from(name),
    chain: chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''),
  };
}

type Tables = readonly (readonly [table: string, columns: string, rows: readonly Row[]])[];

function rowsFor(
  template: Template,
  from: number,
  to: number,
  before: typeof emptyChain,
  writer: string,
): { readonly tables: Tables; readonly end: typeof emptyChain } {
  const now = Date.now();
  const accounts: Row[] = [];
  const certificates: Row[] = [];
  const names: Row[] = [];
  const orders: Row[] = [];
  const authorizations: Row[] = [];
  const challenges: Row[] = [];
  const joins: Row[] = [];
  const audit: Row[] = [];
  let end = before;
  for (let index = from; index < to; index++) {
    const account = `account-${Math.floor(index / certificatesOfAccount)}`;
    if (index % certificatesOfAccount === 0)
      accounts.push([account, 'valid', id(), randomBytes(91), '[]', now, null, null, now]);
    const serial = randomBytes(template.serial.length);
    serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
    const hex = serial.toString('hex');
    const name = nameOf(index);
    const der = Buffer.from(template.der);
    serial.copy(der, der.indexOf(template.serial));
    Buffer.from(name).copy(der, der.indexOf(template.name));
    const [order, authorization] = [id(), id()];
    const at = now - 30 * day + Math.floor((index * 30 * day) / 1e6);
    const by = `acme account ${account}`;
    const origin = `acme order ${order}`;
    certificates.push([
      ...[hex, template.issuerId, index % 16, 'server', 'issued', hash(), der, hash(), null],
      ...[at, at + 90 * day, at, by, origin, null],
    ]);
    names.push([hex, 0, 'dns', name]);
    orders.push([order, account, 'valid', at + day, hex, template.chain, at]);
    authorizations.push([authorization, account, 'dns', name, 0, 'valid', at + day, at, at]);
    challenges.push([id(), authorization, 'http-01', id(), 'valid', at]);
    joins.push([order, 0, authorization]);
    const entry = { actor: by, action: 'issue', subject: hex, issuerId: template.issuerId, digest: hash() };
    const record = sealed({ ...entry, note: `${origin}, dns ${name}` }, writer, new Date(at), end);
    end = record;
    audit.push(valuesOf(record));
  }
  const tables: Tables = [
    [
      'acme_accounts',
      'id, status, thumbprint, public_key, contacts, terms_agreed_at, external_key_id, external_binding, created_at',
      accounts,
    ],
    [
      'certificates',
      `serial, issuer_id, crl_shard, profile, state, tbs_hash, der, spki_hash, common_name, not_before, not_after,
       issued_at, issued_by, origin, replaces`,
      certificates,
    ],
    ['certificate_names', 'serial, position, kind, name', names],
    ['acme_orders', 'id, account_id, status, expires_at, serial, chain, created_at', orders],
    [
      'acme_authorizations',
      'id, account_id, identifier_type, identifier_value, wildcard, status, expires_at, validated_at, created_at',
      authorizations,
    ],
    ['acme_challenges', 'id, authorization_id, type, token, status, validated_at', challenges],
    ['acme_order_authorizations', 'order_id, position, authorization_id', joins],
    ['audit', auditColumns, audit],
  ];
  return { tables, end };
}

async function insert(sql: Sql, table: string, columns: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  let count = 0;
  const places = rows.map((row) => `(${row.map(() => `$${++count}`).join(', ')})`);
  await sql.run(`INSERT INTO ${table} (${columns}) VALUES ${places.join(', ')}`, rows.flat());
}

const id = (): string => randomBytes(16).toString('base64url');
const hash = (): string => randomBytes(32).toString('hex');

/** What SQLite's file takes. */
export async function sqliteBytes(file: string): Promise<number> {
  const database: Database = await openSqlite(file);
  const [row] = await database.all('SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size');
  await database.close();
  return Number(row?.size);
}
