/**
 * Early data (RFC 9846 §2.3, §4.3.10, §8): what a client sends behind its hello, under a key that its session brings, and when
 * a server takes it. Whoever records it can send it again: a server takes what is fresh, and takes it once.
 *
 * @module
 */

import { settle, wipe } from '@handfast/crypto';
import type { ClientConfig, EarlyDataOptions, ServerConfig } from '../config.ts';
import { EarlyWrites } from '../early-writes.ts';
import { reasonOf, TlsError } from '../errors.ts';
import type { Flow, FlowHost } from '../flow.ts';
import type { SentHello } from '../hello.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { PreSharedKeyOffer } from '../messages/extensions.ts';
import { timeOf } from '../peer.ts';
import { type Tls13CipherSuite, versionName } from '../registry.ts';
import type { ReplayCache } from '../session/replay.ts';
import { setReadSecret, setWriteSecret } from './carrier.ts';
import { type EarlySecret, Kdf } from './key-schedule.ts';
import { suites13 } from './negotiate.ts';
import type { OfferedPsk } from './psk.ts';
import type { FoundPsk } from './resumption.ts';
import { Transcript } from './transcript.ts';

/** Early data as a client offers it: everything about it is the session's. */
export interface EarlyOffer {
  readonly psk: OfferedPsk;
  readonly suite: Tls13CipherSuite;
  readonly alpnProtocol: string | undefined;
  /** Bytes. */
  readonly limit: number;
}

/** What a hello can offer with these keys, the first of which it would go under; undefined: none. */
export function earlyOffer(
  { earlyData = 0, cipherSuites, alpnProtocols }: ClientConfig,
  [psk]: readonly OfferedPsk[],
): EarlyOffer | undefined {
  const session = psk?.resumable?.session;
  if (psk === undefined || session === undefined) return undefined;
  const { alpnProtocol, cipherSuite } = session;
  const limit = Math.min(earlyData, session.maxEarlyData);
  const suite = suites13(cipherSuites).find(({ id }) => id === cipherSuite);
  // The protocol that it is in must be one that the server can choose again.
  const speaks = alpnProtocol === undefined ? alpnProtocols.length === 0 : alpnProtocols.includes(alpnProtocol);
  return limit > 0 && suite !== undefined && speaks ? { psk, suite, alpnProtocol, limit } : undefined;
}

/** Behind the hello: the key of early data. */
export function beginEarlyData(
  host: FlowHost,
  { parameters, random, raw, legacySessionId }: SentHello,
  early: EarlyOffer,
): void {
  const { provider } = parameters.config;
  // RFC 9846 appendix E.4: here, and not ahead of our second flight.
  if (legacySessionId.length > 0) host.records.changeCipherSpec();
  const kdf = new Kdf(provider, early.suite);
  const secret = earlyTrafficSecret(host, early.psk.early, new Transcript(provider, early.suite.hash).add(raw), random);
  setWriteSecret(host, kdf, 'early', secret);
  wipe(secret);
  host.offerEarlyData(new EarlyWrites(early.limit));
}

/** A server that answers early data with an older version (RFC 9846 appendix E.3), also where that was offered as well. */
export function refuseOlder(host: FlowHost, version: number): TlsError {
  host.endEarlyData(false);
  return new TlsError(
    'protocol_version',
    `ServerHello: ${versionName(version)}, and early data of TLS 1.3 was on its way`,
    { hint: 'the server knew TLS 1.3 before, and knows it no more: connect again without earlyData' },
  );
}

/**
 * What a server that accepts must have kept to (RFC 9846 §4.3.10).
 * @param early what was offered, where its key was selected.
 * @throws TlsError `illegal_parameter`
 */
export function checkAccepted(
  early: EarlyOffer | undefined,
  suite: Tls13CipherSuite,
  alpnProtocol: string | undefined,
): void {
  const refuse = (what: string): TlsError =>
    new TlsError('illegal_parameter', `EncryptedExtensions: early_data is accepted, ${what}`);
  if (early === undefined) throw refuse('and the first pre-shared key was not selected');
  if (suite !== early.suite) throw refuse(`under ${early.suite.name}, where ServerHello chose ${suite.name}`);
  if (alpnProtocol !== early.alpnProtocol) {
    const [theirs, ours] = [alpnProtocol, early.alpnProtocol].map((name) => name ?? 'none');
    throw refuse(`of the ALPN protocol ${ours}, where ${theirs} was chosen`);
  }
}

/** A server's key of early data. */
export function readEarlyData(
  host: FlowHost,
  kdf: Kdf,
  early: EarlySecret,
  hello: ClientHello,
  transcript: Transcript,
): void {
  const secret = earlyTrafficSecret(host, early, transcript, hello.random);
  setReadSecret(host, kdf, 'early', secret);
  wipe(secret);
}

function earlyTrafficSecret(
  host: FlowHost,
  early: EarlySecret,
  transcript: Transcript,
  random: Uint8Array,
): ReturnType<EarlySecret['trafficSecret']> {
  const secret = early.trafficSecret(transcript.hash());
  host.keyLog?.('CLIENT_EARLY_TRAFFIC_SECRET', random, secret);
  return secret;
}

/**
 * How many bytes of early data a server takes behind this hello, whose binder it has checked; undefined: none, and the
 * handshake goes on without.
 */
export function* takenEarlyData(
  host: FlowHost,
  config: ServerConfig,
  { replay }: Pick<EarlyDataOptions, 'replay'>,
  { extensions }: ClientHello,
  psk: FoundPsk | undefined,
  alpnProtocol: string | undefined,
): Flow<number | undefined> {
  const offer = extensions.pre_shared_key;
  const refused = yield* whyRefused(config, replay, offer, psk, alpnProtocol);
  if (refused === undefined) {
    host.trace?.({ type: 'early_data', accepted: true });
    return psk?.session?.state.maxEarlyData;
  }
  host.trace?.({ type: 'early_data', accepted: false, why: refused });
  return undefined;
}

function* whyRefused(
  config: ServerConfig,
  replay: ReplayCache,
  offer: PreSharedKeyOffer | undefined,
  psk: FoundPsk | undefined,
  alpnProtocol: string | undefined,
): Flow<string | undefined> {
  const state = psk?.session?.state;
  const [identity, binder] = [offer?.identities[0], offer?.binders[0]];
  if (psk?.index !== 0 || state === undefined || identity === undefined || binder === undefined) {
    return 'no session goes on, or not the first that was offered';
  }
  if (state.maxEarlyData === 0) return 'the ticket was given without it';
  if (state.cipherSuite !== psk.suite.id) return 'another cipher suite was chosen than the session’s';
  if (state.alpnProtocol !== alpnProtocol) return 'another ALPN protocol was chosen than the session’s';
  const now = (yield* timeOf(config)).getTime();
  const expected = state.issued + ((identity.obfuscatedTicketAge - state.ageAdd) >>> 0);
  const late = now - expected;
  if (!(Math.abs(late) <= replay.window / 2)) {
    return `it came ${Math.abs(late)} ms ${late < 0 ? 'before' : 'after'} its time, and ${replay.window / 2} is the most`;
  }
  return yield* claim(replay, binder, now);
}

/** Every doubt is a refusal. Why; undefined: it was never seen before. */
function* claim(replay: ReplayCache, binder: Uint8Array, now: number): Flow<string | undefined> {
  try {
    const answer: unknown = yield* settle(replay.claim(binder, now));
    return answer === true ? undefined : 'the replay cache has seen it, or cannot know';
  } catch (error) {
    return `the replay cache failed: ${reasonOf(error)}`;
  }
}
