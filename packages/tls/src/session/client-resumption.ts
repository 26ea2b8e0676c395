/**
 * What a client does to come back by a session, as a value. A session cache brings it, so that a program that keeps none does
 * not load it.
 *
 * @module
 */

import { type ClientKeys, clientKeys } from '../tls13/client-keys.ts';
import { takeSession } from './resume.ts';

/** Of use to the engine alone. */
export interface ClientResumption {
  readonly takeSession: typeof takeSession;
  readonly keys: ClientKeys;
}

/**
 * Every session cache holds it.
 *
 * @example
 * ```ts
 * const sessions: SessionCache = { resumption: clientResumption, take, put, remove };
 * ```
 */
export const clientResumption: ClientResumption = { takeSession, keys: clientKeys };
