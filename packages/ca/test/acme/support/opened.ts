/**
 * What a test has opened is closed behind it, the last one first. (`await using` would do, but for Node 22.)
 *
 * @module
 */

import { afterEach } from 'node:test';

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (let one = open.pop(); one !== undefined; one = open.pop()) await one[Symbol.asyncDispose]();
});

export function opened<T extends AsyncDisposable>(one: T): T {
  open.push(one);
  return one;
}
