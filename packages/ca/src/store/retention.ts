/**
 * What is forgotten, a bounded number of rows at a time: certificates that ended long ago, with their names and answers. What the audit log
 * says of them stays, and a key that is blocked stays so for ever.
 *
 * @module
 */

import type { CaContext } from '../context.ts';

/**
 * Removes at most `batch` certificates. Whether there may be more.
 *
 * A revoked one has to have stood in a list that was made after its end (RFC 5280 §3.3): in the complete one, and in its shard's. Where
 * no such list is made, since its issuer's key is nowhere any more, it stays.
 */
export async function forgetCertificates({ database, clock, keptMs }: CaContext, batch: number): Promise<boolean> {
  const listed = (scope: string): string =>
    `EXISTS (SELECT 1 FROM crls l WHERE l.issuer_id = c.issuer_id AND l.scope = ${scope} AND l.this_update > c.not_after
       AND l.revocations >= coalesce(c.revocation, 0))`;
  const removed = await database.run(
    `DELETE FROM certificates WHERE serial IN (
       SELECT c.serial FROM certificates c WHERE c.not_after < $1 AND (c.revoked_at IS NULL OR
         (${listed(`'complete'`)} AND (c.crl_shard IS NULL OR ${listed('CAST(c.crl_shard AS TEXT)')})))
       ORDER BY c.not_after LIMIT $2)`,
    [clock().getTime() - keptMs, batch],
  );
  return removed === batch;
}
