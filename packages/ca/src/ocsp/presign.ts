/**
 * Answers that are signed before anybody asks again: each that is half over, or says what is true no more, as long as its certificate lasts.
 * They are leased some at a time, so that several processes share the work.
 *
 * @module
 */

import { type CertIdHash, certIdOf, parseCertificate } from '@handfast/x509';
import type { CaContext } from '../context.ts';
import type { SqlRow } from '../store/database.ts';
import { bytes, integer, text } from '../store/rows.ts';
import { type Answering, keepAnswer, signAnswer, statusOf } from './answers.ts';

/** Another process takes up what was not done by then. */
const leaseMs = 60_000;

/**
 * Renews at most `batch` answers. Whether there may be more.
 *
 * @throws what the database and the signers throw; CaError `cannot_sign`
 */
export async function presignOcsp(
  context: CaContext,
  answering: ReadonlyMap<string, Answering>,
  batch: number,
): Promise<boolean> {
  const { database, clock } = context;
  const now = clock();
  const rows = await database.transaction(async (sql) => {
    const leased = await sql.all(
      `UPDATE ocsp_answers SET leased_until = $2 WHERE (serial, hash) IN (
         SELECT a.serial, a.hash FROM ocsp_answers a
         WHERE a.renew_at <= $1 AND a.leased_until <= $1 ORDER BY a.renew_at LIMIT $3)
       RETURNING serial, hash`,
      [now.getTime(), now.getTime() + leaseMs, batch],
    );
    const found: SqlRow[] = [];
    for (const row of leased) {
      const [record] = await sql.all(
        'SELECT serial, issuer_id, not_after, revoked_at, reason, der FROM certificates WHERE serial = $1',
        [text(row, 'serial')],
      );
      if (record !== undefined) found.push({ ...record, hash: text(row, 'hash') });
    }
    return found;
  });
  for (const row of rows) await renew(context, answering, row, now);
  return rows.length === batch;
}

async function renew(
  { database, provider }: CaContext,
  answering: ReadonlyMap<string, Answering>,
  row: SqlRow,
  now: Date,
): Promise<void> {
  const own = answering.get(text(row, 'issuer_id'));
  const serial = text(row, 'serial');
  const hash = text(row, 'hash') as CertIdHash; // what `keepAnswer` wrote
  // Nobody asks after it any more, or nobody is here who could answer.
  if (own === undefined || integer(row, 'not_after') < now.getTime()) {
    await database.run('DELETE FROM ocsp_answers WHERE serial = $1 AND hash = $2', [serial, hash]);
    return;
  }
  const certificate = parseCertificate(bytes(row, 'der'));
  const id = certIdOf(provider, certificate, own.issuer.certificate, hash);
  const status = statusOf(row);
  await keepAnswer(database, { id, serial, status }, await signAnswer(own, [{ id, status }], now));
}
