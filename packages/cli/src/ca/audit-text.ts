/**
 * What is proven of the audit log, for people and for programs.
 *
 * @module
 */

import type { AuditFault, AuditHead, AuditVerdict, CheckpointVerdict } from '@handfast/ca';
import { type Field, layOut, timeText } from '../cert/layout.ts';
import type { Colors } from '../io.ts';

export function entriesText(count: number): string {
  return count === 1 ? '1 entry' : `${count.toLocaleString('en-US')} entries`;
}

/** `5 entries of 2 chains` */
export function coveredText(heads: readonly AuditHead[]): string {
  const chains = new Set(heads.map(({ writer }) => writer)).size;
  return `${entriesText(countOf(heads))} of ${chains === 1 ? '1 chain' : `${chains} chains`}`;
}

function countOf(ranges: readonly { readonly first: number; readonly last: number }[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** What checkpoints up to one cover, without what may be gone. */
function coveredTo({ checkpoints, prunedTo }: AuditVerdict, { number: last }: CheckpointVerdict): string {
  const covering = checkpoints.filter(({ number }) => number <= last && number > (prunedTo?.number ?? 0));
  return coveredText(covering.flatMap(({ heads }) => heads));
}

/** Faults that people are told of. */
const maxFaults = 10;

export function verdictLines(verdict: AuditVerdict, file: string | undefined, colors: Colors): readonly string[] {
  const { faults, entries, chains } = verdict;
  const heading =
    faults.length === 0
      ? `${colors.green('✓')} the audit log is whole: ${entriesText(entries)} in ${chains === 1 ? '1 chain' : `${chains} chains`}`
      : `${colors.red('✗')} the audit log is not what it was`;
  const told = faults.slice(0, maxFaults).map(faultText);
  const more = faults.length > maxFaults ? [`and ${faults.length - maxFaults} more`] : [];
  const fields: readonly Field[] = [
    ...(faults.length === 0 ? [] : [['Broken', [...told, ...more]] as const]),
    ['Proven', provenText(verdict)],
    ...(file === undefined ? [] : [['Kept', keptText(verdict, file)] as const]),
    ...(verdict.uncovered.length === 0 ? [] : [['Not proven', uncoveredText(verdict)] as const]),
    ...(verdict.prunedTo === undefined ? [] : [['Forgotten', prunedText(verdict.prunedTo)] as const]),
  ];
  const hint = 'Keep checkpoints elsewhere and give them with --checkpoint: the audit key’s owner could make others.';
  return [heading, ...layOut({ heading: '', fields }, colors).slice(1), ...(file === undefined ? ['', hint] : [])];
}

function faultText({ writer, seq, why }: AuditFault): string {
  return writer === undefined ? why : `chain ${writer.slice(0, 8)}…, at entry ${seq ?? '?'}: ${why}`;
}

function provenText(verdict: AuditVerdict): string {
  const { provenTo } = verdict;
  if (provenTo === undefined) return 'nothing: no checkpoint holds. handfast ca audit checkpoint makes one';
  const covered = coveredTo(verdict, provenTo);
  return `${covered}, up to checkpoint ${provenTo.number} of ${timeText(provenTo.at)}: nobody without the audit key has changed, removed or put in any`;
}

function keptText(verdict: AuditVerdict, file: string): string {
  const { keptTo } = verdict;
  if (keptTo === undefined) return `no checkpoint of ${file} is in it, and holds`;
  const covered = coveredTo(verdict, keptTo);
  return `checkpoint ${keptTo.number} of ${timeText(keptTo.at)} in ${file} is in it: ${covered} are as they were then, whoever has the audit key`;
}

function uncoveredText({ uncovered, checkpoints }: AuditVerdict): string {
  const count = countOf(uncovered);
  const last = checkpoints.findLast(({ holds }) => holds);
  const where = last === undefined ? 'behind no checkpoint' : `behind checkpoint ${last.number}`;
  return `${entriesText(count)} ${where}: could be cut off, or made anew, and nobody would see it`;
}

function prunedText({ number, at }: NonNullable<AuditVerdict['prunedTo']>): string {
  return `what checkpoints up to ${number} cover${at === undefined ? '' : `, of ${timeText(at)}`}: removed for its age, and proven no more`;
}

/** Names that stay; what is not there is `null`. */
export function verdictJson(verdict: AuditVerdict): object {
  const { faults, entries, chains, prunedTo, provenTo, keptTo, uncovered, checkpoints, known } = verdict;
  const at = (one: { readonly number: number; readonly at: Date | undefined } | undefined): object | null =>
    one === undefined ? null : { number: one.number, at: one.at === undefined ? null : timeText(one.at) };
  return {
    whole: faults.length === 0,
    entries,
    chains,
    provenTo: at(provenTo),
    keptTo: at(keptTo),
    prunedTo: at(prunedTo),
    uncovered,
    checkpoints: checkpoints.map(({ holds, heads, ...one }) => ({
      ...at(one),
      holds,
      covers: heads.map(({ writer, first, last }) => ({ writer, first, last })),
    })),
    known: known.map(({ state, ...one }) => ({ ...at(one), state })),
    faults: faults.map(({ writer = null, seq = null, checkpoint = null, why, missingTo = null }) => ({
      writer,
      seq,
      checkpoint,
      why,
      missingTo,
    })),
  };
}
