/**
 * What is not to be had where: a test that finds its subject absent must stand here, and what stands here must be absent. So neither
 * is anything lost in silence, nor does a runtime learn something that nobody hears of.
 *
 * @module
 */

import type { Place } from './runtime.ts';

/** Names of tests, or how they begin. Neither WebCrypto nor noble has CCM and the finite-field groups. */
const everywhere = [
  'suite TLS_AES_128_CCM_SHA256',
  'suite TLS_AES_128_CCM_8_SHA256',
  'TLS 1.3 group ffdhe',
  'TLS 1.2 group ffdhe',
];

/** Besides, by the place's name. */
const here: Readonly<Record<string, readonly string[]>> = {};

/** What a report is faulted for: its failures, and what was expected otherwise. */
export interface Fault {
  readonly test: string;
  readonly why: string;
}

/** @param names of every test that any place has reported */
export function faultsOf({ name: place, report }: Place, names: ReadonlySet<string>): readonly Fault[] {
  const faults: Fault[] = [];
  for (const { name, outcome, message = '' } of report.results) {
    const wanted = [...everywhere, ...(here[place] ?? [])].some((start) => name.startsWith(start));
    if (outcome === 'failed') faults.push({ test: name, why: message });
    else if (outcome === 'absent' && !wanted)
      faults.push({ test: name, why: `absent, and was not so far: ${message}` });
    else if (outcome === 'passed' && wanted) faults.push({ test: name, why: 'it stands in src/expected.ts as absent' });
  }
  const reported = new Set(report.results.map(({ name }) => name));
  for (const name of names) if (!reported.has(name)) faults.push({ test: name, why: 'it was not run' });
  return faults;
}
