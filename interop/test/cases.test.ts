import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cipherSuites, namedGroups, signatureSchemes } from '@handfast/tls';
import { type Axis, casesOf, idOf } from '../src/cases.ts';
import { parts } from '../src/conversation.ts';
import { peers } from '../src/peers/index.ts';

const roles = peers.flatMap((peer) =>
  (['client', 'server'] as const).flatMap((direction) => {
    const abilities = peer[direction];
    return abilities === undefined ? [] : [{ name: `${peer.name} as ${direction}`, abilities }];
  }),
);

for (const { name, abilities } of roles) {
  test(`${name}: every value of every axis is in a case`, () => {
    const rows = casesOf(abilities, false);
    for (const [axis, values] of Object.entries(abilities.axes) as [Axis, readonly string[]][]) {
      assert.deepEqual([...new Set(rows.map((row) => row[axis]))].sort(), [...values].sort(), axis);
    }
  });

  test(`${name}: identifiers are unique`, () => {
    const ids = casesOf(abilities, false).map(idOf);
    assert.equal(new Set(ids).size, ids.length);
  });

  test(`${name}: suites, groups and schemes are IANA's names`, () => {
    const { suite, group, scheme } = abilities.axes;
    const known = (rows: readonly { readonly name: string }[]): ReadonlySet<string> =>
      new Set(rows.map((row) => row.name));
    assert.deepEqual(
      suite.filter((value) => !known(cipherSuites).has(value)),
      [],
    );
    assert.deepEqual(
      group.filter((value) => !known(namedGroups).has(value)),
      [],
    );
    assert.deepEqual(
      scheme.filter((value) => !known(signatureSchemes).has(value)),
      [],
    );
  });
}

test('each side says more than 100 kB, and nothing that a tool reads as a command', () => {
  const text = parts.join('');
  assert.ok(text.length >= 100_000);
  assert.match(text, /^[\d\n]+$/);
  assert.ok(text.split('\n').every((line) => line.length <= 4_000));
});
