/**
 * The states of orders, authorizations and challenges (RFC 8555 §7.1.6) as tables, and the one way from state to state: an UPDATE
 * that names the state it comes from, so that of two processes one moves it.
 *
 * `expired` and `invalid` by lapse of time are told when somebody asks: nothing is written.
 *
 * @module
 */

import type { Sql, SqlValue } from '../store/database.ts';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
export type AuthorizationStatus = 'pending' | 'valid' | 'invalid' | 'deactivated';
export type ChallengeStatus = 'pending' | 'processing' | 'valid' | 'invalid';

interface Tables {
  readonly acme_orders: OrderStatus;
  readonly acme_authorizations: AuthorizationStatus;
  readonly acme_challenges: ChallengeStatus;
}

type Transitions = { readonly [T in keyof Tables]: Readonly<Record<Tables[T], readonly Tables[T][]>> };

const transitions: Transitions = {
  acme_orders: {
    pending: ['ready', 'invalid'],
    ready: ['processing', 'invalid'],
    // Back to `ready`: the key of the request is not taken, and another may be.
    processing: ['ready', 'valid', 'invalid'],
    valid: [],
    invalid: [],
  },
  acme_authorizations: {
    pending: ['valid', 'invalid', 'deactivated'],
    valid: ['deactivated'],
    invalid: [],
    deactivated: [],
  },
  acme_challenges: {
    pending: ['processing'],
    processing: ['valid', 'invalid'],
    valid: [],
    invalid: [],
  },
};

/** Moves one row, and sets other columns with it. Whether it was in the state `from`. */
export async function move<T extends keyof Tables>(
  sql: Sql,
  table: T,
  id: string,
  from: Tables[T],
  to: Tables[T],
  set: Readonly<Record<string, SqlValue>> = {},
): Promise<boolean> {
  if (!transitions[table][from].includes(to)) throw new RangeError(`no way from ${from} to ${to} in ${table}`);
  const columns = Object.keys(set).map((column, index) => `, ${column} = $${index + 4}`);
  const values = [id, from, to, ...Object.values(set)];
  return (
    1 === (await sql.run(`UPDATE ${table} SET status = $3${columns.join('')} WHERE id = $1 AND status = $2`, values))
  );
}
