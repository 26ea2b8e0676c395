/**
 * Records as they pass, and the messages in them: several in one, one over several, in all versions, sealed by any kind of cipher.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { concat } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';
import {
  defaultCipherSuites12,
  memoryReplayCache,
  memorySessionCache,
  type TraceDetails,
  ticketKeys,
  tls12,
} from '@handfast/tls';
import { allLegacyCipherSuites } from '@handfast/tls/legacy';
import {
  type Arrow,
  arrowsOf,
  dissectRecords,
  type Field,
  glimpsesOf,
  type Handshake,
  handshakeOf,
  isSealed,
  overheardIn,
  type RecordedEvent,
  type Recording,
  toBase64,
  type WireRecord,
  wireBytes,
} from '../../src/index.ts';
import { now, type Play, play, stage } from '../support/connection.ts';
import { all, assertTiled, at } from '../support/fields.ts';

const details: TraceDetails = { wire: true, plaintext: true };
const said = ['question', 'answer'];

const titled = (shown: Handshake, title: string, from?: string): Arrow => {
  const found = arrowsOf(shown).find((arrow) => arrow.title === title && (from === undefined || arrow.from === from));
  assert.ok(found, title);
  return found;
};
const fieldsOf = (record: WireRecord): Field => {
  const field = dissectRecords([record]).children?.[0];
  assert.ok(field);
  return field;
};
const values = (field: Field): readonly (readonly [string, string | undefined])[] =>
  (field.children ?? []).map(({ name, value }) => [name, value]);

/** That all arrows are in records, whole and once, each record is whole, and its fields are all of its bytes. */
function assertCarried(shown: Handshake): void {
  for (const { title, bytes, records, kind } of arrowsOf(shown)) {
    assert.ok(records.length > 0, `nothing carried ${title}`);
    if (kind === 'data') continue;
    const last = records.at(-1)?.pieces.findLast((piece) => piece.title === title);
    assert.ok(last && last.from + last.end - last.start === last.total, title);
    assert.equal(last.total, bytes.length, title);
  }
  for (const record of shown.records) {
    assert.equal((record.bytes[3] ?? 0) * 256 + (record.bytes[4] ?? 0) + 5, record.bytes.length);
    if (record.content !== undefined) {
      const held = record.pieces.reduce((sum, { start, end }) => sum + end - start, 0);
      assert.equal(held, record.content.length, `${record.pieces.map(({ title }) => title).join()}`);
    }
    for (const opened of [true, false]) {
      const field = dissectRecords([record], opened);
      assertTiled(field);
      for (const { name, problem } of all(field)) assert.equal(problem, undefined, name);
    }
  }
}

/** What is in the clear stands there. */
function assertReadable(shown: Handshake): void {
  for (const { title, bytes, records } of arrowsOf(shown)) {
    const [record] = records;
    const piece = record?.pieces.find((one) => one.title === title);
    if (record?.protected !== false || records.length > 1 || piece === undefined) continue;
    assert.deepEqual(record.bytes.subarray(5 + piece.start, 5 + piece.end), bytes);
  }
}

function carried(given: Play): Handshake {
  const { client, server } = play({ details, said, ...given });
  const shown = handshakeOf({ client, server });
  for (const one of [shown, handshakeOf({ client }), handshakeOf({ server })]) {
    assertCarried(one);
    assertReadable(one);
  }
  return shown;
}

describe('the records of a handshake', () => {
  it('of TLS 1.3 hold a flight together, sealed: content, type, tag', () => {
    const shown = carried({});
    const flight = ['EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished'];
    const [record, ...more] = titled(shown, 'Certificate').records;
    assert.ok(record);
    assert.deepEqual(more, []);
    assert.deepEqual(
      record.pieces.map(({ title }) => title),
      flight,
    );
    for (const title of flight) assert.deepEqual(titled(shown, title, 'server').records, [record]);
    assert.deepEqual(
      [record.protection, record.sequence, record.cipherSuite],
      ['handshake', 0, 'TLS_AES_128_GCM_SHA256'],
    );
    const field = fieldsOf(record);
    assert.equal(field.value, 'number 0 under the server’s handshake key');
    assert.deepEqual(values(field).slice(0, 3), [
      ['opaque_type', 'application_data (23)'],
      ['legacy_record_version', 'TLS 1.2 (0x0303)'],
      ['length', `${record.bytes.length - 5} bytes`],
    ]);
    assert.deepEqual(values(at(field, 'encrypted_record')).slice(0, 2), [
      ['content', flight.join(', ')],
      ['type', 'handshake (22), encrypted'],
    ]);
    assert.equal(at(field, 'encrypted_record', 'tag').value?.length, 47);
    assert.deepEqual(
      at(field, 'encrypted_record', 'content').children?.map(({ name }) => name),
      flight,
    );
    const hello = fieldsOf(titled(shown, 'ClientHello').records[0] as WireRecord);
    assert.equal(hello.name, 'TLSPlaintext');
    assert.equal(at(hello, 'type').value, 'handshake (22)');
    assert.match(at(hello, 'fragment', 'ClientHello').value ?? '', /^\d+ bytes, whole$/);
  });

  it('count under each key, from 0', () => {
    const shown = carried({ said: ['1', '2', '3'], between: (client) => client.updateKeys() });
    const sent = shown.records.filter(({ from, protection }) => from === 'client' && protection === 'application');
    assert.deepEqual(
      sent.map(({ sequence, pieces }) => [sequence, pieces[0]?.title]),
      [
        [0, 'KeyUpdate'],
        [0, 'Application data'],
        [1, 'Application data'],
        [2, 'close_notify'],
      ],
    );
  });

  it('carry a message that is longer than one of them in several', () => {
    for (const version of ['TLS 1.3', 'TLS 1.2'] as const) {
      const shown = carried({ version, client: { maxFragmentLength: 512 }, said: ['x'.repeat(1200)] });
      const parted = arrowsOf(shown).filter(({ kind, records }) => kind === 'message' && records.length > 1);
      assert.ok(parted.length > 0, version);
      for (const { title, records, bytes } of parted) {
        const pieces = records.flatMap((record) => record.pieces.filter((piece) => piece.title === title));
        let next = 0;
        for (const { from, start, end } of pieces) {
          assert.equal(from, next, title);
          next += end - start;
        }
        assert.equal(next, bytes.length, title);
      }
      const data = shown.records.filter(({ pieces }) => pieces.some(({ title }) => title === 'Application data'));
      assert.deepEqual(
        data.map(({ content }) => content?.length),
        [512, 512, 176],
      );
    }
  });

  it('show padding, where the length alone tells of it', () => {
    const shown = carried({ server: { padding: (length) => 100 - (length % 100) } });
    const [record] = titled(shown, 'Application data', 'server').records;
    assert.ok(record);
    assert.deepEqual(values(at(fieldsOf(record), 'encrypted_record')).slice(0, 3), [
      ['content', 'Application data'],
      ['type', 'application_data (23), encrypted'],
      ['zeros', '94 bytes of padding, encrypted'],
    ]);
  });

  it('of TLS 1.2 say what they hold, and carry half of the nonce', () => {
    const shown = carried({ version: 'TLS 1.2' });
    const [record] = titled(shown, 'Finished', 'client').records;
    assert.ok(record);
    const field = fieldsOf(record);
    assert.equal(at(field, 'type').value, 'handshake (22)');
    assert.deepEqual(
      values(at(field, 'encrypted_record')).map(([name]) => name),
      ['nonce_explicit', 'content', 'tag'],
    );
    // The nonce's sent part is the number that is shown.
    const { start } = at(field, 'encrypted_record', 'nonce_explicit');
    assert.equal(record.bytes[start + 7], record.sequence);
  });

  it('of early data that was refused belong to nothing, and shift nothing', () => {
    const keys = ticketKeys({ provider });
    const replay = memoryReplayCache({ time: () => new Date(now.getTime() - 60_000) });
    const client = { sessions: memorySessionCache(), earlyData: 1024 };
    play({ client, server: { tickets: { keys }, earlyData: { replay } }, said });
    const again = stage({ details, client, server: { tickets: { keys } } });
    again.server.start();
    again.client.start();
    assert.equal(again.client.writeEarlyData(new Uint8Array(200)), 200);
    for (let next = again.queue.shift(); next !== undefined; next = again.queue.shift()) next.to.receive(next.bytes);
    const { client: ours, server: theirs } = again.played();
    const shown = handshakeOf({ server: theirs });
    assert.deepEqual([shown.negotiated?.resumed, shown.negotiated?.earlyData], [true, 'rejected']);
    const passedOver = shown.records.filter(({ protected: sealed, content }) => sealed && content === undefined);
    const early = titled(handshakeOf({ client: ours }), 'Application data').records;
    assert.deepEqual([early.length, early[0]?.protection, early[0]?.sequence], [1, 'early', 0]);
    assert.deepEqual(
      passedOver.map(({ bytes }) => bytes),
      early.map(({ bytes }) => bytes),
    );
    assert.deepEqual(
      titled(shown, 'Finished', 'client').records.map(({ sequence, protection }) => [sequence, protection]),
      [[0, 'handshake']],
    );
  });

  it('sealed asynchronously are told apart all the same', async () => {
    const { client, server, queue, played } = stage({
      details,
      client: { provider: webProvider },
      server: { provider: webProvider },
    });
    const busy = (): boolean => [client, server].some(({ parked, opening, sealing }) => parked || opening || sealing);
    const carry = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        while (busy()) await setImmediate();
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          quiet = 0;
          for (let rest: Uint8Array = next.bytes; rest.length > 0; ) {
            rest = rest.subarray(next.to.receive(rest));
            while (busy()) await setImmediate();
          }
        }
        await setImmediate();
      }
    };
    server.start();
    client.start();
    await carry();
    assert.equal(client.phase, 'connected');
    for (let turn = 0; turn < 40; turn++) client.write(new Uint8Array(1 + turn));
    await carry();
    client.closeWrite();
    await carry();
    const shown = handshakeOf(played());
    assertCarried(shown);
    assert.equal(shown.records.filter(({ content }) => content?.type === 23).length, 40);
    for (const parts of [{ client: played().client }, { server: played().server }]) assertCarried(handshakeOf(parts));
  });

  it('are none where the wire was not recorded', () => {
    const shown = handshakeOf(play({ said }));
    assert.deepEqual(shown.records, []);
    assert.equal(
      arrowsOf(shown).some(({ records }) => records.length > 0),
      false,
    );
  });

  it('of a capture without its key log are sealed, and nothing of them is in the clear', () => {
    const { client } = play({ details, said });
    const sealed = (event: RecordedEvent): readonly RecordedEvent[] => {
      if (event.type === 'key' || event.type === 'data') return [];
      if (event.type !== 'record' || !event.protected) return [event];
      const length = event.length + 17;
      return [{ ...event, contentType: 23, length }];
    };
    const events = client.events
      .flatMap(sealed)
      .filter((event) => event.type !== 'message' || /hello/.test(event.name));
    const arrows = arrowsOf(handshakeOf({ client: { ...client, events } }));
    assert.deepEqual(
      arrows.filter((arrow) => !isSealed(arrow)).flatMap(({ kind, title }) => (kind === 'alert' ? [] : [title])),
      ['ClientHello', 'ServerHello', 'ChangeCipherSpec'],
    );
    assert.ok(arrows.some((arrow) => isSealed(arrow)));
  });

  it('that nobody has opened say so', () => {
    const { client } = play({ details });
    const events = client.events.filter(({ type }) => type === 'wire');
    const shown = handshakeOf({ client: { ...client, events } });
    const sealed = shown.records.find(({ protected: isSealed }) => isSealed);
    assert.ok(sealed);
    assert.deepEqual(values(fieldsOf(sealed)).at(-1), ['encrypted', 'unreadable']);
  });

  it('of a file that somebody made up are only what they say', () => {
    const { client } = play({ details, said });
    const spoilt = (change: (event: RecordedEvent, nth: number) => readonly RecordedEvent[]): Recording => ({
      ...client,
      events: client.events.flatMap(change),
    });
    const empty = toBase64(new Uint8Array(0));
    const all: readonly Recording[] = [
      spoilt((event) => (event.type === 'wire' ? [{ ...event, bytes: empty }] : [event])),
      spoilt((event) => (event.type === 'record' ? [{ ...event, length: 1e9 }] : [event])),
      spoilt((event) => (event.type === 'record' ? [{ ...event, length: 0 }, event, event] : [event])),
      spoilt((event) => (event.type === 'message' ? [] : [event])),
      ...['_WITH__CBC_', 'CCM_8', '_WITH_RC4_SHA384', ''].map((cipherSuite) =>
        spoilt((event) => (event.type === 'key' ? [{ ...event, cipherSuite }] : [event])),
      ),
      spoilt((event, nth) => (nth % 2 === 0 ? [event] : [])),
    ];
    for (const recording of all) {
      const records = handshakeOf({ client: recording }).records.flatMap((record) => [
        record,
        { ...record, encryptThenMac: true },
      ]);
      const field = dissectRecords(records);
      assertTiled(field);
      assert.equal(field.end, wireBytes(records).length);
    }
  });
});

describe('what somebody in between sees', () => {
  it('are the hellos, and lengths', () => {
    const shown = carried({});
    const glimpses = glimpsesOf(shown);
    assert.deepEqual(
      glimpses.filter(({ readable }) => readable).map(({ title }) => title),
      ['ClientHello', 'ServerHello', 'ChangeCipherSpec', 'ChangeCipherSpec'],
    );
    const sealed = glimpses.filter(({ readable }) => !readable);
    assert.deepEqual(
      [...new Set(sealed.map(({ title, type }) => `${title}: ${type}`))],
      ['Encrypted: application_data (23)'],
    );
    const { read, records, bytes } = overheardIn(glimpses);
    assert.deepEqual(read, ['ClientHello', 'ServerHello', 'ChangeCipherSpec']);
    assert.equal(records, sealed.length);
    assert.equal(bytes, concat(...sealed.map(({ record }) => record.bytes.subarray(5))).length);
    const field = dissectRecords([sealed[0]?.record as WireRecord], false);
    assert.doesNotMatch(JSON.stringify(field), /Certificate|handshake key|22/);
  });

  it('is more before TLS 1.3: who is who, and what is an alert', () => {
    const glimpses = glimpsesOf(carried({ version: 'TLS 1.2' }));
    assert.ok(overheardIn(glimpses).read.includes('Certificate'));
    assert.deepEqual(
      [...new Set(glimpses.filter(({ readable }) => !readable).map(({ title }) => title))],
      ['A handshake message', 'Encrypted', 'An alert'],
    );
  });
});

describe('the records of old suites', () => {
  const suites = [...allLegacyCipherSuites, ...defaultCipherSuites12];
  /** The parts of the client's Finished, encrypted, and how long they are. */
  const parts = (name: string): readonly string[] => {
    const cipherSuites = suites.filter((suite) => suite.name === `TLS_ECDHE_ECDSA_WITH_${name}`);
    assert.equal(cipherSuites.length, 1, name);
    const options = { provider: nodeLegacyProvider, versions: [tls12], cipherSuites };
    const [record] = titled(carried({ client: options, server: options }), 'Finished', 'client').records;
    assert.ok(record);
    return lengthsIn(record);
  };
  const lengthsIn = (record: WireRecord): readonly string[] =>
    (at(fieldsOf(record), 'encrypted_record').children ?? []).map(({ name, start, end }) => `${name} ${end - start}`);

  it('have what their cipher wants: an IV, a MAC, padding', () => {
    assert.deepEqual(parts('AES_128_CBC_SHA256'), ['IV 16', 'content 16', 'padding 16', 'MAC 32']);
    assert.deepEqual(parts('RC4_128_SHA'), ['content 16', 'MAC 20']);
    assert.deepEqual(parts('AES_128_CCM_8'), ['nonce_explicit 8', 'content 16', 'tag 8']);
    assert.deepEqual(parts('CHACHA20_POLY1305_SHA256'), ['content 16', 'tag 16']);
  });

  it('have the MAC inside where encrypt_then_mac was not agreed on', () => {
    const cbc = (cipherSuite: string, payload: number, minor = 3): WireRecord => ({
      ...{ from: 'client', at: 0, protection: 'application', protected: true, cipherSuite, encryptThenMac: false },
      bytes: Uint8Array.of(22, 3, minor, 0, payload, ...new Uint8Array(payload)),
      sequence: 0,
      content: { type: 22, length: 16 },
      pieces: [{ title: 'Finished', start: 0, end: 16, from: 0, total: 16 }],
    });
    assert.deepEqual(lengthsIn(cbc('TLS_RSA_WITH_AES_128_CBC_SHA', 64)), [
      ...['IV 16', 'content 16', 'MAC 20', 'padding 12'],
    ]);
    assert.deepEqual(lengthsIn(cbc('TLS_RSA_WITH_3DES_EDE_CBC_SHA', 48)), [
      ...['IV 8', 'content 16', 'MAC 20', 'padding 4'],
    ]);
    // Before TLS 1.1 a record is mixed with the end of the one before it.
    assert.deepEqual(lengthsIn(cbc('TLS_RSA_WITH_AES_128_CBC_SHA', 48, 1)), ['content 16', 'MAC 20', 'padding 12']);
  });
});
