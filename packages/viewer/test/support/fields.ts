/**
 * What every tree of fields holds to.
 *
 * @module
 */

import assert from 'node:assert/strict';
import type { Field } from '../../src/index.ts';

/** All fields of a tree. */
export function* all(field: Field): Generator<Field> {
  yield field;
  for (const child of field.children ?? []) yield* all(child);
}

/** A field by the names on the way to it. */
export function at(field: Field, ...path: readonly string[]): Field {
  let found = field;
  for (const name of path) {
    const next = found.children?.find((child) => child.name === name);
    assert.ok(next, `${found.name} has no ${name}, but ${found.children?.map((child) => child.name).join(', ')}`);
    found = next;
  }
  return found;
}

/** A field's parts are its bytes, in order, each of them once. */
export function assertTiled(field: Field): void {
  for (const { name, start, end, children } of all(field)) {
    if (children === undefined) continue;
    let next = start;
    for (const child of children) {
      assert.equal(child.start, next, `${name}: ${child.name} begins elsewhere`);
      assert.ok(child.end >= child.start);
      next = child.end;
    }
    assert.equal(next, end, `${name}: bytes are left over`);
  }
}
