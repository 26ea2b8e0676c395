/**
 * Pre-shared keys in a hello (RFC 9846 §4.3.11): what a client offers, and the binders that prove to each side that the
 * other holds the key.
 *
 * @module
 */

import { type Bytes, equalConstantTime, type HashName, hashLength, wipe } from '@handfast/crypto';
import type { ClientConfig } from '../config.ts';
import { TlsError } from '../errors.ts';
import type { Flow } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { PreSharedKeyOffer } from '../messages/extensions.ts';
import type { ServerHello } from '../messages/server-hello.ts';
import { pskDheKe, pskKe } from '../psk-modes.ts';
import { cipherSuiteById, TLS13, type Tls13CipherSuite } from '../registry.ts';
import type { Resumable } from '../session/resume.ts';
import { clientExternalPsks } from './external-psk.ts';
import { EarlySecret, Kdf, type PskKind } from './key-schedule.ts';
import { suites13 } from './negotiate.ts';
import { Transcript } from './transcript.ts';

/** A key that a client offers. */
export interface OfferedPsk {
  readonly identity: Uint8Array;
  readonly obfuscatedTicketAge: number;
  readonly hash: HashName;
  readonly kind: PskKind;
  /** The key schedule as it begins with the key. */
  readonly early: EarlySecret;
  /** The session that it is of; undefined: it came from outside. */
  readonly resumable: Resumable | undefined;
}

/** What a client has to offer: a session first. Its own secret is wiped: from here on the key schedule has it. */
export function* pskOffers(config: ClientConfig, resumable: Resumable | undefined): Flow<readonly OfferedPsk[]> {
  const suites = suites13(config.cipherSuites);
  // Any suite of a hash derives the same.
  const scheduleFor = (hash: HashName | undefined, secret: Uint8Array): EarlySecret | undefined => {
    const suite = suites.find((row) => row.hash === hash);
    return suite && new EarlySecret(new Kdf(config.provider, suite), secret);
  };
  const offers: OfferedPsk[] = [];
  if (resumable?.session.version === TLS13 && resumable.session.ticket.length > 0) {
    const { session, now } = resumable;
    const hash = cipherSuiteById.get(session.cipherSuite)?.hash;
    const early = scheduleFor(hash, session.secret);
    wipe(session.secret);
    const obfuscatedTicketAge = (now - session.received + session.ticketAgeAdd) >>> 0;
    if (hash && early)
      offers.push({ identity: session.ticket, obfuscatedTicketAge, hash, kind: 'res', early, resumable });
  }
  for (const { identity, key, hash, kind } of yield* clientExternalPsks(config)) {
    const early = scheduleFor(hash, key);
    if (early) offers.push({ identity, obfuscatedTicketAge: 0, hash, kind, early, resumable: undefined });
  }
  return offers;
}

export function disposePsks(psks: readonly OfferedPsk[]): void {
  for (const { early } of psks) early.dispose();
}

/** The extension, its binders still to be filled in by `bindHello`. */
export function pskExtension(psks: readonly OfferedPsk[]): PreSharedKeyOffer | undefined {
  if (psks.length === 0) return undefined;
  return { identities: psks, binders: psks.map(({ hash }) => new Uint8Array(hashLength[hash])) };
}

/**
 * Fills in the binders of a hello that has been written.
 * @param before what the transcript holds ahead of it; undefined for a first hello.
 */
export function bindHello(
  hello: Bytes,
  psks: readonly OfferedPsk[],
  { provider }: ClientConfig,
  before?: Transcript,
): void {
  const truncated = hello.subarray(
    0,
    hello.length - psks.reduce((length, { hash }) => length + 1 + hashLength[hash], 2),
  );
  let at = truncated.length + 2;
  for (const { hash, early, kind } of psks) {
    const binder = early.binder(kind, (before ?? new Transcript(provider, hash)).hashWith(truncated));
    hello.set(binder, at + 1);
    at += 1 + binder.length;
  }
}

/** The key that the server selected; undefined: none. */
export function selectedPsk(
  { extensions }: ServerHello,
  psks: readonly OfferedPsk[],
  suite: Tls13CipherSuite,
  { pskModes }: ClientConfig,
): OfferedPsk | undefined {
  const index = extensions.pre_shared_key;
  if (index === undefined) return undefined;
  const psk = psks[index];
  if (psk === undefined) {
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: selected_identity is ${index}, and we offered ${psks.length} in pre_shared_key`,
    );
  }
  if (psk.hash !== suite.hash) {
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: the pre-shared key is of ${psk.hash}, and ${suite.name} of ${suite.hash}`,
    );
  }
  const [mode, how] = extensions.key_share === undefined ? [pskKe, 'without'] : [pskDheKe, 'with'];
  if (!pskModes.includes(mode)) {
    throw new TlsError('illegal_parameter', `ServerHello: a pre-shared key ${how} key_share, which we did not offer`);
  }
  return psk;
}

/**
 * Refuses a hello whose binder for the identity that a server selects is not of that key. The others are not looked at.
 * @param before the transcript ahead of this hello.
 * @throws TlsError `decrypt_error`
 */
export function checkBinder(
  { raw, extensions }: ClientHello,
  index: number,
  early: EarlySecret,
  kind: PskKind,
  before: Transcript,
): void {
  const { binders } = extensions.pre_shared_key as PreSharedKeyOffer;
  const truncated = raw.subarray(0, raw.length - binders.reduce((length, binder) => length + 1 + binder.length, 2));
  if (equalConstantTime(binders[index] as Bytes, early.binder(kind, before.hashWith(truncated)))) return;
  throw new TlsError(
    'decrypt_error',
    `ClientHello: binder ${index} is not by the pre-shared key: it was not made by who got it`,
  );
}
