/**
 * What the rows about a failing handshake share.
 *
 * @module
 */

import type { Evidence, Failure } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';

/** The failure of a handshake that began. */
export function handshakeFailure({ main }: Evidence): Failure | undefined {
  return main.helloBytes > 0 && main.negotiated === undefined ? main.failure : undefined;
}

/** We refused what the server sent. */
export function refusing(matches: (failure: Failure) => boolean, says: (failure: Failure) => Found): Cause['find'] {
  return (evidence) => {
    const failure = handshakeFailure(evidence);
    return failure !== undefined && failure.origin === 'local' && matches(failure) ? says(failure) : undefined;
  };
}

/** How the attempt ended, as half a sentence. */
export function ending({ code, alert, origin, step }: Failure): string {
  if (origin === 'peer') return `the server ended it by the alert ${alert}`;
  if (code === 'timeout') return step === 'hello' ? 'the server stayed silent' : 'the server fell silent';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'the connection was reset';
  return code === 'truncated' ? 'the connection was closed without a word' : 'it failed';
}

/** With a capital letter. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
