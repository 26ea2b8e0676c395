/**
 * Two handshakes side by side: their messages in pairs, what differs in each, and what came of both.
 *
 * @module
 */

import type { Field } from '../dissect/field.ts';
import type { MessageVersion } from '../dissect/messages.ts';
import { type Arrow, arrowsOf, type Handshake, isRecorded } from '../ladder/handshake.ts';
import { is13 } from '../ladder/schedule.ts';
import { dissectArrow } from '../ladder/words.ts';
import { align } from './align.ts';
import { type Fact, factsOf } from './facts.ts';
import { type Budget, type Dissected, differencesOf, type FieldDifference } from './fields.ts';

/** A message of both, or of one alone. */
export interface ComparedMessage {
  readonly left?: Arrow;
  readonly right?: Arrow;
  /** Of its fields. */
  readonly differences: readonly FieldDifference[];
  /** What differs beside its bytes: under which key it went, whether it arrived. */
  readonly otherwise: readonly string[];
}

export interface Comparison {
  readonly facts: readonly Fact[];
  readonly messages: readonly ComparedMessage[];
  /** Messages of both that are not in `messages`: there are too many. */
  readonly notCompared: number;
}

/** Of each handshake: what comes then is data, most often. */
const maxMessages = 200;

/** Of all messages together: a handshake has some thousands, and a file could have millions. */
const maxFields = 100_000;

/** Of all messages together, and one of each message beyond them. */
const maxDifferences = 1000;

interface Work extends Budget {
  fields: number;
}

/** @param left what was there first, which the words call so */
export function compareHandshakes(left: Handshake, right: Handshake): Comparison {
  const all = [arrowsOf(left), arrowsOf(right)] as const;
  const [ofLeft, ofRight] = [all[0].slice(0, maxMessages), all[1].slice(0, maxMessages)];
  const versions = { left: versionOf(left), right: versionOf(right) };
  const budget = { fields: maxFields, differences: maxDifferences };
  return {
    facts: factsOf(left, right),
    messages: align(ofLeft, ofRight, keyOf).map((pair) => compared(pair, versions, budget)),
    notCompared: all[0].length - ofLeft.length + all[1].length - ofRight.length,
  };
}

/** Refusals differ in what they say, and stand side by side nevertheless. */
function keyOf({ from, kind, title, protection }: Arrow): string {
  if (kind === 'alert') return `${from} ${title === 'close_notify' ? title : 'alert'}`;
  if (kind === 'data') return `${from} ${protection === 'early' ? 'early data' : 'data'}`;
  return `${from} ${title}`;
}

function compared(
  { left, right }: { readonly left?: Arrow; readonly right?: Arrow },
  versions: Readonly<Record<'left' | 'right', MessageVersion>>,
  budget: Work,
): ComparedMessage {
  if (left === undefined || right === undefined) {
    return { ...(left && { left }), ...(right && { right }), differences: [], otherwise: [] };
  }
  return { left, right, otherwise: otherwiseOf(left, right), differences: fieldsOf({ left, right }, versions, budget) };
}

function fieldsOf(
  { left, right }: { readonly left: Arrow; readonly right: Arrow },
  versions: Readonly<Record<'left' | 'right', MessageVersion>>,
  budget: Work,
): readonly FieldDifference[] {
  if (!isRecorded(left) || !isRecorded(right)) return [];
  const uncut = budget.fields <= 0;
  const dissected = (arrow: Arrow, version: MessageVersion): Dissected => {
    const field = uncut ? whole(arrow) : dissectArrow(arrow, version);
    budget.fields -= countOf(field);
    return { bytes: arrow.bytes, field };
  };
  return differencesOf(dissected(left, versions.left), dissected(right, versions.right), budget);
}

function whole({ title: name, length: end }: Arrow): Field {
  return { name, start: 0, end, value: `${end.toLocaleString('en')} bytes, which are not taken apart` };
}

function countOf({ children = [] }: Field): number {
  return children.reduce((sum, child) => sum + countOf(child), 1);
}

function versionOf(shown: Handshake): MessageVersion {
  return is13(shown) ? 'TLS 1.3' : 'before TLS 1.3';
}

function otherwiseOf(left: Arrow, right: Arrow): readonly string[] {
  const under = ({ protection }: Arrow): string =>
    protection === 'none' ? 'in the clear' : `under the ${protection} key`;
  const one = (has: (arrow: Arrow) => boolean, what: string): readonly string[] =>
    has(left) === has(right) ? [] : [`${what} in the ${has(left) ? 'first' : 'second'}`];
  return [
    ...(left.protection === right.protection ? [] : [`${under(left)} in the first, ${under(right)} in the second`]),
    // What was recorded differs in its fields.
    ...(left.length === right.length || (isRecorded(left) && isRecorded(right))
      ? []
      : [`${sizeOf(left)} in the first, ${sizeOf(right)} in the second`]),
    ...one(({ unread }) => unread, 'never understood'),
    ...one(({ arrived }) => arrived !== undefined, 'arrives changed'),
  ];
}

function sizeOf({ length }: Arrow): string {
  return length === 1 ? '1 byte' : `${length.toLocaleString('en')} bytes`;
}
