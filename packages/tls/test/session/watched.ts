/**
 * A client's cache that does as `memorySessionCache` does, and tells what it was given and asked to forget.
 *
 * @module
 */

import { memorySessionCache, type Session, type SessionCache } from '../../src/index.ts';

export interface WatchedCache extends SessionCache {
  /** All that was put, in order. */
  readonly given: readonly Session[];
  /** What was to be forgotten, and by which key. */
  readonly removed: readonly (readonly [peer: string, session: Session])[];
}

export function watched(): WatchedCache {
  const cache = memorySessionCache();
  const given: Session[] = [];
  const removed: [string, Session][] = [];
  return {
    resumption: cache.resumption,
    given,
    removed,
    take: cache.take,
    put(peer, session) {
      given.push(session);
      return cache.put(peer, session);
    },
    remove(peer, session) {
      removed.push([peer, session]);
      return cache.remove(peer, session);
    },
  };
}
