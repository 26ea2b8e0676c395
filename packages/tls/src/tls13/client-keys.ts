/**
 * All that a client of TLS 1.3 does with pre-shared keys, sessions' and others, as one value: `client.ts` has it from the config's
 * session cache or from the version, and a program that has neither does not load it.
 *
 * @module
 */

import { beginEarlyData, checkAccepted, earlyOffer, refuseOlder } from './early-data.ts';
import { bindHello, pskExtension, pskOffers, selectedPsk } from './psk.ts';
import { keepTicket } from './resumption.ts';

export interface ClientKeys {
  readonly pskOffers: typeof pskOffers;
  readonly pskExtension: typeof pskExtension;
  readonly bindHello: typeof bindHello;
  readonly selectedPsk: typeof selectedPsk;
  readonly earlyOffer: typeof earlyOffer;
  readonly beginEarlyData: typeof beginEarlyData;
  readonly refuseOlder: typeof refuseOlder;
  readonly checkAccepted: typeof checkAccepted;
  readonly keepTicket: typeof keepTicket;
}

export const clientKeys: ClientKeys = {
  pskOffers,
  pskExtension,
  bindHello,
  selectedPsk,
  earlyOffer,
  beginEarlyData,
  refuseOlder,
  checkAccepted,
  keepTicket,
};
