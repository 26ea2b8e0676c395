/**
 * Tickets, sealed and opened (RFC 5077 §4 recommends such a form; its own is older than AEADs):
 *
 * ```
 * struct {
 *     opaque key_name[16];
 *     opaque salt[32];             // random, of this ticket alone
 *     opaque sealed[…];            // AES-256-GCM, key_name and salt being its associated data
 * } Ticket;
 * ```
 *
 * Each ticket has a key of its own (`derived-cipher.ts`), from the secret of key_name and the salt, for "handfast session
 * ticket 1".
 *
 * @module
 */

import {
  type Bytes,
  type Cryptography,
  concat,
  equalBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  settle,
  utf8,
} from '@handfast/crypto';
import { derivedCipher, saltLength, sealingAead } from './derived-cipher.ts';
import { memoryKeyRing, nameLength, sealingKey, type TicketKeyRing } from './key-ring.ts';
import { type ServerResumption, serverResumption } from './server-resumption.ts';
import { longestTicket } from './session.ts';

/** Who seals a server's tickets and opens them: `ticketKeys()`, or one of your own (an HSM, a service). */
export interface TicketKeys {
  /** What is done with tickets: `serverResumption`. */
  readonly resumption: ServerResumption;
  /**
   * A ticket around `state`, at `now` (milliseconds since the epoch); undefined: none can be given. Arguments are borrowed
   * until the answer is there.
   */
  readonly seal: (state: Uint8Array, now: number) => MaybePromise<Bytes | undefined>;
  /** What was sealed, the caller's to wipe; undefined: the ticket is not ours, was altered, or its key is out of use. */
  readonly open: (ticket: Uint8Array, now: number) => MaybePromise<Bytes | undefined>;
  /** Wipes what is to be wiped: nothing is sealed or opened afterwards. */
  readonly dispose?: () => void;
}

export interface TicketKeysOptions {
  readonly provider: Cryptography;
  /** Default: a `memoryKeyRing` with its own defaults, disposed of together with this. */
  readonly ring?: TicketKeyRing;
  /** Hears why no ticket could be sealed or opened: a ring that fails. Connections go on without resumption. */
  readonly onError?: (error: unknown) => void;
}

const headLength = nameLength + saltLength;
const info = utf8('handfast session ticket 1');

/**
 * Tickets under the keys of a ring. Synchronous where the ring and the provider's AES-GCM are.
 *
 * @example
 * ```ts
 * const config = serverConfig({ provider, versions: [tls13], certificates, tickets: { keys: ticketKeys({ provider }) } });
 * ```
 * @throws TlsConfigError where the provider has no AES-256-GCM.
 */
export function ticketKeys({ provider, ring, onError }: TicketKeysOptions): Required<TicketKeys> {
  const { tagLength } = sealingAead(provider);
  const own = ring === undefined ? memoryKeyRing({ provider }) : undefined;
  const keys = ring ?? (own as TicketKeyRing);
  let disposed = false;

  /** What fails here is told, and ends no connection. */
  function answer(computation: () => Settling<Bytes | undefined>): MaybePromise<Bytes | undefined> {
    return disposed ? undefined : runSettling(guarded(computation, onError));
  }

  return {
    resumption: serverResumption,

    seal(state, now) {
      if (headLength + state.length + tagLength > longestTicket) return undefined;
      return answer(function* () {
        const key = sealingKey(yield* settle(keys.keys(now)), now);
        if (key === undefined) throw new Error('the ring has no ticket key that seals now');
        const head = concat(key.name, provider.random(saltLength));
        // A ring may have wiped a key between its answer and this moment: that is a failure, and told.
        const { cipher, nonce } = derivedCipher(provider, key.secret, head.subarray(nameLength), info);
        try {
          const ticket = yield* settle(cipher.seal(nonce, head, state, headLength));
          ticket.set(head);
          return ticket;
        } finally {
          cipher.dispose();
        }
      });
    },

    open(ticket, now) {
      if (ticket.length < headLength + tagLength || ticket.length > longestTicket) return undefined;
      return answer(function* () {
        const name = ticket.subarray(0, nameLength);
        const known = yield* settle(keys.keys(now));
        const key = known.find((one) => one.opensUntil > now && equalBytes(one.name, name));
        if (key === undefined) return undefined;
        const head = ticket.subarray(0, headLength);
        const { cipher, nonce } = derivedCipher(provider, key.secret, head.subarray(nameLength), info);
        try {
          return yield* settle(cipher.open(nonce, head, ticket.subarray(headLength)));
        } finally {
          cipher.dispose();
        }
      });
    },

    dispose() {
      disposed = true;
      own?.dispose();
    },
  };
}

function* guarded(
  computation: () => Settling<Bytes | undefined>,
  onError: ((error: unknown) => void) | undefined,
): Settling<Bytes | undefined> {
  try {
    return yield* computation();
  } catch (error) {
    try {
      onError?.(error);
    } catch {
      // A listener that throws has had its say.
    }
    return undefined;
  }
}
