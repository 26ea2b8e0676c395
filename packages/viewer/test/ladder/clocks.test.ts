/**
 * Two recordings of one connection, by clocks that are not quite the same.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrowsOf, handshakeOf, type Recording } from '../../src/index.ts';
import { offsetBetween } from '../../src/ladder/clocks.ts';
import { play } from '../support/connection.ts';

const hello = (direction: 'in' | 'out', at: number, name = 'client_hello'): Recording['events'][number] => ({
  ...{ at, type: 'message', direction, name, bytes: '' },
});

describe('the time between two recordings', () => {
  const client = { started: '2026-11-21T12:00:00.123456Z', events: [hello('out', 0), hello('in', 10, 'server_hello')] };
  const server = { started: '2026-11-21T12:00:00.125001Z', events: [hello('in', 0), hello('out', 1, 'server_hello')] };

  it('is what the clocks say, to the microsecond', () => {
    assert.equal(offsetBetween(client, server).toFixed(3), '1.545');
    assert.equal(offsetBetween(client, { ...server, started: '2026-11-21T12:00:00Z' }), 0);
    assert.equal(offsetBetween({ ...client, started: '2026-11-21T12:00:00Z' }, server), 9);
  });

  it('is as much as it must be for no message to come before it was sent', () => {
    for (const [started, offset] of [
      ['2026-11-21T11:59:00.000Z', 0],
      ['2026-11-21T12:01:00.000000Z', 9],
    ] as const) {
      assert.equal(offsetBetween(client, { ...server, started }), offset);
    }
  });

  it('is what the clocks say, where both tell of other messages', () => {
    const other = { started: '2026-11-21T12:00:01.123456Z', events: [hello('in', 0, 'finished')] };
    assert.equal(Math.round(offsetBetween(client, other)), 1000);
  });

  it('is what the messages need, where a clock says no time at all', () => {
    assert.equal(offsetBetween(client, { ...server, started: '2026-99-99T12:00:00Z' }), 0);
  });

  it('puts a ladder right whose clocks are a second apart', () => {
    const { client: one, server: two } = play();
    for (const started of ['2026-11-21T12:00:01.000Z', '2026-11-21T11:59:59.000Z']) {
      const arrows = arrowsOf(handshakeOf({ client: one, server: { ...two, started } }));
      assert.deepEqual(
        arrows.slice(0, 2).map(({ title }) => title),
        ['ClientHello', 'ServerHello'],
      );
      for (const { at, readAt = at } of arrows) assert.ok(readAt - at > -1e-6);
    }
  });
});
