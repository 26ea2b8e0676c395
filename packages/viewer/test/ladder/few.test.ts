/**
 * A ladder of a connection that brings a great deal of data.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrowsOf, fewData, handshakeOf } from '../../src/index.ts';
import { play } from '../support/connection.ts';

describe('a ladder with little data', () => {
  const said = ['one', 'two', 'three', 'four', 'five'];
  const shown = handshakeOf(play({ details: { plaintext: true }, said }));
  const titles = (most: number): readonly string[] => arrowsOf(fewData(shown, most)).map(({ title }) => title);

  it('has the first pieces, and everything that is no data', () => {
    const { flights, leftOut } = fewData(shown, 2);
    assert.equal(leftOut, 3);
    const data = arrowsOf({ flights }).filter(({ kind }) => kind === 'data');
    assert.deepEqual(
      data.map(({ bytes }) => new TextDecoder().decode(bytes)),
      ['one', 'two'],
    );
    const rest = arrowsOf(shown).filter(({ kind }) => kind !== 'data');
    assert.deepEqual(
      titles(2).filter((title) => title !== 'Application data'),
      rest.map(({ title }) => title),
    );
    assert.ok(flights.every(({ rungs }) => rungs.length > 0));
  });

  it('is the whole ladder, where there is no more', () => {
    assert.deepEqual(fewData(shown, 5), { flights: shown.flights, leftOut: 0 });
  });

  it('of twenty thousand pieces is made without going through all of them for each', () => {
    const { client, server } = play();
    const many = (direction: 'in' | 'out') =>
      Array.from({ length: 20_000 }, (_, nth) => ({
        ...{ at: 100 + nth, type: 'record' as const, direction, contentType: 23, length: 1000, protected: true },
      }));
    const big = handshakeOf({
      client: { ...client, events: [...client.events, ...many('in')] },
      server: { ...server, events: [...server.events, ...many('out')] },
    });
    const { leftOut } = fewData(big, 50);
    assert.ok(leftOut >= 19_950);
    assert.ok(arrowsOf(fewData(big, 50)).length < 100);
  });
});
