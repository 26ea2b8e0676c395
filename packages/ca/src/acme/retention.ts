/**
 * What ACME forgets, a bounded number of rows each time: used nonces that have expired, orders that came to nothing, those whose
 * certificates have ended, and authorizations that no order has. Until then an account may revoke by its orders, and says what it
 * replaces.
 *
 * @module
 */

import type { Database } from '../store/database.ts';
import { pruneNonces } from './nonces.ts';
import { pruneRates } from './rates.ts';

export interface Retention {
  readonly now: number;
  /** How long after its end, or its certificate's, an order can still be looked at. */
  readonly keptMs: number;
  /** Rows of each kind. */
  readonly batch: number;
}

/** Whether there may be more to do. */
export async function forgetExpired(database: Database, { now, keptMs, batch }: Retention): Promise<boolean> {
  const counts = [
    await pruneNonces(database, now, batch),
    await pruneRates(database, now, batch),
    await database.run(
      `UPDATE acme_orders SET status = 'invalid' WHERE id IN
         (SELECT id FROM acme_orders WHERE status IN ('pending', 'ready') AND expires_at <= $1 LIMIT $2)`,
      [now, batch],
    ),
    await database.run(
      `DELETE FROM acme_orders WHERE id IN
         (SELECT id FROM acme_orders WHERE status = 'invalid' AND expires_at <= $1 LIMIT $2)`,
      [now - keptMs, batch],
    ),
    await database.run(
      `DELETE FROM acme_orders WHERE id IN (SELECT id FROM acme_orders WHERE certificate_ends_at <= $1 LIMIT $2)`,
      [now - keptMs, batch],
    ),
    await database.run(
      `DELETE FROM acme_authorizations WHERE id IN
         (SELECT a.id FROM acme_authorizations a WHERE a.expires_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM acme_order_authorizations o WHERE o.authorization_id = a.id) LIMIT $2)`,
      [now - keptMs, batch],
    ),
  ];
  return counts.some((count) => count === batch);
}
