/**
 * `npm run interop`: other TLS stacks against ours, in both directions. First TLS 1.3 and 1.2 as they are by default, then
 * what is old (`legacy/main.ts` runs that alone).
 *
 *   --full            of what is not old every combination, not only every pair
 *   --peer NAME       this peer alone (may be repeated)
 *   --direction ROLE  only where the peer is the `client`, or the `server`
 *   --version NAME    only cases of this version: `1.3`, `1.2`, `1.1`, `1.0` or `3.0` (may be repeated)
 *   --case ID         only cases whose identifier begins so
 *   --json            one JSON object in place of the tables
 *   --list            the cases, without running them
 *
 * Exit code 0 only if every case passed, no peer is missing, and none has lost old suites that it once had.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, casesOf } from './cases.ts';
import { Certificates } from './certificates.ts';
import { legacyPeerNames, planLegacy, runLegacy } from './legacy/all.ts';
import { sitting } from './legacy/report.ts';
import { peers } from './peers/index.ts';
import type { Peer } from './peers/peer.ts';
import { endAllCommands } from './processes.ts';
import { json, text } from './report.ts';
import { caseJob, extraJobs, type Job, type Outcome, refusalJobs, runJob } from './run.ts';
import { scenarioJobs } from './scenarios/index.ts';
import { album } from './viewer/album.ts';
import { galleryOf } from './viewer/report.ts';

/** Cases at a time: a peer and our side take turns, so a few overlap on two cores. */
const concurrency = 4;

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true },
    direction: { type: 'string' },
    version: { type: 'string', multiple: true },
    case: { type: 'string' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const started = performance.now();
  const known = [...new Set([...peers.map(({ name }) => name), ...legacyPeerNames])];
  const names = options.peer ?? known;
  const unknown = names.find((name) => !known.includes(name));
  const { direction } = options;
  if (unknown !== undefined || (direction !== undefined && direction !== 'client' && direction !== 'server')) {
    process.stderr.write(
      unknown === undefined
        ? '--direction is client or server: what the peer is\n'
        : `there is no peer ${JSON.stringify(unknown)}; there are ${known.join(', ')}\n`,
    );
    return 2;
  }
  const chosen = peers.filter(({ name }) => names.includes(name));
  const versions = chosen.map((peer) => ({ peer, version: peer.version() }));
  const directory = mkdtempSync(join(tmpdir(), 'handfast-interop-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const certificates = new Certificates(directory);
  const present = versions.filter(({ version }) => version !== undefined).map(({ peer }) => peer);
  const { case: id, version } = options;
  const wanted = (role: string, job: { readonly version: string; readonly id: string }): boolean =>
    (direction === undefined || direction === role) &&
    (version === undefined || version.some((one) => job.version.endsWith(one))) &&
    (id === undefined || job.id.startsWith(id));
  const jobs = present
    .flatMap((peer) => [...jobsOf(peer, certificates), ...extraJobs(peer, directory)])
    .filter((job) => wanted(job.direction, job));
  const plan = await planLegacy(options.peer, (job) => wanted(job.role, job));
  if (options.list) {
    for (const job of jobs) process.stdout.write(`${job.peer.name} ${job.direction} ${job.id}\n`);
    for (const job of plan.jobs) process.stdout.write(`${job.peer} ${job.role} ${job.id}\n`);
    return 0;
  }
  const outcomes = await runAll(jobs);
  for (const peer of present) peer.close?.();
  endAllCommands();
  const legacy = await runLegacy(plan, join(directory, 'legacy'), progress);
  endAllCommands();
  const gallery = galleryOf(album(), [
    ...outcomes
      .filter(passed)
      .flatMap(({ job: { peer, direction: role, version, row } }) => (row ? [{ peer: peer.name, role, version }] : [])),
    ...sitting(legacy),
  ]);
  const seconds = (performance.now() - started) / 1000;
  const result = { outcomes, versions, legacy: plan.looked.length === 0 ? undefined : legacy, gallery, seconds };
  process.stdout.write(options.json ? json(result) : text(result));
  const all = [...outcomes, ...legacy.outcomes];
  if (all.length === 0) process.stderr.write('no case was run\n');
  const whole = present.length === chosen.length && legacy.peers.every(({ fault }) => fault === undefined);
  return whole && all.length > 0 && all.every(passed) && gallery.faults.length === 0 ? 0 : 1;
}

function jobsOf(peer: Peer, certificates: Certificates): readonly Job[] {
  return (['client', 'server'] as const).flatMap((direction): readonly Job[] => {
    const abilities = peer[direction];
    if (abilities === undefined) return [];
    const rows = casesOf(abilities, options.full);
    const plain = [...Map.groupBy(rows, ({ version }) => version).values()].flatMap((same) => {
      const row = same.find(isPlain) ?? same[0];
      return row === undefined ? [] : [{ ...row, ...nothingExtra }];
    });
    return [
      ...rows.map((row) => caseJob(peer, direction, row, certificates)),
      ...plain.flatMap((row) => refusalJobs(peer, direction, row, certificates)),
      ...scenarioJobs(peer, direction, plain, certificates),
    ];
  });
}

const nothingExtra = { clientCertificate: 'none', keyUpdate: 'none', alpn: 'none' } as const;

/** What every peer has: refusals and the other scenarios are shown with it. */
function isPlain({ scheme, retry }: Case): boolean {
  return scheme === 'ecdsa_secp256r1_sha256' && retry === 'no';
}

async function runAll(jobs: readonly Job[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const results = new Map<Job, Outcome>();
  const worker = async (queue: Iterable<Job>): Promise<void> => {
    for (const job of queue) {
      results.set(job, await runJob(job));
      progress(results.size, jobs.length);
    }
  };
  const { together = [], ...alone } = Object.groupBy(jobs, ({ peer }) => (peer.oneAtATime ? peer.name : 'together'));
  const shared = together.values();
  await Promise.all([
    ...Array.from({ length: concurrency }, () => worker(shared)),
    ...Object.values(alone).map((queue) => worker(queue ?? [])),
  ]);
  for (const job of jobs) {
    const outcome = results.get(job);
    if (outcome !== undefined) outcomes.push(outcome);
  }
  return outcomes;
}

function passed({ failure }: { readonly failure: string | undefined }): boolean {
  return failure === undefined;
}

function progress(done: number, all: number): void {
  if (process.stderr.isTTY) process.stderr.write(done === all ? '\r\u001b[K' : `\r${done} of ${all}`);
}

process.exitCode = await main();
