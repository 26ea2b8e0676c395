/**
 * Data before the handshake is done (RFC 9846 §2.3, §4.3.10): two connections, the second with the session of the first and
 * with early data. What became of that, both sides must say alike; what was said must arrive once, and be answered. Refused, it
 * is sent again when the handshake is done.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { nodeProvider } from '@handfast/crypto/node';
import {
  memoryReplayCache,
  memorySessionCache,
  type Negotiated,
  type SessionCache,
  type TicketKeys,
  ticketKeys,
  tls13,
} from '@handfast/tls';
import type { SecureContextOptions, Server, TLSSocket } from '@handfast/tls/node';
import { type Abilities, type Case, type Direction, pkcs1Schemes, versionId } from '../cases.ts';
import type { Certificates, Family } from '../certificates.ts';
import { isTlsError } from '../handfast.ts';
import {
  decoyFor,
  type EarlyCircumstance,
  type EarlyClient,
  type EarlyServer,
  type EarlyServerRun,
  type EarlyWord,
  type Peer,
  type Task,
} from '../peers/peer.ts';
import { agree, bothSides, type Cleanups, describe, type Job } from '../run.ts';
import { connect, createServer } from '../tls.ts';

/** What the connection that comes back meets. */
export interface Circumstance {
  readonly name: EarlyCircumstance;
  readonly outcome: 'accepted' | 'rejected';
  /** What differs from a plain case. */
  readonly row?: Partial<Case>;
  /** What the server is by then: without early data, or with other ticket keys, so that nobody is known any more. */
  readonly server?: 'without early data' | 'with other keys';
  /** A third connection comes with the session of the second. */
  readonly again?: boolean;
  /** As many bytes as a server takes by default. */
  readonly full?: boolean;
  /** What the peer must be. */
  readonly only?: Direction;
}

export const circumstances: readonly Circumstance[] = [
  { name: 'as it is', outcome: 'accepted' },
  { name: 'SHA-384', outcome: 'accepted', row: { suite: 'TLS_AES_256_GCM_SHA384' } },
  { name: 'client certificate', outcome: 'accepted', row: { clientCertificate: 'required' } },
  { name: 'to the limit', outcome: 'accepted', full: true },
  // Ticket keys of other servers go with their processes.
  { name: 'no longer taken', outcome: 'rejected', server: 'without early data', only: 'client' },
  { name: 'other ticket keys', outcome: 'rejected', server: 'with other keys' },
  { name: 'HelloRetryRequest', outcome: 'rejected', row: { retry: 'yes' } },
  // Our own server looks for the same hello alone (RFC 9846 §8.2).
  { name: 'session used twice', outcome: 'rejected', again: true, only: 'server' },
];

/** What OpenSSL, GnuTLS and we take by default. */
const limit = 16_384;

/** Lines that begin with a digit: tools that read commands find none in them. */
export function textOf({ full = false }: Circumstance): string {
  const line = `${'0123456789'.repeat(6)}abc\n`;
  return full ? line.repeat(limit / line.length) : line;
}

/** A job with a column in the table of early data. */
export interface EarlyJob extends Job {
  readonly early: Pick<Circumstance, 'name' | 'outcome'>;
}

export const isEarlyJob = (job: Job): job is EarlyJob => 'early' in job;

export function earlyDataJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly EarlyJob[] {
  const abilities = peer[direction];
  const early = abilities?.early;
  const plainRow = plain.find(({ version }) => version === 'TLS 1.3');
  if (abilities === undefined || plainRow === undefined || early === undefined || typeof early === 'string') return [];
  return circumstances.flatMap((circumstance): EarlyJob[] => {
    const { name, only = direction } = circumstance;
    const row = rowFor(abilities, plainRow, circumstance);
    if (row === undefined || only !== direction || early.lacks?.[name] !== undefined) return [];
    const run = async (cleanups: Cleanups): Promise<void> => {
      const family = await certificates.family(row.scheme);
      if ('talk' in early) await comesEarly(early, row, family, circumstance, cleanups);
      else await isSpokenToEarly(early, row, family, circumstance, cleanups);
    };
    const id = `${versionId(row)}+early data+${name}`;
    return [{ peer, direction, version: row.version, id, row: undefined, early: circumstance, run }];
  });
}

/** The case of a circumstance, with a group that the peer takes so; undefined: it has none. */
function rowFor({ axes, allowed = () => true }: Abilities, plain: Case, { row }: Circumstance): Case | undefined {
  const has = axes.find(({ version }) => version.includes(plain.version));
  return ['secp256r1', 'x25519']
    .map(
      (group): Case => ({
        ...{ ...plain, scheme: 'ecdsa_secp256r1_sha256', suite: 'TLS_AES_128_GCM_SHA256', retry: 'no', group },
        ...row,
      }),
    )
    .find(
      (one) => has?.clientCertificate.includes(one.clientCertificate) && has.retry.includes(one.retry) && allowed(one),
    );
}

/** What is right of each connection. */
export interface Expected {
  readonly early: Exclude<EarlyWord, undefined>;
  readonly resumed: boolean;
}

/** The first has nothing to send early by. */
export function expectedOf({ outcome, server, again = false }: Circumstance): readonly Expected[] {
  const first: Expected = { early: 'none', resumed: false };
  if (!again) return [first, { early: outcome, resumed: server !== 'with other keys' }];
  // Who lets a session in once knows it no more.
  return [first, { early: 'accepted', resumed: true }, { early: 'rejected', resumed: false }];
}

/** One connection as it was. */
export interface Seen {
  readonly negotiated: Negotiated | undefined;
  /** The peer's word. */
  readonly word: EarlyWord;
}

/** What of the connections was not so. */
export function discords(row: Case, expected: readonly Expected[], seen: readonly Seen[]): readonly string[] {
  const faults = seen.length === expected.length ? [] : [`${seen.length} connections, not ${expected.length}`];
  for (const [index, { negotiated, word }] of seen.entries()) {
    const { early, resumed } = expected[index] ?? {};
    const checks: readonly (readonly [string, unknown, unknown])[] = [
      ['early data, as we say', negotiated?.earlyData ?? 'none', early],
      ['early data, as the peer says', word, early],
      ['resumed', negotiated?.resumed, resumed],
      ['cipher suite', negotiated?.cipherSuite.name, row.suite],
      ['group', negotiated?.group?.name, row.group],
      ['HelloRetryRequest', negotiated?.helloRetryRequest, row.retry === 'yes'],
    ];
    for (const [what, found, wanted] of checks)
      if (found !== wanted) faults.push(`connection ${index + 1}: ${what}: ${String(found)}, not ${String(wanted)}`);
  }
  return faults;
}

/** What both of our roles say of a case. */
function contextOf(
  row: Case,
): SecureContextOptions & { readonly allowHalfOpen: true; readonly handshakeTimeout: number } {
  return {
    versions: [tls13],
    cipherSuites: [row.suite],
    signatureSchemes: [row.scheme, ...pkcs1Schemes],
    allowHalfOpen: true,
    handshakeTimeout: 8_000,
  };
}

// ---- our client, the peer's server

async function isSpokenToEarly(
  server: EarlyServer,
  row: Case,
  family: Family,
  circumstance: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const text = textOf(circumstance);
  const expected = expectedOf(circumstance);
  const sessions = circumstance.again ? oneAndTheSame() : wherever();
  const task: Task = { row, family, serverIdentity: family.server, versions: [row.version], visits: expected.length };
  const seen: Seen[] = [];
  let run: EarlyServerRun | undefined;
  for (const [index, { early }] of expected.entries()) {
    if (run === undefined || (index === 1 && circumstance.server === 'with other keys')) {
      run?.stop();
      run = await server.start(task);
      const { stop } = run;
      cleanups.add(stop);
      run.done.catch(() => undefined);
    }
    const { port, said, talk } = run;
    await bothSides(run, async () => {
      try {
        const { socket, written } = await writesEarly(row, family, port, sessions, text);
        cleanups.add(() => socket.destroy());
        agree(written === (early === 'none' ? undefined : text.length) ? [] : [`bytes written early: ${written}`]);
        const refused = socket.takeRejectedEarlyData()?.toString('latin1');
        agree((early === 'rejected') === (refused === text) ? [] : [`given back: ${refused?.length} bytes`]);
        if (early !== 'accepted') socket.write(text);
        seen.push({ word: await Promise.race([talk(socket, text), failureOf(socket)]), negotiated: socket.negotiated });
      } catch (error) {
        throw new Error(`connection ${index + 1}: ${describe(error)}; the peer's words: ${said?.().trim() || 'none'}`, {
          cause: error,
        });
      }
    });
  }
  run?.stop();
  agree(discords(row, expected, seen));
}

/** Connects, and writes as soon as it may. @throws TlsError */
async function writesEarly(
  row: Case,
  family: Family,
  port: number,
  sessions: SessionCache,
  text: string,
): Promise<{ readonly socket: TLSSocket; readonly written: number | undefined }> {
  const decoy = row.retry === 'yes' ? decoyFor(row.group) : undefined;
  const socket = connect({
    ...{ host: '127.0.0.1', port, servername: 'localhost', ca: family.ca, sessions, earlyData: limit },
    ...contextOf(row),
    groups: decoy === undefined ? [row.group] : [decoy, row.group],
    keyShares: [decoy ?? row.group],
    ...(row.clientCertificate === 'required' ? { cert: family.client.cert, key: family.client.key } : {}),
  });
  socket.on('error', () => undefined);
  let written: number | undefined;
  socket.once('earlyDataReady', () => {
    written = socket.writeEarlyData(Buffer.from(text, 'latin1'));
  });
  await once(socket, 'secureConnect');
  return { socket, written };
}

/** Sessions by no peer's name: a server that starts again does so at another port. */
function wherever(cache: SessionCache = memorySessionCache()): SessionCache {
  return {
    ...cache,
    take: () => cache.take(''),
    put: (_peer, session) => cache.put('', session),
    remove: (_peer, session) => cache.remove('', session),
  };
}

/** The first session ever, again and again: each time a copy, as the taker wipes it. */
function oneAndTheSame(): SessionCache {
  const cache = wherever();
  let kept: Awaited<ReturnType<SessionCache['take']>>;
  return {
    ...cache,
    take: async (peer) => {
      kept ??= await cache.take(peer);
      return kept && { ...kept, secret: kept.secret.slice() };
    },
  };
}

/** Rejects with what fails a socket; else never settles. */
function failureOf(socket: TLSSocket): Promise<never> {
  const failure = new Promise<never>((_resolve, reject) => socket.once('error', reject));
  failure.catch(() => undefined);
  return failure;
}

// ---- the peer's client, our server

async function comesEarly(
  client: EarlyClient,
  row: Case,
  family: Family,
  circumstance: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const { alpn, browses = false, says = textOf(circumstance) } = client;
  const accepted = circumstance.outcome === 'accepted';
  const leaves = browses && !accepted;
  const before = browses ? 2 : 1;
  const visits: Visit[] = [];
  let left = 0;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const begin = (socket: TLSSocket): void => {
    if (visits.some((visit) => visit.socket === socket)) return;
    const visit = new Visit(socket, client);
    visits.push(visit);
    visit.over.catch(failed.reject);
  };
  const server = await ourServer(row, family, circumstance, {
    alpn,
    before,
    onEarly: begin,
    onDone: (socket) => {
      begin(socket);
      if (socket.negotiated?.earlyData === 'rejected') run.again?.();
    },
    onFailure: (error) => {
      if (leaves && isTlsError(error) && error.tlsCode === 'truncated') left++;
      else failed.reject(error);
    },
  });
  cleanups.add(() => server.close());
  const task = {
    ...{ row: { ...row, alpn: alpn === undefined ? 'none' : 'chosen' }, family, port: server.port },
    ...{ serverIdentity: family.server, versions: [row.version] },
  };
  const run = client.start(task, says);
  cleanups.add(() => run.stop());
  await bothSides(run, async () => {
    await Promise.race([run.done, failed.promise]);
    await Promise.all(visits.map(({ over }) => over));
    // What a browser does after is its own business.
    const back = leaves ? [] : visits.slice(before, browses ? before + 1 : undefined);
    const expected = expectedOf(circumstance).slice(0, leaves ? 1 : undefined);
    const seen: readonly Seen[] = [
      ...visits.slice(0, 1).map(({ socket: { negotiated } }): Seen => ({ negotiated, word: 'none' })),
      ...back.map(({ socket: { negotiated } }): Seen => ({ negotiated, word: run.word })),
    ];
    const times = visits.reduce((sum, visit) => sum + visit.heard(says), 0);
    const early = visits.some((visit) => visit.heardEarly(says));
    agree([
      ...discords(row, expected, seen),
      ...(!leaves || (run.word === 'rejected' && left > 0) ? [] : [`it left ${left} times, and says: ${run.word}`]),
      ...(times === 1 ? [] : [`what it said came ${times} times`]),
      // A browser may take longer to begin than we to answer: it is then too late for anything early.
      ...(early === accepted || (browses && accepted) ? [] : [`before the handshake was done it came: ${early}`]),
    ]);
  });
}

/** One connection of a client to our server: what came over it, and how much of that early. */
class Visit {
  readonly socket: TLSSocket;
  readonly over: Promise<unknown>;
  #said = '';
  #early = 0;

  constructor(socket: TLSSocket, client: EarlyClient) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('latin1');
      if (!socket.handshakeDone) this.#early = this.#said.length;
    });
    const talk = client.talk(socket);
    this.over = client.browses ? talk : Promise.race([talk, failureOf(socket)]);
  }

  /** How often. */
  heard(text: string): number {
    return this.#said.split(text).length - 1;
  }

  heardEarly(text: string): boolean {
    return this.#said.slice(0, this.#early).includes(text);
  }
}

/** A server that may become another, after some connections. */
async function ourServer(
  row: Case,
  family: Family,
  circumstance: Circumstance,
  options: {
    readonly alpn: string | undefined;
    /** How many connections come before the one that may bring early data. */
    readonly before: number;
    /** Early data was accepted. */
    readonly onEarly: (socket: TLSSocket) => void;
    readonly onDone: (socket: TLSSocket) => void;
    readonly onFailure: (error: Error) => void;
  },
): Promise<{ readonly port: number; close(): void }> {
  const { alpn, before, onEarly, onDone, onFailure } = options;
  const keys = changing();
  const server = (takesEarlyData: boolean): Server => {
    const made = createServer({
      ...{ cert: family.server.cert, key: family.server.key, groups: [row.group], tickets: { keys } },
      ...contextOf(row),
      ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
      // It knows that nothing came before it.
      ...(takesEarlyData ? { earlyData: { replay: memoryReplayCache({ time: () => new Date(0) }) } } : {}),
      ...(row.clientCertificate === 'required' ? { ca: family.ca, requestCert: true } : {}),
    });
    made.on('earlyConnection', onEarly);
    made.on('secureConnection', onDone);
    made.on('tlsClientError', onFailure);
    return made;
  };
  const first = server(true);
  const then = circumstance.server === 'without early data' ? server(false) : first;
  const transports: Socket[] = [];
  const front = createTcpServer({ allowHalfOpen: true, noDelay: true }, (transport) => {
    if (transports.length === before && circumstance.server === 'with other keys') keys.change();
    (transports.length < before ? first : then).emit('connection', transport);
    transports.push(transport);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: (front.address() as AddressInfo).port,
    close: () => {
      front.close();
      for (const transport of transports) transport.destroy();
    },
  };
}

/** Ticket keys that give way to others. */
function changing(): TicketKeys & { change(): void } {
  let keys = ticketKeys({ provider: nodeProvider });
  return {
    ...keys,
    seal: (state, now) => keys.seal(state, now),
    open: (ticket, now) => keys.open(ticket, now),
    change: () => {
      keys = ticketKeys({ provider: nodeProvider });
    },
  };
}
