/**
 * Sessions of TLS 1.2 by identifier, for a whole fleet. What is stored was sealed by the server's `TicketKeys` before; here it
 * is sealed once more, with the name that it stands under, so that nobody can put one session in another's place.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { longestLifeMs } from '../session/session.ts';
import type { SessionStore } from '../session/store.ts';
import type { RedisConnection } from './connection.ts';

/**
 * Sessions in Redis. Without it, its rejections cost a full handshake and nothing else.
 *
 * @example
 * ```ts
 * const tickets = { keys: ticketKeys({ provider, ring }), store: redisSessionStore({ connection }) };
 * ```
 */
export function redisSessionStore({ connection }: { readonly connection: RedisConnection }): SessionStore {
  // An identifier is what a client may come back with: Redis need not know it.
  const nameOf = (id: Uint8Array): string =>
    connection.name(`session:${toHex(connection.provider.digest('sha256', id)).slice(0, 32)}`);

  return {
    async get(id) {
      const name = nameOf(id);
      const text = await connection.ask('GET', name);
      return text === null ? undefined : connection.sealer.open(name, text);
    },

    async set(id, session, lifetimeMs) {
      const life = Math.min(longestLifeMs, Math.ceil(lifetimeMs));
      if (!(life > 0)) return;
      const name = nameOf(id);
      await connection.ask('SET', name, await connection.sealer.seal(name, session), 'PX', `${life}`);
    },

    async delete(id) {
      await connection.ask('DEL', nameOf(id));
    },
  };
}
