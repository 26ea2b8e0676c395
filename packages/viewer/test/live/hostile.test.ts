/**
 * Programs that tell nonsense of the right shape: whoever looks at it sees nonsense, and nothing breaks.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  arrowsOf,
  choicesOf,
  dissectArrow,
  fewData,
  handshakeOf,
  type LiveEvent,
  liveConnections,
  liveSummary,
  type RecordedEvent,
  readLiveLine,
  scheduleOf,
  toBase64,
} from '../../src/index.ts';

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('__proto__', 'constructor', '\u202e', '<b>'));
const bytes = fc.uint8Array({ maxLength: 60 }).map(toBase64);
const direction = fc.constantFrom('in' as const, 'out' as const);
const at = fc.oneof(fc.double({ min: 0, max: 1e15, noNaN: true }), fc.nat(50));
const name = fc.oneof(
  fc.constantFrom('client_hello', 'server_hello', 'hello_retry_request', 'certificate', 'certificate_12', 'finished'),
  text,
);

const event: fc.Arbitrary<RecordedEvent> = fc.oneof(
  fc.record({ at, type: fc.constant('message' as const), direction, name, bytes }),
  fc.record({ at, type: fc.constant('alert' as const), direction, alert: text, level: fc.nat(255) }),
  fc.record({
    ...{ at, type: fc.constant('record' as const), direction, contentType: fc.nat(255) },
    ...{ length: fc.nat(65_535), protected: fc.boolean() },
  }),
  fc.record({
    ...{ at, type: fc.constant('key' as const), direction, cipherSuite: text, generation: fc.nat() },
    level: fc.constantFrom('early' as const, 'handshake' as const, 'application' as const),
  }),
  fc.record({ at, type: fc.constant('wire' as const), direction, bytes }),
  fc.record({ at, type: fc.constant('data' as const), direction, bytes }),
  fc.record({ at, type: fc.constant('established' as const) }),
  fc.record({ at, type: fc.constant('certificate' as const), verified: fc.boolean() }),
  fc.record({ at, type: fc.constant('closed' as const), failed: fc.boolean() }),
);

const part = fc
  .record(
    {
      id: fc.nat(3),
      begins: fc.record({
        role: fc.constantFrom('client' as const, 'server' as const),
        target: text,
        started: fc.constantFrom('2026-11-21T12:00:00Z', '2026-11-21T12:00:00.123456Z', '9999-99-99T99:99:99.9Z'),
      }),
      events: fc.array(event, { maxLength: 12 }),
      keyLog: fc.array(fc.constantFrom(`CLIENT_RANDOM ${'0'.repeat(64)} ab`, `X ${'f'.repeat(64)} 00`)),
      error: fc.record({
        ...{ code: text, message: text, origin: fc.constantFrom('local' as const, 'peer' as const) },
        ...{ phase: fc.constantFrom('handshake' as const, 'closed' as const), alert: text, certificateCode: text },
      }),
      ended: fc.constant(true as const),
    },
    { requiredKeys: ['id'] },
  )
  // As the viewer would let it in.
  .map((one) => readLiveLine(structuredClone(one)));

const told: fc.Arbitrary<LiveEvent> = fc.oneof(
  { weight: 20, arbitrary: part.map((one) => ({ kind: 'part', program: 1, ...one }) as LiveEvent) },
  { weight: 1, arbitrary: fc.constant<LiveEvent>({ kind: 'program', program: 1, name: '\u001b[2J', pid: 0 }) },
  { weight: 1, arbitrary: fc.constant<LiveEvent>({ kind: 'gone', program: 1 }) },
);

describe('what a program tells', () => {
  it('may be anything of the right shape: it becomes rows, ladders and trees all the same', () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 30 }), (events) => {
        const live = liveConnections({ connections: 3 });
        live.take({ kind: 'program', program: 1, name: 'node app.js', pid: 1 });
        for (const one of events) {
          live.take(one);
          assert.ok(live.connections().length <= 3);
        }
        for (const connection of live.connections()) {
          liveSummary(connection);
          const shown = handshakeOf(connection.parts());
          fewData(shown, 3);
          scheduleOf(shown);
          for (const arrow of arrowsOf(shown)) {
            for (const version of ['TLS 1.3', 'before TLS 1.3'] as const) {
              const tree = dissectArrow(arrow, version);
              choicesOf(tree, tree);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
