/**
 * Making a list: its number is on the disk before it is signed, so that none comes twice, and is never below the time in milliseconds,
 * so that a database which was put back to an older state goes on above all that it has forgotten. All lists of an issuer have their
 * numbers from one sequence.
 *
 * Entries are read and encoded some at a time: with 100,000 of them nothing else has to wait long.
 *
 * @module
 */

import { setImmediate as turn } from 'node:timers/promises';
import { type Bytes, fromHex, toHex } from '@handfast/crypto';
import { encodeRevoked, type IssueCrlOptions, issueCrl, type RevocationReason } from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import { type CaContext, crlUrl, refuseClockBehind, type SigningIssuer, wholeSeconds } from '../context.ts';
import type { Sql, SqlRow } from '../store/database.ts';
import { integer, text } from '../store/rows.ts';
import { isSignedBy } from './signed-by.ts';
import { baseList, type CrlName, forgetDelta, insertList, newestList } from './stored.ts';

interface Plan {
  readonly number: number;
  /** The last revocation that it will tell of. */
  readonly revocations: number;
  /** Certificates that ended before are in it no more. */
  readonly since: number;
  /** What its delta adds to. */
  readonly base: { readonly number: number; readonly revocations: number } | undefined;
  /** Where leaves say that a shard is. */
  readonly urls: readonly string[];
}

/** The list of a shard; or the complete one, with a delta beside where there is a list that it can add to. Answers the former's bytes. */
export async function makeList(
  context: CaContext,
  issuer: SigningIssuer,
  name: Exclude<CrlName, 'delta'>,
): Promise<Bytes> {
  const now = context.clock();
  const plan = await context.database.transaction((sql) => planList(sql, context, issuer, name, now));
  const { complete, delta } = await entriesFor(context, issuer, name, plan);
  const { baseUrl, backdateMs, crlLifetimeMs } = context;
  const common = {
    issuer,
    number: BigInt(plan.number),
    thisUpdate: wholeSeconds(now.getTime() - backdateMs),
    nextUpdate: wholeSeconds(now.getTime() + crlLifetimeMs),
    revoked: [],
  };
  const lists: Made[] = [];
  const { base, urls } = plan;
  const withDelta = base !== undefined && baseUrl !== undefined;
  const list = await sign(context, issuer, {
    ...common,
    encoded: complete.encoded,
    ...(name === 'complete'
      ? { freshestUrls: withDelta ? [crlUrl(baseUrl, issuer.id, 'delta')] : [] }
      : { scope: { urls } }),
  });
  const action = name === 'complete' ? 'crl' : 'shard crl';
  const which = name === 'complete' ? '' : `shard ${name}, `;
  lists.push({ name, raw: list, action, note: `${which}${complete.count} revoked` });
  if (withDelta) {
    // RFC 5280 §5.2.3: of one number, since it says the same of one moment.
    const raw = await sign(context, issuer, { ...common, encoded: delta.encoded, baseNumber: BigInt(base.number) });
    lists.push({ name: 'delta', raw, action: 'delta crl', note: `since ${base.number}, ${delta.count} revoked` });
  }
  await record(context, issuer, lists, { ...common, number: plan.number, revocations: plan.revocations, now });
  return list;
}

async function planList(
  sql: Sql,
  { clockSkewMs, baseUrl }: CaContext,
  { id }: SigningIssuer,
  name: Exclude<CrlName, 'delta'>,
  now: Date,
): Promise<Plan> {
  await refuseClockBehind(sql, now, clockSkewMs);
  const [issuer] = await sql.all(
    `UPDATE issuers SET crl_number = CASE WHEN crl_number >= $2 THEN crl_number + 1 ELSE $2 END WHERE id = $1
     RETURNING crl_number, revocations`,
    [id, now.getTime()],
  );
  if (issuer === undefined) throw new Error(`the issuer ${id} is gone`);
  const newest = await newestList(sql, id, name);
  const bases =
    typeof name === 'number' ? await sql.all('SELECT base_url FROM issuer_urls WHERE issuer_id = $1', [id]) : [];
  return {
    number: integer(issuer, 'crl_number'),
    revocations: integer(issuer, 'revocations'),
    // RFC 5280 §3.3: one that has expired stands in a list that is made after that, and then in none.
    since: newest?.list?.thisUpdate ?? 0,
    base: name === 'complete' && baseUrl !== undefined ? await baseList(sql, id, now) : undefined,
    urls: bases.map((row) => crlUrl(text(row, 'base_url'), id, name)).toSorted(),
  };
}

/** Entries that are read, and encoded, at once: a few milliseconds. */
const batch = 250;

interface Entries {
  readonly encoded: Bytes[];
  count: number;
}

/**
 * Read after the plan, and not with it: what is revoked meanwhile may or may not be among them, and makes the next list due either way.
 *
 * A delta has what was revoked, or for another reason, after its base (RFC 5280 §5.2.4). Nothing is removed by it: this CA takes no
 * revocation back, and whoever has a list with a certificate that has ended needs no word of that.
 */
async function entriesFor(
  { database }: CaContext,
  { id }: SigningIssuer,
  name: CrlName,
  { since, base }: Plan,
): Promise<{ readonly complete: Entries; readonly delta: Entries }> {
  const complete: Entries = { encoded: [], count: 0 };
  const delta: Entries = { encoded: [], count: 0 };
  const shard = typeof name === 'number' ? name : undefined;
  let end = since;
  let last = '';
  for (;;) {
    const rows = await database.all(
      `SELECT serial, not_after, revoked_at, reason, revocation FROM certificates
       WHERE issuer_id = $1 AND revoked_at IS NOT NULL AND (not_after, serial) > ($2, $3)
       ${shard === undefined ? '' : 'AND crl_shard = $5'} ORDER BY not_after, serial LIMIT $4`,
      [id, end, last, batch, ...(shard === undefined ? [] : [shard])],
    );
    add(complete, rows);
    if (base !== undefined) {
      add(
        delta,
        rows.filter((row) => integer(row, 'revocation') > base.revocations),
      );
    }
    const newest = rows.at(-1);
    if (newest === undefined || rows.length < batch) return { complete, delta };
    end = integer(newest, 'not_after');
    last = text(newest, 'serial');
    await turn();
  }
}

function add(entries: Entries, rows: readonly SqlRow[]): void {
  const revoked = rows.map((row) => ({
    serialNumber: fromHex(text(row, 'serial')),
    revokedAt: new Date(integer(row, 'revoked_at')),
    reason: text(row, 'reason') as RevocationReason, // what `revoke` wrote
  }));
  entries.encoded.push(encodeRevoked(revoked));
  entries.count += rows.length;
}

async function sign(context: CaContext, issuer: SigningIssuer, options: IssueCrlOptions): Promise<Bytes> {
  const crl = await issueCrl(options);
  if (await isSignedBy(context.provider, crl, issuer.certificate)) return crl.raw;
  throw new Error('the signer made a signature that does not verify');
}

interface Made {
  readonly name: CrlName;
  readonly raw: Bytes;
  readonly action: string;
  readonly note: string;
}

interface Dates {
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly now: Date;
  readonly revocations: number;
}

async function record(
  { database, provider }: CaContext,
  { id: issuerId }: SigningIssuer,
  lists: readonly Made[],
  dates: Dates,
): Promise<void> {
  const entries = lists.map(({ raw, action, note }) => ({
    actor: 'authority',
    action,
    subject: String(dates.number),
    issuerId,
    digest: toHex(provider.digest('sha256', raw)),
    note,
  }));
  await database.transaction(async (sql) => {
    for (const { name, raw } of lists) await insertList(sql, { ...dates, issuerId, name, raw });
    // One whose base is over is of no use to anybody.
    if (lists.length === 1 && lists[0]?.name === 'complete') await forgetDelta(sql, issuerId);
    await appendAudit(sql, dates.now, ...entries);
  });
}
