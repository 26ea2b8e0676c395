/**
 * What the parts of the dashboard work with.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import type { OpenAuthority } from '../open.ts';
import type { Database } from '../store/database.ts';
import type { AdminClient } from './clients.ts';

export interface AdminService {
  readonly authority: OpenAuthority;
  readonly database: Database;
  readonly provider: CryptoProvider;
  readonly clients: readonly AdminClient[];
  readonly clock: () => Date;
  readonly log: (event: AdminEvent) => void;
}

/** What the log is told; never a secret. */
export type AdminEvent =
  | { readonly event: 'signed in'; readonly who: string; readonly role: string }
  | { readonly event: 'issued' | 'revoked'; readonly serial: string; readonly who: string }
  | { readonly event: 'refused'; readonly path: string; readonly code: string; readonly cause: unknown }
  | { readonly event: 'error'; readonly path: string; readonly error: unknown };
