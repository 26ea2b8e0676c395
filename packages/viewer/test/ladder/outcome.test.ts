/**
 * What came of a connection: good, failed, or not known, where a capture does not show it; and who found the fault.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  compareHandshakes,
  finderOf,
  handshakeOf,
  type Recording,
  readCapture,
  refusalOf,
  resultOf,
  whoseTurn,
  writePcapng,
} from '../../src/index.ts';
import { expired, play } from '../support/connection.ts';

const details = { wire: true } as const;
const captured = async (recording: Recording): Promise<Recording> => {
  const { recordings } = await readCapture(writePcapng(recording), { provider });
  assert.equal(recordings.length, 1);
  return recordings[0] as Recording;
};

/** What the verdict, a comparison and the ladder's end say. */
function said(client: Recording): readonly unknown[] {
  const shown = handshakeOf({ client });
  const notes = shown.flights.flatMap(({ rungs }) => rungs.flatMap(({ note }) => note ?? []));
  const [outcome] = compareHandshakes(shown, shown).facts;
  return [shown.result, outcome?.left, notes.filter(({ kind }) => kind === 'closed').map(({ text }) => text)];
}

const unknown = ['unknown', 'not known', ['sees the connection end']];

describe('what came of a connection', () => {
  it('is not known where the alert that ended it is encrypted', async () => {
    const client = await captured(play({ details, server: { credentials: [expired] } }).client);
    assert.deepEqual([client.error, client.negotiated?.version], [undefined, 'TLS 1.3']);
    assert.deepEqual(said(client), unknown);
  });

  it('is not known where nobody answered', async () => {
    const { client } = play({ details });
    const hello = client.events.filter(({ type }) => type === 'wire').slice(0, 1);
    assert.deepEqual(said(await captured({ ...client, events: hello })), unknown);
  });

  it('is known with the secrets, and so is that nothing was cut off', async () => {
    const good = play({ details, secrets: true, said: ['a question'] }).client;
    assert.deepEqual(said(await captured(good)), ['connected', 'connected', ['has closed: nothing was cut off']]);
    const cut = { ...good, events: good.events.filter(({ type }) => type !== 'alert') };
    assert.deepEqual(said(cut), ['connected', 'connected', ['sees the connection end']]);
    const bad = await captured(play({ details, secrets: true, server: { credentials: [expired] } }).client);
    assert.deepEqual(said(bad).slice(0, 2), ['failed', 'peer_alert, found by the client']);
  });

  it('is what either side tells', () => {
    const { client, server } = play();
    const [hello] = client.events.filter(({ type }) => type === 'message');
    assert.ok(hello);
    const begun = { ...client, events: [hello] };
    assert.deepEqual([{ client }, { server }, { client: begun }, { client: begun, server }, {}].map(resultOf), [
      'connected',
      'connected',
      'unknown',
      'connected',
      'unknown',
    ]);
    assert.equal(handshakeOf({ server }).result, 'connected');
  });
});

describe('who found the fault', () => {
  it('is the peer where it sent the alert, whoever recorded that', () => {
    const { client, server } = play({ server: { clientCertificate: 'require' } });
    const told = handshakeOf({ client });
    assert.ok(told.failure);
    assert.deepEqual([told.failure.party, told.failure.error.origin], ['client', 'peer']);
    assert.equal(finderOf(told.failure), 'server');
    assert.equal(compareHandshakes(told, told).facts[0]?.left, 'peer_alert, found by the server');
    const own = handshakeOf({ server });
    assert.ok(own.failure);
    assert.equal(finderOf(own.failure), 'server');
  });

  it('of a capture is who sent the alert, which is explained', async () => {
    const client = await captured(play({ details, secrets: true, server: { credentials: [expired] } }).client);
    const { failure } = handshakeOf({ client });
    assert.ok(failure);
    const { title, turn } = refusalOf(failure.error);
    assert.deepEqual(
      [finderOf(failure), title, whoseTurn(turn, failure.party)],
      ['client', 'The certificate has expired, or is not yet valid', 'the server’s'],
    );
  });
});
