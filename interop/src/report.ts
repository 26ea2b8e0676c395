/**
 * What a run says: tables for people, or JSON.
 *
 * @module
 */

import { type LegacyResult, legacyFailures, legacyTables } from './legacy/report.ts';
import type { Peer } from './peers/peer.ts';
import type { Outcome } from './run.ts';
import { counts, failed, table } from './table.ts';

const postQuantumGroups = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'];

export interface Result {
  readonly outcomes: readonly Outcome[];
  readonly versions: readonly { readonly peer: Peer; readonly version: string | undefined }[];
  /** What came of the old. */
  readonly legacy?: LegacyResult | undefined;
  readonly seconds: number;
}

/** The tables, then the failures, then one line that counts. */
export function text({ outcomes, versions, legacy, seconds }: Result): string {
  const all = [...outcomes, ...(legacy?.outcomes ?? [])];
  const count = all.filter(({ failure }) => failure !== undefined).length;
  return [
    ...(outcomes.length + versions.length === 0 ? [] : tables(outcomes, versions)),
    ...(legacy === undefined ? [] : legacyTables(legacy)),
    ...outcomes.flatMap(({ job: { peer, direction, id }, failure }) =>
      failure === undefined ? [] : [failed(peer.name, direction, id, failure)],
    ),
    ...versions.flatMap(({ peer, version }) =>
      version === undefined ? [`MISSING ${peer.name}: ${peer.missing}\n`] : [],
    ),
    ...(legacy === undefined ? [] : legacyFailures(legacy)),
    `${seconds.toFixed(0)} seconds\n${all.length - count} passed, ${count} failed\n`,
  ].join('\n');
}

function tables(outcomes: Result['outcomes'], versions: Result['versions']): readonly string[] {
  return [
    counts(
      outcomes.map(({ job: { peer, direction, version }, failure, seconds }) => ({
        ...{ peer: peer.name, role: direction, version, seconds },
        failed: failure !== undefined,
      })),
    ),
    table(
      ['peer', 'version'],
      versions.map(({ peer, version }) => [peer.name, version ?? `MISSING: ${peer.missing}`]),
    ),
    table(
      ['post-quantum group', 'proved as our server with', 'as our client with'],
      postQuantumGroups.map((group) => [group, provers(outcomes, group, 'client'), provers(outcomes, group, 'server')]),
    ),
    ...resumptionTable(outcomes),
  ];
}

/** Which peers' sessions went on, by circumstance; nothing where none was tried. */
export function resumptionTable(outcomes: readonly Outcome[]): readonly string[] {
  const tried = outcomes.filter(({ job }) => job.resumption !== undefined);
  if (tried.length === 0) return [];
  const columns = [...new Set(tried.map(({ job }) => job.resumption ?? ''))];
  const groups = Map.groupBy(tried, ({ job: { peer, direction, version } }) => `${peer.name}|${direction}|${version}`);
  const cell = (all: readonly Outcome[], column: string): string => {
    const one = all.find(({ job }) => job.resumption === column);
    return one === undefined ? '—' : one.failure === undefined ? 'yes' : 'FAILED';
  };
  return [
    table(
      ['resumes with', 'it is the', 'version', ...columns],
      [...groups].map(([key, all]) => [...key.split('|'), ...columns.map((column) => cell(all, column))]),
    ),
  ];
}

/** One object with everything. */
export function json({ outcomes, versions, legacy, seconds }: Result): string {
  const all = [
    ...outcomes.map(({ job: { peer, direction, version, id, row }, failure, seconds }) => ({
      ...{ peer: peer.name, direction, version, id, case: row ?? null, seconds },
      failure: failure ?? null,
    })),
    ...(legacy?.outcomes ?? []).map(({ job: { peer, role, version, id }, failure, seconds }) => ({
      ...{ peer, direction: role, version, id, case: null, seconds },
      failure: failure ?? null,
    })),
  ];
  const passed = all.filter(({ failure }) => failure === null).length;
  const known = [
    ...versions.map(({ peer, version }) => [peer.name, version ?? null] as const),
    ...(legacy?.peers ?? []).map(({ name, version }) => [name, version ?? null] as const),
  ];
  const faults = (legacy?.peers ?? []).flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`]));
  return `${JSON.stringify(
    { passed, failed: all.length - passed, seconds, versions: Object.fromEntries(known), faults, outcomes: all },
    null,
    2,
  )}\n`;
}

function provers(outcomes: readonly Outcome[], group: string, direction: string): string {
  const names = outcomes
    .filter(({ job, failure }) => failure === undefined && job.row?.group === group && job.direction === direction)
    .map(({ job }) => job.peer.name);
  return [...new Set(names)].join(', ') || '—';
}
