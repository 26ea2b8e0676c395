/**
 * One case: starts both sides, lets them talk, and checks what our side saw. Also the refusals, which every peer shows
 * once in each role.
 *
 * @module
 */

import type { AlertName, TlsErrorCode } from '@handfast/tls';
import type { TLSSocket } from '@handfast/tls/node';
import type { Case, Direction } from './cases.ts';
import { idOf } from './cases.ts';
import type { Certificates } from './certificates.ts';
import { speakAsClient, speakAsServer } from './conversation.ts';
import { disagreements, isTlsError, ourClient, ourServer } from './handfast.ts';
import { type ClientPeer, decoyFor, type Peer, type Run, type ServerPeer } from './peers/peer.ts';

/** Something to do that passes or fails. */
export interface Job {
  readonly peer: Peer;
  /** Which role the peer plays. */
  readonly direction: Direction;
  readonly id: string;
  /** Undefined: a refusal. */
  readonly row: Case | undefined;
  run(cleanups: Cleanups): Promise<void>;
}

/** What must be undone however a job ends. */
export class Cleanups {
  readonly #all: (() => void)[] = [];

  add(undo: () => void): void {
    this.#all.push(undo);
  }

  run(): void {
    for (const undo of this.#all.splice(0)) undo();
  }
}

export interface Outcome {
  readonly job: Job;
  readonly seconds: number;
  /** Undefined: passed. */
  readonly failure: string | undefined;
}

const timeoutMs = 10_000;

/** Runs a job under its time limit, and leaves nothing behind. */
export async function runJob(job: Job): Promise<Outcome> {
  const started = performance.now();
  const cleanups = new Cleanups();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done after ${timeoutMs / 1000} s`)), timeoutMs);
  let failure: string | undefined;
  try {
    await Promise.race([job.run(cleanups), late.promise]);
  } catch (error) {
    failure = describe(error);
  } finally {
    clearTimeout(timer);
    cleanups.run();
  }
  return { job, seconds: (performance.now() - started) / 1000, failure };
}

export function caseJob(peer: Peer, direction: Direction, row: Case, certificates: Certificates): Job {
  const { client, server } = peer;
  const run = async (cleanups: Cleanups): Promise<void> => {
    if (direction === 'client' && client) return againstClient(client, row, certificates, cleanups);
    if (direction === 'server' && server) return againstServer(server, row, certificates, cleanups);
    throw new Error(`${peer.name} is no ${direction}`);
  };
  return { peer, direction, id: idOf(row), row, run };
}

async function againstServer(
  peer: ServerPeer,
  row: Case,
  certificates: Certificates,
  cleanups: Cleanups,
): Promise<void> {
  const family = await certificates.family(row.scheme);
  const part = peer.ours?.(row) ?? {};
  const run = await peer.start({ row, family, serverIdentity: family.server });
  cleanups.add(() => run.stop());
  const decoy = peer.limitsGroups ? decoyFor(row.group) : undefined;
  await bothSides(run, async () => {
    const { socket, witness } = await ourClient(row, family, run.port, { decoy, alpn: part.alpn });
    cleanups.add(() => socket.destroy());
    await speakAsClient(socket, {
      closing: row.closing,
      withoutBye: part.withoutBye ?? false,
      clientEndsFirst: part.clientEndsFirst ?? false,
      keyUpdate: () => {
        if (row.keyUpdate === 'ours') socket.updateKeys({ requestPeer: true });
      },
    });
    const closeNotify = !part.endsWithoutCloseNotify;
    agree(disagreements(row, 'client', socket.negotiated, witness, { alpn: part.alpn, closeNotify }));
  });
}

async function againstClient(
  peer: ClientPeer,
  row: Case,
  certificates: Certificates,
  cleanups: Cleanups,
): Promise<void> {
  const family = await certificates.family(row.scheme);
  const part = peer.ours?.(row) ?? {};
  const served = Promise.withResolvers<TLSSocket>();
  const update = (socket: TLSSocket): void => {
    if (row.keyUpdate === 'ours') socket.updateKeys({ requestPeer: true });
  };
  const accept = (socket: TLSSocket): void => {
    // Some of a browser's connections carry nothing: one of them must carry all.
    part
      .serve?.(socket, () => update(socket))
      .then(
        () => served.resolve(socket),
        () => undefined,
      );
  };
  const server = await ourServer(row, family, { alpn: part.alpn, accept });
  cleanups.add(() => server.close());
  const run = peer.start({ row, family, serverIdentity: family.server, port: server.port });
  cleanups.add(() => run.stop());
  await bothSides(run, async () => {
    const first = await server.connection;
    const socket = part.serve === undefined ? first : await served.promise;
    const ended = new Promise((resolve, reject) => {
      socket.once('end', resolve);
      socket.once('error', reject);
    });
    ended.catch(() => undefined);
    if (!part.serve) {
      await speakAsServer(socket, { keyUpdate: () => update(socket), withoutBye: part.withoutBye ?? false });
    }
    if (!part.endsWithoutCloseNotify) await ended;
    const closeNotify = !part.endsWithoutCloseNotify;
    agree(disagreements(row, 'server', socket.negotiated, server.witness, { alpn: part.alpn, closeNotify }));
  });
}

/** Both sides' failures: either may be the cause of the other. */
async function bothSides(run: Run, ours: () => Promise<void>): Promise<void> {
  const failed = Promise.withResolvers<never>();
  // A peer that gives up would leave our side waiting; ours has a moment to say what it saw.
  run.done.catch((error: unknown) => setTimeout(() => failed.reject(error), 300));
  let mine: unknown;
  try {
    await Promise.race([ours(), failed.promise]);
  } catch (error) {
    mine = error;
  }
  const theirs = await Promise.race([
    run.done.then(
      () => undefined,
      (error: unknown) => error,
    ),
    ...(mine === undefined ? [] : [new Promise((resolve) => setTimeout(resolve, 300))]),
  ]);
  const told = [
    ...(mine === undefined || mine === theirs ? [] : [`ours: ${describe(mine)}`]),
    ...(theirs === undefined ? [] : [`peer: ${describe(theirs)}`]),
  ];
  if (told.length > 0) throw new Error(told.join('\n'));
}

function agree(found: readonly string[]): void {
  if (found.length > 0) throw new Error(found.join('; '));
}

export function describe(error: unknown): string {
  if (isTlsError(error)) {
    const { code, origin, alert, state, message } = error;
    return `${code} (${origin}, alert ${alert ?? 'none'}${state === undefined ? '' : `, in ${state}`}): ${message}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** What a peer shows beside its cases. */
export function extraJobs(peer: Peer, directory: string): readonly Job[] {
  return (peer.extras ?? []).map(({ id, start }) => ({
    peer,
    direction: 'client' as const,
    id,
    row: undefined,
    run: async (cleanups: Cleanups) => {
      const run = start(directory);
      cleanups.add(() => run.stop());
      await run.done;
    },
  }));
}

// ---- refusals

/** What our client must refuse, and how it calls it. */
const ourRefusals: readonly {
  readonly id: string;
  readonly code: TlsErrorCode;
  readonly expired?: boolean;
  readonly stranger?: boolean;
  readonly servername?: string;
}[] = [
  { id: 'refuses a wrong host name', code: 'certificate_name_mismatch', servername: 'elsewhere.example' },
  { id: 'refuses an untrusted CA', code: 'certificate_unknown_issuer', stranger: true },
  { id: 'refuses an expired certificate', code: 'certificate_expired', expired: true },
];

/** @param row a plain case that the peer has in this role. */
export function refusalJobs(peer: Peer, direction: Direction, row: Case, certificates: Certificates): readonly Job[] {
  const { client, server } = peer;
  if (direction === 'server' && server) {
    return ourRefusals.map((refusal) => ({
      peer,
      direction,
      id: refusal.id,
      row: undefined,
      run: async (cleanups) => {
        const family = await certificates.family(row.scheme);
        const trusted = refusal.stranger ? await certificates.family(`stranger/${row.scheme}`) : family;
        const run = await server.start({
          row,
          family,
          serverIdentity: refusal.expired ? family.expired : family.server,
        });
        cleanups.add(() => run.stop());
        run.done.catch(() => undefined);
        const error = await failureOf(
          ourClient(row, trusted, run.port, { servername: refusal.servername ?? 'localhost' }),
        );
        if (!isTlsError(error) || error.code !== refusal.code || error.origin !== 'local')
          throw unexpected(refusal.code, error);
      },
    }));
  }
  if (client === undefined) return [];
  const alert: AlertName | 'none' = client.untrustedAlert ?? 'unknown_ca';
  return [
    {
      peer,
      direction,
      id: 'is refused with a certificate that the peer does not trust',
      row: undefined,
      run: async (cleanups) => {
        const family = await certificates.family(row.scheme);
        const { server: identity } = await certificates.family(`stranger/${row.scheme}`);
        const ours = await ourServer(row, family, { identity });
        cleanups.add(() => ours.close());
        const run = client.start({ row, family, serverIdentity: identity, port: ours.port });
        cleanups.add(() => run.stop());
        const [peerFailed, error] = await Promise.all([failureOf(run.done), failureOf(ours.connection)]);
        if (peerFailed === undefined) throw new Error('the peer reports success');
        if (alert === 'none' && isTlsError(error) && error.code === 'truncated') return;
        if (!isTlsError(error) || error.origin !== 'peer' || error.alert !== alert) {
          throw unexpected(`the alert ${alert} from the peer`, error);
        }
      },
    },
  ];
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

function unexpected(wanted: string, error: unknown): Error {
  return new Error(`instead of ${wanted}: ${error === undefined ? 'nothing was refused' : describe(error)}`);
}
