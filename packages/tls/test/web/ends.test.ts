/**
 * How a connection over Web Streams ends: signals, time-outs, transports that fail, alerts, and what was read before.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accept, type ByteStreams, connect } from '../../src/web/index.ts';
import { otherPki } from '../support/identities.ts';
import {
  clientOptions,
  connectedPair,
  errorOf,
  playedTransport,
  receive,
  receiveAll,
  send,
  serverAtOtherEnd,
  serverOptions,
  transportPair,
  turns,
} from './support.ts';

const alertType = 21;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const neverThere = new Promise<ByteStreams>(() => {});

describe('a signal', () => {
  test('that is aborted before anything begins lets the transport go', async () => {
    const transport = playedTransport();
    const reason = new Error('changed my mind');
    const error = await errorOf(connect(transport, { ...clientOptions, signal: AbortSignal.abort(reason) }));
    assert.equal(error.code, 'aborted');
    assert.equal(error.message, 'the connection was aborted by its signal');
    assert.equal(error.cause, reason);
    assert.deepEqual(transport.ends, ['cancelled', 'aborted']);
    assert.equal(transport.sent.length, 0);
  });

  test('that is aborted before the transport is there lets it go when it comes', async () => {
    const transport = playedTransport();
    const later = Promise.withResolvers<ByteStreams>();
    const controller = new AbortController();
    const connecting = connect(later.promise, { ...clientOptions, signal: controller.signal });
    controller.abort();
    assert.equal((await errorOf(connecting)).code, 'aborted');
    later.resolve(transport);
    await turns();
    assert.deepEqual(transport.ends, ['cancelled', 'aborted']);
  });

  test('in the middle of a handshake tells the peer: user_canceled, then close_notify', async () => {
    const transport = playedTransport();
    const controller = new AbortController();
    transport.onWrite = () => controller.abort('enough');
    const error = await errorOf(connect(transport, { ...clientOptions, signal: controller.signal }));
    assert.equal(error.code, 'aborted');
    assert.equal(error.cause, 'enough');
    assert.equal(error.phase, 'handshake');
    transport.end();
    await turns();
    const [, alerts] = transport.sent;
    assert.deepEqual([...(alerts ?? [])], [alertType, 3, 3, 0, 2, 1, 90, alertType, 3, 3, 0, 2, 1, 0]);
    assert.deepEqual(transport.ends, ['closed']);
  });

  test('after the handshake ends the connection, and the peer sees that it was cut', async () => {
    const controller = new AbortController();
    const { client, server } = await connectedPair({ client: { signal: controller.signal } });
    const reading = errorOf(receiveAll(client));
    const theirs = errorOf(receiveAll(server));
    controller.abort('the user has gone');
    const error = await errorOf(client.closed);
    assert.equal(error.code, 'aborted');
    assert.equal(error.cause, 'the user has gone');
    assert.equal(await reading, error);
    assert.equal((await theirs).code, 'transport_failed');
    assert.equal((await errorOf(server.closed)).code, 'transport_failed');
  });

  test('that outlives its connection has no listener of it left', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = new Proxy(signal, {
      get: (target, name) => {
        if (name === 'addEventListener') listeners += 1;
        if (name === 'removeEventListener') listeners -= 1;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { client, server } = await connectedPair({ client: { signal: counted } });
    assert.equal(listeners, 1);
    await Promise.all([client.close(), server.close()]);
    assert.equal(listeners, 0);
  });
});

describe('a time-out', () => {
  test('counts while the transport is waited for', async () => {
    const error = await errorOf(connect(neverThere, { ...clientOptions, handshakeTimeout: 1 }));
    assert.equal(error.code, 'handshake_timeout');
    assert.equal(error.message, 'the transport was not there after 0.001 s');
    assert.equal(error.hint, 'nobody answers at its address, or a proxy holds it back');
  });

  test('counts in the handshake, and says what that waited for', async () => {
    for (const [begin, state] of [
      [(transport: ByteStreams) => connect(transport, { ...clientOptions, handshakeTimeout: 30 }), 'WAIT_SH'],
      [(transport: ByteStreams) => accept(transport, { ...serverOptions, handshakeTimeout: 30 }), 'START'],
    ] as const) {
      const transport = playedTransport();
      const error = await errorOf(begin(transport));
      assert.equal(error.code, 'handshake_timeout');
      assert.equal(error.message, `the handshake was not done after 0.03 s, waiting in ${state}`);
      await turns();
      assert.deepEqual(transport.ends, ['cancelled', 'closed']);
    }
  });

  test('that is none is said as such', async () => {
    for (const handshakeTimeout of [-1, Number.NaN]) {
      await assert.rejects(connect(playedTransport(), { ...clientOptions, handshakeTimeout }), {
        name: 'TlsConfigError',
        message: `handshakeTimeout: ${handshakeTimeout} is no number of milliseconds`,
      });
    }
  });
});

describe('a transport', () => {
  test('that is not to be had', async () => {
    const cause = new Error('no route');
    const error = await errorOf(connect(Promise.reject(cause), clientOptions));
    assert.equal(error.code, 'transport_failed');
    assert.equal(error.message, 'opening the transport failed: no route');
    assert.equal(error.cause, cause);
  });

  test('that somebody else reads or writes', async () => {
    for (const lock of [
      ({ readable }: ByteStreams) => readable.getReader(),
      ({ writable }: ByteStreams) => writable.getWriter(),
    ]) {
      const transport = playedTransport();
      lock(transport);
      const error = await errorOf(connect(transport, clientOptions));
      assert.equal(error.code, 'transport_failed');
      assert.equal(error.message, 'the transport is no pair of streams that nobody else uses');
      assert.equal(error.hint, 'give readable and writable with no reader and no writer on them');
    }
  });

  test('that gives text', async () => {
    const transport = playedTransport();
    const connecting = connect(transport, clientOptions);
    transport.give('HTTP/1.1 400 Bad Request' as unknown as Uint8Array);
    const error = await errorOf(connecting);
    assert.equal(error.code, 'transport_failed');
    assert.equal(error.message, 'the transport gave text in place of bytes');
    assert.equal(error.hint, 'TLS is binary: the other end must send binary messages, and nothing else');
  });

  test('that ends in the handshake', async () => {
    const transport = playedTransport();
    const connecting = connect(transport, clientOptions);
    transport.end();
    const error = await errorOf(connecting);
    assert.equal(error.code, 'truncated');
    assert.equal(error.message, 'the server closed the transport during the handshake');
    assert.equal(error.hint, "look into the server's log: it said no word of why");
  });

  test('that fails in the handshake, reading or writing', async () => {
    const unreadable = playedTransport();
    unreadable.fail(new Error('cable'));
    const reading = await errorOf(connect(unreadable, clientOptions));
    assert.equal(reading.code, 'transport_failed');
    assert.equal(reading.message, 'reading from the transport failed: cable');

    const unwritable = playedTransport();
    unwritable.onWrite = () => {
      turns().then(unwritable.end);
      throw new Error('pipe');
    };
    const writing = await errorOf(connect(unwritable, clientOptions));
    assert.equal(writing.code, 'transport_failed');
    assert.equal(writing.message, 'writing to the transport failed: pipe');
  });

  test('that fails loses nothing of what had come before', async () => {
    const { transport, server, established } = serverAtOtherEnd();
    const client = await connect(transport, clientOptions);
    await established;
    const last = new Uint8Array(200_000).fill(7);
    server.write(last);
    await transport.taken();
    const cause = new Error('cable');
    transport.fail(cause);
    assert.deepEqual(new Uint8Array(await receive(client, last.length)), last);
    const error = await errorOf(receiveAll(client));
    assert.equal(error.code, 'transport_failed');
    assert.equal(error.message, 'reading from the transport failed: cable');
    assert.equal(error.cause, cause);
    assert.equal(await errorOf(client.closed), error);
    assert.equal(await errorOf(send(client, 'x')), error);
  });

  test('that ends without close_notify is a truncation, after all that came before', async () => {
    const { transport, server, established } = serverAtOtherEnd();
    const client = await connect(transport, clientOptions);
    await established;
    server.write(utf8('the first half'));
    transport.end();
    assert.equal(String(await receive(client, 14)), 'the first half');
    const error = await errorOf(receiveAll(client));
    assert.equal(error.code, 'truncated');
    assert.equal(error.hint, 'data may be missing at the end: do not trust what depends on its length');
  });

  test('that takes nothing more: the write fails, and what the peer said before can be read', async () => {
    const { transport, server, established } = serverAtOtherEnd();
    const client = await connect(transport, clientOptions);
    await established;
    transport.onWrite = () => {
      throw new Error('pipe');
    };
    const writer = client.writable.getWriter();
    await writer.write(utf8('a request')).catch(() => {});
    const error = await errorOf(writer.closed);
    assert.equal(error.code, 'transport_failed');
    assert.equal(error.message, 'writing to the transport failed: pipe');
    server.write(utf8('too late'));
    transport.end();
    assert.equal(String(await receive(client, 8)), 'too late');
    assert.equal(await errorOf(receiveAll(client)), error);
    assert.equal(await errorOf(client.close()), error);
  });

  test('that goes after the peer has said goodbye is a good end, where we had nothing more to say', async () => {
    const { transport, server, established } = serverAtOtherEnd();
    const client = await connect(transport, clientOptions);
    await established;
    server.write(utf8('goodbye'));
    server.closeWrite();
    transport.onWrite = () => {
      throw new Error('pipe');
    };
    assert.equal(String(await receiveAll(client)), 'goodbye');
    transport.fail(new Error('cable'));
    await client.close();
    await client.closed;
  });
});

describe('an end', () => {
  test('by an alert of ours: it goes out, our side ends, and what still comes is dropped up to a limit', async () => {
    const { transport, server } = serverAtOtherEnd();
    const error = await errorOf(connect(transport, { ...clientOptions, trust: otherPki.trust }));
    assert.equal(error.code, 'certificate_unknown_issuer');
    assert.equal(error.alert, 'unknown_ca');
    // The alert is sealed on another thread, in its own time.
    while (transport.ends.length === 0) await turns(1);
    assert.equal(server.phase, 'closed');
    assert.deepEqual(transport.ends, ['closed']);
    transport.give(new Uint8Array(200_000));
    await transport.taken();
    assert.deepEqual(transport.ends, ['closed']);
    transport.give(new Uint8Array(200_000));
    await turns();
    assert.deepEqual(transport.ends, ['closed', 'cancelled']);
  });

  test("by the peer's alert", async () => {
    const [near, far] = transportPair();
    const serving = errorOf(accept(far, serverOptions));
    const error = await errorOf(connect(near, { ...clientOptions, trust: otherPki.trust }));
    assert.equal(error.code, 'certificate_unknown_issuer');
    const theirs = await serving;
    assert.equal(theirs.code, 'peer_alert');
    assert.equal(theirs.alert, 'unknown_ca');
    assert.equal(theirs.origin, 'peer');
  });

  test('by abort(): a reason for us, a truncation for the peer', async () => {
    const { client, server } = await connectedPair();
    const writer = client.writable.getWriter();
    client.abort('a reason');
    const error = await errorOf(client.closed);
    assert.equal(error.code, 'aborted');
    assert.equal(error.cause, 'a reason');
    assert.equal(await errorOf(writer.write(utf8('x'))), error);
    assert.equal((await errorOf(server.closed)).code, 'transport_failed');
    assert.equal(await errorOf(client.close()), error);
  });

  test('by aborting what is written', async () => {
    const { client, server } = await connectedPair();
    await client.writable.abort('a reason');
    assert.equal((await errorOf(client.closed)).cause, 'a reason');
    assert.equal((await errorOf(server.closed)).code, 'transport_failed');
  });

  test('by close(), of a peer that does not answer but ends its transport', async () => {
    const { transport, established } = serverAtOtherEnd();
    const client = await connect(transport, clientOptions);
    await established;
    const closing = client.close();
    transport.onWrite = () => transport.end();
    await closing;
    await turns();
    assert.deepEqual(transport.ends, ['closed']);
    assert.equal((await receiveAll(client)).length, 0);
    await client.close();
  });
});
