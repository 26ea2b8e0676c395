/**
 * Refusals that are OpenSSL's on Node, with a reason that OpenSSL does not give: its own words stand first in the message.
 *
 * @module
 */

import { coded } from './argument-errors.ts';
import { type OpenSslError, openSslError } from './openssl-error.ts';

/** OpenSSL's numbers of these reasons. */
const numbers = {
  'no cipher match': 0xb9,
  'no ciphers available': 0xb5,
  'invalid command': 0x118,
  'no protocols available': 0xbf,
  'no suitable groups': 0x127,
  'no suitable signature algorithm': 0x76,
  'passed invalid argument': 0x80106,
} as const;

/** `error:0A0000B9:SSL routines::no cipher match ("foo"; known are …)`, with `code`, `library` and `reason` as Node has them. */
export function opensslRefusal(reason: keyof typeof numbers, detail: string): OpenSslError {
  const { message, code, library } = openSslError('ssl', numbers[reason], reason);
  return Object.assign(coded(new Error(`${message} (${detail})`), code), { library, reason });
}
