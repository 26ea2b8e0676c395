/**
 * What the servers of a fleet share by way of Redis: ticket keys, sessions of TLS 1.2 by identifier, and which early data was
 * taken. The `redis` package is needed where a `url` is given. docs/fleets.md is the guide.
 *
 * @example
 * ```ts
 * import { nodeProvider as provider } from '@handfast/crypto/node';
 * import { serverConfig, ticketKeys, tls12, tls13 } from '@handfast/tls';
 * import { redisConnection, redisKeyRing, redisSessionStore } from '@handfast/tls/redis';
 *
 * const connection = await redisConnection({ url, secret, provider, onError: log.warn });
 * const tickets = {
 *   keys: ticketKeys({ provider, ring: redisKeyRing({ connection }) }),
 *   store: redisSessionStore({ connection }),
 * };
 * const config = serverConfig({ provider, versions: [tls13, tls12], certificates, tickets });
 * ```
 *
 * @module
 */

export type { RedisClient } from './client.ts';
export { type RedisConnection, type RedisConnectionOptions, redisConnection } from './connection.ts';
export { RedisError, type RedisErrorCode } from './errors.ts';
export { type RedisKeyRingOptions, redisKeyRing } from './key-ring.ts';
export { type RedisReplayCacheOptions, redisReplayCache } from './replay-cache.ts';
export { redisSessionStore } from './session-store.ts';
