/**
 * Resumption in TLS 1.3 (RFC 9846 §2.2, §4.7.1): the server finds the session that a hello offers, and gives tickets for the
 * next one; the client keeps them.
 *
 * @module
 */

import { type Bytes, copyBytes, type HashName, wipe } from '@handfast/crypto';
import type { ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import type { Flow, FlowHost } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { ClientHelloExtensions } from '../messages/extensions.ts';
import { type NewSessionTicket, writeNewSessionTicket } from '../messages/new-session-ticket.ts';
import { timeOf } from '../peer.ts';
import type { PskMode } from '../psk-modes.ts';
import { cipherSuiteById, TLS13, type Tls13CipherSuite } from '../registry.ts';
import { proofOf } from '../session/proof.ts';
import { keepSession } from '../session/resume.ts';
import { longestTicket, type Session } from '../session/session.ts';
import { openTicket, type Resumed, sealSession } from '../session/tickets.ts';
import type { ClientParameters } from '../version.ts';
import { serverExternalPsk } from './external-psk.ts';
import type { PskKind } from './key-schedule.ts';
import type { Connected } from './post-handshake.ts';

/** How many of a hello's identities are looked at: nobody that we know offers more. */
const mostIdentities = 4;

/** A key that a hello offers and that the server has, its binder not yet checked. */
export interface FoundPsk {
  readonly index: number;
  /** Ours to wipe. */
  readonly secret: Bytes;
  readonly suite: Tls13CipherSuite;
  readonly kind: PskKind;
  /** The session that it is of; undefined: it came from outside. */
  readonly session: Resumed | undefined;
  readonly mode: PskMode;
  /** The name of a key from outside. */
  readonly identity: Uint8Array | undefined;
}

/**
 * The first identity of a hello that is a ticket for this connection or a key that we have; undefined: none.
 * @param suites what both sides have, best first: the first of the key's hash is chosen.
 */
export function* findPsk(
  host: FlowHost,
  config: ServerConfig,
  { extensions }: ClientHello,
  {
    serverName,
    credential,
    suites,
    modes,
  }: {
    readonly serverName: string | undefined;
    /** What a full handshake would show; undefined: there would be none. */
    readonly credential: Credential | undefined;
    readonly suites: readonly Tls13CipherSuite[];
    /** Ours that are possible, best first. */
    readonly modes: readonly PskMode[];
  },
): Flow<FoundPsk | undefined> {
  const { pre_shared_key: offer } = extensions;
  const mode = commonMode(modes, extensions);
  if (offer === undefined || mode === undefined) return undefined;
  if (config.tickets === undefined && config.preSharedKey === undefined) return undefined;
  const now = (yield* timeOf(config)).getTime();
  for (const [index, { identity }] of offer.identities.slice(0, mostIdentities).entries()) {
    const session =
      credential && (yield* openTicket(host, config, identity, { serverName, credential, version: TLS13, now }));
    if (session !== undefined) {
      const { secret, cipherSuite } = session.state;
      const suite = ofHash(suites, cipherSuiteById.get(cipherSuite)?.hash);
      if (suite !== undefined) return { index, secret, suite, kind: 'res', mode, session, identity: undefined };
      wipe(secret);
      continue;
    }
    const external = yield* serverExternalPsk(config, identity);
    const suite = ofHash(suites, external?.hash);
    if (external !== undefined && suite !== undefined) {
      const { kind } = external;
      return { index, secret: copyBytes(external.key), suite, kind, mode, session: undefined, identity };
    }
  }
  return undefined;
}

function ofHash(suites: readonly Tls13CipherSuite[], hash: HashName | undefined): Tls13CipherSuite | undefined {
  return suites.find((suite) => suite.hash === hash);
}

/** The best of these modes that a client offers. */
export function commonMode(
  modes: readonly PskMode[],
  { psk_key_exchange_modes: offered }: ClientHelloExtensions,
): PskMode | undefined {
  return modes.find(({ id }) => offered?.includes(id));
}

/** How many tickets follow the handshake that this hello began. */
export function ticketsFor(
  { tickets, pskModes }: ServerConfig,
  { extensions }: ClientHello,
  psk: FoundPsk | undefined,
): number {
  // A session is of certificates: who has a key from outside has that one to come back by.
  if (psk?.identity !== undefined) return 0;
  const resumed = psk !== undefined;
  if (tickets === undefined || commonMode(pskModes, extensions) === undefined) return 0;
  const { ticket_request: wanted } = extensions;
  if (wanted !== undefined) return Math.min(tickets.count, resumed ? wanted.resumed : wanted.full);
  return resumed ? Math.min(tickets.count, 1) : tickets.count;
}

/** How many tickets a server gives, and what they stand for. */
export interface TicketContent {
  readonly count: number;
  /** Undefined where none are wanted; the caller's to wipe. */
  readonly resumptionSecret: Bytes | undefined;
  /** What a full handshake shows; undefined: the server has none, and gives no tickets. */
  readonly credential: Credential | undefined;
  /** When certificates were last shown; undefined: now. */
  readonly authenticated: number | undefined;
  readonly askedForCertificate: boolean;
}

/** Sends tickets; where their keys fail, none: the connection stands all the same. */
export function* sendTickets(
  host: FlowHost,
  config: ServerConfig,
  { kdf, negotiated }: Connected,
  { count, credential, resumptionSecret, ...content }: TicketContent,
): Flow<void> {
  if (resumptionSecret === undefined || credential === undefined) return;
  for (let number = 0; number < count; number++) {
    // Unique on its connection, as RFC 9846 §4.7.1 wants it.
    const ticketNonce = Uint8Array.of(number);
    const ticketAgeAdd = new DataView(config.provider.random(4).buffer).getUint32(0);
    const secret = kdf.ticketKey(resumptionSecret, ticketNonce);
    const ticket = yield* sealSession(config, {
      ...{ ...content, version: TLS13, negotiated, secret, ageAdd: ticketAgeAdd, credential },
    });
    wipe(secret);
    if (ticket === undefined) return;
    const { lifetime: ticketLifetime, maxEarlyData, sealed } = ticket;
    const extensions = maxEarlyData > 0 ? { early_data: maxEarlyData } : {};
    host.send(writeNewSessionTicket({ ticketLifetime, ticketAgeAdd, ticketNonce, ticket: sealed, extensions }));
  }
}

/** What a client's sessions stand for. */
export interface SessionContent {
  /** Undefined where none are kept; the caller's to wipe. */
  readonly resumptionSecret: Bytes | undefined;
  readonly ownLeaf: Bytes | undefined;
  readonly askedForCertificate: boolean;
  /** When the server last showed its certificate, in milliseconds since the epoch. */
  readonly authenticated: number;
}

/** Keeps a ticket in the config's cache. */
export function* keepTicket(
  host: FlowHost,
  { config, sessionKey, serverName, verifyName }: ClientParameters,
  { kdf, negotiated }: Connected,
  { resumptionSecret, ...content }: SessionContent,
  { ticketLifetime, ticketAgeAdd, ticketNonce, ticket, extensions }: NewSessionTicket,
): Flow<void> {
  const { sessions } = config;
  const { peer, cipherSuite, alpnProtocol } = negotiated;
  // A lifetime of 0: to be discarded at once (RFC 9846 §4.7.1).
  if (sessions === undefined || resumptionSecret === undefined || peer === undefined || ticketLifetime === 0) return;
  if (ticket.length > longestTicket) return;
  const session: Session = {
    version: TLS13,
    cipherSuite: cipherSuite.id,
    secret: kdf.ticketKey(resumptionSecret, ticketNonce),
    ticket,
    sessionId: new Uint8Array(0),
    received: (yield* timeOf(config)).getTime(),
    lifetimeMs: ticketLifetime * 1000,
    maxEarlyData: extensions.early_data ?? 0,
    ...{ ticketAgeAdd, alpnProtocol, serverName, verifyName, proof: proofOf(peer) },
    ...content,
    extendedMasterSecret: true,
  };
  yield* keepSession(host, sessions, sessionKey, session);
}
