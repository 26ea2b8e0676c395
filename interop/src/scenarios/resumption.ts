/**
 * Clients that come back to a server that knows them (RFC 9846 §2.2): several connections, one after the other, each with
 * what the last one left. Who went on with a session, both sides must say alike.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import {
  memorySessionCache,
  memorySessionStore,
  type Negotiated,
  type Session,
  type SessionCache,
  type SessionStore,
  type TicketKeys,
  ticketKeys,
} from '@handfast/tls';
import type { TLSSocket } from '@handfast/tls/node';
import { type Abilities, type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates, Family } from '../certificates.ts';
import { ourClient, ourServer } from '../handfast.ts';
import { decoyFor, type Peer, type ReturningClient, type ReturningServer, type ServerRun } from '../peers/peer.ts';
import { agree, bothSides, type Cleanups, describe, type Job } from '../run.ts';
import type { Word } from '../words.ts';

/** What a session must survive, or not. */
export interface Circumstance {
  /** In identifiers, and above its column in the table. */
  readonly name: string;
  readonly versions: readonly string[];
  /** What differs from a plain case. */
  readonly row?: Partial<Case>;
  readonly suites?: Readonly<Record<string, string>>;
  /** Whether the server has other ticket keys after the first connection: the second then starts anew. */
  readonly newKeys?: boolean;
  /** Whether the peer does without tickets. */
  readonly withoutTickets?: boolean;
}

const both = ['TLS 1.3', 'TLS 1.2'];

export const circumstances: readonly Circumstance[] = [
  { name: 'as it is', versions: both },
  { name: 'client certificate', versions: both, row: { clientCertificate: 'required' } },
  {
    name: 'SHA-384',
    versions: both,
    suites: {
      'TLS 1.3': 'TLS_AES_256_GCM_SHA384',
      'TLS 1.2': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    },
  },
  { name: 'HelloRetryRequest', versions: ['TLS 1.3'], row: { retry: 'yes' } },
  { name: 'by identifier', versions: ['TLS 1.2'], withoutTickets: true },
  { name: 'other ticket keys', versions: both, newKeys: true },
];

/** What every one of these peers has. */
const common = { scheme: 'ecdsa_secp256r1_sha256', retry: 'no' } as const;

const plainSuites: Readonly<Record<string, string>> = {
  'TLS 1.3': 'TLS_AES_128_GCM_SHA256',
  'TLS 1.2': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
};

export function resumptionJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  const client = direction === 'client' ? peer.client?.returning : undefined;
  const server = direction === 'server' ? peer.server?.returning : undefined;
  if (client === undefined && server === undefined) return [];
  const abilities = peer[direction];
  return plain.flatMap((plainRow) =>
    circumstances.flatMap((circumstance): Job[] => {
      const { name, withoutTickets = false } = circumstance;
      const row = abilities && rowFor(abilities, plainRow, circumstance);
      if (row === undefined || (withoutTickets && !(client ?? server)?.byIdentifier)) return [];
      const run = async (cleanups: Cleanups): Promise<void> => {
        const family = await certificates.family(row.scheme);
        if (client) await comesBack(client, row, family, circumstance, cleanups);
        if (server) await isComeBackTo(server, row, family, circumstance, cleanups);
      };
      const id = `${versionId(row)}+resumes+${name}`;
      return [{ peer, direction, version: row.version, id, row: undefined, resumption: name, run }];
    }),
  );
}

/** The case of a circumstance, with a group that the peer takes so; undefined: it has none. */
function rowFor(
  { axes, allowed = () => true }: Abilities,
  plain: Case,
  { versions, suites, row }: Circumstance,
): Case | undefined {
  if (!versions.includes(plain.version)) return undefined;
  const suite = (suites ?? plainSuites)[plain.version] ?? plain.suite;
  return ['secp256r1', 'x25519']
    .map((group): Case => ({ ...plain, ...common, group, suite, ...row }))
    .find((one) => {
      const has = axes.find(({ version }) => version.includes(one.version));
      return has?.clientCertificate.includes(one.clientCertificate) && has.retry.includes(one.retry) && allowed(one);
    });
}

/** The words that are right: the first is `new`, and with other ticket keys the next is as well. */
export function expectedWords(visits: number, newKeys: boolean): readonly Word[] {
  return Array.from({ length: visits }, (_, visit) => (visit < (newKeys ? 2 : 1) ? 'new' : 'resumed'));
}

/** What of the connections was not so. @param words the peer's, in order. */
export function discords(
  row: Case,
  role: 'client' | 'server',
  expected: readonly Word[],
  seen: readonly (Negotiated | undefined)[],
  words: readonly Word[],
): readonly string[] {
  const ours = seen.map((negotiated) => negotiated && (negotiated.resumed ? 'resumed' : 'new'));
  const list = (of: readonly Word[]): string => of.map((word) => word ?? 'nothing').join(', ');
  const faults: string[] = [];
  if (list(ours) !== list(expected)) faults.push(`we say ${list(ours)}, not ${list(expected)}`);
  if (list(words) !== list(expected)) faults.push(`the peer says ${list(words)}, not ${list(expected)}`);
  for (const [index, negotiated] of seen.entries()) {
    const checks: readonly (readonly [string, unknown, unknown])[] = [
      ['version', negotiated?.version, row.version],
      ['cipher suite', negotiated?.cipherSuite.name, row.suite],
      // Before TLS 1.3 a session goes on without a key exchange.
      ...(row.version === 'TLS 1.3' || !negotiated?.resumed
        ? [['group', negotiated?.group?.name, row.group] as const]
        : []),
      ['HelloRetryRequest', negotiated?.helloRetryRequest, row.retry === 'yes'],
      [
        'a verified path',
        negotiated?.peer?.path !== undefined,
        role === 'client' || row.clientCertificate === 'required',
      ],
    ];
    for (const [what, found, wanted] of checks)
      if (found !== wanted) faults.push(`connection ${index + 1}: ${what}: ${String(found)}, not ${String(wanted)}`);
  }
  return faults;
}

// ---- our client, the peer's server

async function isComeBackTo(
  server: ReturningServer,
  row: Case,
  family: Family,
  { newKeys = false, withoutTickets = false }: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const visits = 3;
  const start = async (times: number): Promise<ServerRun> => {
    const run = await server.start({
      row,
      family,
      serverIdentity: family.server,
      versions: [row.version],
      visits: times,
      withoutTickets,
    });
    cleanups.add(() => run.stop());
    run.done.catch(() => undefined);
    return run;
  };
  const withTicket: boolean[] = [];
  const sessions = wherever(memorySessionCache(), (session) => withTicket.push(session.ticket.length > 0));
  const decoy = decoyFor(row.group);
  const seen: (Negotiated | undefined)[] = [];
  const words: Word[] = [];
  let offered = 0;
  const visit = async (run: ServerRun): Promise<void> => {
    const { socket, witness } = await ourClient(row, family, run.port, { decoy, sessions });
    cleanups.add(() => socket.destroy());
    const failure = failureOf(socket);
    seen.push(socket.negotiated);
    words.push(await Promise.race([server.talk(socket), failure]));
    if (witness.offeredSession) offered++;
  };
  // Each part with a server of its own, and so with keys of its own.
  for (const times of newKeys ? [1, visits - 1] : [visits]) {
    const run = await start(times);
    await bothSides(run, async () => {
      for (let round = 0; round < times; round++) {
        try {
          await visit(run);
        } catch (error) {
          if (run.said === undefined) throw error;
          throw new Error(`${describe(error)}; the peer's words: ${run.said().trim() || 'none'}`, { cause: error });
        }
      }
    });
    run.stop();
  }
  agree([
    ...discords(row, 'client', expectedWords(visits, newKeys), seen, words),
    ...(withTicket.every((one) => one !== withoutTickets) ? [] : [`sessions came with tickets: ${withTicket}`]),
    ...(offered === visits - 1 ? [] : [`sessions offered: ${offered}, not ${visits - 1}`]),
  ]);
}

/** Sessions by no peer's name: a server that starts again does so at another port. */
function wherever(cache: SessionCache, onPut: (session: Session) => void): SessionCache {
  return {
    ...cache,
    take: () => cache.take(''),
    put: (_peer, session) => {
      onPut(session);
      return cache.put('', session);
    },
    remove: (_peer, session) => cache.remove('', session),
  };
}

/** Rejects with what fails a socket; else never settles. */
function failureOf(socket: TLSSocket): Promise<never> {
  const failure = new Promise<never>((_resolve, reject) => socket.once('error', reject));
  failure.catch(() => undefined);
  return failure;
}

// ---- the peer's client, our server

async function comesBack(
  client: ReturningClient,
  row: Case,
  family: Family,
  { newKeys = false, withoutTickets = false }: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const { visits, spare = 0 } = client;
  const counted = <T>(all: readonly T[]): readonly T[] => all.filter((_, index) => index === 0 || index > spare);
  const seen: (Negotiated | undefined)[] = [];
  const inBand: Promise<Word>[] = [];
  const keys = changing();
  const store = counting();
  const all = Promise.withResolvers<void>();
  const accept = (socket: TLSSocket): void => {
    seen.push(socket.negotiated);
    inBand.push(Promise.race([client.talk(socket, socket.negotiated?.resumed ?? false), failureOf(socket)]));
    inBand.at(-1)?.catch((error: unknown) => all.reject(error));
    if (newKeys && seen.length === 1 + spare) {
      inBand.at(-1)?.then(
        () => keys.change(),
        () => undefined,
      );
    }
    if (seen.length === visits) all.resolve();
  };
  const server = await ourServer(row, family, { accept, tickets: { keys, store } });
  cleanups.add(() => server.close());
  const { port } = server;
  const task = { row, family, serverIdentity: family.server, versions: [row.version], port, visits, withoutTickets };
  const run = client.start(task);
  cleanups.add(() => run.stop());
  await bothSides(run, async () => {
    // A first handshake that fails leaves nothing to come.
    await Promise.race([all.promise, server.connection.then(() => all.promise)]);
    const said = await Promise.all(inBand);
    await run.done;
    const expected = expectedWords(visits - spare, newKeys);
    agree([
      ...discords(row, 'server', expected, counted(seen), counted(run.words ?? said)),
      ...(newKeys && keys.refused === 0 ? ['no session of the old keys came back'] : []),
      ...(withoutTickets && store.found === 0 ? ['no session was found by its identifier'] : []),
    ]);
  });
}

/** A store of sessions by identifier that knows how many were found. */
function counting(): SessionStore & { readonly found: number } {
  const store = memorySessionStore();
  let found = 0;
  return {
    ...store,
    get: async (id) => {
      const session = await store.get(id);
      if (session !== undefined) found++;
      return session;
    },
    get found() {
      return found;
    },
  };
}

/** Ticket keys that give way to others. */
function changing(): TicketKeys & { change(): void; readonly refused: number } {
  let keys = ticketKeys({ provider: nodeProvider });
  let refused = 0;
  return {
    ...keys,
    seal: (state, now) => keys.seal(state, now),
    open: async (ticket, now) => {
      const state = await keys.open(ticket, now);
      if (state === undefined) refused++;
      return state;
    },
    change: () => {
      keys = ticketKeys({ provider: nodeProvider });
    },
    get refused() {
      return refused;
    },
  };
}
