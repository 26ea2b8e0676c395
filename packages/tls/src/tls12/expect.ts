/**
 * What a client waits for before TLS 1.3.
 *
 * @module
 */

import { TlsError } from '../errors.ts';
import { expectAny, type Flow } from '../flow.ts';
import { maxConsecutive } from '../limits.ts';
import type { MessageOf, MessageType } from '../messages/handshake.ts';
import type { LegalIn, State } from '../states.ts';

/**
 * The next message of the server's. A HelloRequest inside a handshake is ignored (RFC 5246 §7.4.1.1), and not part of the
 * transcript.
 */
export function* expectServer<S extends State, T extends LegalIn<S> & MessageType>(
  state: S,
  ...types: readonly T[]
): Flow<MessageOf<T>> {
  for (let ignored = 0; ; ignored++) {
    const message = yield* expectAny(state, [...types, 'hello_request']);
    // As in `expect`; no caller asks for a hello_request.
    if (message.type !== 'hello_request') return message as MessageOf<T>;
    if (ignored >= maxConsecutive.warnings) {
      throw new TlsError('unexpected_message', `more than ${maxConsecutive.warnings} HelloRequests in a handshake`);
    }
  }
}
