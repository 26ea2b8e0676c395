/**
 * A program that takes what is good, and refuses what is revoked.
 *
 * @module
 */

import { runHere } from '../world/processes.ts';
import type { CommandCa, Standing } from './ca.ts';

export const verifierColumns = [
  'CRL',
  'OCSP',
  'stapled OCSP',
  'clients, by CRL',
  'more names under a new root',
] as const;

export type VerifierColumn = (typeof verifierColumns)[number];

export interface Verifier {
  readonly column: VerifierColumn;
  /** What does it. */
  readonly how: string;
  /** What is said of one that is revoked. */
  readonly refusal: RegExp;
  /** Rejects where the program refuses. */
  verify(ca: CommandCa, standing: Standing): Promise<void>;
}

export interface Program {
  readonly name: string;
  version(): Promise<string>;
  /** Starts what all of its verifiers need. */
  start?(ca: CommandCa): Promise<AsyncDisposable>;
  readonly verifiers: readonly Verifier[];
}

/** The first two parts of the version that a command tells: what Debian mends moves the third. */
export function versionBy(file: string, ...args: readonly string[]): () => Promise<string> {
  return async () => /\d+\.\d+/.exec(await runHere(file, args))?.[0] ?? '';
}

/** @throws with what was printed, unless it was as it must be */
export function expect(printed: string, ...expected: readonly RegExp[]): void {
  if (!expected.every((one) => one.test(printed))) throw new Error(printed);
}
