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
import type { Flow, FlowHost } from '../flow.ts';
import type { PeerIdentity } from '../peer.ts';
import { peerPolicy } from '../selection.ts';
import { verifyProof } from './proof.ts';
import { longestLifeMs, longestTicket } from './session.ts';
import { readState, type SessionState } from './state.ts';
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

/** Seals what a session stands for, and wipes it; undefined: its keys have none, or fail, and the connection stands all the same. */
export function* sealTicket(keys: TicketKeys, state: Bytes, now: number): Flow<Bytes | undefined> {
  try {
    const ticket: unknown = yield* settle(keys.seal(state, now));
    if (!(ticket instanceof Uint8Array) || ticket.length === 0 || ticket.length > longestTicket) return undefined;
    return copyBytes(ticket);
  } catch {
    return undefined;
  } finally {
    wipe(state);
  }
}

/** For how many seconds a ticket given now may live: no longer than what it stands for. 0: none is given. */
export function ticketLife(
  { lifetime }: { readonly lifetime: number },
  now: number,
  authenticated: number,
  credential: Credential,
  peer: PeerIdentity | undefined,
): number {
  const ends = [credential.chain[0], peer?.chain[0]].flatMap((leaf) => leaf?.notAfter.getTime() ?? []);
  const seconds = Math.floor((Math.min(authenticated + longestLifeMs, ...ends) - now) / 1000);
  return Math.max(0, Math.min(lifetime, seconds));
}

/** SHA-256 of the certificate that a credential shows. */
export function leafHash({ provider }: ServerConfig, { chain }: Credential): Bytes {
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
