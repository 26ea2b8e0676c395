/**
 * Has every program verify what is good and what is revoked: a row of the report for each that takes the one and refuses the other.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { Report } from '../report.ts';
import { openSite } from '../world/site.ts';
import { type CommandCa, startCommandCa } from './ca.ts';
import { lintAll } from './lint.ts';
import { verifyMoreNames } from './more-names.ts';
import { verifyingPrograms } from './programs.ts';
import { servers } from './servers.ts';
import { startStapling } from './stapling.ts';
import type { Program } from './verifier.ts';

export { linterColumns } from './lint.ts';
export { verifierColumns } from './verifier.ts';

export async function verify(report: Report): Promise<void> {
  let words = (): string => '';
  try {
    await using site = await openSite();
    await using ca = await startCommandCa(site);
    words = ca.words;
    await using _ = await startStapling(ca);
    for (const program of [...verifyingPrograms, ...servers]) await run(program, ca, report);
    await lintAll(ca, report);
    await verifyMoreNames(ca, report);
  } catch (error) {
    report.failed({ who: 'verifiers', error, events: [words()] });
  }
}

async function run(program: Program, ca: CommandCa, report: Report): Promise<void> {
  let who = program.name;
  try {
    who = `${program.name} ${await program.version()}`.trim();
    await using _ = await program.start?.(ca);
    for (const verifier of program.verifiers) {
      const since = performance.now();
      const { column, how, refusal } = verifier;
      await verifier.verify(ca, 'good');
      await assert.rejects(verifier.verify(ca, 'revoked'), refusal);
      report.done({ table: 'verifiers', who, column, how, ms: performance.now() - since });
    }
  } catch (error) {
    report.failed({ who, error, events: [ca.words()] });
  }
}
