/**
 * TLSSocket as a stream, on `node:tls` and on ours: writing, reading, what waits in between, and what is counted.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import {
  closed,
  connected,
  forPairs,
  it,
  listening,
  makeClient,
  makeServer,
  textOf,
  turns,
  until,
  watch,
} from './support.ts';

/** Bytes that tell their place. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8)) & 0xff;
  return bytes;
}

forPairs('writing', (tls) => {
  it('write() before secureConnect answers true, waits for it, and calls back after it', async () => {
    const server = makeServer(tls);
    const client = makeClient(tls, await listening(server));
    const log = watch(client, ['connect', 'secureConnect']);
    assert.equal(
      client.write('one ', () => log.push('written')),
      true,
    );
    assert.equal(client.write('two'), true);
    assert.deepEqual([client.writableLength, client.bytesWritten], [7, 7]);
    const [socket] = await once(server, 'secureConnection');
    socket.setEncoding('utf8');
    let got = '';
    socket.on('data', (chunk: string) => {
      got += chunk;
    });
    await until(() => got === 'one two');
    await until(() => log.length > 2);
    assert.deepEqual(log, ['connect', 'secureConnect', 'written']);
  });

  it('callbacks come once each, in the order of the writes, and after the call', async () => {
    const { client, server } = await connected(tls);
    server.resume();
    const log: unknown[] = [];
    for (let i = 0; i < 5; i++) client.write(`${i}`, (error) => log.push(error ?? i));
    client.write('', () => log.push('empty'));
    client.write(Buffer.alloc(70_000), () => log.push('large'));
    client.write(new Uint8Array(3), () => log.push('last'));
    assert.deepEqual(log, []);
    await until(() => log.length === 8);
    assert.deepEqual(log, [0, 1, 2, 3, 4, 'empty', 'large', 'last']);
  });

  it('write() takes strings by encoding, Buffers and typed arrays, and throws for others', async () => {
    const { client, server } = await connected(tls);
    client.write('6869', 'hex');
    client.write('ä', 'latin1');
    client.write('é');
    client.write(new Uint8Array([33]));
    client.write(new DataView(new Uint8Array([34, 35]).buffer, 1) as unknown as Uint8Array);
    for (const [value, code] of [
      [1, 'ERR_INVALID_ARG_TYPE'],
      [{}, 'ERR_INVALID_ARG_TYPE'],
      [null, 'ERR_STREAM_NULL_VALUES'],
    ] as const) {
      assert.throws(() => client.write(value as unknown as string), { code });
    }
    client.end();
    const chunks: Buffer[] = [];
    for await (const chunk of server) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString('latin1'), 'hi\xe4\xc3\xa9!#');
  });

  it('what is written may be changed once its callback has come', async () => {
    const { client, server } = await connected(tls);
    const buffer = Buffer.alloc(40_000, 'a');
    client.write(buffer, () => {
      buffer.fill('b');
      client.end(buffer);
    });
    const got = await textOf(server);
    assert.equal(got, 'a'.repeat(40_000) + 'b'.repeat(40_000));
  });

  it('write() answers false beyond the high-water mark, and drain comes when all has gone', async () => {
    const { client, server } = await connected(tls);
    const log = watch(client, ['drain']);
    const size = client.writableHighWaterMark;
    assert.equal(client.write(Buffer.alloc(size - 1)), true);
    assert.equal(client.write(Buffer.alloc(1)), false);
    assert.deepEqual([client.writableNeedDrain, client.writableLength], [true, size]);
    server.resume();
    await once(client, 'drain');
    assert.deepEqual([log, client.writableLength, client.writableNeedDrain], [['drain'], 0, false]);
  });

  it('cork() holds writes, and uncork() sends them as one', async () => {
    const { client, server } = await connected(tls);
    const chunks: string[] = [];
    server.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    client.cork();
    for (const word of ['one ', 'two ', 'three']) client.write(word);
    await turns(10);
    assert.deepEqual([chunks, client.writableCorked], [[], 1]);
    client.uncork();
    await until(() => chunks.join('').length === 13);
    assert.deepEqual(chunks, ['one two three']);
  });

  it('a reader that is paused bounds what its writer can write', async () => {
    const { client, server } = await connected(tls, { client: { highWaterMark: 16_384 } as object });
    client.pause();
    const chunk = Buffer.alloc(256 * 1024);
    let acknowledged = 0;
    let still = 0;
    const more = (): void => {
      server.write(chunk, () => {
        acknowledged += chunk.length;
        still = 0;
        if (acknowledged < 40_000_000) more();
      });
    };
    more();
    while (still++ < 60 && acknowledged < 40_000_000) await turns(1);
    // What the kernel holds, and little more.
    assert.ok(acknowledged < 20_000_000, `${acknowledged} bytes were taken`);
    assert.ok(client.readableLength <= 256 * 1024, `${client.readableLength} bytes wait in the reader`);
  });

  it('a megabyte goes both ways at once', async () => {
    const { client, server } = await connected(tls);
    const data = pattern(1_000_003);
    const receive = async (socket: AsyncIterable<Buffer>): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const both = Promise.all([receive(client), receive(server)]);
    client.end(data);
    server.end(data);
    for (const got of await both) assert.ok(got.equals(data));
  });
});

forPairs('reading', (tls) => {
  it('nothing is read until somebody asks, and nothing is lost', async () => {
    const { client, server } = await connected(tls);
    client.write('hello');
    await turns(10);
    assert.equal(server.readableFlowing, null);
    server.setEncoding('utf8');
    const [chunk] = await once(server, 'data');
    assert.equal(chunk, 'hello');
  });

  it('pause() stops data, resume() goes on', async () => {
    const { client, server } = await connected(tls);
    const got: string[] = [];
    server.setEncoding('utf8').on('data', (chunk: string) => got.push(chunk));
    client.write('one');
    await until(() => got.length === 1);
    server.pause();
    assert.equal(server.isPaused(), true);
    client.write('two');
    await turns(10);
    assert.deepEqual(got, ['one']);
    server.resume();
    await until(() => got.length === 2);
    assert.deepEqual(got, ['one', 'two']);
  });

  it('read(n) gives so many, or null until there are so many, then all at the end', async () => {
    const { client, server } = await connected(tls);
    client.write('abcdefgh');
    await once(server, 'readable');
    const take = (n?: number): string | null => (server.read(n) as Buffer | null)?.toString() ?? null;
    assert.deepEqual([take(3), take(2), take(10)], ['abc', 'de', null]);
    client.end('ij');
    await until(() => server.readableLength === 5);
    assert.deepEqual([take(4), take()], ['fghi', 'j']);
    assert.equal(take(), null);
    await once(server, 'end');
  });

  it('readable comes for data, and once more for the end', async () => {
    const { client, server } = await connected(tls);
    const chunks: string[] = [];
    server.on('readable', () => {
      for (let chunk = server.read(); chunk !== null; chunk = server.read()) chunks.push(String(chunk));
    });
    client.write('one');
    await until(() => chunks.length === 1);
    client.end('two');
    await once(server, 'end');
    assert.deepEqual(chunks, ['one', 'two']);
  });

  it('setEncoding() gives strings, and keeps characters together', async () => {
    const { client, server } = await connected(tls);
    server.setEncoding('utf8');
    const euro = Buffer.from('€€');
    client.write(euro.subarray(0, 2));
    await turns(5);
    client.end(euro.subarray(2));
    let got = '';
    for await (const chunk of server) {
      assert.equal(typeof chunk, 'string');
      got += chunk;
    }
    assert.equal(got, '€€');
  });

  it('data are Buffers of their own: kept, they stay what they were', async () => {
    const { client, server } = await connected(tls);
    const chunks: Buffer[] = [];
    server.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (let i = 0; i < 20; i++) {
      client.write(Buffer.alloc(1000, i));
      if (i % 4 === 0) await turns(2);
    }
    client.end();
    await once(server, 'end');
    assert.ok(chunks.every((chunk) => Buffer.isBuffer(chunk)));
    const whole = Buffer.concat(chunks);
    for (let i = 0; i < 20; i++) assert.ok(whole.subarray(i * 1000, i * 1000 + 1000).every((byte) => byte === i));
  });

  it('pipe() carries all to the end, through a slow one as well', async () => {
    const { client, server } = await connected(tls, { server: { allowHalfOpen: true } });
    server.pipe(new PassThrough({ highWaterMark: 10 })).pipe(server);
    const data = pattern(200_000).toString('latin1');
    client.end(data, 'latin1');
    client.setEncoding('latin1');
    let got = '';
    for await (const chunk of client) got += chunk;
    assert.ok(got === data);
  });

  it('pipeline() takes it at either end', async () => {
    const { client, server } = await connected(tls);
    const sent = pipeline(Readable.from(['a', 'b', 'c']), client);
    const got = await text(server);
    assert.equal(got, 'abc');
    server.end();
    client.resume();
    await sent;
    await closed(client);
  });

  it('an async iterator that is left destroys the socket', async () => {
    const { client, server } = await connected(tls);
    client.on('error', () => undefined).resume();
    client.write('hello');
    for await (const chunk of server) {
      assert.equal(String(chunk), 'hello');
      break;
    }
    assert.equal(server.destroyed, true);
    await closed(client);
  });

  it('an async iterator throws what the socket fails by', async () => {
    const { client, server } = await connected(tls);
    const failure = new Error('mine');
    client.on('error', () => undefined).resume();
    await assert.rejects(async () => {
      setImmediate(() => server.destroy(failure));
      for await (const chunk of server) assert.fail(String(chunk));
    }, failure);
  });

  it('unshift() puts back', async () => {
    const { client, server } = await connected(tls);
    client.end('world');
    await once(server, 'readable');
    server.unshift(Buffer.from('hello '));
    assert.equal(await textOf(server), 'hello world');
  });

  it('the end comes after all data, however late they are read', async () => {
    const { client, server } = await connected(tls);
    client.end(pattern(100_000));
    await turns(20);
    assert.equal(server.readableEnded, false);
    let length = 0;
    for await (const chunk of server) length += (chunk as Buffer).length;
    assert.deepEqual([length, server.readableEnded], [100_000, true]);
  });

  it('onread reads into the buffer that was given', async () => {
    const server = makeServer(tls, {}, (socket) => void setImmediate(() => socket.end('hello')));
    const buffer = Buffer.alloc(100);
    let got = '';
    const client = makeClient(tls, await listening(server), {
      onread: {
        buffer,
        callback(length: number, into: Uint8Array) {
          got += `${into === buffer} ${Buffer.from(into.buffer, into.byteOffset, length)}`;
          return true;
        },
      },
    } as object);
    await closed(client);
    assert.equal(got, 'true hello');
  });
});

forPairs('counts', (tls) => {
  it('bytesWritten counts what was written, and bytesRead what came below TLS', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined);
    const before = server.bytesRead;
    assert.deepEqual([client.bytesWritten, server.bytesWritten], [0, 0]);
    client.write('ä'.repeat(500));
    assert.equal(client.bytesWritten, 1000);
    let got = 0;
    server.on('data', (chunk: Buffer) => {
      got += chunk.length;
    });
    await until(() => got === 1000);
    assert.equal(server.bytesRead - before, 1000);
    client.destroy();
    await closed(client);
    assert.deepEqual([before, client.bytesRead], [0, 0]);
    assert.equal(client.bytesWritten, 1000);
  });

  it('high-water marks are those of the options, or the streams’ defaults', async () => {
    const { client, server } = await connected(tls, {
      client: { highWaterMark: 1000 } as object,
      server: { highWaterMark: 2000 },
    });
    const marks = ({ readableHighWaterMark, writableHighWaterMark }: typeof client): readonly number[] => [
      readableHighWaterMark,
      writableHighWaterMark,
    ];
    assert.deepEqual(
      [marks(client), marks(server)],
      [
        [1000, 1000],
        [65_536, 65_536],
      ],
    );
    const plain = await connected(tls);
    assert.deepEqual(
      [marks(plain.client), marks(plain.server)],
      [
        [65_536, 65_536],
        [65_536, 65_536],
      ],
    );
  });
});
