/**
 * A page that begins a handshake, as a client or a server, and goes no further: its driver closes it, or its peer, then.
 *
 * @module
 */

import { fullWebProvider } from '@handfast/crypto/web/full';
import { accept, type ByteStreams, connect, fromMessagePort, fromWebSocket } from '@handfast/tls/web';
import { property } from '../suite/check.ts';
import { pki, serverCredential } from '../suite/identities.ts';

declare global {
  /** Called by whoever drives the browser. */
  var tab: {
    /** Connects over a WebSocket. */
    readonly client: (url: string) => void;
    /** Accepts over a WebSocket; done when a hello has come. */
    readonly server: (url: string) => Promise<void>;
    /** Accepts what a page connects to that it opens; done when a hello has come. */
    readonly openPeer: () => Promise<void>;
    /** The code with which what was begun ended. */
    readonly ended: () => Promise<string>;
  };
}

/** Longer than anybody waits. */
const long = 120_000;
/** No page is told that the other end of its port is gone: time must tell. */
const short = 3_000;

let ending: Promise<unknown> = Promise.reject(new Error('nothing was begun'));
ending.catch(() => {});

/** Done when a hello has come; whoever is asked what to answer never says. */
async function halfway(streams: ByteStreams, handshakeTimeout: number): Promise<void> {
  const credentials = [await serverCredential(fullWebProvider)];
  await new Promise<void>((resolve) => {
    const selectConfig = () => {
      resolve();
      return new Promise<never>(() => {});
    };
    ending = accept(streams, { credentials, selectConfig, handshakeTimeout });
    ending.catch(() => {});
  });
}

async function begin(streams: ByteStreams, handshakeTimeout: number): Promise<void> {
  const { trust } = await pki();
  ending = connect(streams, { serverName: 'localhost', trust, handshakeTimeout });
  ending.catch(() => {});
}

globalThis.addEventListener('message', ({ data, ports: [port] }) => {
  if (data === 'connect' && port) void begin(fromMessagePort(port), short);
});

// Whoever opened this page waits until it listens.
globalThis.opener?.postMessage('ready', '*');

globalThis.tab = {
  client: (url) => void begin(fromWebSocket(new WebSocket(url)), long),
  server: (url) => halfway(fromWebSocket(new WebSocket(url)), long),
  async openPeer() {
    const opened = window.open(location.href);
    if (opened === null) throw new Error('the browser opens no second page');
    await new Promise((resolve) => globalThis.addEventListener('message', resolve, { once: true }));
    const { port1, port2 } = new MessageChannel();
    opened.postMessage('connect', '*', [port2]);
    await halfway(fromMessagePort(port1), short);
  },
  ended: () =>
    ending.then(
      () => 'connected',
      (error) => String(property(error, 'code') ?? error),
    ),
};
