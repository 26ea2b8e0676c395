/**
 * A server's policy of tickets, and what it looks at in one that comes back. A ticket is bound to the name that was asked
 * for and to the certificate that was shown: a key that two tenants share never lets a session of one go on at the other.
 *
 * @module
 */

import { type Bytes, copyBytes, equalBytes, settle, wipe } from '@handfast/crypto';
import type { ServerConfig } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsConfigError, TlsError } from '../errors.ts';
import type { Flow, FlowHost, Negotiated } from '../flow.ts';
import { type PeerIdentity, timeOf } from '../peer.ts';
import { TLS13 } from '../registry.ts';
import { peerPolicy } from '../selection.ts';
import { proofOf, verifyProof } from './proof.ts';
import { longestLifeMs, longestTicket } from './session.ts';
import { readState, type SessionState, writeState } from './state.ts';
import type { SessionStore } from './store.ts';
import type { TicketKeys } from './ticket-keys.ts';

export interface SessionTickets {
  /** Who seals and opens: `ticketKeys({ provider })`. */
  readonly keys: TicketKeys;
  /** Sessions of TLS 1.2's clients that know no tickets: `memorySessionStore()`. Absent: they begin anew. */
  readonly store?: SessionStore;
  /** How many follow a full handshake: as many connections can resume at once. Resumed ones get one. Default: 2. */
  readonly count?: number;
  /** For how many seconds a ticket may be used: at most 604,800. Default: 7,200. */
  readonly lifetime?: number;
}

/** A policy with its defaults in place. */
export interface CheckedTickets extends Required<Omit<SessionTickets, 'store'>> {
  readonly store: SessionStore | undefined;
}

/** @throws TlsConfigError */
export function checkTickets({ keys, store, count = 2, lifetime = 7200 }: SessionTickets): CheckedTickets {
  if (typeof keys?.resumption?.keys !== 'object') {
    throw new TlsConfigError('tickets.keys', 'it holds no resumption: serverResumption of @handfast/tls is meant');
  }
  if (!Number.isInteger(count) || count < 0 || count > 16) {
    throw new TlsConfigError('tickets.count', `${count} is not a whole number from 0 to 16`);
  }
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > longestLifeMs / 1000) {
    throw new TlsConfigError('tickets.lifetime', `${lifetime} is not a whole number of seconds from 1 to 604,800`);
  }
  return { keys, store, count, lifetime };
}

/** What a connection must be for a session to go on in it. */
export interface Resumption {
  readonly version: number;
  readonly serverName: string | undefined;
  /** What the server would show in a full handshake. */
  readonly credential: Credential;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A session that goes on, and who the client is. */
export interface Resumed {
  readonly state: SessionState;
  readonly peer: PeerIdentity | undefined;
}

/** Opens a ticket; undefined: it is not ours, not for this connection, or its time is over. A full handshake follows. */
export function* openTicket(
  host: FlowHost,
  config: ServerConfig,
  ticket: Uint8Array,
  connection: Resumption,
): Flow<Resumed | undefined> {
  const keys = config.tickets?.keys;
  if (keys === undefined) return undefined;
  let state: SessionState;
  try {
    const opened = yield* settle(keys.open(ticket, connection.now));
    if (opened === undefined) return undefined;
    try {
      state = readState(opened);
    } finally {
      wipe(opened);
    }
  } catch {
    // Keys that fail, and tickets of another program under our keys, cost a full handshake and nothing else.
    return undefined;
  }
  if (!fits(state, connection, config)) return undefined;
  if (state.client === undefined) return { state, peer: undefined };
  try {
    const peer = yield* verifyProof(state.client, 'client', undefined, peerPolicy(config), () => host.signal);
    return { state, peer };
  } catch (error) {
    if (error instanceof TlsError) return undefined;
    throw error;
  }
}

function fits(
  state: SessionState,
  { version, serverName, credential, now }: Resumption,
  config: ServerConfig,
): boolean {
  const age = now - state.issued;
  return (
    state.version === version &&
    age >= 0 &&
    age < state.lifetime * 1000 &&
    now - state.authenticated < longestLifeMs &&
    state.serverName === serverName &&
    equalBytes(state.serverLeaf, leafHash(config, credential)) &&
    // Who was never asked for a certificate has not refused one, and who showed one is known by it only where one is wanted.
    state.askedForCertificate === (config.clientCertificate !== 'none') &&
    (config.clientCertificate !== 'require' || state.client !== undefined)
  );
}

/** What a server seals of a connection. */
export interface SessionContent {
  readonly version: number;
  readonly negotiated: Pick<
    Negotiated,
    'cipherSuite' | 'serverName' | 'alpnProtocol' | 'extendedMasterSecret' | 'peer'
  >;
  /** What the session goes on with; the caller's to wipe. */
  readonly secret: Bytes;
  readonly ageAdd: number;
  /** What the server showed. */
  readonly credential: Credential;
  /** When certificates were last shown, in milliseconds since the epoch; undefined: now. */
  readonly authenticated: number | undefined;
  readonly askedForCertificate: boolean;
}

export interface SealedSession {
  readonly sealed: Bytes;
  /** For how many seconds it may be used: no longer than what it stands for. */
  readonly lifetime: number;
  /** Bytes of early data that may come with it; 0: none. */
  readonly maxEarlyData: number;
}

/** A ticket; undefined: there is none to be had, or its keys fail, and the connection stands all the same. */
export function* sealSession(
  config: ServerConfig,
  { version, negotiated, secret, ageAdd, credential, askedForCertificate, ...content }: SessionContent,
): Flow<SealedSession | undefined> {
  const { tickets } = config;
  if (tickets === undefined) return undefined;
  const issued = (yield* timeOf(config)).getTime();
  const { cipherSuite, serverName, alpnProtocol, extendedMasterSecret, peer } = negotiated;
  const authenticated = content.authenticated ?? issued;
  const lifetime = Math.min(tickets.lifetime, lifeOf(issued, authenticated, credential, peer));
  if (lifetime <= 0) return undefined;
  const maxEarlyData = version === TLS13 ? (config.earlyData?.limit ?? 0) : 0;
  const state = writeState({
    ...{ version, cipherSuite: cipherSuite.id, secret, issued, authenticated, lifetime, ageAdd, maxEarlyData },
    ...{ extendedMasterSecret, serverName, alpnProtocol, askedForCertificate },
    serverLeaf: leafHash(config, credential),
    client: peer && proofOf(peer),
  });
  try {
    const sealed: unknown = yield* settle(tickets.keys.seal(state, issued));
    if (!(sealed instanceof Uint8Array) || sealed.length === 0 || sealed.length > longestTicket) return undefined;
    return { sealed: copyBytes(sealed), lifetime, maxEarlyData };
  } catch {
    return undefined;
  } finally {
    wipe(state);
  }
}

/** For how many seconds, from `now` on, what a session stands for is good. */
function lifeOf(now: number, authenticated: number, { chain }: Credential, peer: PeerIdentity | undefined): number {
  const ends = [chain[0], peer?.chain[0]].flatMap((leaf) => leaf?.notAfter.getTime() ?? []);
  return Math.floor((Math.min(authenticated + longestLifeMs, ...ends) - now) / 1000);
}

/** SHA-256 of the certificate that a credential shows. */
function leafHash({ provider }: ServerConfig, { chain }: Credential): Bytes {
  const leaf = chain[0];
  if (leaf === undefined) throw new TlsError('internal', 'a credential without a certificate');
  let hash = leafHashes.get(leaf);
  if (hash === undefined) {
    hash = provider.digest('sha256', leaf.raw);
    leafHashes.set(leaf, hash);
  }
  return hash;
}

const leafHashes = new WeakMap<object, Bytes>();
