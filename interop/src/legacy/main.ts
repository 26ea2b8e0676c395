/**
 * The half of `npm run interop` with what is old, alone: every cipher suite of TLS 1.2, TLS 1.1, TLS 1.0 and SSL 3.0
 * against other stacks in both directions, how versions are agreed on, and peers that lie about them.
 *
 *   --peer NAME       this peer alone (may be repeated)
 *   --role ROLE       only where the peer is the `client`, or the `server`
 *   --case TEXT       only cases whose identifier has this in it
 *   --list            the cases, without running them
 *   --slow            also the ten cases that took longest
 *
 * Exit code 0 only if every case passed, no peer is missing, and none has lost suites that it once had.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endAllCommands } from '../processes.ts';
import { text } from '../report.ts';
import { album } from '../viewer/album.ts';
import { galleryOf } from '../viewer/report.ts';
import { legacyPeerNames, planLegacy, runLegacy } from './all.ts';
import { sitting } from './report.ts';

const { values: options } = parseArgs({
  options: {
    peer: { type: 'string', multiple: true },
    role: { type: 'string' },
    case: { type: 'string' },
    list: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const started = performance.now();
  const { peer: names, role, case: part = '', list } = options;
  const unknown = names?.find((name) => !legacyPeerNames.includes(name));
  if (unknown !== undefined || (role !== undefined && role !== 'client' && role !== 'server')) {
    const known = legacyPeerNames.join(', ');
    process.stderr.write(unknown === undefined ? '--role is client or server\n' : `peers are ${known}\n`);
    return 2;
  }
  const plan = await planLegacy(names, (job) => (role === undefined || job.role === role) && job.id.includes(part));
  if (list) {
    for (const { peer, role, id } of plan.jobs) process.stdout.write(`${peer} ${role} ${id}\n`);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), 'handfast-legacy-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const legacy = await runLegacy(plan, directory, (done, all) => {
    if (process.stderr.isTTY) process.stderr.write(done === all ? '\r\u001b[K' : `\r${done} of ${all}`);
  });
  endAllCommands();
  if (options.slow) {
    for (const { job, seconds } of legacy.outcomes.toSorted((one, other) => other.seconds - one.seconds).slice(0, 10)) {
      process.stdout.write(`${seconds.toFixed(2)} ${job.peer} ${job.role} ${job.id}\n`);
    }
  }
  const gallery = galleryOf(album(), sitting(legacy));
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(text({ outcomes: [], versions: [], legacy, gallery, seconds }));
  const failed =
    gallery.faults.length > 0 ||
    legacy.outcomes.some(({ failure }) => failure !== undefined) ||
    legacy.peers.some(({ fault }) => fault !== undefined);
  return failed || legacy.outcomes.length === 0 ? 1 : 0;
}

process.exitCode = await main();
