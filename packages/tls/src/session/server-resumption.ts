/**
 * What a server does for clients to come back by tickets, as a value. Ticket keys bring it, so that a program that gives no
 * tickets does not load it.
 *
 * @module
 */

import { type ServerKeys, serverKeys } from '../tls13/server-keys.ts';

/** Of use to the engine alone. */
export interface ServerResumption {
  readonly keys: ServerKeys;
}

/**
 * All ticket keys hold it.
 *
 * @example
 * ```ts
 * const keys: TicketKeys = { resumption: serverResumption, seal, open };
 * ```
 */
export const serverResumption: ServerResumption = { keys: serverKeys };
