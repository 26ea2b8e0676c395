/**
 * What is kept for pages, and a page that is slow: nothing is held for it, and it is told how much it missed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import type { LiveEvent, Part } from '@handfast/viewer';
import { Archive } from '../../src/view/archive.ts';
import { Feed } from '../../src/view/feed.ts';

/** A page that reads when the test has it read. */
class SlowPage extends Writable {
  readonly events: LiveEvent[] = [];
  #reads = true;
  #go: (() => void) | undefined;

  pause(): void {
    this.#reads = false;
  }

  async read(): Promise<void> {
    this.#reads = true;
    const go = this.#go;
    this.#go = undefined;
    go?.();
    while (this.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const take = (): void => {
      const data = /^data: (.*)$/m.exec(chunk.toString())?.[1];
      if (data !== undefined) this.events.push(JSON.parse(data) as LiveEvent);
      done();
    };
    if (this.#reads) take();
    else this.#go = take;
  }
}

const begins = { role: 'client', started: '2026-11-22T12:00:00Z' } as const;
/** A part of about so many bytes. */
const part = (id: number, bytes = 0): Part => ({
  ...{ id, begins },
  events: [{ at: 0, type: 'data', direction: 'in', bytes: 'A'.repeat(bytes) }],
});
const ids = ({ events }: SlowPage): readonly number[] =>
  events.flatMap((event) => (event.kind === 'part' ? [event.id] : []));
const lost = ({ events }: SlowPage): number =>
  events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.parts : 0), 0);

describe('a page that is slow', () => {
  it('misses what has to make room, is told how much, and then goes on', async () => {
    const archive = new Archive({ connections: 10, bytes: 10_000_000 });
    const program = archive.begin('a program', 1);
    const page = new SlowPage();
    new Feed(archive, page, 0);
    archive.part(program, part(1));
    page.pause();
    for (let id = 2; id <= 100; id++) archive.part(program, part(id, 100_000));
    // What it has not read yet waits in the archive alone.
    assert.ok(page.writableLength < 500_000);
    await page.read();
    const told = ids(page);
    assert.deepEqual(
      told.slice(-10),
      Array.from({ length: 10 }, (_, at) => 91 + at),
    );
    assert.equal(told.length + lost(page), 100);
    archive.part(program, part(101));
    await page.read();
    assert.equal(ids(page).at(-1), 101);
    assert.equal(told.length + 1 + lost(page), 101);
  });

  it('is forgotten when it goes', () => {
    const archive = new Archive();
    const page = new SlowPage();
    new Feed(archive, page, 0);
    assert.equal(archive.readers.size, 1);
    page.destroy();
    page.once('close', () => assert.equal(archive.readers.size, 0));
  });
});

describe('the archive', () => {
  const all = async (archive: Archive, after = 0): Promise<SlowPage> => {
    const page = new SlowPage();
    new Feed(archive, page, after);
    await page.read();
    return page;
  };

  it('holds so many bytes: the oldest connections of who has told the most make room', async () => {
    const archive = new Archive({ connections: 1000, bytes: 100_000 });
    const [quiet, loud] = [archive.begin('quiet', 1), archive.begin('loud', 2)];
    archive.part(quiet, part(1));
    for (let id = 1; id <= 50; id++) archive.part(loud, part(id, 10_000));
    const { events } = await all(archive);
    const kept = events.flatMap((event) => (event.kind === 'part' ? [[event.program, event.id]] : []));
    assert.deepEqual(kept[0], [quiet, 1]);
    assert.deepEqual(
      kept.slice(1).map(([, id]) => id),
      [42, 43, 44, 45, 46, 47, 48, 49, 50],
    );
  });

  it('forgets a program that is gone with the last of its connections', async () => {
    const archive = new Archive({ connections: 1, bytes: 1_000_000 });
    const [first, second] = [archive.begin('first', 1), archive.begin('second', 2)];
    archive.gone(archive.begin('says nothing', 3));
    archive.part(first, part(1));
    archive.lost(first, 3);
    archive.lost(first, 4);
    archive.gone(first);
    assert.deepEqual(
      (await all(archive)).events.map(({ kind }) => kind),
      ['program', 'program', 'part', 'lost', 'gone'],
    );
    assert.equal(lost(await all(archive)), 7);
    for (let id = 1; id <= 3; id++) archive.part(second, part(id));
    const later = await all(archive);
    assert.deepEqual(
      later.events.map(({ kind, program }) => [kind, program]),
      [
        ['program', second],
        ['part', second],
      ],
    );
  });

  it('tells in order, however much was forgotten in between', async () => {
    const archive = new Archive({ connections: 5, bytes: 1_000_000 });
    const program = archive.begin('a program', 1);
    for (let id = 1; id <= 5000; id++) archive.part(program, part(id));
    const page = await all(archive);
    assert.deepEqual(ids(page), [4996, 4997, 4998, 4999, 5000]);
    assert.deepEqual(ids(await all(archive, 4999)), [4999, 5000]);
  });
});
