/**
 * One case: starts both sides, lets them talk, and checks what our side saw. Also the refusals, which every peer shows
 * once in each role.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import type { AlertName, TlsError, TlsErrorCode } from '@handfast/tls';
import type { TLSSocket } from '@handfast/tls/node';
import type { Case, Direction } from './cases.ts';
import { idOf, versionId } from './cases.ts';
import type { Certificates, Family, Staple } from './certificates.ts';
import { speakAsClient, speakAsServer } from './conversation.ts';
import { disagreements, endOf, isTlsError, ourClient, ourServer } from './handfast.ts';
import { type ClientPeer, decoyFor, type Peer, type Run, type ServerPeer } from './peers/peer.ts';
import { sits } from './viewer/album.ts';

/** Something to do that passes or fails. */
export interface Job {
  readonly peer: Peer;
  /** Which role the peer plays. */
  readonly direction: Direction;
  readonly version: string;
  readonly id: string;
  /** Undefined: a refusal, or another scenario. */
  readonly row: Case | undefined;
  /** Its column in the table of resumption. */
  readonly resumption?: string;
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
  const { peer, direction, version, id } = job;
  const started = performance.now();
  const cleanups = new Cleanups();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done after ${timeoutMs / 1000} s`)), timeoutMs);
  let failure: string | undefined;
  try {
    await Promise.race([
      sits({ peer: peer.name, role: direction, version, id }, () => job.run(cleanups)),
      late.promise,
    ]);
  } catch (error) {
    failure = describe(error);
  } finally {
    clearTimeout(timer);
    cleanups.run();
  }
  return { job, seconds: (performance.now() - started) / 1000, failure };
}

/** How a case is run otherwise than its row says. */
export interface Variation {
  readonly id: string;
  /** What each side may speak; the row has what comes of it. */
  readonly peerVersions?: readonly string[];
  readonly ourVersions?: readonly string[];
  /** What a peer's server staples, which our client must have got. */
  readonly staple?: (family: Family) => Promise<Staple>;
}

export function caseJob(
  peer: Peer,
  direction: Direction,
  row: Case,
  certificates: Certificates,
  variation?: Variation,
): Job {
  const { client, server } = peer;
  const run = async (cleanups: Cleanups): Promise<void> => {
    if (direction === 'client' && client) return againstClient(client, row, certificates, cleanups, variation);
    if (direction === 'server' && server) return againstServer(server, row, certificates, cleanups, variation);
    throw new Error(`${peer.name} is no ${direction}`);
  };
  const id = variation?.id ?? idOf(row);
  return { peer, direction, version: row.version, id, row: variation === undefined ? row : undefined, run };
}

async function againstServer(
  peer: ServerPeer,
  row: Case,
  certificates: Certificates,
  cleanups: Cleanups,
  { peerVersions = [row.version], ourVersions: versions, staple }: Partial<Variation> = {},
): Promise<void> {
  const family = await certificates.family(row.scheme);
  const part = peer.ours?.(row) ?? {};
  const stapled = await staple?.(family);
  const task = { row, family, serverIdentity: family.server, versions: peerVersions, ocspFile: stapled?.file };
  const run = await peer.start(task);
  cleanups.add(() => run.stop());
  const decoy = peer.limitsGroups ? decoyFor(row.group) : undefined;
  await bothSides(run, async () => {
    const { socket, witness } = await ourClient(row, family, run.port, { decoy, alpn: part.alpn, versions });
    cleanups.add(() => socket.destroy());
    await speakAsClient(socket, {
      closing: row.closing,
      parts: part.parts,
      withoutBye: part.withoutBye ?? false,
      clientEndsFirst: part.clientEndsFirst ?? false,
      keyUpdate: () => {
        if (row.keyUpdate === 'ours') socket.updateKeys({ requestPeer: true });
      },
    });
    const closeNotify = !part.endsWithoutCloseNotify;
    agree(disagreements(row, 'client', socket.negotiated, witness, { alpn: part.alpn, closeNotify }));
    const response = socket.negotiated?.peer?.ocspResponse;
    if (stapled && !(response && equalBytes(response, stapled.der)))
      throw new Error('the staple is not what the server was given');
  });
}

async function againstClient(
  peer: ClientPeer,
  row: Case,
  certificates: Certificates,
  cleanups: Cleanups,
  { peerVersions = [row.version], ourVersions: versions }: Partial<Variation> = {},
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
  const server = await ourServer(row, family, { alpn: part.alpn, accept, versions });
  cleanups.add(() => server.close());
  const run = peer.start({ row, family, serverIdentity: family.server, versions: peerVersions, port: server.port });
  cleanups.add(() => run.stop());
  // A browser drops some of its connections, in the middle of a handshake too: that matters where it fails as a whole.
  const never = new Promise<never>(() => undefined);
  const lost = run.done.then(
    () => never,
    () => server.connection.then(() => never),
  );
  lost.catch(() => undefined);
  await bothSides(run, async () => {
    const socket = await (part.serve === undefined ? server.connection : Promise.race([served.promise, lost]));
    const ended = new Promise((resolve, reject) => {
      socket.once('end', resolve);
      socket.once('error', reject);
    });
    ended.catch(() => undefined);
    if (!part.serve) {
      const { withoutBye = false, parts } = part;
      await speakAsServer(socket, { keyUpdate: () => update(socket), withoutBye, parts });
    }
    if (!part.endsWithoutCloseNotify) await ended;
    const closeNotify = !part.endsWithoutCloseNotify;
    agree(disagreements(row, 'server', socket.negotiated, server.witness, { alpn: part.alpn, closeNotify }));
  });
}

/** Both sides' failures: either may be the cause of the other. */
export async function bothSides(run: Run, ours: () => Promise<void>): Promise<void> {
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

export function agree(found: readonly string[]): void {
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
    version: 'TLS 1.3',
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
      version: row.version,
      id: `${versionId(row)}+${refusal.id}`,
      row: undefined,
      run: async (cleanups) => {
        const family = await certificates.family(row.scheme);
        const trusted = refusal.stranger ? await certificates.family(`stranger/${row.scheme}`) : family;
        const run = await server.start({
          row,
          family,
          serverIdentity: refusal.expired ? family.expired : family.server,
          versions: [row.version],
        });
        cleanups.add(() => run.stop());
        run.done.catch(() => undefined);
        const connecting = ourClient(row, trusted, run.port, { servername: refusal.servername ?? 'localhost' });
        await failsWith(connecting, { tlsCode: refusal.code, origin: 'local' });
      },
    }));
  }
  if (client === undefined) return [];
  const alert: AlertName | 'none' = client.untrustedAlert ?? 'unknown_ca';
  return [
    {
      peer,
      direction,
      version: row.version,
      id: `${versionId(row)}+is refused with a certificate that the peer does not trust`,
      row: undefined,
      run: async (cleanups) => {
        const family = await certificates.family(row.scheme);
        const { server: identity } = await certificates.family(`stranger/${row.scheme}`);
        const ours = await ourServer(row, family, { identity });
        cleanups.add(() => ours.close());
        const run = client.start({ row, family, serverIdentity: identity, versions: [row.version], port: ours.port });
        cleanups.add(() => run.stop());
        // Who looks at the verdict when the handshake is done leaves us connected for a moment.
        const ended = alert === 'none' ? ours.connection.then(endOf) : ours.connection;
        const [peerFailed, error] = await Promise.all([failureOf(run.done), failureOf(ended)]);
        if (peerFailed === undefined) throw new Error('the peer reports success');
        if (alert === 'none' && wasCut(error)) return;
        if (!isTlsError(error) || error.origin !== 'peer' || error.alert !== alert) {
          throw unexpected(`the alert ${alert} from the peer`, error);
        }
      },
    },
  ];
}

/** Whether the peer left without a word. Its kernel resets the connection where it had not read our tickets yet. */
function wasCut(error: unknown): boolean {
  if (isTlsError(error)) return error.tlsCode === 'truncated';
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}

/** Wants a promise to reject with a TlsError that is so. */
export async function failsWith(
  promise: Promise<unknown>,
  wanted: Partial<Pick<TlsError, 'tlsCode' | 'origin' | 'alert'>>,
): Promise<void> {
  const error = await failureOf(promise);
  const fits =
    isTlsError(error) && (Object.keys(wanted) as (keyof typeof wanted)[]).every((key) => error[key] === wanted[key]);
  if (!fits) throw unexpected(Object.values(wanted).join(', '), error);
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
