/**
 * The record queue: with an AEAD that answers late and in any order, both sides see what they would see with one that answers at
 * once.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import fc from 'fast-check';
import { clientConfig, type TlsError, tls12, tls13, tlsClient, type Version } from '../../src/index.ts';
import { mostAhead } from '../../src/record/read-queue.ts';
import { HeldAeads, turn } from '../support/held-aeads.ts';
import { clientDefaults, exchange, type Pair, recorder, type Side, startServer } from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';

interface Rig extends Pair {
  readonly held: HeldAeads;
  /** How often the client was told that there is room again. */
  readonly told: { resume: number; drained: number };
}

/** A client whose AEADs are held from the handshake's end on, and a server that is synchronous. */
async function rig(version: Version = tls13): Promise<Rig> {
  const held = new HeldAeads();
  const { side, handlers } = recorder();
  const told = { resume: 0, drained: 0 };
  const config = clientConfig({ ...clientDefaults(held.provider), versions: [version] });
  const connection = tlsClient(
    config,
    { serverName: 'localhost' },
    { ...handlers, resume: () => told.resume++, drained: () => told.drained++ },
  );
  const client = Object.defineProperty(side, 'connection', { value: connection }) as Side;
  connection.start();
  const server = startServer({ versions: [version] });
  await exchange({ client, server });
  assert.deepEqual([client.established, server.established, client.error], [true, true, undefined]);
  held.holds = true;
  Object.assign(told, { resume: 0, drained: 0 });
  return { client, server, held, told };
}

const sent = (side: Side): Bytes => concat(...side.outbox.splice(0));
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Gives all of it, letting answers come where no more is taken. */
async function giveAll({ client, held }: Rig, input: Uint8Array, pick?: (count: number) => number): Promise<void> {
  let at = 0;
  while (at < input.length) {
    const chunk = input.slice(at);
    at += client.connection.receive(chunk);
    chunk.fill(0xaa); // borrowed no longer than the call
    if (at < input.length) await held.release(pick?.(held.pending.length));
  }
}

/** The records, one of them changed on its way. */
function spoiled(input: Bytes, at: number): Bytes {
  const changed = (record: Uint8Array): Uint8Array => record.with(-1, (record.at(-1) as number) ^ 1);
  return concat(...recordsIn(input).map((record, index) => (index === at ? changed(record) : record)));
}

const isWiped = (plaintext: Bytes): boolean => plaintext.subarray(0, -1).every((byte) => byte === 0);

/** What the server does. */
const act = fc.oneof(
  { weight: 4, arbitrary: fc.constant('write' as const) },
  fc.constant('update' as const),
  fc.constant('update, asking for one' as const),
  fc.constant('client writes' as const),
  fc.constant('client updates' as const),
);

for (const version of [tls13, tls12]) {
  describe(`the record queue, ${version.name}`, () => {
    it('keeps order, whatever the order of answers, with key updates of both sides between', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(act, { minLength: 1, maxLength: 40 }),
          fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
          fc.integer({ min: 1, max: 400 }),
          async (acts, order, cut) => {
            const all = await rig(version);
            const { client, server, held } = all;
            let picks = 0;
            const pick = (count: number): number => (order[picks++ % order.length] as number) % count;
            let [fromServer, fromClient] = ['', ''];
            for (const [at, what] of acts.entries()) {
              const updates = version === tls13;
              if (what === 'write') {
                server.connection.write(bytes(`<${at}>`));
                fromServer += `<${at}>`;
              } else if (what === 'client writes') {
                client.connection.write(bytes(`(${at})`));
                fromClient += `(${at})`;
              } else if (!updates) continue;
              else if (what === 'client updates') client.connection.updateKeys({ requestPeer: at % 2 === 0 });
              else server.connection.updateKeys({ requestPeer: what !== 'update' });
            }
            const input = sent(server);
            for (let at = 0; at < input.length; at += cut) await giveAll(all, input.slice(at, at + cut), pick);
            await held.releaseAll(pick);
            client.connection.write(bytes('(last)'));
            await held.releaseAll(pick);
            held.holds = false;
            await exchange(all);
            assert.deepEqual([client.error, server.error], [undefined, undefined]);
            assert.equal(client.text(), fromServer);
            assert.equal(server.text(), `${fromClient}(last)`);
          },
        ),
        { numRuns: 40 },
      );
    });

    it('tells of a record that was changed when its turn comes, and wipes what was opened behind it', async () => {
      const all = await rig(version);
      const { client, server, held } = all;
      for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) server.connection.write(bytes(text));
      await giveAll(all, spoiled(sent(server), 3));
      assert.equal(client.connection.opening, true);
      // One at a time at first, then more; the last come first.
      await held.releaseAll((count) => count - 1);
      assert.equal(client.text(), 'onetwothree');
      assert.equal(client.error?.code, 'bad_record_mac');
      assert.equal(client.error?.alert, 'bad_record_mac');
      assert.equal(client.connection.opening, false);
      const behind = held.opened.slice(held.opened.findIndex((plaintext) => isWiped(plaintext)));
      assert.ok(behind.length > 0 && behind.every(isWiped));
    });

    it('ends in order: nothing behind a close_notify is looked at, and it is wiped', async () => {
      const all = await rig(version);
      const { client, server, held } = all;
      for (let i = 0; i < 8; i++) server.connection.write(bytes('data.'));
      const before = sent(server);
      server.connection.closeWrite();
      await giveAll(all, concat(before, sent(server), bytes('no record at all, and much longer than one')));
      await held.releaseAll((count) => count - 1);
      assert.equal(client.text(), 'data.'.repeat(8));
      assert.equal(client.ended, true);
      assert.equal(client.error ?? undefined, undefined);
      assert.equal(client.connection.opening, false);
    });

    it('counts bytes that are no record after the records before them', async () => {
      const all = await rig(version);
      const { client, server, held } = all;
      server.connection.write(bytes('before'));
      const input = concat(sent(server), bytes('GET / HTTP/1.1\r\n'));
      const taken = client.connection.receive(input);
      assert.equal(input.length - taken, 16);
      assert.deepEqual([client.connection.parked, client.error], [true, undefined]);
      await held.releaseAll();
      assert.equal(client.text(), 'before');
      assert.equal(client.error?.code, 'unexpected_message');
      assert.match(client.error?.message ?? '', /unknown type 71/);
    });

    it('the transport’s end waits for what is being opened', async () => {
      for (const goodbye of [true, false]) {
        const all = await rig(version);
        const { client, server, held } = all;
        server.connection.write(bytes('the end'));
        if (goodbye) server.connection.closeWrite();
        await giveAll(all, sent(server));
        client.connection.receiveEnd();
        assert.equal(client.error, undefined);
        await held.releaseAll();
        assert.deepEqual([client.text(), client.ended], ['the end', goodbye]);
        assert.equal((client.error as TlsError | undefined)?.code, goodbye ? undefined : 'truncated');
      }
    });

    it('after the end, what was being opened is wiped when it comes, and nobody hears of it', async () => {
      const all = await rig(version);
      const { client, server, held } = all;
      for (let i = 0; i < 9; i++) server.connection.write(bytes(`secret ${i}`));
      await giveAll(all, sent(server));
      await held.release();
      await held.release();
      const text = client.text();
      assert.ok(held.count('open') > 1);
      client.connection.abort();
      await held.releaseAll();
      assert.equal(client.text(), text);
      assert.equal(client.error?.code, 'aborted');
      const after = held.opened.slice(-2);
      assert.ok(after.every(isWiped));
    });

    it('takes only so much ahead, and says when there is room again', async () => {
      const all = await rig(version);
      const { client, server, held, told } = all;
      const sizes = [
        [1, mostAhead.records],
        [16_384, Math.ceil(mostAhead.bytes / 16_384)],
      ] as const;
      for (const [size, most] of sizes) {
        for (let i = 0; i < 200; i++) server.connection.write(new Uint8Array(size).fill(65));
        const input = sent(server);
        const before = client.text().length;
        let at = 0;
        let fullest = 0;
        while (at < input.length) {
          const from = at;
          at += client.connection.receive(input.subarray(at));
          fullest = Math.max(fullest, recordsIn(input.slice(from, at)).length);
          if (at === input.length) break;
          assert.equal(client.connection.parked, true);
          assert.equal(client.connection.receive(input.subarray(at)), 0);
          const { resume } = told;
          while (told.resume === resume) await held.release();
          assert.equal(client.connection.parked, false);
        }
        await held.releaseAll();
        assert.equal(client.text().length - before, 200 * size);
        assert.ok(fullest <= most && fullest >= most - 2, `${fullest} of ${most}`);
      }
    });

    it('writes only so much ahead, holds the rest, and says when all is out', async () => {
      const all = await rig(version);
      const { client, server, held, told } = all;
      const data = new Uint8Array(2 * 1024 * 1024).fill(66);
      client.connection.write(data);
      client.connection.write(bytes('then this'));
      client.connection.closeWrite();
      data.fill(0);
      assert.deepEqual([client.connection.holding, client.connection.sealing, told.drained], [true, true, 0]);
      assert.equal(client.connection.writable, false);
      let most = 0;
      while (held.pending.length > 0) {
        most = Math.max(most, held.count('seal'));
        await held.release(held.pending.length - 1);
      }
      assert.equal(most, 16);
      assert.deepEqual([client.connection.holding, client.connection.sealing, told.drained], [false, false, 1]);
      held.holds = false;
      await exchange(all);
      assert.equal(server.text(), `${'B'.repeat(data.length)}then this`);
      assert.deepEqual([server.ended, server.error ?? undefined], [true, undefined]);
    });

    it('an alert of ours goes out behind what is sealed, before what is held', async () => {
      const all = await rig(version);
      const { client, server, held } = all;
      client.connection.write(new Uint8Array(1024 * 1024).fill(67));
      server.connection.write(bytes('x'));
      client.connection.receive(spoiled(sent(server), 0));
      await held.releaseAll((count) => count - 1);
      assert.equal(client.error?.code, 'bad_record_mac');
      held.holds = false;
      await exchange(all);
      assert.equal(server.error?.alert, 'bad_record_mac');
      assert.equal(server.error?.origin, 'peer');
      assert.equal(server.text().length, 16 * 16_384);
      assert.equal(client.connection.holding, false);
    });
  });
}

describe('the record queue, key updates', () => {
  it('what was opened ahead under the old key is opened again, and its failure was none', async () => {
    const all = await rig();
    const { client, server, held } = all;
    for (let i = 0; i < 8; i++) server.connection.write(bytes('a'));
    server.connection.updateKeys({ requestPeer: true });
    for (let i = 0; i < 4; i++) server.connection.write(bytes('b'));
    await giveAll(all, sent(server));
    await held.releaseAll((count) => count - 1);
    assert.equal(client.text(), 'aaaaaaaabbbb');
    assert.equal(client.error, undefined);
    assert.ok(held.opens > 13, 'some were opened twice');
  });

  it('a record that was changed behind a KeyUpdate fails under the new key alone', async () => {
    const all = await rig();
    const { client, server, held } = all;
    for (let i = 0; i < 8; i++) server.connection.write(bytes('a'));
    server.connection.updateKeys();
    server.connection.write(bytes('b'));
    server.connection.write(bytes('c'));
    await giveAll(all, spoiled(sent(server), 10));
    await held.releaseAll((count) => count - 1);
    assert.equal(client.text(), 'aaaaaaaab');
    assert.equal(client.error?.code, 'bad_record_mac');
  });

  it('a peer that updates its keys with every record has each opened three times at the most', async () => {
    const all = await rig();
    const { client, server, held } = all;
    for (let i = 0; i < 150; i++) {
      server.connection.write(bytes('.'));
      server.connection.updateKeys();
    }
    const before = held.opens;
    await giveAll(all, sent(server));
    await held.releaseAll();
    assert.deepEqual([client.text().length, client.error], [150, undefined]);
    assert.ok(held.opens - before <= 3 * 300, `${held.opens - before} for 300`);
  });
});

it('with a synchronous AEAD nothing waits', async () => {
  const config = clientConfig(clientDefaults(nodeProvider));
  const { side, handlers } = recorder();
  const connection = tlsClient(config, { serverName: 'localhost' }, handlers);
  const client = Object.defineProperty(side, 'connection', { value: connection }) as Side;
  connection.start();
  const server = startServer();
  await exchange({ client, server });
  server.connection.write(new Uint8Array(200_000));
  const input = sent(server);
  assert.equal(connection.receive(input), input.length);
  assert.deepEqual([connection.opening, connection.parked], [false, false]);
  connection.write(new Uint8Array(2_000_000));
  assert.deepEqual([connection.sealing, connection.holding], [false, false]);
  await turn();
  assert.equal(client.text().length, 200_000);
});
