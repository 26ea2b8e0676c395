/**
 * What an ACME server is made of and told, with what holds unless it is told.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import type { RevocationReason } from '@handfast/x509';
import type { Authority } from '../authority.ts';
import type { Database } from '../store/database.ts';
import type { Identifier } from './identifiers.ts';
import type { KnownAccounts } from './known-accounts.ts';
import type { Links } from './links.ts';
import type { Nonces } from './nonces.ts';
import type { CaaOptions } from './validation/caa.ts';
import type { Challenge } from './validation/challenge.ts';

export interface AcmeOptions {
  readonly authority: Authority;
  /** The authority's, or one of its own. */
  readonly database: Database;
  readonly provider: CryptoProvider;
  /** What clients are told, and sign for: `https://ca.internal:9000`, without a path. */
  readonly baseUrl: string;
  readonly challenges: readonly Challenge[];
  /**
   * Whether the CA issues for a name, as a certificate would have it (`db.internal`, `*.app.test`, `10.0.0.1`), so that it can
   * be refused with the order: `(name) => authority.nameRefusal(name) === undefined`. The authority has the last word when it
   * issues. Unless set: any name.
   */
  readonly allowsName?: (name: string) => boolean;
  /** Profiles that a client may ask for, and what to say of each. */
  readonly profiles?: Readonly<Record<string, string>>;
  /** A URL. Where it is set, a new account agrees to it. */
  readonly termsOfService?: string;
  readonly website?: string;
  /** A URL that explains the rate limits, for who has met with one. */
  readonly rateLimitsUrl?: string;
  /** Where CAA records are to be checked: how. Its identities are listed in the directory. */
  readonly caa?: CaaOptions;
  /** Whether a new account needs a key of `externalKeys`. */
  readonly externalAccountRequired?: boolean;
  readonly limits?: Partial<AcmeLimits>;
  readonly clock?: () => Date;
  readonly log?: (event: AcmeEvent) => void;
}

export interface AcmeLimits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  readonly identifiersPerOrder: number;
  readonly contacts: number;
  /** Orders of one account that are neither done nor refused. */
  readonly openOrdersPerAccount: number;
  /** New accounts from one address (of IPv6: one network of 64 bits); 0, here and below: no limit. */
  readonly accountsPerHour: number;
  /** New orders of one account. */
  readonly ordersPerHour: number;
  /** Failed validations of one account for one name; then no order is taken for it. */
  readonly failedValidationsPerHour: number;
  readonly ordersPerPage: number;
  readonly nonceLifetimeMs: number;
  /** From newOrder to finalize. */
  readonly orderLifetimeMs: number;
  /** How long a proof is good for further orders; 0: for its own alone. */
  readonly authorizationReuseMs: number;
  /** How long a process may work on a challenge or an order before another takes it up. */
  readonly leaseMs: number;
  /** Validations at a time, in one process. */
  readonly validations: number;
  /** Validations of one account that wait for their turn, in one process. */
  readonly waitingValidations: number;
  /** How long orders can still be looked at that came to nothing, or whose certificates have ended. */
  readonly keptMs: number;
  /** What `Retry-After` says where something is in work. */
  readonly retryAfterSeconds: number;
  /** What it says after an error of the CA's own. */
  readonly retryAfterErrorSeconds: number;
  /** When to renew, as a share of the certificate's lifetime. */
  readonly renewAfter: number;
  /** How often clients ask for it (RFC 9773 §4.3). */
  readonly renewalInfoSeconds: number;
}

const minute = 60_000;
const hour = 60 * minute;

export const defaultLimits: AcmeLimits = {
  bodyBytes: 64 * 1024,
  identifiersPerOrder: 100,
  contacts: 10,
  openOrdersPerAccount: 300,
  accountsPerHour: 100,
  ordersPerHour: 1000,
  failedValidationsPerHour: 20,
  ordersPerPage: 100,
  nonceLifetimeMs: hour,
  orderLifetimeMs: 24 * hour,
  authorizationReuseMs: 0,
  leaseMs: minute,
  validations: 64,
  waitingValidations: 1000,
  keptMs: 30 * 24 * hour,
  retryAfterSeconds: 1,
  retryAfterErrorSeconds: 60,
  renewAfter: 2 / 3,
  renewalInfoSeconds: 6 * 3600,
};

export type AccountChange = 'created' | 'updated' | 'deactivated' | 'rekeyed';

/** What the log is told; never a secret, and never without being asked for a body. */
export type AcmeEvent =
  | { readonly event: 'account'; readonly accountId: string; readonly change: AccountChange }
  | {
      readonly event: 'validation';
      readonly type: string;
      readonly identifier: Identifier;
      /** How long it took. */
      readonly ms: number;
      readonly failure?: Error;
    }
  | { readonly event: 'new order'; readonly orderId: string; readonly accountId: string; readonly names: number }
  | {
      readonly event: 'order';
      readonly orderId: string;
      readonly status: 'valid' | 'invalid';
      /** As the order named it. */
      readonly profile?: string | undefined;
      readonly serial?: string | undefined;
      readonly failure?: unknown;
    }
  | { readonly event: 'revoked'; readonly serial: string; readonly reason: RevocationReason }
  | { readonly event: 'refused'; readonly url: string; readonly problem: string; readonly cause?: unknown }
  | { readonly event: 'error'; readonly url: string | undefined; readonly error: unknown };

/** What every part of the server works with. */
export interface Service {
  readonly authority: Authority;
  readonly database: Database;
  readonly provider: CryptoProvider;
  readonly challenges: readonly Challenge[];
  readonly links: Links;
  readonly nonces: Nonces;
  readonly accounts: KnownAccounts;
  readonly limits: AcmeLimits;
  readonly options: AcmeOptions;
  now(): number;
  /** A new identifier that nobody can guess. */
  newId(): string;
  log(event: AcmeEvent): void;
  /** Does `work` for an account beside the answers, when its turn comes; what it throws is logged. */
  background(accountId: string, work: () => Promise<void>): void;
  /** How much of an account's work waits for its turn. */
  waiting(accountId: string): number;
  /** Ids of challenges that this process has leased and not settled. */
  readonly held: Set<string>;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}
