/**
 * What goes wrong with a Redis. None of it ends a connection: it costs resumption, or early data.
 *
 * @module
 */

/**
 * - `unreachable`: no connection, or it broke.
 * - `timeout`: no answer in time.
 * - `resting`: it has just failed, and is left alone for a moment.
 * - `refused`: Redis answered with an error.
 * - `foreign`: what is stored is not sealed under our secret.
 * - `unsuited`: Redis is set up so that a replay cache in it would forget.
 * - `closed`: the connection was closed by us.
 */
export type RedisErrorCode = 'unreachable' | 'timeout' | 'resting' | 'refused' | 'foreign' | 'unsuited' | 'closed';

/** A Redis that is not as it should be; the message says what to do where something can be done. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly code: RedisErrorCode;

  constructor(code: RedisErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
