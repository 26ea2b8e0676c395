/**
 * Resumption in TLS 1.3 (RFC 9846 §2.2, §4.7.1): the server finds the session that a hello offers, and gives tickets for the
 * next one; the client keeps them.
 *
 * @module
 */

import { type Bytes, copyBytes, type HashName, wipe } from '@handfast/crypto';
import type { ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { Flow, FlowHost } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { type NewSessionTicket, writeNewSessionTicket } from '../messages/new-session-ticket.ts';
import { type PeerIdentity, timeOf } from '../peer.ts';
import { cipherSuiteById, TLS13, type Tls13CipherSuite } from '../registry.ts';
import { proofOf } from '../session/proof.ts';
import { keepSession } from '../session/resume.ts';
import { longestLifeMs, longestTicket, type Session } from '../session/session.ts';
import { openTicket, sealSession } from '../session/tickets.ts';
import type { ClientParameters } from '../version.ts';
import { serverExternalPsk } from './external-psk.ts';
import type { PskKind } from './key-schedule.ts';
import type { Connected } from './post-handshake.ts';
import { pskDheKe } from './psk.ts';

/** How many of a hello's identities are looked at: nobody that we know offers more. */
const mostIdentities = 4;
/** How many tickets of a connection a client keeps; it passes by the rest. */
export const mostTickets = 8;

/** A key that a hello offers and that the server has, its binder not yet checked. */
export interface FoundPsk {
  readonly index: number;
  /** Ours to wipe. */
  readonly secret: Bytes;
  readonly suite: Tls13CipherSuite;
  readonly kind: PskKind;
  /** The session that it is of; undefined: it came from outside. */
  readonly session: { readonly peer: PeerIdentity | undefined; readonly authenticated: number } | undefined;
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
  }: {
    readonly serverName: string | undefined;
    /** What a full handshake would show; undefined: there would be none. */
    readonly credential: Credential | undefined;
    readonly suites: readonly Tls13CipherSuite[];
  },
): Flow<FoundPsk | undefined> {
  const { pre_shared_key: offer, psk_key_exchange_modes: modes } = extensions;
  if (offer === undefined || !modes?.includes(pskDheKe)) return undefined;
  if (config.tickets === undefined && config.preSharedKey === undefined) return undefined;
  const now = (yield* timeOf(config)).getTime();
  for (const [index, { identity }] of offer.identities.slice(0, mostIdentities).entries()) {
    const resumed =
      credential && (yield* openTicket(host, config, identity, { serverName, credential, version: TLS13, now }));
    if (resumed !== undefined) {
      const { secret, cipherSuite, authenticated } = resumed.state;
      const suite = ofHash(suites, cipherSuiteById.get(cipherSuite)?.hash);
      const session = { peer: resumed.peer, authenticated };
      if (suite !== undefined) return { index, secret, suite, kind: 'res', session, identity: undefined };
      wipe(secret);
      continue;
    }
    const external = yield* serverExternalPsk(config, identity);
    const suite = ofHash(suites, external?.hash);
    if (external !== undefined && suite !== undefined) {
      return { index, secret: copyBytes(external.key), suite, kind: external.kind, session: undefined, identity };
    }
  }
  return undefined;
}

function ofHash(suites: readonly Tls13CipherSuite[], hash: HashName | undefined): Tls13CipherSuite | undefined {
  return suites.find((suite) => suite.hash === hash);
}

/** How many tickets follow the handshake that this hello began. */
export function ticketsFor({ tickets }: ServerConfig, { extensions }: ClientHello, psk: FoundPsk | undefined): number {
  // A session is of certificates: who has a key from outside has that one to come back by.
  if (psk?.identity !== undefined) return 0;
  const resumed = psk !== undefined;
  if (tickets === undefined || !extensions.psk_key_exchange_modes?.includes(pskDheKe)) return 0;
  const { ticket_request: wanted } = extensions;
  if (wanted !== undefined) return Math.min(tickets.count, resumed ? wanted.resumed : wanted.full);
  return resumed ? Math.min(tickets.count, 1) : tickets.count;
}

/** How many tickets a server gives, and what they stand for. */
export interface TicketContent {
  readonly count: number;
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
  { kdf, negotiated, resumptionSecret }: Connected,
  { count, credential, ...content }: TicketContent,
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
    const { lifetime: ticketLifetime, sealed } = ticket;
    host.send(writeNewSessionTicket({ ticketLifetime, ticketAgeAdd, ticketNonce, ticket: sealed, extensions: {} }));
  }
}

/** What a client's sessions stand for. */
export interface SessionContent {
  readonly ownLeaf: Bytes | undefined;
  readonly askedForCertificate: boolean;
  /** When the server last showed its certificate, in milliseconds since the epoch. */
  readonly authenticated: number;
}

/** Keeps a ticket in the config's cache. */
export function* keepTicket(
  host: FlowHost,
  { config, sessionKey, serverName, verifyName }: ClientParameters,
  { kdf, negotiated, resumptionSecret }: Connected,
  content: SessionContent,
  { ticketLifetime, ticketAgeAdd, ticketNonce, ticket }: NewSessionTicket,
): Flow<void> {
  if (ticketLifetime * 1000 > longestLifeMs) {
    throw new TlsError(
      'illegal_parameter',
      `NewSessionTicket: a lifetime of ${ticketLifetime} s, where 604,800 is the most`,
    );
  }
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
    ...{ ticketAgeAdd, alpnProtocol, serverName, verifyName, proof: proofOf(peer) },
    ...content,
    extendedMasterSecret: true,
  };
  yield* keepSession(host, sessions, sessionKey, session);
}
