/**
 * What a run says: tables for people, or JSON.
 *
 * @module
 */

import { type LegacyResult, legacyFailures, legacyTables } from './legacy/report.ts';
import type { Peer } from './peers/peer.ts';
import type { Outcome } from './run.ts';
import { isEarlyJob } from './scenarios/early-data.ts';
import { counts, failed, table } from './table.ts';
import { type Gallery, galleryFailures, galleryTable } from './viewer/report.ts';

const postQuantumGroups = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'];

export interface Result {
  readonly outcomes: readonly Outcome[];
  readonly versions: readonly { readonly peer: Peer; readonly version: string | undefined }[];
  /** What came of the old. */
  readonly legacy?: LegacyResult | undefined;
  /** What people are shown of it all. */
  readonly gallery?: Gallery | undefined;
  readonly seconds: number;
}

/** The tables, then the failures, then one line that counts. */
export function text({ outcomes, versions, legacy, gallery, seconds }: Result): string {
  const all = [...outcomes, ...(legacy?.outcomes ?? [])];
  const faults = gallery?.faults.length ?? 0;
  const count = all.filter(({ failure }) => failure !== undefined).length;
  return [
    ...(outcomes.length + versions.length === 0 ? [] : tables(outcomes, versions)),
    ...(legacy === undefined ? [] : legacyTables(legacy)),
    ...(gallery === undefined ? [] : galleryTable(gallery)),
    ...outcomes.flatMap(({ job: { peer, direction, id }, failure }) =>
      failure === undefined ? [] : [failed(peer.name, direction, id, failure)],
    ),
    ...versions.flatMap(({ peer, version }) =>
      version === undefined ? [`MISSING ${peer.name}: ${peer.missing}\n`] : [],
    ),
    ...(legacy === undefined ? [] : legacyFailures(legacy)),
    ...(gallery === undefined ? [] : galleryFailures(gallery)),
    `${seconds.toFixed(0)} seconds\n${all.length - count} passed, ${count + faults} failed\n`,
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
    ...earlyDataTables(outcomes, versions),
  ];
}

/** Which peers' sessions went on, by circumstance; nothing where none was tried. */
export function resumptionTable(outcomes: readonly Outcome[]): readonly string[] {
  return byCircumstance('resumes with', outcomes, ({ resumption }) =>
    resumption === undefined ? undefined : { column: resumption, cell: 'yes' },
  );
}

/** What became of early data, by circumstance, and what of it peers cannot; nothing where none was tried. */
export function earlyDataTables(outcomes: readonly Outcome[], versions: Result['versions']): readonly string[] {
  const tried = byCircumstance('early data with', outcomes, (job) => {
    if (!isEarlyJob(job)) return undefined;
    const { name, outcome } = job.early;
    return { column: name, cell: outcome };
  });
  if (tried.length === 0) return [];
  const lacks = versions.flatMap(({ peer: { name, client, server } }) =>
    Object.entries({ client: client?.early, server: server?.early }).flatMap(([role, early = {}]) =>
      typeof early === 'string'
        ? [[name, role, 'all', early]]
        : Object.entries(early.lacks ?? {}).map(([what, why]) => [name, role, what, why]),
    ),
  );
  return [...tried, ...(lacks.length === 0 ? [] : [table(['early data with', 'it is the', 'has not', 'as'], lacks)])];
}

/** @param placeOf a job's column, and what stands there if it passed; undefined: it has no place in this table. */
function byCircumstance(
  title: string,
  outcomes: readonly Outcome[],
  placeOf: (job: Outcome['job']) => { readonly column: string; readonly cell: string } | undefined,
): readonly string[] {
  const tried = outcomes.flatMap(({ job, failure }) => {
    const place = placeOf(job);
    if (place === undefined) return [];
    const { column, cell } = place;
    return [
      { row: [job.peer.name, job.direction, job.version], column, cell: failure === undefined ? cell : 'FAILED' },
    ];
  });
  if (tried.length === 0) return [];
  const columns = [...new Set(tried.map(({ column }) => column))];
  const rows = Map.groupBy(tried, ({ row }) => row.join('|'));
  return [
    table(
      [title, 'it is the', 'version', ...columns],
      [...rows].map(([row, all]) => [
        ...row.split('|'),
        ...columns.map((wanted) => all.find(({ column }) => column === wanted)?.cell ?? '—'),
      ]),
    ),
  ];
}

/** One object with everything. */
export function json({ outcomes, versions, legacy, gallery, seconds }: Result): string {
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
  const faults = [
    ...(legacy?.peers ?? []).flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`])),
    ...(gallery?.faults ?? []),
  ];
  return `${JSON.stringify(
    {
      ...{ passed, failed: all.length - passed, seconds, versions: Object.fromEntries(known), faults },
      ...{ shown: gallery?.rows ?? [], outcomes: all },
    },
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
