/**
 * Work that one process does for all that share a database: whoever has the lease does it, and where that one dies another has it when
 * the lease is over.
 *
 * @module
 */

import type { Sql } from './database.ts';

/** Does `work` unless somebody is at it: then, `undefined`. It must take less than `forMs`, or be harmless twice. */
export async function underLease<T>(
  sql: Sql,
  { name, clock, forMs }: { readonly name: string; readonly clock: () => Date; readonly forMs: number },
  work: () => Promise<T>,
): Promise<T | undefined> {
  const now = clock().getTime();
  const until = now + forMs;
  const taken = await sql.run(
    `INSERT INTO leases (name, leased_until) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until WHERE leases.leased_until <= $3`,
    [name, until, now],
  );
  if (taken === 0) return undefined;
  try {
    return await work();
  } finally {
    await sql.run('UPDATE leases SET leased_until = 0 WHERE name = $1 AND leased_until = $2', [name, until]);
  }
}
