/**
 * What a runtime reports: how each test ended, and what its own cryptography has.
 *
 * @module
 */

import { probe } from './probes.ts';
import { type Result, run } from './registry.ts';

export interface Report {
  readonly results: readonly Result[];
  /** By the probe's name: whether the runtime has it. */
  readonly natively: Readonly<Record<string, boolean>>;
}

export async function report(words: readonly string[]): Promise<Report> {
  return { natively: await probe(), results: await run(words) };
}
