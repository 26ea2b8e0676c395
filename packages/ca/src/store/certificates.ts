/**
 * Certificates as the database has them.
 *
 * @module
 */

import { type Certificate, parseCertificate, type RevocationReason } from '@handfast/x509';
import type { CertificateRecord, CertificateStatus, Issued, ListFilter } from '../authority.ts';
import type { CaContext } from '../context.ts';
import { issuedUnder } from '../issuing/issuers.ts';
import type { Sql, SqlRow, SqlValue } from './database.ts';
import { bytes, integer, optional, text } from './rows.ts';

/** A serial number as `serialNumberHex` has it, from any way that people and programs write it. */
export function normaliseSerial(given: string): string {
  const digits = given.toLowerCase().replaceAll(':', '').replace(/^0+/, '');
  const even = digits.padStart(digits.length + (digits.length % 2), '0');
  // An INTEGER's first bit is its sign.
  return /^[89a-f]/.test(even) ? `00${even}` : even;
}

export async function findCertificate(sql: Sql, serial: string, now: Date): Promise<CertificateRecord | undefined> {
  const [record] = await recordsWhere(sql, 'serial = $1', [normaliseSerial(serial)], 1, now);
  return record;
}

/** With the chain of its own issuer, which may not be the one that signs now, nor here at all. */
export async function findByOrigin(
  { database: sql, issuers, clock }: CaContext,
  origin: string,
): Promise<Issued | undefined> {
  const [row] = await sql.all(
    `SELECT der, issuer_id FROM certificates
     WHERE origin = $1 AND state = 'issued' AND revoked_at IS NULL ORDER BY issued_at DESC, serial DESC LIMIT 1`,
    [origin],
  );
  if (row === undefined) return undefined;
  const certificate = parseCertificate(bytes(row, 'der'));
  const id = text(row, 'issuer_id');
  const issuer = issuers.get(id);
  if (issuer !== undefined) return issuedUnder(issuer, certificate, clock());
  return { certificate, chain: [certificate, ...(await issuersFrom(sql, id))] };
}

/** Up to the root, without it. */
async function issuersFrom(sql: Sql, id: string): Promise<readonly Certificate[]> {
  const [row] = await sql.all('SELECT certificate, parent FROM issuers WHERE id = $1', [id]);
  const parent = row && optional(row, 'parent', text);
  if (row === undefined || parent === undefined) return [];
  return [parseCertificate(bytes(row, 'certificate')), ...(await issuersFrom(sql, parent))];
}

/** Certificates that are listed unless `limit` says otherwise. */
const defaultLimit = 100;

/** The newest first. */
export async function listCertificates(sql: Sql, filter: ListFilter, now: Date): Promise<readonly CertificateRecord[]> {
  const values: SqlValue[] = [];
  const value = (given: SqlValue): string => `$${values.push(given)}`;
  const conditions = ['TRUE'];
  if (filter.status !== undefined) conditions.push(statusCondition(filter.status, () => value(now.getTime())));
  if (filter.expiresBefore !== undefined) conditions.push(`not_after < ${value(filter.expiresBefore.getTime())}`);
  if (filter.search !== undefined) {
    // Which letters have small ones each database decides for itself: SQLite ASCII's alone.
    const pattern = `lower(${value(`%${filter.search.replace(/[\\%_]/g, '\\$&')}%`)})`;
    conditions.push(`(lower(common_name) LIKE ${pattern} ESCAPE '\\' OR EXISTS (
      SELECT 1 FROM certificate_names n WHERE n.serial = certificates.serial AND lower(n.name) LIKE ${pattern} ESCAPE '\\'))`);
  }
  if (filter.before !== undefined) {
    const before = value(normaliseSerial(filter.before));
    conditions.push(
      `(issued_at, serial) < (SELECT b.issued_at, b.serial FROM certificates b WHERE b.serial = ${before})`,
    );
  }
  return await recordsWhere(sql, conditions.join(' AND '), values, filter.limit ?? defaultLimit, now);
}

function statusCondition(status: CertificateStatus, now: () => string): string {
  if (status === 'revoked') return 'revoked_at IS NOT NULL';
  return `revoked_at IS NULL AND not_after ${status === 'expired' ? '<' : '>='} ${now()}`;
}

async function recordsWhere(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
  limit: number,
  now: Date,
): Promise<readonly CertificateRecord[]> {
  const rows = await sql.all(
    `SELECT * FROM certificates WHERE state = 'issued' AND ${condition}
     ORDER BY issued_at DESC, serial DESC LIMIT $${values.length + 1}`,
    [...values, limit],
  );
  const names = await namesOf(sql, rows);
  return rows.map((row) => recordOf(row, names.get(text(row, 'serial')) ?? [], now));
}

/** Serial numbers that one question asks about. */
const namesAtOnce = 100;

/** By serial number, of rows that have one. */
export async function namesOf(sql: Sql, rows: readonly SqlRow[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const serials = rows.map((row) => text(row, 'serial'));
  for (let at = 0; at < serials.length; at += namesAtOnce) {
    const some = serials.slice(at, at + namesAtOnce);
    const list = some.map((_, index) => `$${index + 1}`).join(', ');
    const names = await sql.all(
      `SELECT serial, name FROM certificate_names WHERE serial IN (${list}) ORDER BY serial, position`,
      some,
    );
    for (const row of names) {
      const serial = text(row, 'serial');
      const list = found.get(serial);
      if (list === undefined) found.set(serial, [text(row, 'name')]);
      else list.push(text(row, 'name'));
    }
  }
  return found;
}

function recordOf(row: SqlRow, names: readonly string[], now: Date): CertificateRecord {
  const notAfter = new Date(integer(row, 'not_after'));
  const revokedAt = optional(row, 'revoked_at', integer);
  return {
    serial: text(row, 'serial'),
    status: revokedAt !== undefined ? 'revoked' : notAfter < now ? 'expired' : 'valid',
    commonName: optional(row, 'common_name', text),
    names,
    profile: text(row, 'profile'),
    issuerId: text(row, 'issuer_id'),
    notBefore: new Date(integer(row, 'not_before')),
    notAfter,
    issuedAt: new Date(integer(row, 'issued_at')),
    by: text(row, 'issued_by'),
    origin: optional(row, 'origin', text),
    revokedAt: revokedAt === undefined ? undefined : new Date(revokedAt),
    reason: optional(row, 'reason', text) as RevocationReason | undefined, // what `revoke` wrote
    der: bytes(row, 'der'),
  };
}
