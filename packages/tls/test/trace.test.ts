/**
 * The trace: connections told apart, the bytes on the wire and the application's data where they were asked for by name, how long
 * work took; and nothing that is secret where nobody asked.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat, toHex } from '@handfast/crypto';
import { type ClientOptions, type TraceEvent, type TraceListener, tls12, tls13 } from '../src/index.ts';
import { clientCredential, pki } from './support/identities.ts';
import { connected, exchange, type Pair, type PairOptions, pair, providers, startServer } from './support/pair.ts';

type Role = 'client' | 'server';
type Of<T extends TraceEvent['type']> = Extract<TraceEvent, { type: T }>;

const roles = ['client', 'server'] as const;
const versions = { 'TLS 1.3': tls13, 'TLS 1.2': tls12 } as const;
const details = { wire: true, plaintext: true } as const;
const secretText = 'the password of the application';

function of<T extends TraceEvent['type']>(events: readonly TraceEvent[], type: T): readonly Of<T>[] {
  return events.filter((event): event is Of<T> => event.type === type);
}

/** The bytes of one direction, as they were told of. */
function passed(events: readonly TraceEvent[], type: 'wire' | 'data', direction: 'in' | 'out'): string {
  return toHex(concat(...of(events, type).flatMap((event) => (event.direction === direction ? [event.bytes] : []))));
}

interface Told extends Pair {
  readonly events: Readonly<Record<Role, readonly TraceEvent[]>>;
  readonly keys: readonly string[];
  /** What passed on the transport, in hexadecimal. */
  readonly wire: Readonly<Record<Role, string>>;
}

/** A connection with certificates of both sides, data both ways, and an end in good order. */
async function told(options: PairOptions, own: Pick<ClientOptions, 'traceDetails'>): Promise<Told> {
  const events: Record<Role, TraceEvent[]> = { client: [], server: [] };
  const keys: string[] = [];
  const common = { ...own, keyLog: (line: string) => keys.push(line) };
  const both = pair({
    ...options,
    client: {
      ...options.client,
      ...common,
      trace: (event) => events.client.push(event),
      credentials: [clientCredential],
    },
    server: {
      ...options.server,
      ...common,
      trace: (event) => events.server.push(event),
      clientCertificate: 'require',
      trust: pki.trust,
    },
  });
  const wire: Record<Role, string> = { client: '', server: '' };
  const carry = (): Promise<void> =>
    exchange(both, (bytes, from) => {
      wire[from] += toHex(bytes);
      return [bytes];
    });
  await carry();
  both.client.connection.write(Buffer.from(secretText));
  both.server.connection.write(new Uint8Array(40_000).fill(7));
  await carry();
  both.client.connection.closeWrite();
  await carry();
  both.server.connection.closeWrite();
  await carry();
  assert.deepEqual([both.client.error, both.server.error], [null, null]);
  return { ...both, events, keys, wire };
}

for (const provider of providers) {
  describe(`the trace, provider ${provider.name}`, () => {
    for (const [name, version] of Object.entries(versions)) {
      const common = { versions: [version] };
      const options: PairOptions = { provider, client: common, server: common };

      it(`${name}: tells every record as it passes, and the data of both ways, where both were asked for`, async () => {
        const { events, wire } = await told(options, { traceDetails: details });
        const big = toHex(new Uint8Array(40_000).fill(7));
        const small = toHex(Buffer.from(secretText));
        for (const [role, peer] of [roles, [...roles].reverse()] as [Role, Role][]) {
          assert.equal(passed(events[role], 'wire', 'out'), wire[role]);
          assert.equal(passed(events[role], 'wire', 'in'), wire[peer]);
          const [sent, received] = role === 'client' ? [small, big] : [big, small];
          assert.equal(passed(events[role], 'data', 'out'), sent);
          assert.equal(passed(events[role], 'data', 'in'), received);
          for (const { bytes } of of(events[role], 'wire')) {
            assert.equal(bytes.length, 5 + (((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0)), 'one record an event');
          }
        }
      });

      it(`${name}: has nothing of the wire, the data or the secrets where nobody asked`, async () => {
        const { events, keys, wire } = await told(options, {});
        const all = [...events.client, ...events.server];
        assert.deepEqual([of(all, 'wire'), of(all, 'data')], [[], []]);
        const bytes = JSON.stringify(all, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value));
        assert.equal(bytes.includes(toHex(Buffer.from(secretText))), false);
        assert.ok(keys.length > 0);
        for (const line of keys) assert.equal(bytes.includes(line.split(' ')[2] ?? line), false, line.split(' ')[0]);
        assert.ok(wire.client.length > 0);
      });

      it(`${name}: tells how long shares, signatures and the certificate’s path took`, async () => {
        const { events } = await told(options, {});
        for (const role of roles) {
          const work = of(events[role], 'work');
          assert.deepEqual([...new Set(work.map(({ operation }) => operation))].sort(), [
            ...['key exchange', 'path', 'sign', 'verify'],
          ]);
          assert.equal(
            work.every(({ ms }) => ms >= 0),
            true,
          );
        }
      });
    }

    it('tells wire bytes alone, or data alone, and each listener what it asked for itself', async () => {
      const events: Record<string, TraceEvent[]> = { config: [], handlers: [] };
      const to =
        (name: string): TraceListener =>
        (event) =>
          events[name]?.push(event);
      const both = await connected({
        provider,
        server: { trace: to('config'), traceDetails: { wire: true } },
        serverHandlers: { trace: to('handlers'), traceDetails: { plaintext: true } },
      });
      both.client.connection.write(Buffer.from('x'));
      await exchange(both);
      const types = (name: string): readonly string[] => [...new Set(events[name]?.map(({ type }) => type))];
      assert.equal(types('config').includes('wire') && !types('config').includes('data'), true);
      assert.equal(types('handlers').includes('data') && !types('handlers').includes('wire'), true);
    });

    it('tells the connections of one listener apart by their numbers', async () => {
      const seen: { client: Set<number>; server: Set<number> } = { client: new Set(), server: new Set() };
      const options: PairOptions = {
        provider,
        client: { trace: ({ connection }) => seen.client.add(connection) },
        server: { trace: ({ connection }) => seen.server.add(connection) },
      };
      await connected(options);
      await connected(options);
      const numbers = [...seen.client, ...seen.server];
      assert.deepEqual([seen.client.size, seen.server.size, new Set(numbers).size], [2, 2, 4]);
      assert.equal(numbers.every(Number.isSafeInteger), true);
    });

    it('events keep what they were told, whatever becomes of the memory', async () => {
      const events: TraceEvent[] = [];
      const both = await connected({
        provider,
        server: { trace: (event) => events.push(event), traceDetails: details },
      });
      const data = new Uint8Array([1, 2, 3]);
      both.server.connection.write(data);
      data.fill(0xff);
      await exchange(both, (bytes) => {
        const copy = bytes.slice();
        bytes.fill(0);
        return [copy];
      });
      assert.deepEqual([...(of(events, 'data')[0]?.bytes ?? [])], [1, 2, 3]);
      assert.equal(
        of(events, 'wire').every(({ bytes }) => bytes[0] !== 0),
        true,
      );
    });

    it('tells what came in the place of a record', async () => {
      const events: TraceEvent[] = [];
      const { connection, error } = startServer({
        provider,
        trace: (event) => events.push(event),
        traceDetails: { wire: true },
      });
      const request = Buffer.from('GET / HTTP/1.1\r\n\r\n');
      connection.receive(request);
      assert.equal(error, undefined);
      assert.deepEqual(
        of(events, 'wire').flatMap(({ direction, bytes }) =>
          direction === 'in' ? [Buffer.from(bytes).toString()] : [],
        ),
        [request.toString()],
      );
      assert.equal(of(events, 'closed')[0]?.error?.code, 'not_tls');
    });

    it('takes nothing but true for an answer', async () => {
      const events: TraceEvent[] = [];
      const yes = 'yes' as unknown as boolean;
      const traceDetails = { wire: yes, plaintext: yes };
      const both = await connected({ provider, client: { trace: (event) => events.push(event), traceDetails } });
      both.client.connection.write(Buffer.from('x'));
      await exchange(both);
      assert.deepEqual([of(events, 'wire'), of(events, 'data')], [[], []]);
    });
  });
}
