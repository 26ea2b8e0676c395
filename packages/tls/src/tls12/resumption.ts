/**
 * Sessions before TLS 1.3 (RFC 5246 §7.3, RFC 5077): which one goes on, and what is kept of a handshake for the next. Both
 * Finished are exchanged at once, the server's first:
 *
 * ```
 * ClientHello            -------->
 *                                          ServerHello
 *                                    NewSessionTicket*
 *                                   [ChangeCipherSpec]
 *                        <--------            Finished
 * [ChangeCipherSpec]
 * Finished               -------->
 * ```
 *
 * @module
 */

import { type Bytes, copyBytes, settle, wipe } from '@handfast/crypto';
import type { ClientConfig, ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { expect, type Flow, type FlowHost } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { writeFinished } from '../messages/finished.ts';
import { type NewSessionTicket12, writeNewSessionTicket12 } from '../messages/messages12.ts';
import type { LegacyServerHello } from '../messages/server-hello.ts';
import { timeOf } from '../peer.ts';
import { hexId, SSL30 } from '../registry.ts';
import { proofOf } from '../session/proof.ts';
import type { Resumable } from '../session/resume.ts';
import { longestLifeMs, longestTicket, type Session } from '../session/session.ts';
import type { SessionStore } from '../session/store.ts';
import { openTicket, type Resumed, type SealedSession } from '../session/tickets.ts';
import type { ClientParameters } from '../version.ts';
import { changeReadKeys, changeWriteKeys, checkFinished, pendingKeys, sendAndAdd } from './authentication.ts';
import type { Secrets12, Standing } from './connected.ts';
import { expectServer } from './expect.ts';
import type { Family } from './family.ts';
import type { Tls12CipherSuite } from './suites.ts';
import type { Transcript12 } from './transcript.ts';

/** What the hellos have settled of a handshake that goes on from another. */
export interface Abbreviated {
  readonly family: Family;
  readonly suite: Tls12CipherSuite;
  /** Its master secret is the session's, copied: the connection's to wipe. */
  readonly secrets: Secrets12;
  readonly encryptThenMac: boolean;
  readonly transcript: Transcript12;
}

type VerifyData = Standing['verifyData'];

/** The client's, from ServerHello on. Answers the ticket that came, where one was announced. */
export function* resumeClient(
  host: FlowHost,
  config: ClientConfig,
  { family, suite, secrets, encryptThenMac, transcript }: Abbreviated,
  ticketAnnounced: boolean,
): Flow<{ readonly verifyData: VerifyData; readonly ticket: NewSessionTicket12 | undefined }> {
  const { schedule, master, clientRandom } = secrets;
  host.keyLog?.('CLIENT_RANDOM', clientRandom, master);
  const keys = pendingKeys(config.provider, family, suite, secrets, encryptThenMac);
  try {
    const ticket = ticketAnnounced ? yield* receiveTicket(transcript) : undefined;
    yield* expectServer('WAIT_CCS_12', 'change_cipher_spec');
    changeReadKeys(host, keys, suite.name);
    const server = schedule.finished(master, 'server', transcript);
    const finished = yield* expect('WAIT_FINISHED_12', 'finished');
    checkFinished(finished, server, 'server');
    transcript.add(finished.raw);
    changeWriteKeys(host, keys, suite.name);
    const client = schedule.finished(master, 'client', transcript);
    sendAndAdd(host, transcript, writeFinished(client));
    return { verifyData: { client, server }, ticket };
  } finally {
    keys.dispose();
  }
}

/** The server's, after ServerHello. */
export function* resumeServer(
  host: FlowHost,
  config: ServerConfig,
  { family, suite, secrets, encryptThenMac, transcript }: Abbreviated,
  ticket: Bytes | undefined,
): Flow<VerifyData> {
  const { schedule, master, clientRandom } = secrets;
  host.keyLog?.('CLIENT_RANDOM', clientRandom, master);
  const keys = pendingKeys(config.provider, family, suite, secrets, encryptThenMac);
  try {
    if (ticket !== undefined) sendAndAdd(host, transcript, ticket);
    changeWriteKeys(host, keys, suite.name);
    const server = schedule.finished(master, 'server', transcript);
    sendAndAdd(host, transcript, writeFinished(server));
    yield* expect('WAIT_CCS_12', 'change_cipher_spec');
    changeReadKeys(host, keys, suite.name);
    const client = schedule.finished(master, 'client', transcript);
    checkFinished(yield* expect('WAIT_FINISHED_12', 'finished'), client, 'client');
    return { client, server };
  } finally {
    keys.dispose();
  }
}

/** The ticket that ServerHello announced. */
export function* receiveTicket(transcript: Transcript12): Flow<NewSessionTicket12> {
  const ticket = yield* expectServer('WAIT_NST_12', 'new_session_ticket_12');
  transcript.add(ticket.raw);
  return ticket;
}

// ---- the client's sessions

/** Where the server says nothing, a session is tried for two hours. */
const unsaidLifetimeMs = 7_200_000;

/** What a client keeps of a handshake; undefined: nothing to come back by. */
export function* sessionOf(
  { config, serverName, verifyName }: ClientParameters,
  { negotiated, secrets }: Pick<Standing, 'negotiated' | 'secrets'>,
  given: {
    readonly version: number;
    readonly sessionId: Bytes;
    readonly ticket: NewSessionTicket12 | undefined;
    readonly resumed: Resumable | undefined;
    readonly ownLeaf: Bytes | undefined;
    readonly askedForCertificate: boolean;
  },
): Flow<Session | undefined> {
  const { version, sessionId, ticket: message, resumed, ownLeaf, askedForCertificate } = given;
  const ticket = message && message.ticket.length <= longestTicket ? message.ticket : none;
  const { peer, cipherSuite, alpnProtocol, extendedMasterSecret } = negotiated;
  // SSL 3.0's are not resumed: nothing ties them to their handshake.
  if (config.sessions === undefined || peer === undefined || version <= SSL30) return undefined;
  const secret = copyBytes(secrets.master);
  // What went on without a new ticket goes on being what it was.
  if (resumed !== undefined && ticket.length === 0) return { ...resumed.session, secret };
  if (ticket.length === 0 && sessionId.length === 0) return undefined;
  const received = (yield* timeOf(config)).getTime();
  const hinted = (message?.lifetimeHint ?? 0) * 1000;
  return {
    ...{ version, cipherSuite: cipherSuite.id, secret, ticket, received, alpnProtocol, extendedMasterSecret },
    sessionId: ticket.length > 0 ? none : sessionId,
    lifetimeMs: Math.min(hinted > 0 ? hinted : unsaidLifetimeMs, longestLifeMs),
    authenticated: resumed?.session.authenticated ?? received,
    ticketAgeAdd: 0,
    maxEarlyData: 0,
    ...{ serverName, verifyName, proof: proofOf(peer), ownLeaf, askedForCertificate },
  };
}

const none: Bytes = new Uint8Array(0);

/**
 * A session that the server went on with is held to what it was (RFC 5246 §7.4.1.3, RFC 7627 §5.3).
 * @throws TlsError
 */
export function checkResumed({ cipherSuite, extensions }: LegacyServerHello, { session }: Resumable): void {
  if (cipherSuite !== session.cipherSuite) {
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: it resumes a session of suite ${hexId(session.cipherSuite)} with ${hexId(cipherSuite)}`,
    );
  }
  if ((extensions.extended_master_secret === true) !== session.extendedMasterSecret) {
    throw new TlsError('handshake_failure', 'ServerHello: extended_master_secret changed in a resumption');
  }
}

// ---- the server's

/** A session that goes on. */
export interface Found12 extends Resumed {
  readonly suite: Tls12CipherSuite;
  /** Whether the client gets another ticket: more than half of this one's time is over. */
  readonly renews: boolean;
}

export function* findSession12(
  host: FlowHost,
  config: ServerConfig,
  { id: version, knowsExtensions }: Family,
  hello: ClientHello,
  connection: {
    readonly serverName: string | undefined;
    readonly credential: Credential;
    readonly suites: readonly Tls12CipherSuite[];
  },
): Flow<Found12 | undefined> {
  if (config.tickets === undefined || !knowsExtensions) return undefined;
  const sealed = yield* sealedSession(config, hello);
  if (sealed === undefined) return undefined;
  const now = (yield* timeOf(config)).getTime();
  const resumed = yield* openTicket(host, config, sealed, { ...connection, version, now });
  if (resumed === undefined) return undefined;
  const { cipherSuite, extendedMasterSecret, secret, issued, lifetime } = resumed.state;
  const offersIt = hello.extensions.extended_master_secret === true;
  if (!hello.cipherSuites.includes(cipherSuite)) {
    wipe(secret);
    throw new TlsError(
      'illegal_parameter',
      `ClientHello: it would resume a session of suite ${hexId(cipherSuite)}, and does not offer that`,
    );
  }
  if (extendedMasterSecret && !offersIt) {
    wipe(secret);
    throw new TlsError('handshake_failure', 'ClientHello: extended_master_secret is missing in a resumption');
  }
  const suite = connection.suites.find(({ id }) => id === cipherSuite);
  // RFC 7627 §5.3: a session without it goes on only where both sides still do without.
  if (suite === undefined || extendedMasterSecret !== offersIt) {
    wipe(secret);
    return undefined;
  }
  return { ...resumed, suite, renews: now - issued > lifetime * 500 };
}

function* sealedSession(
  { tickets }: ServerConfig,
  { extensions, legacySessionId }: ClientHello,
): Flow<Uint8Array | undefined> {
  if (extensions.session_ticket?.length) return extensions.session_ticket;
  const store = tickets?.store;
  if (store === undefined || legacySessionId.length === 0) return undefined;
  try {
    return yield* settle(store.get(legacySessionId));
  } catch {
    return undefined;
  }
}

/** Stores a session under its identifier; whether that went well. */
export function* storeSession(store: SessionStore, id: Bytes, { sealed, lifetime }: SealedSession): Flow<boolean> {
  try {
    yield* settle(store.set(id, sealed, lifetime * 1000));
    return true;
  } catch {
    return false;
  }
}

/** The ticket that was announced: empty where there is none after all (RFC 5077 §3.3). */
export function ticketMessage(given: SealedSession | undefined): Bytes {
  return writeNewSessionTicket12(given?.lifetime ?? 0, given?.sealed ?? none);
}
