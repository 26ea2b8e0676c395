/**
 * Sessions: whoever signs in with a token, or shows a client certificate that has a role, has one for 8 hours. The cookie is random;
 * the database has its SHA-256. One ends with its token or certificate, and is of no use to who does not show the certificate.
 *
 * @module
 */

import type { Certificate } from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import type { Sql } from '../store/database.ts';
import { integer, optional, text } from '../store/rows.ts';
import { clientIdentity, judgeClient } from './clients.ts';
import { AdminProblem } from './problems.ts';
import type { AdminRole } from './roles.ts';
import { csrfOf, hashOf, newSecret } from './secrets.ts';
import type { AdminService } from './service.ts';

export interface Session {
  readonly who: string;
  readonly role: AdminRole;
  /** Of the audit log. */
  readonly actor: string;
  readonly csrf: string;
  readonly expiresAt: Date;
  /** By which the database knows it. */
  readonly hash: string;
}

const lifetimeMs = 8 * 3_600_000;
/** Of one token: the oldest give way. */
const maxSessions = 20;

function actorOf(who: string): string {
  return `operator ${who} (dashboard)`;
}

/** With a token. @throws AdminProblem `token_unknown` */
export async function signInByToken(
  service: AdminService,
  token: string,
): Promise<{ session: Session; secret: string }> {
  const { database, clock } = service;
  const now = clock();
  // Looked up by its hash: how long that takes says nothing of any token that is there.
  const [row] = await database.all(
    'SELECT id, who, role, expires_at FROM admin_tokens WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2',
    [hashOf(token), now.getTime()],
  );
  if (row === undefined) throw new AdminProblem('token_unknown');
  const id = text(row, 'id');
  const role = text(row, 'role') as AdminRole; // the table has no other
  const ends = Math.min(integer(row, 'expires_at'), now.getTime() + lifetimeMs);
  return await begin(service, { who: text(row, 'who'), role, ends, now, with: `token ${id}` }, { tokenId: id });
}

/** With the certificate that the connection has shown. @throws AdminProblem `signed_out` */
export async function signInByCertificate(
  service: AdminService,
  certificate: Certificate | undefined,
): Promise<{ session: Session; secret: string }> {
  const { authority, clients, clock } = service;
  const client = await judgeClient(authority, clients, certificate);
  if (client === undefined) throw new AdminProblem('signed_out', { detail: 'no client certificate was shown' });
  if (!('role' in client)) throw new AdminProblem('signed_out', client);
  const { who, role, serial } = client;
  const now = clock();
  const ends = now.getTime() + lifetimeMs;
  return await begin(service, { who, role, ends, now, with: `certificate ${serial}` }, { serial });
}

interface Beginning {
  readonly who: string;
  readonly role: AdminRole;
  readonly ends: number;
  readonly now: Date;
  readonly with: string;
}

async function begin(
  { database, provider }: AdminService,
  { who, role, ends, now, with: how }: Beginning,
  { tokenId, serial }: { readonly tokenId?: string; readonly serial?: string },
): Promise<{ session: Session; secret: string }> {
  const secret = newSecret(provider);
  const hash = hashOf(secret);
  await database.transaction(async (sql) => {
    await sql.run('DELETE FROM admin_sessions WHERE expires_at <= $1', [now.getTime()]);
    await sql.run(
      'INSERT INTO admin_sessions (hash, token_id, serial, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)',
      [hash, tokenId ?? null, serial ?? null, now.getTime(), ends],
    );
    const of = tokenId === undefined ? 'serial' : 'token_id';
    await sql.run(
      `DELETE FROM admin_sessions WHERE ${of} = $1 AND hash <> $2 AND hash NOT IN
         (SELECT hash FROM admin_sessions WHERE ${of} = $1 ORDER BY created_at DESC, hash LIMIT $3)`,
      [tokenId ?? serial ?? null, hash, maxSessions],
    );
    if (tokenId !== undefined) {
      await sql.run('UPDATE admin_tokens SET used_at = $2 WHERE id = $1', [tokenId, now.getTime()]);
    }
    await appendAudit(sql, now, { actor: actorOf(who), action: 'sign in', subject: who, note: `${role}, by ${how}` });
  });
  const session = { who, role, actor: actorOf(who), csrf: csrfOf(secret), expiresAt: new Date(ends), hash };
  return { session, secret };
}

/** Whose a cookie's value is, if anybody's. */
export async function findSession(
  { database, authority, clients, clock }: AdminService,
  secret: string | undefined,
  certificate: () => Certificate | undefined,
): Promise<Session | undefined> {
  if (secret === undefined) return undefined;
  const hash = hashOf(secret);
  const [row] = await database.all(
    `SELECT s.serial, s.expires_at, t.who, t.role, t.revoked_at, t.expires_at AS token_end
     FROM admin_sessions s LEFT JOIN admin_tokens t ON t.id = s.token_id WHERE s.hash = $1 AND s.expires_at > $2`,
    [hash, clock().getTime()],
  );
  if (row === undefined) return undefined;
  const rest = { csrf: csrfOf(secret), expiresAt: new Date(integer(row, 'expires_at')), hash };
  const serial = optional(row, 'serial', text);
  if (serial === undefined) {
    if (optional(row, 'revoked_at', integer) !== undefined) return undefined;
    const who = text(row, 'who');
    return { who, role: text(row, 'role') as AdminRole, actor: actorOf(who), ...rest };
  }
  const client = await clientIdentity(authority, clients, certificate());
  if (client?.serial !== serial) return undefined;
  return { who: client.who, role: client.role, actor: actorOf(client.who), ...rest };
}

export async function signOut({ database, clock }: AdminService, session: Session): Promise<void> {
  const { actor, who, hash } = session;
  await database.transaction(async (sql: Sql) => {
    await sql.run('DELETE FROM admin_sessions WHERE hash = $1', [hash]);
    await appendAudit(sql, clock(), { actor, action: 'sign out', subject: who });
  });
}

/** `__Host-`: no other host and no page without TLS can have set it. */
function cookieName(secure: boolean): string {
  return secure ? '__Host-handfast-admin' : 'handfast-admin';
}

export function cookieOf({ headers }: Request, secure: boolean): string | undefined {
  const name = `${cookieName(secure)}=`;
  const found = (headers.get('cookie') ?? '').split('; ').find((one) => one.startsWith(name));
  return found?.slice(name.length);
}

/** `undefined`: it is taken away. */
export function setCookie(secret: string | undefined, secure: boolean): string {
  const parts = [`${cookieName(secure)}=${secret ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Strict'];
  if (secure) parts.push('Secure');
  parts.push(`Max-Age=${secret === undefined ? 0 : lifetimeMs / 1000}`);
  return parts.join('; ');
}
