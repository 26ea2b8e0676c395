/**
 * Recordings as ladders: from one side or both, good, failed, resumed; choices, keys, and what was never understood.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { memorySessionCache, ticketKeys } from '@handfast/tls';
import {
  type Arrow,
  arrowsOf,
  choicesOf,
  dissectArrow,
  type Handshake,
  handshakeOf,
  is13,
  type RecordedEvent,
  type Recording,
  scheduleOf,
  summary,
  toBase64,
} from '../../src/index.ts';
import { clientCredential, expired, play } from '../support/connection.ts';

const details = { plaintext: true } as const;
const titles = (shown: Handshake): readonly string[] => arrowsOf(shown).map(({ from, title }) => `${from}: ${title}`);
const titled = (shown: Handshake, title: string): Arrow => {
  const found = arrowsOf(shown).find((arrow) => arrow.title === title);
  assert.ok(found, title);
  return found;
};
const notes = (shown: Handshake): readonly string[] =>
  shown.flights.flatMap(({ rungs }) => rungs.flatMap(({ note }) => (note ? [`${note.party} ${note.kind}`] : [])));

/** Who receives one in TLS 1.3 takes no notice of it, and so it is in no recording of his. */
const withoutChange = (all: readonly string[]): readonly string[] =>
  all.filter((title) => !title.endsWith('ChangeCipherSpec'));

const full13 = [
  'client: ClientHello',
  'server: ServerHello',
  'server: ChangeCipherSpec',
  'server: EncryptedExtensions',
  'server: Certificate',
  'server: CertificateVerify',
  'server: Finished',
  'client: ChangeCipherSpec',
  'client: Finished',
];

describe('a ladder', () => {
  it('of both sides has an arrow a message, in flights, under the keys that protect them', () => {
    const shown = handshakeOf(play({ details, secrets: true, said: ['question', 'answer'] }));
    assert.deepEqual(titles(shown).slice(0, 9), full13);
    assert.deepEqual(
      shown.flights.slice(0, 3).map(({ from, roundTrip }) => [from, roundTrip]),
      [
        ['client', 1],
        ['server', undefined],
        ['client', undefined],
      ],
    );
    assert.equal(shown.roundTrips, 1);
    assert.deepEqual(
      ['ClientHello', 'ServerHello', 'Certificate', 'Application data'].map((title) => titled(shown, title).protection),
      ['none', 'none', 'handshake', 'application'],
    );
    assert.equal(new TextDecoder().decode(titled(shown, 'Application data').bytes), 'question');
    assert.deepEqual(
      arrowsOf(shown).filter(({ unread, arrived }) => unread || arrived !== undefined),
      [],
    );
    assert.equal(shown.failure, undefined);
    assert.ok(notes(shown).includes('client certificate'));
    assert.deepEqual([shown.negotiated?.version, shown.peers.client?.verified], ['TLS 1.3', true]);
  });

  it('of a connection that its server has dropped once it stood tells of no failure', () => {
    const { server } = play({ between: (_, own) => own.abort('enough') });
    const { error } = server;
    assert.ok(error);
    assert.deepEqual([error.code, error.origin, error.phase], ['aborted', 'local', 'connected']);
    const shown = handshakeOf({ server });
    assert.equal(shown.failure, undefined);
    assert.ok(notes(shown).includes('server closed'));
    const before = handshakeOf({ server: { ...server, error: { ...error, phase: 'handshake' } } });
    assert.equal(before.failure?.error.code, 'aborted');
    assert.ok(notes(before).includes('server failure'));
  });

  it('of one side alone has the same arrows, and says of none that it was not understood', () => {
    const { client, server } = play({ details });
    for (const parts of [{ client }, { server }]) {
      const shown = handshakeOf(parts);
      assert.deepEqual(withoutChange(titles(shown)).slice(0, 7), withoutChange(full13));
      assert.deepEqual(
        shown.flights.slice(0, 3).map(({ from, roundTrip }) => [from, roundTrip]),
        [
          ['client', 1],
          ['server', undefined],
          ['client', undefined],
        ],
      );
      assert.equal(
        arrowsOf(shown).some(({ unread }) => unread),
        false,
      );
    }
  });

  it('of nobody is a mistake of the caller', () => {
    assert.throws(() => handshakeOf({}), new RangeError('a handshake needs a recording of one side at least'));
  });

  it('of a refusal ends with it, of the side that found it; what came behind was never understood', () => {
    const shown = handshakeOf(play({ server: { credentials: [expired] } }));
    assert.deepEqual([shown.failure?.party, shown.failure?.error.code], ['client', 'certificate_expired']);
    assert.equal(titles(shown).at(-1), 'client: Alert: certificate_expired');
    assert.equal(titled(shown, 'Finished').unread, true);
    assert.deepEqual([...titled(shown, 'Alert: certificate_expired').bytes], [2, 45]);
    assert.equal(shown.readyAt, undefined);
    assert.deepEqual(
      notes(shown).filter((note) => note.endsWith('failure')),
      ['client failure', 'server failure'],
    );
  });

  it('of TLS 1.2 has two round trips', () => {
    const shown = handshakeOf(play({ version: 'TLS 1.2', details, said: ['question', 'answer'] }));
    assert.equal(shown.roundTrips, 2);
    assert.equal(is13(shown), false);
    assert.deepEqual(
      [titled(shown, 'ClientKeyExchange').protection, titled(shown, 'Finished').protection],
      ['none', 'application'],
    );
  });

  it('tells that a message arrived changed', () => {
    const { client, server } = play({ details });
    const event = client.events.find((one) => one.type === 'message');
    assert.ok(event?.type === 'message');
    const heard: Recording = {
      ...server,
      events: server.events.map(
        (one): RecordedEvent =>
          one.type === 'message' && one.bytes === event.bytes
            ? { ...one, bytes: toBase64(Uint8Array.of(1, 0, 0, 0)) }
            : one,
      ),
    };
    assert.deepEqual(titled(handshakeOf({ client, server: heard }), 'ClientHello').arrived, Uint8Array.of(1, 0, 0, 0));
  });

  it('keeps events in their order where the clock has the same time for all', () => {
    const { client } = play({ details });
    const shown = handshakeOf({ client: { ...client, events: client.events.map((event) => ({ ...event, at: 0 })) } });
    assert.deepEqual(withoutChange(titles(shown)).slice(0, 7), withoutChange(full13));
    const server = shown.flights[1]?.rungs.map(({ arrow, note }) => arrow?.title ?? note?.kind);
    assert.deepEqual(server, [
      ...['ServerHello', 'key', 'key', 'EncryptedExtensions', 'Certificate', 'CertificateVerify', 'certificate'],
      ...['Finished', 'key'],
    ]);
  });

  it('has what happened on the way, where it happened', () => {
    const parts = play({ details });
    const shown = handshakeOf({ ...parts, incidents: [{ at: 0, text: 'a bit was flipped' }] });
    const [flight] = shown.flights;
    assert.deepEqual(
      flight?.rungs.map(({ note }) => note?.text).filter((text) => text?.includes('flipped')),
      ['a bit was flipped'],
    );
  });

  it('shows as data what was data, where its bytes were not recorded', () => {
    const shown = handshakeOf(play({ said: ['question', 'answer'] }));
    assert.ok(titles(shown).includes('client: Application data (8 bytes)'));
    const { bytes, length } = titled(shown, 'Application data (8 bytes)');
    assert.deepEqual([bytes.length, length], [0, 8]);
    assert.ok(arrowsOf(shown).every((arrow) => arrow.kind === 'data' || arrow.bytes.length === arrow.length));
  });

  it('has what a file says as text that turns nothing around', () => {
    const { client } = play({ server: { credentials: [expired] } });
    const turns = 'exe.\u202egnp';
    const message = `${'x'.repeat(300)}${turns}`;
    assert.ok(client.error);
    const events: readonly RecordedEvent[] = [
      ...client.events,
      { at: 9, type: 'message', direction: 'in', name: turns, bytes: '' },
      { at: 9, type: 'alert', direction: 'in', alert: turns, level: 2 },
      { at: 9, type: 'early_data', accepted: false, why: turns },
    ];
    const shown = handshakeOf({
      client: { ...client, events, error: { ...client.error, message } },
      incidents: [{ at: 0, text: turns }],
    });
    const said = shown.flights.flatMap(({ rungs }) => rungs.map(({ arrow, note }) => arrow?.title ?? note?.text ?? ''));
    assert.deepEqual(
      said.filter((text) => text.includes('exe')),
      [
        'exe.\\u{202e}gnp',
        `${'x'.repeat(300)}exe.\\u{202e}gnp`,
        'exe.\\u{202e}gnp',
        'Alert: exe.\\u{202e}gnp',
        'takes no early data: exe.\\u{202e}gnp',
      ],
    );
  });
});

describe('what stands beside the arrows', () => {
  it('are the choices, and among what', () => {
    const shown = handshakeOf(play({ server: { alpnProtocols: ['h2'] }, client: { alpnProtocols: ['h2'] } }));
    const [hello, answer] = [titled(shown, 'ClientHello'), titled(shown, 'ServerHello')];
    const lines = choicesOf(dissectArrow(hello, 'TLS 1.3'), dissectArrow(answer, 'TLS 1.3'));
    assert.match(lines[0] ?? '', /^TLS_\w+ \(0x13\d\d\), the client's 1st of 3 suites$/);
    assert.match(lines[1] ?? '', /^x25519 \(0x001D\), the client's \d\w\w of 2 groups$/i);
  });

  it('are the fields of what is no handshake message', () => {
    const alert = dissectArrow({ kind: 'alert', bytes: Uint8Array.of(2, 45) }, 'TLS 1.3');
    assert.equal(summary(alert), 'fatal, certificate_expired (45)');
    assert.equal(
      summary(dissectArrow({ kind: 'alert', bytes: Uint8Array.of(1, 199) }, 'TLS 1.3')),
      'warning, unknown (199)',
    );
    const data = dissectArrow({ kind: 'data', bytes: Uint8Array.of(0x1b, 0x5b, 0x41, 0x3c) }, 'TLS 1.3');
    assert.equal(summary(data), '·[A<');
    const change = dissectArrow({ kind: 'change_cipher_spec', bytes: Uint8Array.of(1) }, 'before TLS 1.3');
    assert.deepEqual([change.section, change.meaning], ['RFC 5246 §7.1', 'What follows is under the new keys.']);
  });

  it('is nothing that a cut-off message breaks', () => {
    const field = dissectArrow({ kind: 'alert', bytes: new Uint8Array(0) }, 'TLS 1.3');
    assert.equal(field.children?.at(-1)?.problem, 'the field ends before it should');
  });
});

describe('the key schedule', () => {
  const used = (shown: Handshake): readonly string[] =>
    scheduleOf(shown).flatMap((node) => (node.used && node.kind === 'secret' ? [node.title] : []));

  it('of TLS 1.3 leads from the shares to each key, and knows what it protected', () => {
    const shown = handshakeOf(play({ details, secrets: true, said: ['question', 'answer'] }));
    assert.deepEqual(used(shown), [
      'client handshake key',
      'server handshake key',
      'client application key',
      'server application key',
      'exporter secret',
    ]);
    const nodes = scheduleOf(shown);
    const key = nodes.find(({ id }) => id === 'SERVER_HANDSHAKE_TRAFFIC_SECRET');
    assert.deepEqual([key?.from, key?.protects], [['handshake'], 'EncryptedExtensions … Finished (4)']);
    assert.match(key?.secret?.value ?? '', /^[0-9a-f]{64,96}$/);
    const ids = nodes.map(({ id }) => id);
    // What something comes of stands before it.
    for (const [place, { from }] of nodes.entries()) for (const id of from) assert.ok(ids.indexOf(id) < place, id);
  });

  it('needs no key log: what was sent under a key tells that it was there', () => {
    const shown = handshakeOf(play({ details, said: ['question', 'answer'] }));
    assert.deepEqual(
      scheduleOf(shown).flatMap(({ id, used: had, secret }) => (had ? [] : [[id, secret]])),
      [['resumption', undefined]],
    );
  });

  it('of a connection that was refused has no keys for data', () => {
    const shown = handshakeOf(play({ secrets: true, server: { credentials: [expired] } }));
    assert.deepEqual(used(shown), ['client handshake key', 'server handshake key']);
  });

  it('of a session that is resumed begins with its PSK', () => {
    const common = {
      client: { sessions: memorySessionCache() },
      server: { tickets: { keys: ticketKeys({ provider }) } },
    };
    play({ ...common, said: ['question', 'answer'] });
    const shown = handshakeOf(play({ ...common, secrets: true }));
    assert.equal(shown.negotiated?.resumed, true);
    assert.equal(scheduleOf(shown)[0]?.title, 'PSK of the earlier connection');
    assert.ok(notes(shown).includes('client session'));
  });

  it('of TLS 1.2 has a master secret, and a write key each', () => {
    const credentials = [clientCredential];
    const shown = handshakeOf(
      play({
        version: 'TLS 1.2',
        details,
        secrets: true,
        client: { credentials },
        server: { clientCertificate: 'require' },
      }),
    );
    assert.deepEqual(used(shown), ['master secret', 'client write key', 'server write key']);
    assert.equal(shown.peers.server?.verified, true);
  });

  it('is empty where no server answered', () => {
    const { client } = play();
    const events = client.events.filter((event) => event.type === 'message').slice(0, 1);
    assert.deepEqual(scheduleOf(handshakeOf({ client: { ...client, events } })), []);
  });
});
