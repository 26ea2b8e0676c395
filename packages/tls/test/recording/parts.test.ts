/**
 * A connection written down in parts: each has what is new, all together are the whole, and what is left out is counted.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Part,
  type PartRecorder,
  type PartRecorderOptions,
  partRecorder,
  recorder,
} from '../../src/recording/index.ts';
import { exchange, pair } from '../support/pair.ts';

const now = (): Date => new Date('2026-11-22T12:00:00.000Z');

interface Taken {
  /** After the handshake, after data, and after the end. */
  readonly parts: readonly (Part | undefined)[];
  readonly own: PartRecorder;
}

async function taken(options: PartRecorderOptions = {}, chunks = 1): Promise<Taken> {
  const own = partRecorder({ now, target: 'localhost:443', ...options });
  const both = pair({ client: { trace: own.trace, keyLog: own.keyLog, traceDetails: { plaintext: true } } });
  const parts: (Part | undefined)[] = [];
  await exchange(both);
  parts.push(own.take());
  for (let chunk = 0; chunk < chunks; chunk++) both.client.connection.write(Buffer.from('hello'));
  await exchange(both);
  parts.push(own.take());
  both.client.connection.closeWrite();
  await exchange(both);
  both.server.connection.closeWrite();
  await exchange(both);
  parts.push(own.take());
  return { parts, own };
}

describe('parts of a recording', () => {
  it('say each thing once: how it begins, what was agreed on, what came then, and that it is over', async () => {
    const { parts, own } = await taken();
    const [handshake, data, end] = parts;
    assert.deepEqual(handshake?.begins, { role: 'client', target: 'localhost:443', started: now().toISOString() });
    assert.equal(handshake?.negotiated?.version, 'TLS 1.3');
    assert.equal(handshake?.peer?.verified, true);
    assert.ok((handshake?.keyLog?.length ?? 0) >= 4);
    assert.deepEqual([handshake?.ended, handshake?.dropped], [undefined, undefined]);
    assert.deepEqual(Object.keys(data ?? {}), ['id', 'events']);
    assert.deepEqual(
      data?.events?.flatMap((event) => (event.type === 'data' ? [[event.direction, event.bytes]] : [])),
      [['out', Buffer.from('hello').toString('base64')]],
    );
    assert.deepEqual([end?.ended, end?.events?.at(-1)?.type], [true, 'closed']);
    assert.deepEqual(new Set([handshake?.id, data?.id, end?.id]).size, 1);
    assert.deepEqual([own.take(), own.waiting], [undefined, 0]);
  });

  it('are together what a recorder has', async () => {
    const own = partRecorder({ now });
    const whole = recorder({ now });
    const both = pair({
      client: {
        trace: (event) => {
          own.trace(event);
          whole.trace(event);
        },
      },
    });
    const parts: Part[] = [];
    const take = (): void => {
      const part = own.take();
      if (part !== undefined) parts.push(part);
    };
    await exchange(both, (bytes) => {
      take();
      return [bytes];
    });
    take();
    assert.ok(parts.length > 1);
    assert.deepEqual(
      parts.flatMap(({ events = [] }) => events),
      whole.recording()?.events,
    );
    assert.deepEqual(parts.findLast(({ peer }) => peer)?.peer, whole.recording()?.peer);
  });

  it('count what is left out, in all, and tell of it the first time and at the end', async () => {
    const { parts } = await taken({ maxEvents: 20 }, 10);
    const [handshake, data, end] = parts;
    assert.equal(handshake?.events?.length, 19);
    const [before, then, after] = [handshake?.dropped, data?.dropped, end?.dropped];
    assert.ok(before !== undefined && then !== undefined && after !== undefined);
    assert.ok(before.events < then.events && then.events < after.events);
    assert.deepEqual(
      end?.events?.map(({ type }) => type),
      ['closed'],
    );
  });

  it('say that something waits, but not that still more is left out', async () => {
    const own = partRecorder({ now, maxEvents: 3 });
    const both = pair({ client: { trace: own.trace } });
    await exchange(both);
    assert.ok(own.waiting > 0);
    own.take();
    both.client.connection.write(Buffer.from('hello'));
    await exchange(both);
    assert.equal(own.waiting, 0);
    assert.ok((own.take()?.dropped?.events ?? 0) > 0);
  });

  it('know the microsecond where their clock does', async () => {
    const { parts } = await taken({ now: () => Date.parse('2026-11-22T12:00:00.123Z') + 0.4567 });
    assert.equal(parts[0]?.begins?.started, '2026-11-22T12:00:00.123457Z');
  });

  it('have none of the secrets that nobody asked for', async () => {
    const own = partRecorder({ now });
    const both = pair({ client: { trace: own.trace } });
    await exchange(both);
    both.client.connection.write(Buffer.from('the password'));
    await exchange(both);
    const text = JSON.stringify(own.take());
    assert.equal(text.includes(Buffer.from('the password').toString('base64')), false);
    assert.doesNotMatch(text, /_SECRET|"data"/);
  });
});
