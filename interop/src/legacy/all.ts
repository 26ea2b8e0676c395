/**
 * Every case with the old, from looking at the peers to what came of each.
 *
 * @module
 */

import { mkdirSync } from 'node:fs';
import { type Identities, identitiesIn } from './identities.ts';
import type { Inspection, LegacyPeer } from './peer.ts';
import { peers } from './peers/index.ts';
import type { LegacyResult } from './report.ts';
import { type Job, jobsOf, lyingJobs, type Outcome, runJob } from './run.ts';

/** Conversations at a time. */
const concurrency = 2;

export const legacyPeerNames: readonly string[] = peers.map(({ name }) => name);

/** What is to be run. */
export interface LegacyPlan {
  readonly jobs: readonly Job[];
  readonly looked: readonly {
    readonly peer: LegacyPeer;
    readonly inspection: Inspection | undefined;
    /** How many cases it has in all. */
    readonly cases: number;
  }[];
}

/**
 * Looks at the peers.
 * @param names undefined: every peer, and those who lie.
 * @param wanted which of their cases.
 */
export async function planLegacy(
  names: readonly string[] | undefined,
  wanted: (job: Job) => boolean,
): Promise<LegacyPlan> {
  const chosen = peers.filter(({ name }) => names?.includes(name) ?? true);
  const looked = await Promise.all(
    chosen.map(async (peer) => {
      const inspection = await peer.inspect();
      return { peer, inspection, jobs: inspection === undefined ? [] : jobsOf(peer, inspection) };
    }),
  );
  const jobs = [...looked.flatMap((one) => one.jobs), ...(names === undefined ? lyingJobs : [])];
  return {
    jobs: jobs.filter(wanted),
    looked: looked.map(({ peer, inspection, jobs }) => ({ peer, inspection, cases: jobs.length })),
  };
}

/**
 * Runs a plan. What the peers have started goes on until `endAllCommands`.
 * @param directory for files.
 */
export async function runLegacy(
  { jobs, looked }: LegacyPlan,
  directory: string,
  progress: (done: number, all: number) => void,
): Promise<LegacyResult> {
  mkdirSync(directory, { recursive: true });
  const outcomes = jobs.length === 0 ? [] : await runAll(jobs, await identitiesIn(directory), progress);
  for (const { peer } of looked) peer.close();
  return {
    outcomes,
    peers: looked.map(({ peer: { name, missing, least }, inspection, cases }) => {
      const few = cases < least ? `${cases} cases, where ${least} are the least` : undefined;
      return { name, version: inspection?.version, fault: inspection === undefined ? missing : few };
    }),
  };
}

/** A peer's cases of one role and version run one after another: many servers take one client at a time. */
async function runAll(
  jobs: readonly Job[],
  identities: Identities,
  progress: (done: number, all: number) => void,
): Promise<readonly Outcome[]> {
  const results = new Map<Job, Outcome>();
  const groups = Map.groupBy(jobs, ({ peer, role, version }) => `${peer}|${role}|${version}`);
  const queue = [...groups.values()].sort((one, other) => other.length - one.length).values();
  const worker = async (): Promise<void> => {
    for (const group of queue) {
      for (const job of group) {
        results.set(job, await runJob(job, identities));
        progress(results.size, jobs.length);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return jobs.flatMap((job) => results.get(job) ?? []);
}
