/**
 * Accounts that were seen a short while ago, so that a signature can be verified without asking the database. What is decided is
 * decided by the account as the request's transaction reads it: this is never more than a guess at the key.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import type { Sql } from '../store/database.ts';
import { type Account, findAccount } from './accounts.ts';
import { type Jws, verifyJws } from './jws.ts';
import { Problem } from './problems.ts';

export interface KnownAccounts {
  /**
   * The account of an id, with whose key the JWS is signed.
   *
   * @throws Problem `accountDoesNotExist`, and those of `verifyJws`
   */
  signerOf(sql: Sql, id: string, jws: Jws): Promise<Account>;
}

export function knownAccounts(provider: Pick<CryptoProvider, 'signatures'>, limit = 10_000): KnownAccounts {
  const known = new Map<string, Account>();
  const remember = (account: Account): void => {
    // The oldest goes first: a Map keeps its order.
    for (const oldest of known.keys()) {
      if (known.size < limit) break;
      known.delete(oldest);
    }
    known.set(account.id, account);
  };
  return {
    async signerOf(sql, id, jws) {
      const guess = known.get(id);
      if (guess !== undefined) {
        known.delete(id);
        try {
          await verifyJws(provider, jws, guess.key);
          remember(guess);
          return guess;
        } catch (error) {
          // Perhaps the key was changed, at another process.
          if (!(error instanceof Problem)) throw error;
        }
      }
      const account = await findAccount(sql, id);
      if (account === undefined) throw new Problem('accountDoesNotExist');
      await verifyJws(provider, jws, account.key);
      remember(account);
      return account;
    },
  };
}
