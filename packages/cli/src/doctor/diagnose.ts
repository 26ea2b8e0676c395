/**
 * From evidence to a diagnosis: the rows of the table that fit. Pure: the same evidence always gives the same words.
 *
 * @module
 */

import type { CauseGroup, Certainty, Side } from './causes/cause.ts';
import type { Evidence, ProbeId } from './evidence.ts';
import { table } from './table.ts';

/** A row that fits, filled in. */
export interface Finding {
  readonly id: string;
  readonly title: string;
  readonly certainty: Certainty;
  readonly side: Side;
  /** What is wrong, in full sentences. */
  readonly says: string;
  readonly remedy: string;
  /** The probes that show it. */
  readonly probes: readonly ProbeId[];
}

export interface Diagnosis {
  readonly healthy: boolean;
  /** The most telling first; empty where nothing is wrong. */
  readonly problems: readonly Finding[];
  /** What else was noticed. */
  readonly notes: readonly Finding[];
}

export function diagnose(evidence: Evidence): Diagnosis {
  const problems = findings(evidence, 'problem');
  return { healthy: problems.length === 0, problems, notes: findings(evidence, 'note') };
}

function findings(evidence: Evidence, kind: CauseGroup['kind']): readonly Finding[] {
  return table.filter((group) => group.kind === kind).flatMap((group) => inGroup(group, evidence));
}

function inGroup({ causes, firstAlone }: CauseGroup, evidence: Evidence): readonly Finding[] {
  const fitting: Finding[] = [];
  for (const { id, title, side, remedy, find } of causes) {
    const found = find(evidence);
    if (found === undefined) continue;
    const { certainty, says, probes = ['main'] } = found;
    fitting.push({ id, title, certainty, side: found.side ?? side, says, remedy: found.remedy ?? remedy, probes });
    if (firstAlone) break;
  }
  return fitting;
}
