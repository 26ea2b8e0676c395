/**
 * Parts as lines of JSON, none longer than a viewer takes: a long part goes in several. `watched.ts` records nothing that is too long
 * by itself, but a peer with a great many paths.
 *
 * @module
 */

import { maxLiveLine, type Part, type RecordedEvent } from '../../recording/recording.ts';

/** The lines of a part, each with its end. */
export function linesOf(part: Part): readonly string[] {
  const line = lineOf(part);
  if (fits(line)) return [line];
  const { id, begins, events = [], peer, keyLog = [], ...last } = part;
  return [
    ...(begins === undefined ? [] : [lineOf({ id, begins })]),
    ...inHalves(events, (some) => lineOf({ id, events: some })),
    ...inHalves(keyLog, (some) => lineOf({ id, keyLog: some })),
    ...(peer === undefined ? [] : peerLines(id, peer)),
    lineOf({ id, ...last }),
  ];
}

function lineOf(value: Part): string {
  return `${JSON.stringify(value)}\n`;
}

function fits(line: string): boolean {
  // No character has more than three bytes a unit of UTF-16.
  return line.length * 3 <= maxLiveLine || Buffer.byteLength(line) <= maxLiveLine;
}

/** Lines of as many of them as fit. */
function inHalves<T>(items: readonly T[], toLine: (some: readonly T[]) => string): readonly string[] {
  if (items.length === 0) return [];
  const line = toLine(items);
  if (items.length === 1 || fits(line)) return [line];
  const middle = items.length >> 1;
  return [...inHalves(items.slice(0, middle), toLine), ...inHalves(items.slice(middle), toLine)];
}

/** Where many paths were tried, their number has to do. */
function peerLines(id: number, peer: NonNullable<Part['peer']>): readonly string[] {
  const { paths, pathsNotKept = 0 } = peer;
  return [
    lineOf({ id, peer }),
    lineOf({ id, peer: { ...peer, paths: [], pathsNotKept: pathsNotKept + paths.length } }),
    lineOf({ id, peer: { ...peer, chain: [], paths: [], pathsNotKept: pathsNotKept + paths.length } }),
  ]
    .filter(fits)
    .slice(0, 1);
}

/** Of the messages, data and records that events carry. */
export function bytesOf(events: readonly RecordedEvent[]): number {
  return events.reduce((sum, event) => sum + ('bytes' in event ? Math.floor((event.bytes.length * 3) / 4) : 0), 0);
}
