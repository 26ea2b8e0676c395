/**
 * What is kept for pages, and a page that is slow: nothing is held for it, and it is told how much it missed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { type LiveEvent, liveConnections, type Part } from '@handfast/viewer';
import { Archive, archiveLimits } from '../../src/view/archive.ts';
import { Feed } from '../../src/view/feed.ts';

/** A page that reads when the test has it read. */
class SlowPage extends Writable {
  readonly events: LiveEvent[] = [];
  /** The number of the newest event. */
  last = 0;
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
      this.last = Number(/^id: (\d+)$/m.exec(chunk.toString())?.[1] ?? this.last);
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
/** As the page counts it. */
const lost = (...pages: readonly SlowPage[]): number => {
  const live = liveConnections();
  for (const { events } of pages) for (const event of events) live.take(event);
  return live.lost;
};
const end: LiveEvent = { kind: 'gone', program: 1 };

describe('a page that is slow', () => {
  it('misses what has to make room, is told how much, and then goes on', async () => {
    const archive = new Archive({ ...archiveLimits, connections: 10 });
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

  it('hears that a program has ended, though nothing else of it is kept', async () => {
    const archive = new Archive({ ...archiveLimits, connections: 1 });
    const [first, second] = [archive.begin('first', 1), archive.begin('second', 2)];
    const page = new SlowPage();
    new Feed(archive, page, 0);
    archive.part(first, part(1, 300_000));
    page.pause();
    archive.part(second, part(1, 300_000));
    archive.gone(first);
    await page.read();
    assert.deepEqual(page.events.at(-1), end);
  });

  it('is forgotten when it goes', async () => {
    const archive = new Archive();
    const page = new SlowPage();
    new Feed(archive, page, 0);
    assert.equal(archive.readers.size, 1);
    page.destroy();
    await once(page, 'close');
    assert.equal(archive.readers.size, 0);
  });
});

describe('a page that comes back', () => {
  it('has counted what a program lost, and counts it once; and hears that the program has ended', async () => {
    const archive = new Archive();
    const program = archive.begin('a program', 1);
    const [before, back] = [new SlowPage(), new SlowPage()];
    new Feed(archive, before, 0);
    archive.lost(program, 3);
    await before.read();
    before.destroy();
    await once(before, 'close');
    archive.lost(program, 4);
    archive.gone(program);
    new Feed(archive, back, before.last);
    await back.read();
    assert.deepEqual([lost(before), lost(before, back)], [3, 7]);
    assert.deepEqual(back.events, [{ kind: 'lost', program, parts: 7 }, end]);
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
    const archive = new Archive({ ...archiveLimits, bytes: 100_000 });
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

  it('forgets a program that is gone after the last of its connections', async () => {
    const archive = new Archive({ ...archiveLimits, connections: 1, ended: 1 });
    const [first, second] = [archive.begin('first', 1), archive.begin('second', 2)];
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
    assert.deepEqual(
      (await all(archive)).events.flatMap(({ kind }) => (kind === 'part' ? [] : [kind])),
      ['program', 'program', 'lost', 'gone'],
    );
    archive.gone(archive.begin('says nothing', 3));
    const later = await all(archive);
    assert.deepEqual(
      later.events.map((event) => [event.kind, 'program' in event && event.program]),
      [
        ['program', second],
        ['part', second],
        ['program', 3],
        ['gone', 3],
      ],
    );
  });

  it('tells in order, however much was forgotten in between', async () => {
    const archive = new Archive({ ...archiveLimits, connections: 5 });
    const program = archive.begin('a program', 1);
    for (let id = 1; id <= 5000; id++) archive.part(program, part(id));
    const page = await all(archive);
    assert.deepEqual(ids(page), [4996, 4997, 4998, 4999, 5000]);
    assert.deepEqual(ids(await all(archive, 4999)), [4999, 5000]);
  });
});
