/**
 * A hostile wire between a client and a server of ours: it drops, repeats, swaps, cuts, changes and puts in records and
 * bytes, of every flight, both ways. Whatever it does, both sides end, in a way that is defined; and where both say that
 * they are connected they are so with each other, on the same terms, and have the same data.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, concat, copyBytes, toHex } from '@handfast/crypto';
import fc from 'fast-check';
import {
  clientConfig,
  clientResumption,
  type Negotiated,
  namedGroups,
  type Session,
  serverConfig,
  type TraceEvent,
  ticketKeys,
  tls12,
  tls13,
  tlsClient,
  tlsServer,
  type Version,
} from '../src/index.ts';
import { secureRenegotiation } from '../src/legacy/index.ts';
import { clientCredential, pki, serverCredential } from './support/identities.ts';
import {
  clientDefaults,
  connected,
  exchange,
  type PairOptions,
  providers,
  recorder,
  type Side,
  serverDefaults,
  settled,
  type Wire,
} from './support/pair.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const [secp256r1, x25519] = [
  groups.filter(({ name }) => name === 'secp256r1'),
  groups.filter(({ name }) => name === 'x25519'),
];

const mutual: PairOptions = {
  client: { groups: x25519, credentials: [clientCredential], alpnProtocols: ['a', 'b'], recordSizeLimit: 200 },
  server: {
    groups: x25519,
    clientCertificate: 'require',
    trust: pki.trust,
    alpnProtocols: ['b'],
    recordSizeLimit: 300,
  },
};
const stapled = { ...serverCredential, ocspResponse: () => Uint8Array.of(0x30, 0) };
const renegotiation = secureRenegotiation({ most: 4 });

/** What both sides have, and the version that they must come to. */
interface Scenarios {
  readonly versions: readonly Version[];
  readonly comesTo: Negotiated['version'];
  readonly all: Readonly<Record<string, PairOptions>>;
}

const plain: PairOptions = { client: { groups: x25519 }, server: { groups: x25519 } };

const families: readonly Scenarios[] = [
  {
    versions: [tls13],
    comesTo: 'TLS 1.3',
    all: {
      plain,
      'with HelloRetryRequest': {
        client: { groups, keyShares: x25519 },
        server: { groups: secp256r1, retryCookie: true },
      },
      'with a client certificate, ALPN and small records': mutual,
    },
  },
  {
    versions: [tls12],
    comesTo: 'TLS 1.2',
    // The server's key is on secp256r1, which a client of TLS 1.2 must list.
    all: {
      plain: { client: { groups }, server: { groups: x25519 } },
      'with a client certificate, ALPN, a staple and small records': {
        client: { ...mutual.client, groups },
        server: { ...mutual.server, groups, credentials: [stapled] },
      },
      'with renegotiation': {
        client: { groups: secp256r1, renegotiation },
        server: { groups: secp256r1, renegotiation },
      },
    },
  },
  {
    versions: [tls13, tls12],
    comesTo: 'TLS 1.3',
    all: { 'plain, and could do less': { client: { groups }, server: { groups } } },
  },
];

/** A client that has a session of the server, the same for every connection, and that they both know. */
async function withSession(provider: CryptoProvider): Promise<PairOptions> {
  const kept: Session[] = [];
  const resumption = clientResumption;
  const tickets = { keys: ticketKeys({ provider }) };
  const cache = { resumption, take: () => undefined, put: (_: string, session: Session) => void kept.push(session) };
  const nothing = () => undefined;
  await connected({
    provider,
    client: { groups: x25519, sessions: { ...cache, remove: nothing } },
    server: { groups: x25519, tickets },
  });
  const [session] = kept;
  assert.ok(session, 'the server gave no ticket');
  // Whoever takes a session wipes its secret.
  const take = (): Session => ({ ...session, secret: copyBytes(session.secret) });
  return {
    client: { groups: x25519, sessions: { resumption, take, put: nothing, remove: nothing } },
    server: { groups: x25519, tickets },
  };
}
const sessions = new Map<CryptoProvider, PairOptions>();
for (const provider of providers) sessions.set(provider, await withSession(provider));

/** A side, and what must not happen twice. */
interface Watched extends Side {
  readonly closedCalls: number;
  readonly fatalAlerts: readonly string[];
  /** Its handshake came to its end, though what came in the same input may have ended it before it could say so. */
  readonly done: boolean;
  /** It has sent close_notify. */
  readonly saidGoodbye: boolean;
  readonly exported: string | undefined;
  readonly seen: Negotiated | undefined;
}

function watched(role: 'client' | 'server', provider: CryptoProvider, options: PairOptions): Watched {
  const { side, handlers } = recorder();
  const state = {
    closedCalls: 0,
    fatalAlerts: [] as string[],
    done: false,
    saidGoodbye: false,
    exported: undefined as string | undefined,
    seen: undefined as Negotiated | undefined,
  };
  const trace = (event: TraceEvent): void => {
    if (event.type === 'established') state.done = true;
    if (event.type !== 'alert' || event.direction !== 'out') return;
    if (event.level === 2) state.fatalAlerts.push(event.alert);
    else if (event.alert === 'close_notify') state.saidGoodbye = true;
  };
  const watching = {
    ...handlers,
    established: (negotiated: Negotiated) => {
      handlers.established?.(negotiated);
      state.seen = negotiated;
      state.exported = toHex(connection.exportKeyingMaterial(32, 'test'));
    },
    closed: (error: Parameters<NonNullable<typeof handlers.closed>>[0]) => {
      state.closedCalls++;
      handlers.closed?.(error);
    },
  };
  const connection =
    role === 'client'
      ? tlsClient(
          clientConfig({ ...clientDefaults(provider), ...options.client, trace }),
          { serverName: 'localhost' },
          watching,
        )
      : tlsServer(serverConfig({ ...serverDefaults(provider), ...options.server, trace }), watching);
  connection.start();
  const properties = {
    connection: { value: connection },
    closedCalls: { get: () => state.closedCalls },
    fatalAlerts: { get: () => state.fatalAlerts },
    done: { get: () => state.done },
    saidGoodbye: { get: () => state.saidGoodbye },
    exported: { get: () => state.exported },
    seen: { get: () => state.seen },
  };
  return Object.defineProperties(side, properties) as Watched;
}

const fromClient = Buffer.from('from the client '.repeat(40));
const fromServer = Buffer.from('from the server '.repeat(40));

/**
 * A whole life over `wire`: handshake, data both ways with fresh keys between them (a key update, or before TLS 1.3 another
 * handshake, where both want it), close_notify both ways, the transport's end.
 */
async function live(
  provider: CryptoProvider,
  options: PairOptions,
  wire: Wire,
): Promise<{ readonly client: Watched; readonly server: Watched }> {
  const both = { client: watched('client', provider, options), server: watched('server', provider, options) };
  await exchange(both, wire);
  for (const [{ connection }, data] of [
    [both.client, fromClient],
    [both.server, fromServer],
  ] as const) {
    if (connection.phase !== 'connected') continue;
    connection.write(data.subarray(0, 100));
    if (connection.negotiated?.version === 'TLS 1.3') connection.updateKeys({ requestPeer: true });
    else if (options.client?.renegotiation) connection.renegotiate();
    connection.write(data.subarray(100));
  }
  await exchange(both, wire);
  for (const { connection } of [both.client, both.server]) if (connection.phase !== 'closed') connection.closeWrite();
  await exchange(both, wire);
  for (const { connection } of [both.client, both.server]) connection.receiveEnd();
  await settled(both.client, both.server);
  return both;
}

function check(
  { client, server }: { readonly client: Watched; readonly server: Watched },
  { comesTo }: Scenarios,
  options: PairOptions,
): void {
  const before13 = comesTo !== 'TLS 1.3';
  for (const side of [client, server]) {
    assert.ok(side.closedCalls <= 1, `closed ${side.closedCalls} times`);
    assert.ok(side.fatalAlerts.length <= 1, `alerts: ${side.fatalAlerts.join(', ')}`);
    assert.notEqual(side.error?.code, 'internal', side.error?.message);
    // A close_notify of the peer whose own end was lost leaves our side closing; anything else has ended.
    assert.equal(side.connection.phase, side.error === undefined ? 'closing' : 'closed');
    // Before TLS 1.3 our own close_notify is enough (RFC 5246 §7.2.1).
    if (side.error === null) assert.equal((side.ended || (before13 && side.saidGoodbye)) && side.established, true);
    if (side.done) assert.equal(side.seen?.version ?? comesTo, comesTo);
    // The error names the alert that was sent; after our close_notify nothing is.
    if (side.error?.origin === 'local' && side.error.alert !== null && !side.saidGoodbye) {
      assert.deepEqual(side.fatalAlerts, [side.error.alert]);
    } else assert.deepEqual(side.fatalAlerts, []);
  }
  // Each has a beginning of what the other said, and all of it where it saw its close_notify.
  for (const [reader, writer, all] of [
    [server, client, fromClient],
    [client, server, fromServer],
  ] as const) {
    const got = Buffer.concat(reader.data);
    const sent = writer.established ? all : all.subarray(0, 0);
    assert.ok(sent.subarray(0, got.length).equals(got), 'other data than was sent');
    // What is held for a renegotiation is lost where the peer says goodbye meanwhile.
    if (reader.ended && options.client?.renegotiation === undefined) assert.equal(got.length, sent.length);
  }
  // Who has the other's Finished knows that the other has come to its own.
  const [last, first] = before13 ? [client, server] : [server, client];
  if (last.established) assert.equal(first.done, true, 'one side stands alone');
  if (client.established && server.established) {
    const { signatureScheme, peerSignatureScheme, peer, ...agreed } = client.seen ?? assert.fail();
    const {
      signatureScheme: theirs,
      peerSignatureScheme: ours,
      peer: clientPeer,
      ...theirsAgreed
    } = server.seen ?? assert.fail();
    assert.deepEqual(agreed, theirsAgreed);
    assert.deepEqual([signatureScheme, peerSignatureScheme], [ours, theirs]);
    // A session that goes on knows the server without a signature, from the certificate that it showed then.
    assert.equal(agreed.resumed, options.client?.sessions !== undefined);
    assert.deepEqual(
      [peer !== undefined, clientPeer !== undefined],
      [theirs !== undefined || agreed.resumed, signatureScheme !== undefined],
    );
    assert.equal(client.exported, server.exported);
  }
}

type Direction = 'client' | 'server';
const direction: fc.Arbitrary<Direction> = fc.constantFrom('client', 'server');

/** What is done to the `nth` record of one direction. */
interface RecordChange {
  readonly from: Direction;
  readonly nth: number;
  readonly what: 'drop' | 'repeat' | 'swap' | 'cut' | 'flip' | 'split' | 'late';
  readonly at: number;
}

const recordChange: fc.Arbitrary<RecordChange> = fc.record({
  from: direction,
  nth: fc.nat(9),
  what: fc.constantFrom('drop', 'repeat', 'swap', 'cut', 'flip', 'split', 'late'),
  at: fc.nat(8000),
});

function recordWire(changes: readonly RecordChange[]): Wire {
  const counts = { client: 0, server: 0 };
  const held: Record<Direction, Uint8Array[]> = { client: [], server: [] };
  return (bytes, from) => {
    const nth = counts[from]++;
    const before = held[from].splice(0);
    let now: readonly Uint8Array[] = [bytes];
    for (const { what, at } of changes.filter((one) => one.from === from && one.nth === nth)) {
      now = now.flatMap((one): readonly Uint8Array[] => {
        const place = at % Math.max(1, one.length);
        switch (what) {
          case 'drop':
            return [];
          case 'repeat':
            return [one, one];
          case 'swap':
            held[from].push(one);
            return [];
          case 'cut':
            return [one.subarray(0, place)];
          case 'flip':
            return [one.map((byte, i) => (i === place ? byte ^ (1 << (at >> 10)) : byte))];
          case 'split':
            return [one.subarray(0, place), one.subarray(place)];
          default:
            return [concat(...before, one), ...before];
        }
      });
    }
    return [...now, ...before];
  };
}

/** What is done at one byte of one direction's stream. */
interface ByteChange {
  readonly from: Direction;
  readonly at: number;
  readonly what: 'flip' | 'remove' | 'insert' | 'double';
  readonly with: Uint8Array;
}

const byteChange: fc.Arbitrary<ByteChange> = fc.record({
  from: direction,
  // The handshake's bytes and the first data's; the small numbers, which hit hellos and headers, more often.
  at: fc.oneof(fc.nat(140), fc.nat(1500), fc.nat(4500)),
  what: fc.constantFrom('flip', 'remove', 'insert', 'double'),
  with: fc.uint8Array({ minLength: 1, maxLength: 6 }),
});

function byteWire(changes: readonly ByteChange[]): Wire {
  const passed = { client: 0, server: 0 };
  return (bytes, from) => {
    const start = passed[from];
    passed[from] += bytes.length;
    let out: Bytes = bytes;
    for (const { at, what, with: other } of changes.filter((one) => one.from === from)) {
      const place = at - start;
      if (place < 0 || place >= bytes.length) continue;
      const [head, tail] = [out.subarray(0, place), out.subarray(place)];
      if (what === 'flip')
        out = concat(
          head,
          tail.map((byte, i) => byte ^ (other[i] ?? 0)),
        );
      else if (what === 'remove') out = concat(head, tail.subarray(other.length));
      else out = concat(head, what === 'insert' ? other : tail.subarray(0, other.length), tail);
    }
    return [out];
  };
}

for (const provider of providers) {
  for (const family of families) {
    const name = family.versions.map((version) => version.name).join(' and ');
    describe(`a hostile wire, ${name}, provider ${provider.name}`, { timeout: 60_000 }, () => {
      const numRuns = (provider === providers[0] ? 80 : 20) / (family === families[0] ? 1 : 2);
      const resuming = family === families[0] ? { 'with a session that goes on': sessions.get(provider) ?? {} } : {};
      const scenarios = Object.entries({ ...family.all, ...resuming }).map(
        ([title, { client, server }]): readonly [string, PairOptions] => [
          title,
          { client: { ...client, versions: family.versions }, server: { ...server, versions: family.versions } },
        ],
      );
      const [, simple] = scenarios[0] ?? assert.fail();

      for (const [title, options] of scenarios) {
        it(`that does nothing: ${title}`, async () => {
          const both = await live(provider, options, (bytes) => [bytes]);
          check(both, family, options);
          assert.deepEqual([both.client.error, both.server.error], [null, null]);
          assert.deepEqual([both.client.text(), both.server.text()], [fromServer.toString(), fromClient.toString()]);
        });

        it(`that changes records: ${title}`, async () => {
          await fc.assert(
            fc.asyncProperty(fc.array(recordChange, { minLength: 1, maxLength: 3 }), async (changes) => {
              check(await live(provider, options, recordWire(changes)), family, options);
            }),
            { numRuns },
          );
        });

        it(`that changes bytes: ${title}`, async () => {
          await fc.assert(
            fc.asyncProperty(fc.array(byteChange, { minLength: 1, maxLength: 3 }), async (changes) => {
              check(await live(provider, options, byteWire(changes)), family, options);
            }),
            { numRuns },
          );
        });
      }

      it('that flips any one bit of a handshake lets neither side be fooled', async () => {
        // Every 37th bit of both directions, so that all fields are met over time; record versions alone may change.
        await fc.assert(
          fc.asyncProperty(direction, fc.nat(1100), fc.nat(7), async (from, at, bit) => {
            const change: ByteChange = { from, at, what: 'flip', with: Uint8Array.of(1 << bit) };
            check(await live(provider, simple, byteWire([change])), family, simple);
          }),
          { numRuns },
        );
      });

      it('that brings garbage ends a side at once', async () => {
        await fc.assert(
          fc.asyncProperty(direction, fc.uint8Array({ minLength: 5, maxLength: 300 }), async (from, garbage) => {
            let sent = false;
            const wire: Wire = (bytes, sender) => {
              if (sender !== from || sent) return [bytes];
              sent = true;
              return [garbage, bytes];
            };
            check(await live(provider, simple, wire), family, simple);
          }),
          { numRuns },
        );
      });
    });
  }
}
