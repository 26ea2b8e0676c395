/**
 * Viewers that begin at once: one after the other has its turn, and none is cut off by who waits.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { takeTurn } from '../../src/view/turn.ts';

const folder = mkdtempSync(join(tmpdir(), 'handfast-turn-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = (): string => join(folder, String(++files));

/** A clock that the test moves on. */
function clock(): { read(): number; pass(ms: number): void; looked(): Promise<void> } {
  let [at, reads] = [0, 0];
  return {
    read() {
      reads++;
      return at;
    },
    pass(ms) {
      at += ms;
    },
    /** Who waits has looked at the file, and at the clock, once more. */
    async looked() {
      for (const before = reads; reads < before + 3; ) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('a turn', () => {
  it('begins when the one before it ends', async () => {
    const path = file();
    const end = await takeTurn(path);
    let begun = false;
    const next = takeTurn(path).then((endOfNext) => {
      begun = true;
      return endOfNext;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(begun, false);
    end();
    (await next)();
    assert.equal(existsSync(path), false);
  });

  it('is waited for anew with each that is before it, and what was left counts no longer than 3 s', async () => {
    const path = file();
    const time = clock();
    writeFileSync(path, 'first');
    const mine = takeTurn(path, time.read);
    await time.looked();
    time.pass(2900);
    await time.looked();
    writeFileSync(path, 'second');
    await time.looked();
    time.pass(2900);
    await time.looked();
    assert.equal(readFileSync(path, 'utf8'), 'second');
    time.pass(101);
    const end = await mine;
    assert.notEqual(readFileSync(path, 'utf8'), 'second');
    end();
    assert.equal(existsSync(path), false);
  });

  it('that was lost to another is ended without touching that, and without a word', async () => {
    const path = file();
    const end = await takeTurn(path);
    writeFileSync(path, 'another');
    end();
    assert.equal(readFileSync(path, 'utf8'), 'another');
    rmSync(path);
    end();
    mkdirSync(path);
    end();
    assert.ok(existsSync(path));
  });
});
