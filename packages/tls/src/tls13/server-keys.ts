/**
 * All that a server of TLS 1.3 does with pre-shared keys, tickets' and others, as one value: `server.ts` has it from the config's
 * ticket keys or from the version, and a program that has neither does not load it.
 *
 * @module
 */

import { readEarlyData, takenEarlyData } from './early-data.ts';
import { findPsk, sendTickets, ticketsFor } from './resumption.ts';

/** Of use to the engine alone. */
export interface ServerKeys {
  readonly findPsk: typeof findPsk;
  readonly takenEarlyData: typeof takenEarlyData;
  readonly readEarlyData: typeof readEarlyData;
  readonly ticketsFor: typeof ticketsFor;
  readonly sendTickets: typeof sendTickets;
}

export const serverKeys: ServerKeys = { findPsk, takenEarlyData, readEarlyData, ticketsFor, sendTickets };
