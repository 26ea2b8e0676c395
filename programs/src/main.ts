/**
 * `npm run programs`: programs of others, as npm has them, with servers of Debian's and with each other, where `node:tls` is ours.
 * programs/install.sh installs both.
 *
 *   --plain         Node's own TLS everywhere: what fails there is not ours
 *   --program NAME  this program or server alone (may be repeated)
 *   --list          the pairs, without running them
 *
 * Exit code 0 only if everything passed, and nothing is missing.
 *
 * @module
 */

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Job, jobs, nameOf, plainJobs } from './jobs.ts';
import { makePki } from './pki.ts';
import { output } from './processes.ts';
import { counts, line } from './report.ts';
import { debian, Rig, type Row } from './run.ts';

/** Pairs at a time. */
const concurrency = 2;

const { values: options } = parseArgs({
  options: {
    plain: { type: 'boolean', default: false },
    program: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
  },
});

const { plain, program: wanted, list } = options;

function serverName({ server }: Job): string {
  return typeof server === 'string' ? server : server.name;
}

async function main(): Promise<number> {
  const chosen = (plain ? plainJobs : jobs).filter(
    (job) => wanted === undefined || wanted.includes(job.client.name) || wanted.includes(serverName(job)),
  );
  if (chosen.length === 0) {
    const names = new Set(jobs.flatMap((job) => [job.client.name, serverName(job)]));
    process.stderr.write(`there is no such program; there are ${[...names].join(', ')}\n`);
    return 2;
  }
  if (list) {
    for (const job of chosen) process.stdout.write(`${nameOf(job)}\n`);
    return 0;
  }
  const missing = debian.filter(
    (server) => chosen.some((job) => job.server === server.name) && server.version() === undefined,
  );
  if (
    missing.length > 0 ||
    (chosen.some(({ client }) => client.name === 'h2load') && output('h2load', '--version') === undefined)
  ) {
    process.stderr.write(
      `missing: ${missing.map(({ name }) => name).join(', ') || 'h2load'}; programs/install.sh installs all\n`,
    );
    return 1;
  }
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'handfast-programs-'));
  // Servers that are other users read their certificates there.
  chmodSync(folder, 0o755);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const rig = new Rig(await makePki(folder), plain);
  const rows: Row[] = [];
  const control = await rig.control();
  if (control.error !== undefined) throw new Error(`not so: ${control.check}: ${control.error}`);
  const queue = chosen.values();
  const worker = async (): Promise<void> => {
    for (const job of queue) {
      for (const row of await rig.run(job)) {
        rows.push(row);
        process.stdout.write(line(row, plain));
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await rig.stop();
  const failed = rows.filter(({ error }) => error !== undefined).length;
  const h2load = chosen.some(({ client }) => client.name === 'h2load') ? [output('h2load', '--version') ?? ''] : [];
  const used = debian.filter(({ name }) => chosen.some((job) => job.server === name)).map((server) => server.version());
  used.push(...h2load);
  process.stdout.write(
    `\n${counts(rows, plain)}\nNode ${process.versions.node}${used.length > 0 ? `; ${used.join('; ')}` : ''}\n`,
  );
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} seconds\n`);
  process.stdout.write(`${rows.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
