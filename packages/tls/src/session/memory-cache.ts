/**
 * A client's sessions in memory: bounded in all and for each peer, the newest used first, wiped when they leave.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import { clientResumption } from './client-resumption.ts';
import type { Session, SessionCache } from './session.ts';

export interface MemorySessionCacheOptions {
  /** Sessions in all. Default: 1,000. */
  readonly most?: number;
  /** Sessions with one peer: as many connections as can be resumed at once. Default: 4. */
  readonly perPeer?: number;
}

/**
 * Sessions of this process. One cache serves any number of configs: what does not fit a connection is passed over.
 *
 * @example
 * ```ts
 * const config = clientConfig({ provider, versions: [tls13, tls12], trust, sessions: memorySessionCache() });
 * ```
 * @throws TlsConfigError for numbers below 1.
 */
export function memorySessionCache({ most = 1000, perPeer = 4 }: MemorySessionCacheOptions = {}): SessionCache {
  for (const [name, value] of Object.entries({ most, perPeer })) {
    if (!Number.isInteger(value) || value < 1) throw new TlsConfigError(name, `${value} is not a whole number from 1`);
  }
  // Peers in the order of their last use, each with its sessions, the oldest first.
  const peers = new Map<string, Session[]>();
  let size = 0;

  const dropOldest = (peer: string, sessions: Session[]): void => {
    wipe(sessions.shift()?.secret);
    size--;
    if (sessions.length === 0) peers.delete(peer);
  };

  return {
    resumption: clientResumption,

    take(peer) {
      const sessions = peers.get(peer);
      const newest = sessions?.pop();
      if (newest === undefined) return undefined;
      size--;
      if (sessions?.length === 0) peers.delete(peer);
      return newest;
    },

    put(peer, session) {
      const sessions = peers.get(peer) ?? [];
      peers.delete(peer);
      peers.set(peer, sessions);
      sessions.push(session);
      size++;
      if (sessions.length > perPeer) dropOldest(peer, sessions);
      for (const [oldest, theirs] of peers) {
        if (size <= most) break;
        dropOldest(oldest, theirs);
      }
    },

    remove(peer, session) {
      const sessions = peers.get(peer);
      const at = sessions?.indexOf(session) ?? -1;
      if (sessions === undefined || at < 0) return;
      sessions.splice(at, 1);
      wipe(session.secret);
      size--;
      if (sessions.length === 0) peers.delete(peer);
    },
  };
}
