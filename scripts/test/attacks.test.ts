/**
 * docs/attacks.md claims what tests show: each file that it names is there, and each test that it cites, by title.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const page = new URL('../../docs/attacks.md', import.meta.url);
const text = readFileSync(page, 'utf8');

/** [`name`]: path */
const definition = /^\[`([^`]+)`\]: (\S+)$/gm;
const files = new Map([...text.matchAll(definition)].map(([, name = '', path = '']) => [name, new URL(path, page)]));
const rows = text
  .replace(definition, '')
  .split('\n')
  .filter((line) => line.startsWith('|'));

/** “title” after [`file`]; “…” stands for what a table of cases fills in. */
const citations = rows.flatMap((row) => {
  let file = '';
  return [...row.matchAll(/\[`([^`]+)`\]|“([^”]+)”/g)].flatMap(([, name, title]) => {
    if (name !== undefined) file = name;
    return title === undefined ? [] : [{ file, title }];
  });
});

describe('docs/attacks.md', () => {
  it('names files that are there', () => {
    const missing = [...files].filter(([, path]) => !existsSync(path)).map(([name]) => name);
    assert.deepEqual(missing, []);
  });

  it(`cites ${citations.length} tests that are there`, () => {
    assert.ok(citations.length > 200);
    const missing = citations.filter(({ file, title }) => {
      const path = files.get(file);
      if (path === undefined || !path.pathname.includes('/test/')) return true;
      const source = readFileSync(path, 'utf8').replaceAll("\\'", "'");
      const pattern = title.split('…').map(escaped).join('[^\\n]*?');
      return !new RegExp(`[\`'"]${pattern}[\`'"]`).test(source);
    });
    assert.deepEqual(missing, []);
  });
});

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
