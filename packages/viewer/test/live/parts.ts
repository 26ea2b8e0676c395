/**
 * Recordings in pieces, as a viewer tells of them.
 *
 * @module
 */

import type { RecordedEvent, Recording } from '../../src/index.ts';
import type { LiveEvent } from '../../src/live/part.ts';

type PartEvent = Extract<LiveEvent, { readonly kind: 'part' }>;

/**
 * @param cuts after how many events a part ends, each; beyond the last there is one more.
 * @returns what a program tells of a connection: its beginning, its events, what came of it, and its end.
 */
export function partsFrom(
  { role, target, started, events, keyLog = [], negotiated, peer, error, dropped }: Recording,
  {
    program = 1,
    id = 1,
    cuts = [],
  }: { readonly program?: number; readonly id?: number; readonly cuts?: readonly number[] } = {},
): readonly PartEvent[] {
  const of = { kind: 'part', program, id } as const;
  const places = [...new Set([0, ...cuts.map((cut) => cut % (events.length + 1)), events.length])].sort(
    (a, b) => a - b,
  );
  const pieces = places.slice(1).map((end, nth) => events.slice(places[nth], end));
  return [
    { ...of, begins: { role, ...(target !== undefined && { target }), started } },
    ...pieces.map((piece: readonly RecordedEvent[]) => ({ ...of, events: piece })),
    ...keyLog.map((line) => ({ ...of, keyLog: [line] })),
    {
      ...of,
      ...(negotiated && { negotiated }),
      ...(peer && { peer }),
      ...(error && { error }),
      ...(dropped && { dropped }),
      ended: true,
    },
  ];
}
