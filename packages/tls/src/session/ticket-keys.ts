/**
 * Tickets, sealed and opened (RFC 5077 §4 recommends such a form; its own is older than AEADs):
 *
 * ```
 * struct {
 *     opaque key_name[16];
 *     opaque salt[32];             // random, of this ticket alone
 *     opaque sealed[…];            // AES-256-GCM, key_name and salt being its associated data
 * } Ticket;
 *
 * key || nonce = HKDF-SHA-256(salt, secret of key_name, "handfast session ticket 1", 32 + 12)
 * ```
 *
 * Each ticket has a key of its own: so no nonce can come twice under one, however many tickets how many machines seal.
 *
 * @module
 */

import {
  type Aead,
  type AeadKey,
  type Bytes,
  type CryptoProvider,
  concat,
  equalBytes,
  hkdfExpand,
  hkdfExtract,
  type MaybePromise,
  runSettling,
  type Settling,
  settle,
  utf8,
  wipe,
} from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import { memoryKeyRing, nameLength, sealingKey, type TicketKey, type TicketKeyRing } from './key-ring.ts';
import { longestTicket } from './session.ts';

/** Who seals a server's tickets and opens them: `ticketKeys()`, or one of your own (an HSM, a service). */
export interface TicketKeys {
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
  readonly provider: CryptoProvider;
  /** Default: a `memoryKeyRing` with its own defaults, disposed of together with this. */
  readonly ring?: TicketKeyRing;
  /** Hears why no ticket could be sealed or opened: a ring that fails. Connections go on without resumption. */
  readonly onError?: (error: unknown) => void;
}

/** The longest ticket on the wire: `opaque ticket<…2^16-1>`. */
const saltLength = 32;
const headLength = nameLength + saltLength;
const keyLength = 32;
const nonceLength = 12;
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
  const aead = provider.aeads['aes-256-gcm'];
  if (aead === undefined)
    throw new TlsConfigError('provider', `${provider.name} has no aes-256-gcm to seal tickets with`);
  const own = ring === undefined ? memoryKeyRing({ provider }) : undefined;
  const keys = ring ?? (own as TicketKeyRing);
  let disposed = false;

  /** What fails here is told, and ends no connection. */
  function answer(computation: () => Settling<Bytes | undefined>): MaybePromise<Bytes | undefined> {
    return disposed ? undefined : runSettling(guarded(computation, onError));
  }

  return {
    seal(state, now) {
      if (headLength + state.length + aead.tagLength > longestTicket) return undefined;
      return answer(function* () {
        const key = sealingKey(yield* settle(keys.keys(now)), now);
        if (key === undefined) throw new Error('the ring has no ticket key that seals now');
        const head = concat(key.name, provider.random(saltLength));
        const { cipher, nonce } = ticketCipher(provider, aead, key, head);
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
      if (ticket.length < headLength + aead.tagLength || ticket.length > longestTicket) return undefined;
      return answer(function* () {
        const name = ticket.subarray(0, nameLength);
        const known = yield* settle(keys.keys(now));
        const key = known.find((one) => one.opensUntil > now && equalBytes(one.name, name));
        if (key === undefined) return undefined;
        const head = ticket.subarray(0, headLength);
        const { cipher, nonce } = ticketCipher(provider, aead, key, head);
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

/** The key and nonce of one ticket. */
function ticketCipher(
  provider: CryptoProvider,
  aead: Aead,
  { secret }: TicketKey,
  head: Uint8Array,
): { readonly cipher: AeadKey; readonly nonce: Bytes } {
  // A ring may wipe a key between its answer and this moment: what everybody knows must seal nothing.
  if (secret.every((byte) => byte === 0)) throw new Error('the ticket key was wiped while it was asked for');
  const pseudorandom = hkdfExtract(provider, 'sha256', head.subarray(nameLength), secret);
  const material = hkdfExpand('sha256', provider.hmac('sha256', pseudorandom), info, keyLength + nonceLength);
  const cipher = aead.key(material.subarray(0, keyLength));
  const nonce = material.slice(keyLength);
  wipe(pseudorandom, material);
  return { cipher, nonce };
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
