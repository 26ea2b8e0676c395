/**
 * From a peer to jobs, from a job to what came of it.
 *
 * @module
 */

import { sits } from '../viewer/album.ts';
import { clientKeyCases, type LegacyCase, negotiationCases, plainCases, suiteCases } from './cases.ts';
import type { Identities } from './identities.ts';
import { type Lie, lies } from './lies.ts';
import { inTime, listen, speakAsClient } from './ours.ts';
import type { Inspection, LegacyPeer } from './peer.ts';

export type Role = 'server' | 'client';

export interface Job {
  readonly peer: string;
  /** What the peer is. */
  readonly role: Role | Lie['role'];
  /** What is to be agreed on; nothing with those who lie. */
  readonly version: string;
  readonly id: string;
  readonly run: (identities: Identities) => Promise<void>;
}

export interface Outcome {
  readonly job: Job;
  readonly seconds: number;
  /** Both sides' words; undefined: passed. */
  readonly failure: string | undefined;
}

/** Every case of a peer, in both roles. */
export function jobsOf(peer: LegacyPeer, { has }: Inspection): readonly Job[] {
  const old = peer.versions.filter((version) => version !== 'TLS 1.3');
  const plainest = old.flatMap((version) => suiteCases(version, (suite) => has(suite, version)));
  return (['server', 'client'] as const).flatMap((role) => {
    const possible = plainest.filter((row) => !peer.cannot?.(row, role));
    const rows = [
      ...possible,
      ...(peer.plain ? plainCases(possible) : []),
      ...clientKeyCases(possible),
      ...negotiationCases(peer.versions),
      ...(peer.fallback?.includes(role) ? fallbackCases : []),
    ];
    return rows.filter((row) => !peer.cannot?.(row, role)).map((row) => jobOf(peer, role, row));
  });
}

function jobOf(peer: LegacyPeer, role: Role, given: LegacyCase): Job {
  const plain = given.plain ?? (peer.plain ? false : undefined);
  const row = { ...given, brief: peer.brief ?? false, ...(plain === undefined ? {} : { plain }) };
  const talk = role === 'server' ? againstServer : againstClient;
  const run = (identities: Identities): Promise<void> => {
    const work = talk(peer, row, identities);
    return row.fallback ? refused(work) : work;
  };
  return { peer: peer.name, role, version: row.version, id: row.id, run };
}

/** The name of those who lie about versions. */
export const liar = 'liar';

/** What they lie, as jobs. */
export const lyingJobs: readonly Job[] = lies.map(({ role, id, run }) => ({
  ...{ peer: liar, role, version: '—', id },
  run: ({ server: { rsa } }) => run([rsa.credential]),
}));

/** A client that comes back with less than both know is refused (RFC 7507). */
const fallbackCases: readonly LegacyCase[] = [
  {
    ...{ id: 'a fallback to TLS 1.1', lowest: 'TLS 1.1', highest: 'TLS 1.2', ours: ['TLS 1.2', 'TLS 1.1'] },
    ...{ version: 'TLS 1.1', suite: undefined, fallback: true },
  },
];

/** One conversation, and what both sides said where it failed. */
export async function runJob(job: Job, identities: Identities): Promise<Outcome> {
  const started = performance.now();
  const failure = await sits(job, () => job.run(identities)).then(() => undefined, wordsOf);
  return { job, seconds: (performance.now() - started) / 1000, failure };
}

/** A fallback is to fail, by the one alert for it. */
async function refused(work: Promise<void>): Promise<void> {
  const failure = await work.then(() => 'it was taken', wordsOf);
  if (!failure.includes('inappropriate_fallback')) throw new Error(`no inappropriate_fallback: ${failure}`);
}

/** How long the peer's words are waited for, after our side has failed. */
const lastWordsMs = 500;

async function againstServer(peer: LegacyPeer, row: LegacyCase, identities: Identities): Promise<void> {
  // A fallback comes with less than the server has.
  const asked: LegacyCase = row.fallback ? { ...row, ours: ['TLS 1.1'] } : row;
  const server = await inTime(peer.server(row, identities), 'a server');
  try {
    await speakAsClient(asked, server.port, identities, peer);
    await inTime(server.done, "the server's end");
  } catch (error) {
    // Their side of it is told where it comes soon.
    const { promise: soon, resolve } = Promise.withResolvers<string>();
    setTimeout(resolve, lastWordsMs, 'it waits').unref();
    const theirs = await Promise.race([server.done.then(() => server.words(), wordsOf), soon]);
    throw new Error(`ours: ${wordsOf(error)}\ntheirs: ${theirs.trim() || 'no words'}`);
  } finally {
    server.stop();
  }
}

async function againstClient(peer: LegacyPeer, row: LegacyCase, identities: Identities): Promise<void> {
  const server = await listen(row, identities);
  const asked: LegacyCase = row.fallback ? { ...row, highest: 'TLS 1.1' } : row;
  try {
    const [ours, theirs] = await Promise.allSettled([
      inTime(server.done, 'the end on our side'),
      inTime(peer.client(asked, server.port, identities), "the client's end"),
    ]);
    if (ours.status === 'fulfilled' && theirs.status === 'fulfilled') return;
    const words = (one: PromiseSettledResult<void>): string =>
      one.status === 'rejected' ? wordsOf(one.reason) : 'done';
    throw new Error(`ours: ${words(ours)}\ntheirs: ${words(theirs)}`);
  } finally {
    server.close();
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
