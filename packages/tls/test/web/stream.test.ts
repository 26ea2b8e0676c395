/**
 * TLS over Web Streams, client and server: data, back-pressure, half-close, byte streams.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { tls12Client } from '../../src/index.ts';
import {
  connectedPair,
  errorOf,
  receive,
  receiveAll,
  send,
  through,
  transportPair,
  turns,
  versions,
} from './support.ts';

const mebibyte = 1024 * 1024;
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

for (const { name, ...options } of versions) {
  describe(name, () => {
    test('data goes both ways, and close() ends both sides in good order', async () => {
      const { client, server } = await connectedPair(options);
      assert.equal(client.negotiated.version, name);
      assert.equal(client.peer?.chain[0]?.subject.toString(), 'CN=localhost');
      assert.equal(server.peer, undefined);
      await Promise.all([send(client, 'ping'), send(server, 'pong')]);
      assert.equal(String(await receive(server, 4)), 'ping');
      assert.equal(String(await receive(client, 4)), 'pong');
      const closing = client.close();
      assert.equal((await receiveAll(server)).length, 0);
      await Promise.all([closing, server.close()]);
      await Promise.all([client.closed, server.closed]);
    });

    test('what was written before close() arrives, also by a writer that still holds the stream', async () => {
      const { client, server } = await connectedPair(options);
      const writer = client.writable.getWriter();
      for (let piece = 0; piece < 20; piece++) writer.write(new Uint8Array(10_000)).catch(() => {});
      const closing = client.close();
      assert.equal((await receiveAll(server)).length, 200_000);
      await Promise.all([closing, server.close()]);
      assert.equal((await errorOf(writer.write(new Uint8Array(1)))).code, 'closed');
    });

    test('10 MiB of one write arrive, over a transport that gives all that waits at once', async () => {
      const { client, server } = await connectedPair(options);
      const data = randomBytes(10 * mebibyte);
      const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
      assert.equal(sha256(received), sha256(data));
      await Promise.all([client.close(), server.close()]);
    });

    test('a transport may give one byte at a time', async () => {
      const [near, far] = transportPair();
      const bytes = (chunk: Uint8Array): Uint8Array[] => Array.from(chunk, (byte) => Uint8Array.of(byte));
      const { client, server } = await connectedPair(options, [through(near, bytes), through(far, bytes)]);
      await send(client, 'a byte at a time');
      assert.equal(String(await receive(server, 16)), 'a byte at a time');
      await Promise.all([client.close(), server.close()]);
    });

    test('a reader that reads slowly has its peer wait: memory stays bounded', async () => {
      const { client, server } = await connectedPair(options);
      const total = 3 * mebibyte;
      let [written, read, most] = [0, 0, 0];
      const write = async (): Promise<void> => {
        const writer = client.writable.getWriter();
        for (; written < total; written += 65_536) {
          most = Math.max(most, written - read);
          await writer.ready;
          writer.write(new Uint8Array(65_536)).catch(() => {});
        }
        await writer.close();
      };
      const writing = write();
      for await (const chunk of server.readable as AsyncIterable<Uint8Array>) {
        read += chunk.length;
        await turns(1);
      }
      await writing;
      assert.equal(read, total);
      assert.ok(most < 2 * mebibyte, `${most} bytes were on their way`);
      await server.close();
      await client.closed;
    });
  });
}

describe('streams', () => {
  test('a reader of mode byob has its own buffers filled', async () => {
    const { client, server } = await connectedPair();
    await send(client, 'a byte stream');
    const reader = server.readable.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(6));
    assert.equal(Buffer.from(value ?? []).toString(), 'a byte');
    const rest = await reader.read(new Uint8Array(100));
    assert.equal(Buffer.from(rest.value ?? []).toString(), ' stream');
    const last = reader.read(new Uint8Array(100));
    const closing = client.close();
    assert.equal((await last).done, true);
    await Promise.all([closing, server.close()]);
  });

  test('in TLS 1.3 who has closed its side goes on reading', async () => {
    const { client, server } = await connectedPair();
    await client.writable.close();
    assert.equal((await receiveAll(server)).length, 0);
    await send(server, 'still here');
    assert.equal(String(await receive(client, 10)), 'still here');
    await server.writable.close();
    assert.equal((await receiveAll(client)).length, 0);
    await Promise.all([client.closed, server.closed]);
  });

  test('in TLS 1.2 the close of one side is the end of both', async () => {
    const { client, server } = await connectedPair({ client: { versions: [tls12Client] } });
    const writer = server.writable.getWriter();
    await client.writable.close();
    assert.equal((await receiveAll(server)).length, 0);
    await Promise.all([client.closed, server.closed]);
    const error = await errorOf(writer.write(new Uint8Array(1)));
    assert.equal(error.code, 'closed');
    assert.equal(error.message, 'the connection has ended: nothing can be written to it any more');
  });

  test('a reader that cancels drops what comes, and the other direction goes on', async () => {
    const { client, server } = await connectedPair();
    await server.readable.cancel();
    await send(client, new Uint8Array(300_000));
    await send(server, 'no need to shout');
    assert.equal(String(await receive(client, 16)), 'no need to shout');
    await Promise.all([client.close(), server.close()]);
  });

  test('a chunk that is no bytes fails the write, and ends the connection: it would look whole', async () => {
    const { client, server } = await connectedPair();
    const writer = client.writable.getWriter() as WritableStreamDefaultWriter<unknown>;
    await assert.rejects(writer.write('text'), {
      name: 'TypeError',
      message: 'a chunk of type string was written to a TLS stream: it takes Uint8Array',
    });
    assert.equal((await errorOf(client.closed)).code, 'aborted');
    assert.equal((await errorOf(receiveAll(server))).code, 'transport_failed');
  });

  test('a transport that writes slowly has the writer wait: memory stays bounded', async () => {
    const [near, far] = transportPair();
    let taken = 0;
    const slow = new TransformStream<Uint8Array, Uint8Array>({
      transform: async (chunk, controller) => {
        await turns(1);
        taken += chunk.length;
        controller.enqueue(chunk);
      },
    });
    slow.readable.pipeTo(near.writable).catch(() => {});
    const { client, server } = await connectedPair({}, [{ readable: near.readable, writable: slow.writable }, far]);
    const received = receiveAll(server);
    const writer = client.writable.getWriter();
    let most = 0;
    for (let written = 0; written < 3 * mebibyte; written += 65_536) {
      await writer.ready;
      writer.write(new Uint8Array(65_536)).catch(() => {});
      most = Math.max(most, written - taken);
    }
    await writer.close();
    assert.equal((await received).length, 3 * mebibyte);
    assert.ok(most < 2 * mebibyte, `${most} bytes waited`);
    await server.close();
  });

  test('writes smaller than a record are told of room at once, and arrive in order', async () => {
    const { client, server } = await connectedPair();
    const writer = client.writable.getWriter();
    for (let number = 0; number < 300; number++) await writer.write(Uint8Array.of(number & 0xff));
    const closing = writer.close();
    const received = await receiveAll(server);
    assert.deepEqual(
      [...received],
      Array.from({ length: 300 }, (_, number) => number & 0xff),
    );
    await Promise.all([closing, server.close()]);
  });
});
