/**
 * `npm run interop`: other TLS stacks against ours, in both directions.
 *
 *   --full            every combination, not only every pair
 *   --peer NAME       this peer alone (may be repeated)
 *   --direction ROLE  only where the peer is the `client`, or the `server`
 *   --case ID         only cases whose identifier begins so
 *   --json            one JSON object in place of the tables
 *   --list            the cases, without running them
 *
 * Exit code 0 only if every case passed and no peer is missing.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, casesOf, type Direction } from './cases.ts';
import { Certificates } from './certificates.ts';
import { peers } from './peers/index.ts';
import type { Peer } from './peers/peer.ts';
import { endAllCommands } from './processes.ts';
import { json, text } from './report.ts';
import { caseJob, extraJobs, type Job, type Outcome, refusalJobs, runJob } from './run.ts';

/** Cases at a time: a peer and our side take turns, so a few overlap on two cores. */
const concurrency = 4;

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true },
    direction: { type: 'string' },
    case: { type: 'string' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const started = performance.now();
  const names = options.peer ?? peers.map(({ name }) => name);
  const unknown = names.find((name) => !peers.some((peer) => peer.name === name));
  const { direction } = options;
  if (unknown !== undefined || (direction !== undefined && direction !== 'client' && direction !== 'server')) {
    process.stderr.write(
      unknown === undefined
        ? '--direction is client or server: what the peer is\n'
        : `there is no peer ${JSON.stringify(unknown)}; there are ${peers.map(({ name }) => name).join(', ')}\n`,
    );
    return 2;
  }
  const chosen = peers.filter(({ name }) => names.includes(name));
  const versions = chosen.map((peer) => ({ peer, version: peer.version() }));
  const directory = mkdtempSync(join(tmpdir(), 'handfast-interop-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const certificates = new Certificates(directory);
  const present = versions.filter(({ version }) => version !== undefined).map(({ peer }) => peer);
  const extras = direction === 'server' ? [] : present.flatMap((peer) => extraJobs(peer, directory));
  const { case: id } = options;
  const jobs = [...present.flatMap((peer) => jobsOf(peer, direction, certificates)), ...extras].filter(
    (job) => id === undefined || job.id.startsWith(id),
  );
  if (options.list) {
    for (const { peer, direction: role, id } of jobs) process.stdout.write(`${peer.name} ${role} ${id}\n`);
    return 0;
  }
  const outcomes = await runAll(jobs);
  for (const peer of present) peer.close?.();
  endAllCommands();
  const result = { outcomes, versions, seconds: (performance.now() - started) / 1000 };
  process.stdout.write(options.json ? json(result) : text(result));
  const nothing = outcomes.length === 0;
  if (nothing) process.stderr.write('no case was run\n');
  return nothing || present.length < chosen.length || outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

function jobsOf(peer: Peer, only: Direction | undefined, certificates: Certificates): readonly Job[] {
  return (['client', 'server'] as const)
    .filter((direction) => only === undefined || only === direction)
    .flatMap((direction): readonly Job[] => {
      const abilities = peer[direction];
      if (abilities === undefined) return [];
      const rows = casesOf(abilities, options.full);
      const plain = rows.find(isPlain) ?? rows[0];
      return [
        ...rows.map((row) => caseJob(peer, direction, row, certificates)),
        ...(plain === undefined ? [] : refusalJobs(peer, direction, { ...plain, ...nothingExtra }, certificates)),
      ];
    });
}

const nothingExtra = { clientCertificate: 'none', keyUpdate: 'none', alpn: 'none' } as const;

/** What every peer has: refusals are shown with it. */
function isPlain({ scheme, retry }: Case): boolean {
  return scheme === 'ecdsa_secp256r1_sha256' && retry === 'no';
}

async function runAll(jobs: readonly Job[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const results = new Map<Job, Outcome>();
  const queue = jobs.values();
  const worker = async (): Promise<void> => {
    for (const job of queue) {
      results.set(job, await runJob(job));
      progress(results.size, jobs.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  for (const job of jobs) {
    const outcome = results.get(job);
    if (outcome !== undefined) outcomes.push(outcome);
  }
  return outcomes;
}

function progress(done: number, all: number): void {
  if (process.stderr.isTTY) process.stderr.write(done === all ? '\r\u001b[K' : `\r${done} of ${all}`);
}

process.exitCode = await main();
