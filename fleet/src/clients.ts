/**
 * Clients that come back: ours with tickets of TLS 1.3 and of TLS 1.2, and `node:tls` with session identifiers, since ours
 * always knows tickets.
 *
 * @module
 */

import { constants } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect as nodeConnect } from 'node:tls';
import { toHex } from '@handfast/crypto';
import { memorySessionCache, type SessionCache } from '@handfast/tls';
import { connect, createSecureContext, type SecureContext } from '@handfast/tls/node';
import type { Pki } from './pki.ts';

export type Kind = 'TLS 1.3 tickets' | 'TLS 1.2 tickets' | 'TLS 1.2 identifiers';

/** A connection that ended well. */
export interface Met {
  readonly resumed: boolean;
  readonly early: boolean;
  /** The server that it arrived at. */
  readonly server: number;
  /** What a full handshake may have come of. */
  readonly why?: string;
}

export interface Client {
  readonly kind: Kind;
  meet(port: number): Promise<Met>;
}

/** The names of all ticket keys that were seen at the front of tickets. */
export const keysSeen: Set<string> = new Set();

export class Clients {
  readonly all: readonly Client[];
  readonly #contexts: Readonly<Record<'TLSv1.3' | 'TLSv1.2', SecureContext>>;

  constructor(pki: Pki, numbers: Readonly<Record<Kind, number>>) {
    const contextOf = (version: 'TLSv1.3' | 'TLSv1.2'): SecureContext =>
      createSecureContext({ trust: pki.trust, minVersion: version, maxVersion: version });
    this.#contexts = { 'TLSv1.3': contextOf('TLSv1.3'), 'TLSv1.2': contextOf('TLSv1.2') };
    const made: Readonly<Record<Kind, () => Client>> = {
      'TLS 1.3 tickets': () => withTickets('TLS 1.3 tickets', this.#contexts['TLSv1.3']),
      'TLS 1.2 tickets': () => withTickets('TLS 1.2 tickets', this.#contexts['TLSv1.2']),
      'TLS 1.2 identifiers': () => withIdentifiers(pki),
    };
    const lists = (Object.keys(made) as Kind[]).map((kind) => Array.from({ length: numbers[kind] }, made[kind]));
    // One of each kind after the other, as far as they go.
    const longest = Math.max(...lists.map(({ length }) => length));
    this.all = Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
  }
}

function withTickets(kind: Kind, secureContext: SecureContext): Client {
  const cache = memorySessionCache();
  let why = '';
  const sessions: SessionCache = {
    ...cache,
    async take(peer) {
      const session = await cache.take(peer);
      const age = session && Date.now() - session.received;
      const key = session && toHex(session.ticket.subarray(0, 4));
      why = session === undefined ? 'the client had no ticket' : `its ticket was ${age} ms old, under key ${key}`;
      return session;
    },
    put(peer, session) {
      keysSeen.add(toHex(session.ticket.subarray(0, 16)));
      return cache.put(peer, session);
    },
  };
  return {
    kind,
    async meet(port) {
      // In TLS 1.3 the question goes ahead of the handshake, where it may.
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'fleet.test',
        secureContext,
        sessions,
        earlyData: 1,
      });
      socket.once('earlyDataReady', () => socket.writeEarlyData('?'));
      socket.once('secureConnect', () => {
        if (socket.negotiated?.earlyData !== 'accepted') socket.write('?');
      });
      const answer = await text(socket);
      const early = socket.negotiated?.earlyData === 'accepted';
      return { ...met(answer, socket.negotiated?.resumed === true), early, why };
    },
  };
}

function withIdentifiers({ root }: Pki): Client {
  let session: Buffer | undefined;
  return {
    kind: 'TLS 1.2 identifiers',
    async meet(port) {
      const socket = nodeConnect({
        host: '127.0.0.1',
        port,
        servername: 'fleet.test',
        ca: root,
        maxVersion: 'TLSv1.2',
        secureOptions: constants.SSL_OP_NO_TICKET,
        ...(session && { session }),
      });
      socket.on('session', (fresh: Buffer) => {
        session = fresh;
      });
      socket.write('?');
      await once(socket, 'secureConnect');
      const resumed = socket.isSessionReused();
      return { ...met(await text(socket), resumed), early: false };
    },
  };
}

/** @throws where the two sides are of different minds. */
function met(answer: string, resumed: boolean): Omit<Met, 'early'> {
  const [server, how] = answer.split(' ');
  if (how !== (resumed ? 'resumed' : 'full')) {
    throw new Error(`the server said ${JSON.stringify(answer)}, and its client ${resumed ? 'resumed' : 'full'}`);
  }
  return { resumed, server: Number(server) };
}
