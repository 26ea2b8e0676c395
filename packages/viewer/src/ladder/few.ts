/**
 * A ladder that can be read: a connection may bring data for hours, and after some pieces of it one is like the other.
 *
 * @module
 */

import type { Flight, Handshake } from './handshake.ts';

export interface FewData {
  readonly flights: readonly Flight[];
  /** Pieces of data that are not in them. */
  readonly leftOut: number;
}

/** The same flights with the first `most` pieces of data alone; everything else stays. */
export function fewData({ flights }: Pick<Handshake, 'flights'>, most: number): FewData {
  let pieces = 0;
  const kept = flights.flatMap((flight): readonly Flight[] => {
    const rungs = flight.rungs.filter(({ arrow }) => arrow?.kind !== 'data' || ++pieces <= most);
    return rungs.length === 0 ? [] : [{ ...flight, rungs }];
  });
  return { flights: kept, leftOut: Math.max(0, pieces - most) };
}
