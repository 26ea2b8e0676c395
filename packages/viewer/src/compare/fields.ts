/**
 * Which fields of two messages differ: both trees are walked together, parts of the same name side by side. What says only how long
 * something is, is passed over: what is longer differs itself.
 *
 * @module
 */

import type { Field } from '../dissect/field.ts';
import { partsOf, summary } from '../dissect/summary.ts';

export interface FieldDifference {
  /** Names on the way to it, the outermost first: `extensions`, `supported_groups`. */
  readonly path: readonly string[];
  /**
   * `value`: both have it, and say something else. `only`: one has it alone. `items`: of a list, `left` and `right` are what only
   * that one has. `order`: a list with the same items in another order.
   */
  readonly kind: 'value' | 'only' | 'items' | 'order';
  /** What it says. A peer's text: to be shown, never to be interpreted. Undefined: it is not there. */
  readonly left: string | undefined;
  readonly right: string | undefined;
  /** It is made anew for each connection: that it differs says nothing. */
  readonly always: boolean;
}

/** Bytes, and what they are. */
export interface Dissected {
  readonly bytes: Uint8Array;
  readonly field: Field;
}

/** What is left, of all that is compared together. */
export interface Budget {
  differences: number;
}

/** Of a message. More than that nobody reads, and a hostile one could have thousands. */
const maxDifferences = 200;

/** Items of a list that are said, and about how many characters. */
const maxListed = 20;
const maxListedText = 1000;

/** Randoms, keys, and what is made of them. */
const fresh: ReadonlySet<string> = new Set([
  ...['random', 'id', 'share', 'point', 'exchange_keys', 'verify_data', 'signature', 'cookie'],
  ...['ticket', 'nonce', 'ticket_age_add', 'identity', 'obfuscated_ticket_age', 'binder'],
]);

/** Extensions whose bytes as a whole are so: a ticket; another hello, encrypted. */
const freshExtensions: ReadonlySet<string> = new Set(['session_ticket', 'encrypted_client_hello']);

/** Of any number: which of them it is, is made anew; that there is one, is not (RFC 8701). */
const grease = 'GREASE';
const greaseText = /^GREASE \((?:0x[0-9a-f]{4}|\d+)\)$/;

/** In these a signature or a nonce belongs to what they are, and not to the connection. */
const lasting: ReadonlySet<string> = new Set(['cert_data', 'ASN.1Cert', 'OCSPResponse', 'SerializedSCT']);

/** What is around all of a message, or of a value of DER: its name says nothing. */
const wrappers: ReadonlySet<string> = new Set(['body', 'content']);

/**
 * @param budget what is found is taken from it; where nothing is left, one is found that is not always so.
 * @returns none where all bytes are the same
 */
export function differencesOf(
  left: Dissected,
  right: Dissected,
  budget: Budget = { differences: maxDifferences },
): readonly FieldDifference[] {
  const walk = new Walk(left.bytes, right.bytes, budget);
  walk.pair(left.field, right.field, []);
  return walk.found;
}

class Walk {
  readonly #left: Uint8Array;
  readonly #right: Uint8Array;
  readonly #budget: Budget;
  readonly found: FieldDifference[] = [];

  constructor(left: Uint8Array, right: Uint8Array, budget: Budget) {
    this.#left = left;
    this.#right = right;
    this.#budget = budget;
  }

  get #isFull(): boolean {
    if (this.found.length >= maxDifferences) return true;
    return this.#budget.differences <= 0 && this.found.some(({ always }) => !always);
  }

  pair(left: Field, right: Field, path: readonly string[]): void {
    if (this.#isFull || this.#same(left, right)) return;
    const before = this.found.length;
    if (!isLeaf(left) || !isLeaf(right)) this.#parts(partsOf(left), partsOf(right), path);
    // Nothing of its parts: it is the bytes themselves, or there are none.
    if (this.found.length === before) this.#say(path, 'value', saidOf(left), saidOf(right));
  }

  #parts(left: readonly Field[], right: readonly Field[], path: readonly string[]): void {
    const repeated = new Set([...repeatedIn(left), ...repeatedIn(right)]);
    const ofLeft = keyed(left, repeated);
    const ofRight = keyed(right, repeated);
    const only = (own: ReadonlyMap<string, Field>, others: ReadonlyMap<string, Field>): readonly Field[] =>
      [...own].flatMap(([key, part]) => (others.has(key) ? [] : [part]));
    const onlyLeft = only(ofLeft, ofRight);
    const onlyRight = only(ofRight, ofLeft);
    const isItem = ({ name }: Field): boolean => repeated.has(name);
    for (const part of onlyLeft) if (!isItem(part)) this.#say([...path, part.name], 'only', saidOf(part), undefined);
    for (const part of onlyRight) if (!isItem(part)) this.#say([...path, part.name], 'only', undefined, saidOf(part));
    const items = (parts: readonly Field[]): string | undefined => listed(parts.filter(isItem));
    if (onlyLeft.some(isItem) || onlyRight.some(isItem)) {
      this.#say(path, 'items', items(onlyLeft), items(onlyRight));
    }
    for (const [key, part] of ofLeft) {
      const other = ofRight.get(key);
      if (other !== undefined) this.pair(part, other, wrappers.has(part.name) ? path : [...path, calledOf(part)]);
    }
    const order = (own: ReadonlyMap<string, Field>, others: ReadonlyMap<string, Field>): readonly string[] =>
      [...own.keys()].filter((key) => others.has(key));
    if (order(ofLeft, ofRight).join('\n') !== order(ofRight, ofLeft).join('\n')) {
      this.#say(path, 'order', listed(left), listed(right));
    }
  }

  #same(left: Field, right: Field): boolean {
    const length = left.end - left.start;
    if (right.end - right.start !== length) return false;
    for (let at = 0; at < length; at++) if (this.#left[left.start + at] !== this.#right[right.start + at]) return false;
    return true;
  }

  #say(
    path: readonly string[],
    kind: FieldDifference['kind'],
    left: string | undefined,
    right: string | undefined,
  ): void {
    if (this.#isFull) return;
    this.#budget.differences--;
    this.found.push({ path, kind, left, right, always: kind === 'value' && isFresh(path) });
  }
}

function isFresh(path: readonly string[]): boolean {
  if (path.includes(grease)) return true;
  const [around = '', name = ''] = path.slice(-2);
  if (name === 'extension_data' && freshExtensions.has(around)) return true;
  return fresh.has(path.at(-1) ?? '') && !path.some((one) => lasting.has(one));
}

/** Its name, or that it is GREASE: by its own name, as an extension, or by what it says. */
function calledOf({ name, value = '' }: Field): string {
  return greaseText.test(name) || greaseText.test(value) ? grease : name;
}

/** It says in its own words what its parts are: a date, an identifier. */
function isLeaf(field: Field): boolean {
  return field.value !== undefined && partsOf(field).every(({ children }) => children === undefined);
}

function repeatedIn(parts: readonly Field[]): readonly string[] {
  const seen = new Set<string>();
  const again: string[] = [];
  for (const { name } of parts) {
    if (seen.has(name)) again.push(name);
    seen.add(name);
  }
  return again;
}

/** Parts by their names; those of a list by what they say, or else by their place in it. */
function keyed(parts: readonly Field[], repeated: ReadonlySet<string>): ReadonlyMap<string, Field> {
  const counts = new Map<string, number>();
  return new Map(
    parts.map((part) => {
      const said = greaseText.test(part.value ?? '') ? grease : (part.value ?? '');
      const base = repeated.has(part.name) ? `${part.name} ${said}` : greaseText.test(part.name) ? grease : part.name;
      const count = counts.get(base) ?? 0;
      counts.set(base, count + 1);
      return [count === 0 ? base : `${base} ${count}`, part];
    }),
  );
}

function listed(parts: readonly Field[]): string | undefined {
  if (parts.length === 0) return undefined;
  const said: string[] = [];
  for (const { value, name } of parts) {
    if (said.length >= maxListed || said.join().length > maxListedText) break;
    said.push(value ?? name);
  }
  const more = parts.length - said.length;
  return `${said.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function saidOf(field: Field): string {
  return summary(field, 4) ?? '(empty)';
}
