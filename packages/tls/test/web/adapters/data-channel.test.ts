/**
 * A data channel as a transport, over a fake.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromDataChannel } from '../../../src/web/index.ts';
import { connectedPair, errorOf, receive, receiveAll, send, turns } from '../support.ts';
import { FakeDataChannel, joined } from './fake-channel.ts';

test('TLS runs over it, in messages that everybody takes', async () => {
  const [near, far] = joined(new FakeDataChannel(), new FakeDataChannel());
  const { client, server } = await connectedPair({}, [fromDataChannel(near), fromDataChannel(far)]);
  const data = new Uint8Array(500_000).fill(3);
  const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
  assert.deepEqual(new Uint8Array(received), data);
  assert.equal(Math.max(...near.sent.map(({ length }) => length)), 16_384);
  const closing = client.close();
  assert.equal((await receiveAll(server)).length, 0);
  await Promise.all([closing, server.close()]);
  assert.deepEqual([near.readyState, far.readyState], ['closed', 'closed']);
});

test('a writer waits for bufferedamountlow', async () => {
  const channel = new FakeDataChannel();
  channel.held = true;
  const { writable } = fromDataChannel(channel, { messageBytes: 600_000 });
  assert.equal(channel.bufferedAmountLowThreshold, 262_144);
  const writing = writable.getWriter().write(new Uint8Array(1_800_000));
  await turns();
  assert.equal(channel.sent.length, 2);
  channel.bufferedAmount = 0;
  channel.say('bufferedamountlow');
  await writing;
  assert.equal(channel.sent.length, 3);
});

test('a writer that waits is told when the channel has closed', async () => {
  const channel = new FakeDataChannel();
  channel.bufferedAmount = 2_000_000;
  const { writable } = fromDataChannel(channel);
  const writing = errorOf(writable.getWriter().write(new Uint8Array(1)));
  await turns();
  channel.close();
  assert.equal((await writing).message, 'the data channel has closed');
});

test('a channel that does not send fails the write with its reason', async () => {
  const channel = new FakeDataChannel();
  const cause = new Error('the queue is full');
  channel.send = () => {
    throw cause;
  };
  const error = await errorOf(fromDataChannel(channel).writable.getWriter().write(new Uint8Array(1)));
  assert.equal(error.message, 'the data channel does not send: the queue is full');
  assert.equal(error.cause, cause);
});

test('an error that the channel tells of is the reason of its end', async () => {
  const channel = new FakeDataChannel();
  const { readable } = fromDataChannel(channel);
  const cause = new Error('the association was lost');
  channel.say('error', { error: cause });
  channel.closed();
  const error = await errorOf(readable.getReader().read());
  assert.equal(error.message, 'the data channel failed: the association was lost');
  assert.equal(error.cause, cause);
});

test('a channel that may lose or reorder messages is refused', () => {
  for (const kind of [{ ordered: false }, { maxRetransmits: 0 }, { maxPacketLifeTime: 100 }]) {
    assert.throws(() => fromDataChannel(Object.assign(new FakeDataChannel(), kind)), {
      name: 'TlsConfigError',
      message: 'channel: it may lose or reorder messages: TLS needs one that is ordered and reliable',
    });
  }
  assert.throws(() => fromDataChannel(new FakeDataChannel(), { messageBytes: 0 }), {
    name: 'TlsConfigError',
    message: 'messageBytes: 0 is no number of bytes',
  });
});
