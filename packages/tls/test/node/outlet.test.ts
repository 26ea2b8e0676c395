/**
 * What leaves a socket, and whose memory is given back at once.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import { Outlet } from '../../src/node/outlet.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Two ends of a TCP connection on loopback. */
async function tcpPair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  open.push(near, far);
  return [near, far];
}

const record = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(7);

/** A Duplex that tells of its writes. */
function collector(options: DuplexOptions = {}): { readonly stream: Duplex; readonly writes: number[][] } {
  const writes: number[][] = [];
  const stream = new Duplex({
    read() {},
    writev(chunks, callback) {
      writes.push(chunks.map(({ chunk }) => (chunk as Buffer).length));
      callback();
    },
    ...options,
  });
  return { stream, writes };
}

describe('output', () => {
  it('of one turn is one write to the transport, and of another turn another', async () => {
    const { stream, writes } = collector();
    const outlet = new Outlet(stream);
    outlet.send([record(5), record(6)]);
    outlet.send([record(7)]);
    await new Promise(setImmediate);
    outlet.send([record(8)]);
    await new Promise(setImmediate);
    assert.deepEqual(writes, [[5, 6, 7], [8]]);
  });

  it('that is written before the end goes out before it', async () => {
    const [near, far] = await tcpPair();
    const outlet = new Outlet(near);
    const got: Buffer[] = [];
    far.on('data', (chunk) => got.push(chunk));
    outlet.send([record(3)]);
    outlet.close();
    await once(far, 'end');
    assert.deepEqual(Buffer.concat(got), Buffer.from(record(3)));
  });

  it('that waits for room makes the outlet full, and what a destroyed transport gets is dropped', () => {
    const { stream } = collector({ writableHighWaterMark: 10, writev() {} });
    const outlet = new Outlet(stream);
    outlet.send([record(9)]);
    assert.equal(outlet.full, false);
    outlet.send([record(9)]);
    assert.equal(outlet.full, true);
    stream.destroy();
    outlet.send([record(9)]);
  });
});

describe('memory', () => {
  it('of a large record goes back once TCP has it, byte for byte; a small one keeps its own', async () => {
    const [near, far] = await tcpPair();
    const [large, small] = [record(16_000), record(100)];
    new Outlet(near).send([large, small]);
    let length = 0;
    for await (const chunk of far) {
      assert.ok((chunk as Buffer).every((byte) => byte === 7));
      length += (chunk as Buffer).length;
      if (length === 16_100) break;
    }
    assert.equal(large.length, 0);
    assert.equal(small.length, 100);
  });

  it('of records that another Duplex was given stays: it may have kept them', async () => {
    const { stream } = collector();
    const large = record(16_000);
    new Outlet(stream).send([large]);
    await new Promise(setImmediate);
    assert.equal(large.length, 16_000);
  });

  it('of input goes back when it was read, unless somebody else listens to the transport', async () => {
    const [near, far] = await tcpPair();
    const outlet = new Outlet(near);
    const inputs: Buffer[] = [];
    const read = async (): Promise<Buffer> => {
      far.write(record(8000));
      const [chunk] = (await once(near, 'data')) as [Buffer];
      return chunk;
    };
    near.on('data', (chunk: Buffer) => {
      inputs.push(chunk);
      outlet.spent(chunk);
    });
    // `once` is the somebody: it has the chunk, whole.
    assert.equal((await read()).length, 8000);
    far.write(record(9000));
    while (inputs.length < 2) await new Promise(setImmediate);
    assert.equal(inputs[0]?.length, 8000);
    assert.equal(inputs[1]?.length, 0);
  });
});

describe('the end after an alert', () => {
  it('drops what the peer sends, up to 256 KiB, then the transport goes', async () => {
    const { stream } = collector();
    const outlet = new Outlet(stream);
    assert.equal(outlet.dropsInput(record(10)), false);
    outlet.linger();
    assert.equal(outlet.dropsInput(record(256 * 1024 - 1)), true);
    assert.equal(stream.destroyed, false);
    assert.equal(outlet.dropsInput(record(1)), true);
    assert.equal(stream.destroyed, true);
    await once(stream, 'close');
  });
});
