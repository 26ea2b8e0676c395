/**
 * What is measured in a page of Chromium, with the page's main thread as TLS client. The worker has loaded this same module.
 *
 * @module
 */

import { type ByteStreams, connect, fromMessagePort, fromWebSocket } from '@handfast/tls/web';
import { decrypting, encrypting } from './ceiling.ts';
import { drink, pour, sip } from './flow.ts';
import { clientOptions, type Kind } from './parties.ts';
import { type Blocking, percentile, watch } from './watch.ts';
import { type Job, type Order, serve } from './worker.ts';

/** Which way bulk data goes, as the page sees it. */
export type Way = 'out' | 'in';

/** Where to: the worker, or a WebSocket and the root of the server behind it. */
export type Peer = { readonly url: string; readonly ca: string } | undefined;

export interface Handshakes {
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly count: number;
}

export interface Transfer extends Blocking {
  readonly mebibytes: number;
  /** MiB/s. */
  readonly rate: number;
}

/** Called by whoever drives the browser. */
interface Bench {
  handshakes(kind: Kind, milliseconds: number): Promise<Handshakes>;
  /** TLS, or the transport alone. */
  transfer(what: 'tls' | 'alone', way: Way, peer: Peer, milliseconds: number): Promise<Transfer>;
  webCrypto(way: Way, inFlight: number, milliseconds: number): Promise<Transfer>;
}

declare global {
  var bench: Bench;
}

const mebibyte = 1024 * 1024;

function page(): Bench {
  const worker = new Worker(import.meta.url, { type: 'module' });
  const workersRoot = new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
  });

  const give = (job: Job): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ port: port2, job } satisfies Order, [port2]);
    return port1;
  };
  const streamsTo = (peer: Peer, what: 'tls' | 'port', way: Way): ByteStreams => {
    if (peer !== undefined) return fromWebSocket(new WebSocket(peer.url));
    return fromMessagePort(give({ what, part: way === 'out' ? 'sink' : 'source' }));
  };
  const timed = async (work: () => Promise<number>): Promise<Transfer> => {
    // The task that ends the handshake is none of the transfer.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const unwatch = watch();
    const start = performance.now();
    const mebibytes = (await work()) / mebibyte;
    const elapsed = performance.now() - start;
    return { mebibytes, rate: (mebibytes / elapsed) * 1000, ...(await unwatch()) };
  };
  const move = async ({ readable, writable }: ByteStreams, way: Way, milliseconds: number): Promise<number> => {
    if (way === 'in') return await sip(readable, milliseconds);
    const length = await pour(writable, milliseconds);
    // The other end answers by its own end, when it has read all.
    await drink(readable);
    return length;
  };

  return {
    async handshakes(kind, milliseconds) {
      const options = clientOptions(await workersRoot, kind);
      const durations: number[] = [];
      for (const start = performance.now(); performance.now() - start < milliseconds; ) {
        const port = give({ what: 'handshake', kind });
        const begin = performance.now();
        const tls = await connect(fromMessagePort(port), options);
        const duration = performance.now() - begin;
        const { resumed } = tls.negotiated;
        // The first one brings the session; its ticket comes behind the handshake, before the end.
        if (resumed || kind !== 'resumed') durations.push(duration);
        const writer = tls.writable.getWriter();
        await writer.close();
        await drink(tls.readable);
      }
      return { median: percentile(durations, 0.5), p99: percentile(durations, 0.99), count: durations.length };
    },

    async transfer(what, way, peer, milliseconds) {
      const streams = streamsTo(peer, what === 'tls' ? 'tls' : 'port', way);
      if (what === 'alone') return await timed(() => move(streams, way, milliseconds));
      const tls = await connect(streams, clientOptions(peer?.ca ?? (await workersRoot), 'X25519'));
      return await timed(async () => {
        const length = await move(tls, way, milliseconds);
        tls.abort();
        return length;
      });
    },

    async webCrypto(way, inFlight, milliseconds) {
      if (way === 'out') {
        const port = give({ what: 'decrypt' });
        return await timed(() => encrypting(port, inFlight, milliseconds));
      }
      const port = give({ what: 'encrypt', inFlight, milliseconds });
      return await timed(() => decrypting(port));
    },
  };
}

if (typeof document === 'object') globalThis.bench = page();
else void serve();
