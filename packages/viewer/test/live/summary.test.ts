/**
 * A connection in a line.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LiveConnections, liveConnections } from '../../src/live/merge.ts';
import type { LiveEvent } from '../../src/live/part.ts';
import { type LiveSummary, liveSummary } from '../../src/live/summary.ts';
import { expired, play } from '../support/connection.ts';
import { partsFrom } from './parts.ts';

function summary(...events: readonly LiveEvent[]): LiveSummary {
  const live: LiveConnections = liveConnections();
  live.take({ kind: 'program', program: 1, name: 'node app.js', pid: 11 });
  for (const event of events) live.take(event);
  const [connection] = live.connections();
  assert.ok(connection);
  return liveSummary(connection);
}

describe('a connection in a line', () => {
  const { client, server } = play({ said: ['hello'] });

  it('says what was agreed on, with whom, and how long that took', () => {
    const { outcome, failure, negotiated, target, took, started } = summary(...partsFrom(client));
    assert.deepEqual(
      [outcome, failure, negotiated?.version, target, started],
      ['good', undefined, 'TLS 1.3', 'localhost:443', client.started],
    );
    assert.equal(took, client.events.find(({ type }) => type === 'established')?.at);
  });

  it('says whom a server was asked for, where its client does not tell', () => {
    const { target: _, ...without } = server;
    assert.equal(summary(...partsFrom(without)).target, 'localhost');
  });

  it('says who refused it, whichever side tells, and how long it lasted', () => {
    const bad = play({ server: { credentials: [expired] } });
    for (const events of [partsFrom(bad.client), [...partsFrom(bad.server, { id: 2 }), ...partsFrom(bad.client)]]) {
      const { outcome, failure } = summary(...events);
      assert.deepEqual([outcome, failure?.party, failure?.error.code], ['failed', 'client', 'certificate_expired']);
    }
    const told = summary(...partsFrom(bad.server));
    assert.deepEqual([told.failure?.party, told.failure?.error.code], ['server', 'peer_alert']);
    assert.equal(told.took, bad.server.events.at(-1)?.at);
  });

  it('goes on until something comes of it, or its program is gone', () => {
    const [begin, first] = partsFrom(client, { cuts: [2] });
    assert.ok(begin && first);
    assert.equal(summary(begin, first).outcome, 'going');
    assert.equal(summary(begin, first, { kind: 'gone', program: 1 }).outcome, 'gone');
    assert.equal(summary(...partsFrom(client), { kind: 'gone', program: 1 }).outcome, 'good');
  });
});
