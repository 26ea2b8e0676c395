/**
 * What a run with the old says: a table by peer, role and version, what each peer is, and what failed.
 *
 * @module
 */

import { counts, failed, table } from '../table.ts';
import { liar, type Outcome } from './run.ts';

export interface LegacyResult {
  readonly outcomes: readonly Outcome[];
  readonly peers: readonly {
    readonly name: string;
    /** Undefined: it is not installed. */
    readonly version: string | undefined;
    /** What is wrong with it as a whole: missing, or with fewer cases than it must have. */
    readonly fault: string | undefined;
  }[];
}

/** The tables, under a heading. */
export function legacyTables({ outcomes, peers }: LegacyResult): readonly string[] {
  return [
    'What is old: every cipher suite of TLS 1.2 to SSL 3.0, one by one; and how versions are agreed on\n',
    counts(
      outcomes.map(({ job: { peer, role, version }, failure, seconds }) => ({
        ...{ peer, role, version, seconds },
        failed: failure !== undefined,
      })),
    ),
    table(
      ['peer', 'version'],
      peers.map(({ name, version, fault }) => [name, version ?? `MISSING: ${fault ?? ''}`]),
    ),
  ];
}

/** Whose connections must have been recorded: liars agree on nothing. */
export function sitting({ outcomes }: LegacyResult): readonly Outcome['job'][] {
  return outcomes.filter(({ job, failure }) => failure === undefined && job.peer !== liar).map(({ job }) => job);
}

/** What failed; nothing where nothing did. */
export function legacyFailures({ outcomes, peers }: LegacyResult): readonly string[] {
  return [
    ...outcomes.flatMap(({ job: { peer, role, id }, failure }) =>
      failure === undefined ? [] : [failed(peer, role, id, failure)],
    ),
    ...peers.flatMap(({ name, version, fault }) =>
      fault === undefined ? [] : [`${version === undefined ? 'MISSING' : 'FAILED'} ${name}: ${fault}\n`],
    ),
  ];
}
