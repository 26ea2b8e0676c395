/**
 * The rows: each a contestant's round in the page. What one round found out beside its rate is told by rows of its own, right behind.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import { accept } from '@handfast/tls/web';
import type { CDPSession, Page } from 'playwright-core';
import type { openOutside } from '../../runtime-tests/src/outside.ts';
import type { Contestant, Row } from '../src/rounds.ts';
import { type Part, play } from './flow.ts';
import type { Handshakes, Peer, Transfer, Way } from './page.ts';
import { type Kind, serverOptions } from './parties.ts';

export interface Stage {
  readonly page: Page;
  readonly browser: CDPSession;
  readonly outside: Awaited<ReturnType<typeof openOutside>>;
}

/** One round of a contestant, and all that it found out. */
interface Trial<Found> {
  readonly name: string;
  readonly note?: string;
  readonly round: (milliseconds: number) => Promise<Found>;
}

/** With the milliseconds of processor time that a MiB took, wherever it was spent. */
interface Costed extends Transfer {
  readonly cost: number;
}

type Figures<Found> = readonly (Omit<Row, 'contestants'> & {
  readonly of: (found: Found) => number;
  /** Told of ours alone: zeros have no ratio. */
  readonly ours?: true;
})[];

/** Rows of the same rounds: the first one's are measured, the others tell more of them. */
function rowsOf<Found>(trials: readonly Trial<Found>[], figures: Figures<Found>): readonly Row[] {
  const found = trials.map((): Found[] => []);
  return figures.map(({ of, ours, ...row }, which): Row => {
    const contestants = trials.map(({ round, ...rest }, trial): Contestant => {
      const measure = async (milliseconds: number): Promise<number> => {
        const all = await round(milliseconds);
        found[trial]?.push(all);
        return of(all);
      };
      // In the order in which they were measured, the one that does not count first.
      let turn = 0;
      const tell = (): number => {
        const all = found[trial]?.[turn++];
        return all === undefined ? Number.NaN : of(all);
      };
      return { ...rest, round: which === 0 ? measure : tell };
    });
    return { ...row, contestants: ours ? contestants.slice(0, 1) : contestants };
  });
}

export function handshakeRows({ page }: Stage): readonly (readonly Row[])[] {
  const kinds: readonly Kind[] = ['X25519MLKEM768', 'X25519', 'resumed'];
  const trials = kinds.map(
    (kind): Trial<Handshakes> => ({
      name: kind === 'resumed' ? 'resumed, X25519MLKEM768' : kind,
      round: (milliseconds) =>
        page.evaluate(([kind, milliseconds]) => globalThis.bench.handshakes(kind, milliseconds), [
          kind,
          milliseconds,
        ] as const),
    }),
  );
  const basics = { unit: 'ms', better: 'less' } as const;
  return [
    rowsOf(trials, [
      { ...basics, name: 'a handshake, as the client waits for it', of: ({ median }) => median },
      { ...basics, name: 'the slowest in a hundred handshakes', of: ({ p99 }) => p99 },
    ]),
  ];
}

/** A transfer with the page at one end. */
export interface Bulk {
  readonly name: string;
  readonly way: Way;
  readonly over: 'port' | 'socket';
}

export const bulks: readonly Bulk[] = [
  { name: 'a MessagePort, page to worker', way: 'out', over: 'port' },
  { name: 'a MessagePort, worker to page', way: 'in', over: 'port' },
  { name: 'a WebSocket, page to Node', way: 'out', over: 'socket' },
  { name: 'a WebSocket, Node to page', way: 'in', over: 'socket' },
];

export function bulkRows(stage: Stage, quick: boolean): readonly (readonly Row[])[] {
  return bulks.map((bulk) => {
    const inFlight = bulk.over === 'port' && !quick ? [1, 4, 16, 64] : [16];
    const trial = (name: string, work: (milliseconds: number) => Promise<Transfer>): Trial<Costed> => ({
      name,
      round: (milliseconds) => costing(stage, () => work(milliseconds)),
    });
    const trials = [
      trial('handfast', (milliseconds) => transfer(stage, bulk, 'tls', milliseconds)),
      ...inFlight.map((records) =>
        trial(`WebCrypto alone, ${records} in flight`, (milliseconds) =>
          stage.page.evaluate(
            ([way, records, milliseconds]) => globalThis.bench.webCrypto(way, records, milliseconds),
            [bulk.way, records, milliseconds] as const,
          ),
        ),
      ),
      trial(`the ${bulk.over === 'port' ? 'MessagePort' : 'WebSocket'} alone, no TLS`, (milliseconds) =>
        transfer(stage, bulk, 'alone', milliseconds),
      ),
    ];
    const name = `over ${bulk.name}`;
    return rowsOf(trials, [
      { name, unit: 'MiB/s', better: 'more', aim: 150, of: ({ rate }) => rate },
      { name: `${name}: processor time of a MiB`, unit: 'ms', better: 'less', of: ({ cost }) => cost },
      {
        name: `${name}: tasks over 50 ms`,
        unit: 'tasks',
        better: 'less',
        aim: 0,
        ours: true,
        of: ({ longTasks }) => longTasks,
      },
      { name: `${name}: 1 timer in 100 comes later by`, unit: 'ms', better: 'less', of: ({ lag99 }) => lag99 },
    ]);
  });
}

/** Counts the processor time of all of Chromium, and of this process, too. */
async function costing({ browser }: Stage, work: () => Promise<Transfer>): Promise<Costed> {
  const before = await processorMs(browser);
  const found = await work();
  return { ...found, cost: ((await processorMs(browser)) - before) / found.mebibytes };
}

async function processorMs(browser: CDPSession): Promise<number> {
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  const { user, system } = process.cpuUsage();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, (user + system) / 1000);
}

export async function transfer(
  { page, outside }: Stage,
  { way, over }: Bulk,
  what: 'tls' | 'alone',
  milliseconds: number,
): Promise<Transfer> {
  let peer: Peer;
  if (over === 'socket') {
    peer = { url: outside.raw, ca: outside.ca };
    serve(outside, what, way === 'out' ? 'sink' : 'source');
  }
  return await page.evaluate(
    ([what, way, peer, milliseconds]) => globalThis.bench.transfer(what, way, peer ?? undefined, milliseconds),
    [what, way, peer ?? null, milliseconds] as const,
  );
}

/** The next WebSocket's other end. The page goes away in the middle: that is no failure. */
function serve({ next }: Stage['outside'], what: 'tls' | 'alone', part: Part): void {
  const served = async (): Promise<void> => {
    const streams = await next();
    if (what === 'alone') await play(part, streams);
    else
      await play(
        part,
        await accept(streams, { ...(await serverOptions(nodeProvider, 'X25519')), provider: nodeProvider }),
      );
  };
  served().catch(() => {});
}
