/**
 * What a client keeps of a connection, to come back by (RFC 9846 §2.2, RFC 5077). A session is a bearer's token: who has it
 * is taken for the client that it was given to.
 *
 * @module
 */

import type { Bytes, MaybePromise } from '@handfast/crypto';
import { SSL30 } from '../registry.ts';
import type { ClientResumption } from './client-resumption.ts';
import type { PeerProof } from './proof.ts';

/** RFC 9846 §4.7.1: no ticket lives longer, nor what is renewed from one without a certificate shown anew. */
export const longestLifeMs: number = 604_800_000;

/** In bytes: a ticket stands in a hello beside all else, whose extensions hold 65,535 together. */
export const longestTicket: number = 32_768;

export interface Session {
  /** The wire number of its version: 0x0304. */
  readonly version: number;
  /** The wire number of its suite. TLS 1.3 may go on with another one of the same hash. */
  readonly cipherSuite: number;
  /** The pre-shared key of TLS 1.3, the master secret before it. */
  readonly secret: Bytes;
  /** Empty where the server knows the session by its identifier alone. */
  readonly ticket: Bytes;
  /** Before TLS 1.3; else empty. */
  readonly sessionId: Bytes;
  /** When it came, in milliseconds since the epoch. */
  readonly received: number;
  /** For how many milliseconds it may be used. */
  readonly lifetimeMs: number;
  /** When the server last proved itself by its certificate, in milliseconds since the epoch. */
  readonly authenticated: number;
  /** What hides its age on the wire; 0 before TLS 1.3. */
  readonly ticketAgeAdd: number;
  /** Bytes of early data that the server may take with it; 0: none. */
  readonly maxEarlyData: number;
  readonly alpnProtocol: string | undefined;
  /** The name that was sent, and the one that the certificate was verified for. */
  readonly serverName: string | undefined;
  readonly verifyName: string | undefined;
  /** The server's. */
  readonly proof: PeerProof;
  /** Our own certificate, if the server had it. */
  readonly ownLeaf: Bytes | undefined;
  /** Whether the server wanted one. */
  readonly askedForCertificate: boolean;
  readonly extendedMasterSecret: boolean;
}

/**
 * Where a client keeps sessions: `memorySessionCache()`, or one of your own. What it throws or rejects with costs no more than
 * a full handshake.
 */
export interface SessionCache {
  /** What is done with sessions: `clientResumption`. */
  readonly resumption: ClientResumption;
  /** A session with this peer, which leaves the cache: it is used once. The secret is the taker's to wipe. */
  readonly take: (peer: string) => MaybePromise<Session | undefined>;
  readonly put: (peer: string, session: Session) => MaybePromise<void>;
  /** Forgets a session that may have been put: its connection ended by a fatal alert (RFC 5246 §7.2.2). */
  readonly remove: (peer: string, session: Session) => MaybePromise<void>;
}

/** Whether what a cache answered has a session's shape. */
export function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { version, secret, ticket, sessionId, received, lifetimeMs, authenticated, ticketAgeAdd, maxEarlyData, proof } =
    value as Partial<Session>;
  const within = (bytes: unknown, least: number, most: number): boolean =>
    bytes instanceof Uint8Array && bytes.length >= least && bytes.length <= most;
  return (
    typeof version === 'number' &&
    version > SSL30 &&
    within(secret, 1, 255) &&
    (within(ticket, 1, longestTicket) ? within(sessionId, 0, 0) : within(ticket, 0, 0) && within(sessionId, 1, 32)) &&
    [received, lifetimeMs, authenticated, ticketAgeAdd, maxEarlyData].every(Number.isFinite) &&
    Array.isArray(proof?.chain) &&
    proof.chain.every((certificate) => certificate instanceof Uint8Array)
  );
}
