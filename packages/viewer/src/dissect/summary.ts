/**
 * A field in one line: its own value, or those of its parts.
 *
 * @module
 */

import type { Field } from './field.ts';

/** Fields that say how long another is, or what it is, which its name has said. */
const framing: ReadonlySet<string> = new Set(['length', 'header', 'extension_type', 'unused bits']);

/** A field's parts without those that only frame them. */
export function partsOf({ children = [] }: Field): readonly Field[] {
  return children.filter(({ name }) => !framing.has(name));
}

/** The value, or those of all parts up to `most`, and how many more there are; undefined where nothing is said. */
export function summary(field: Field, most = 8): string | undefined {
  if (field.value !== undefined) return field.value;
  const values: string[] = [];
  collect(field, values);
  if (values.length === 0) return undefined;
  const shown = values.slice(0, most).join(', ');
  return values.length > most ? `${shown} and ${values.length - most} more` : shown;
}

function collect(field: Field, values: string[]): void {
  for (const part of partsOf(field)) {
    if (part.value !== undefined) values.push(part.value);
    else collect(part, values);
  }
}
