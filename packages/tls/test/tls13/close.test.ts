/**
 * Ends (RFC 9846 §6.1): close_notify, half-close, truncation, abort.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TlsError } from '../../src/index.ts';
import { connected, exchange, pair, providers, settled } from '../support/pair.ts';

for (const provider of providers) {
  describe(`closing, provider ${provider.name}`, () => {
    it('one side may end while the other goes on', async () => {
      const both = await connected({ provider });
      both.client.connection.write(Buffer.from('question'));
      both.client.connection.closeWrite();
      await exchange(both);
      assert.equal(both.server.text(), 'question');
      assert.equal(both.server.ended, true);
      assert.equal(both.server.error, undefined);
      assert.equal(both.server.connection.phase, 'closing');
      both.server.connection.write(Buffer.from('a late answer'));
      both.server.connection.closeWrite();
      await exchange(both);
      assert.equal(both.client.text(), 'a late answer');
      assert.equal(both.client.ended, true);
      assert.equal(both.client.error, null);
      assert.equal(both.server.error, null);
      assert.equal(both.client.connection.phase, 'closed');
    });

    it('data after close_notify is ignored', async () => {
      const both = await connected({ provider });
      both.client.connection.closeWrite();
      await exchange(both);
      assert.equal(both.server.connection.receive(Buffer.from('garbage that is no record')), 25);
      assert.equal(both.server.error, undefined);
    });

    it('the transport’s end after close_notify is no error', async () => {
      const both = await connected({ provider });
      both.client.connection.closeWrite();
      await exchange(both);
      both.server.connection.receiveEnd();
      assert.equal(both.server.error, undefined);
    });

    it('the transport’s end without close_notify is a truncation', async () => {
      const both = await connected({ provider });
      both.client.connection.write(Buffer.from('whole'));
      await exchange(both);
      both.server.connection.receiveEnd();
      assert.equal(both.server.text(), 'whole');
      assert.equal(both.server.error?.code, 'truncated');
      assert.equal(both.server.error?.alert, null);
      assert.match(both.server.error?.message ?? '', /the client closed the transport without close_notify$/);
      assert.match(both.server.error?.hint ?? '', /data may be missing/);
      assert.equal(both.server.outbox.length, 0);
    });

    it('a truncation inside a record says so', async () => {
      const both = await connected({ provider });
      both.client.connection.write(Buffer.from('whole'));
      await settled(both.client);
      const [bytes] = both.client.outbox.splice(0);
      both.server.connection.receive(bytes?.subarray(0, 10) ?? new Uint8Array(0));
      both.server.connection.receiveEnd();
      assert.match(both.server.error?.message ?? '', /inside a record/);
    });

    it('the transport’s end in the handshake names the side', async () => {
      const both = pair({ provider });
      await settled(both.client);
      both.client.connection.receiveEnd();
      assert.equal(both.client.error?.code, 'truncated');
      assert.match(both.client.error?.message ?? '', /the server closed the transport during the handshake/);
      assert.equal(both.client.error?.phase, 'handshake');
    });

    it('an abort in the handshake says user_canceled and close_notify', async () => {
      const both = pair({ provider });
      await settled(both.client);
      both.client.connection.abort('changed our mind');
      await exchange(both);
      assert.equal(both.client.error?.code, 'aborted');
      assert.equal(both.client.error?.message, 'changed our mind');
      assert.equal(both.server.error?.code, 'peer_alert');
      assert.equal(both.server.error?.alert, 'close_notify');
    });

    it('an abort after it says nothing: the peer sees a truncation', async () => {
      const both = await connected({ provider });
      both.client.connection.abort();
      assert.equal(both.client.outbox.length, 0);
      both.server.connection.receiveEnd();
      assert.equal(both.server.error?.code, 'truncated');
    });

    it('nothing can be written after closeWrite, before the handshake is done, or after the end', async () => {
      const closed = (error: unknown): boolean => error instanceof TlsError && error.code === 'closed';
      const both = pair({ provider });
      assert.throws(() => both.client.connection.write(Buffer.from('x')), closed);
      assert.throws(() => both.client.connection.updateKeys(), closed);
      assert.throws(() => both.client.connection.exportKeyingMaterial(8, 'x'), closed);
      await exchange(both);
      both.client.connection.closeWrite();
      assert.throws(() => both.client.connection.write(Buffer.from('x')), closed);
      assert.throws(() => both.client.connection.updateKeys(), closed);
      both.server.connection.abort();
      assert.throws(() => both.server.connection.write(Buffer.from('x')), closed);
    });

    it('an error after our close_notify names no alert: none can be sent any more', async () => {
      const both = await connected({ provider });
      both.client.connection.closeWrite();
      await settled(both.client);
      const before = both.client.outbox.length;
      both.client.connection.receive(Buffer.from('this is no record'));
      await settled(both.client);
      assert.equal(both.client.error?.code, 'unexpected_message');
      assert.equal(both.client.error?.alert, null);
      assert.equal(both.client.outbox.length, before);
    });

    it('closing twice sends one close_notify', async () => {
      const both = await connected({ provider });
      both.client.connection.closeWrite();
      both.client.connection.closeWrite();
      await settled(both.client);
      assert.equal(both.client.outbox.length, 1);
    });
  });
}
