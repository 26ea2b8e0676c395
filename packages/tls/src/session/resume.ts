/**
 * Whether a client offers a session that it kept. It must have been with this peer under these names, and the certificate
 * that the server proved itself by is verified again, here and now, under the config that is to use it: so what one config
 * accepted without looking is never offered by another that looks.
 *
 * @module
 */

import { equalBytes, settle, wipe } from '@handfast/crypto';
import type { ClientConfig } from '../config.ts';
import { reasonOf, TlsError } from '../errors.ts';
import type { Flow, FlowHost } from '../flow.ts';
import { type PeerIdentity, type PeerPolicy, timeOf } from '../peer.ts';
import { type CipherSuite, cipherSuiteById, TLS13 } from '../registry.ts';
import { peerPolicy } from '../selection.ts';
import type { ClientParameters } from '../version.ts';
import { verifyProof } from './proof.ts';
import { isSession, longestLifeMs, type Session, type SessionCache } from './session.ts';

/** A session that may be offered now. */
export interface Resumable {
  readonly session: Session;
  /** The server, verified again. */
  readonly peer: PeerIdentity;
  /** The moment that its age is counted to, in milliseconds since the epoch. */
  readonly now: number;
}

/** Takes a session out of the cache, and verifies it again; why none is offered, the trace tells. */
export function* takeSession(
  host: FlowHost,
  sessions: SessionCache,
  parameters: ClientParameters,
): Flow<Resumable | undefined> {
  const { config, sessionKey } = parameters;
  const { answer: session } = (yield* asked(host, () => sessions.take(sessionKey))) ?? {};
  if (session === undefined) return undefined;
  if (!isSession(session)) {
    host.trace?.({ type: 'session', action: 'passed over', why: 'the session cache answered no session' });
    return undefined;
  }
  const now = (yield* timeOf(config)).getTime();
  let why = misfit(session, parameters, now);
  if (why === undefined) {
    try {
      const peer = yield* verifyProof(
        session.proof,
        'server',
        parameters.verifyName,
        policyFor(session, config),
        () => host.signal,
      );
      host.trace?.({ type: 'session', action: 'offered' });
      return { session, peer, now };
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      why = error.message;
    }
  }
  wipe(session.secret);
  host.trace?.({ type: 'session', action: 'passed over', why });
  return undefined;
}

/** Keeps a session for another connection. */
export function* keepSession(
  host: FlowHost,
  cache: Pick<SessionCache, 'put'>,
  peer: string,
  session: Session,
): Flow<void> {
  if (yield* asked(host, () => cache.put(peer, session))) host.trace?.({ type: 'session', action: 'kept' });
}

/** A cache that fails costs a full handshake, and nothing else: undefined. */
function* asked<T>(host: FlowHost, call: () => T | Promise<T>): Flow<{ readonly answer: T } | undefined> {
  try {
    return { answer: yield* settle(call()) };
  } catch (error) {
    host.trace?.({ type: 'session', action: 'passed over', why: `the session cache failed: ${reasonOf(error)}` });
    return undefined;
  }
}

/** Why a session cannot be offered on this connection; undefined: it can, if its certificate still verifies. */
function misfit(
  session: Session,
  { config, serverName, verifyName }: ClientParameters,
  now: number,
): string | undefined {
  const age = now - session.received;
  if (age < 0) return 'it is of the future';
  if (age >= session.lifetimeMs) return 'it has expired';
  if (now - session.authenticated >= longestLifeMs) return 'the server showed its certificate too long ago';
  if (session.serverName !== serverName || session.verifyName !== verifyName) return 'it is with another name';
  if (config.requireExtendedMasterSecret && !session.extendedMasterSecret) return 'it has no extended_master_secret';
  if (suiteOf(session, config) === undefined) return 'its version or its cipher suite is not offered';
  return sameClient(session, config) ? undefined : 'it is of another client certificate';
}

/** A server that knew us by a certificate is not met by who would show another one, or none. */
function sameClient(
  { ownLeaf, askedForCertificate }: Session,
  { credentials, selectCredential }: ClientConfig,
): boolean {
  if (!askedForCertificate) return true;
  // What the callback would choose is known to it alone.
  if (selectCredential !== undefined) return false;
  if (ownLeaf === undefined) return credentials.length === 0;
  return credentials.some(({ chain: [leaf] }) => leaf !== undefined && equalBytes(leaf.raw, ownLeaf));
}

/** A suite that the config offers and the session can go on with: TLS 1.3 wants no more than its hash (RFC 9846 §4.3.11). */
function suiteOf({ version, cipherSuite }: Session, { versions, cipherSuites }: ClientConfig): CipherSuite | undefined {
  const row = versions.find(({ id }) => id === version);
  const hash = version === TLS13 ? cipherSuiteById.get(cipherSuite)?.hash : undefined;
  return cipherSuites.find(
    (suite) => row?.uses(suite) && (hash === undefined ? suite.id === cipherSuite : suite.hash === hash),
  );
}

/** A suite before TLS 1.3 says what the key of the certificate must be for. */
function policyFor(session: Session, config: ClientConfig): PeerPolicy {
  const suite = suiteOf(session, config);
  const keyUsage = suite?.family === 'tls12' ? { keyUsage: [suite.keyExchange.certificateUsage] } : {};
  return { ...peerPolicy(config), ...keyUsage };
}
