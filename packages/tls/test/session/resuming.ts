/**
 * A client and a server that meet again and again: one cache of sessions, one set of ticket keys, one clock, and what was
 * said each time.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type CryptoProvider, toHex } from '@handfast/crypto';
import {
  type ClientHello,
  clientResumption,
  memorySessionCache,
  type Negotiated,
  namedGroups,
  type Session,
  type SessionCache,
  type TicketKeyRing,
  type TicketKeys,
  type TraceEvent,
  ticketKeys,
} from '../../src/index.ts';
import type { PreSharedKeyOffer } from '../../src/messages/extensions.ts';
import type { HandshakeMessage } from '../../src/messages/handshake.ts';
import type { NewSessionTicket } from '../../src/messages/new-session-ticket.ts';
import { now } from '../support/identities.ts';
import { exchange, type Pair, type PairOptions, pair, settled } from '../support/pair.ts';

export const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
export const minute = 60_000;
export const day: number = 24 * 60 * minute;

/** A connection, and what was seen of it. */
export interface Met extends Pair {
  /** What the client did with sessions: `offered`, `kept`, `passed over: …`. */
  readonly told: readonly string[];
  /** All handshake messages, as the client saw them. */
  readonly messages: readonly { readonly direction: 'in' | 'out'; readonly message: HandshakeMessage }[];
  readonly keyLog: { readonly client: readonly string[]; readonly server: readonly string[] };
  /** The server's decision about early data: `accepted`, or why not. */
  readonly decided: readonly string[];
}

export interface Stage {
  readonly sessions: SessionCache;
  readonly keys: TicketKeys;
  /** Milliseconds since the epoch, for both sides; a test moves it. */
  now: number;
  /** The stage's options, with these over them. */
  readonly meet: (options?: PairOptions) => Promise<Met>;
  /** The same up to the client's first flight, which waits in its outbox. */
  readonly begin: (options?: PairOptions) => Promise<Met>;
}

/** A stage of its own cache, keys and clock; `always` holds for every connection on it. */
export function stage(provider: CryptoProvider, always: PairOptions = {}): Stage {
  const sessions = memorySessionCache();
  const keys = ticketKeys({ provider });
  const here: Stage = {
    sessions,
    keys,
    now: now.getTime(),
    async meet(options) {
      const met = await here.begin(options);
      await exchange(met);
      return met;
    },
    async begin({ client, server, target = always.target, serverHandlers } = {}) {
      const told: string[] = [];
      const decided: string[] = [];
      const messages: Met['messages'][number][] = [];
      const keyLog = { client: [] as string[], server: [] as string[] };
      const trace = (event: TraceEvent): void => {
        if (event.type === 'message') messages.push(event);
        if (event.type === 'session') told.push('why' in event ? `passed over: ${event.why}` : event.action);
      };
      const time = (): Date => new Date(here.now);
      const both = pair({
        provider,
        client: {
          ...{ groups: x25519, sessions, time, trace },
          keyLog: (line) => keyLog.client.push(line),
          ...always.client,
          ...client,
        },
        server: {
          ...{ groups: x25519, tickets: { keys }, time },
          trace: (event) => {
            if (event.type === 'early_data') decided.push(event.accepted ? 'accepted' : event.why);
          },
          keyLog: (line) => keyLog.server.push(line),
          ...always.server,
          ...server,
        },
        ...(target && { target }),
        ...(serverHandlers && { serverHandlers }),
      });
      await settled(both.client);
      return { ...both, told, messages, keyLog, decided };
    },
  };
  return here;
}

/** What passed in one direction, by type. */
export function typesOf({ messages }: Met, direction: 'in' | 'out'): readonly string[] {
  return messages.filter((one) => one.direction === direction).map(({ message }) => message.type);
}

export function messagesOf<T extends HandshakeMessage['type']>(
  { messages }: Met,
  type: T,
): readonly Extract<HandshakeMessage, { type: T }>[] {
  return messages.flatMap(({ message }) =>
    message.type === type ? [message as Extract<HandshakeMessage, { type: T }>] : [],
  );
}

/** The client's hello; of two, the one asked for. */
export function helloOf(met: Met, index = 0): ClientHello {
  return messagesOf(met, 'client_hello')[index] ?? assert.fail('no such hello');
}

/** Both sides stand, agree, and data passes both ways. Answers what the client knows. */
export async function good(met: Met, resumed: boolean): Promise<Negotiated> {
  const { client, server } = met;
  assert.deepEqual([client.error, server.error], [undefined, undefined]);
  const [ours, theirs] = [client.connection.negotiated, server.connection.negotiated];
  assert.ok(ours && theirs);
  assert.deepEqual([ours.resumed, theirs.resumed], [resumed, resumed]);
  for (const key of [
    ...(['version', 'cipherSuite', 'group', 'alpnProtocol', 'serverName'] as const),
    ...(['helloRetryRequest', 'earlyData'] as const),
  ] as const) {
    assert.equal(ours[key], theirs[key], key);
  }
  assert.equal(ours.signatureScheme, theirs.peerSignatureScheme);
  assert.equal(ours.peerSignatureScheme, theirs.signatureScheme);
  assert.equal(exported(client), exported(server));
  const [heard, told] = [client.text(), server.text()];
  client.connection.write(Buffer.from('ping'));
  server.connection.write(Buffer.from('pong'));
  await exchange(met);
  assert.deepEqual([client.text(), server.text()], [`${heard}pong`, `${told}ping`]);
  // Before TLS 1.3 the message has a name of its own.
  assert.equal(
    typesOf(met, 'in').some((type) => /^certificate/.test(type)),
    !resumed,
  );
  return ours;
}

/** A full handshake that went well, whatever was offered. */
export const full = (met: Met): Promise<Negotiated> => good(met, false);
/** A session that went on. */
export const resumed = (met: Met): Promise<Negotiated> => good(met, true);

export function exported({ connection }: Pair['client']): string {
  return toHex(connection.exportKeyingMaterial(32, 'EXPORTER-test'));
}

/** A cache that gives sessions changed, and keeps what it is given as it came. */
export function changing(cache: SessionCache, change: (session: Session) => Session): SessionCache {
  return {
    ...cache,
    take: async (peer) => {
      const session = await cache.take(peer);
      return session && change(session);
    },
  };
}

/** A cache that keeps all that it is given, for a test to look at. */
export function open(): SessionCache & { readonly kept: Session[] } {
  const kept: Session[] = [];
  return {
    resumption: clientResumption,
    kept,
    take: () => kept.pop(),
    put: (_, session) => void kept.push(session),
    remove: () => undefined,
  };
}

/** A ring whose one key seals and opens for longer than every test goes. */
export function longRing(): TicketKeyRing {
  const key = {
    ...{ name: new Uint8Array(16).fill(1), secret: new Uint8Array(32).fill(2) },
    ...{ sealsFrom: 0, sealsUntil: Number.MAX_SAFE_INTEGER, opensUntil: Number.MAX_SAFE_INTEGER },
  };
  return { keys: () => [key] };
}

export function offerOf(met: Met, index = 0): PreSharedKeyOffer | undefined {
  return helloOf(met, index).extensions.pre_shared_key;
}

export function ticketsOf(met: Met): readonly NewSessionTicket[] {
  return messagesOf(met, 'new_session_ticket');
}

export function ticketsIn(met: Met): number {
  return ticketsOf(met).length;
}

/** The client offered a session, the server took none, and gave new ones. */
export async function notTaken(met: Met, tickets = 2): Promise<void> {
  await full(met);
  assert.equal(met.told[0], 'offered');
  assert.equal(offerOf(met)?.identities.length, 1);
  assert.equal(ticketsIn(met), tickets);
}

/** A full handshake, in which nothing was offered, for this reason. */
export async function passedOver(met: Met, why: RegExp): Promise<void> {
  await full(met);
  const [told = '', ...kept] = met.told;
  assert.match(told, /^passed over: /);
  assert.match(told.slice('passed over: '.length), why);
  assert.equal(offerOf(met), undefined);
  assert.ok(kept.every((action) => action === 'kept'));
}
