/**
 * A server's sessions by identifier (RFC 5246 §7.3), for clients of TLS 1.2 that know no tickets. What is stored is sealed as
 * tickets are: who can write to the store can make no session.
 *
 * @module
 */

import { type MaybePromise, toHex } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';

export interface SessionStore {
  readonly get: (id: Uint8Array) => MaybePromise<Uint8Array | undefined>;
  /** @param lifetimeMs after which it may be forgotten. */
  readonly set: (id: Uint8Array, session: Uint8Array, lifetimeMs: number) => MaybePromise<void>;
  /** Its connection ended by a fatal alert. */
  readonly delete: (id: Uint8Array) => MaybePromise<void>;
}

/**
 * Sessions of this process, the oldest dropped first.
 * @param most how many are kept. Default: 10,000.
 */
export function memorySessionStore({ most = 10_000 }: { readonly most?: number } = {}): SessionStore {
  if (!Number.isInteger(most) || most < 1) throw new TlsConfigError('most', `${most} is not a whole number from 1`);
  // Their time is in what is sealed: an old one is refused when it is opened, and pushed out when it is not.
  const sessions = new Map<string, Uint8Array>();
  return {
    get: (id) => sessions.get(toHex(id)),
    set(id, session) {
      sessions.set(toHex(id), session);
      if (sessions.size <= most) return;
      for (const oldest of sessions.keys()) {
        sessions.delete(oldest);
        break;
      }
    },
    delete(id) {
      sessions.delete(toHex(id));
    },
  };
}
