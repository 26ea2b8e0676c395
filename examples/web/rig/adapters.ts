/**
 * What a browser alone can show of the adapters: TLS over each of its transports.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Running } from '../../../programs/src/processes.ts';
import { shown } from './browser.ts';
import type { Authority } from './pki.ts';
import { openSslEcho } from './relay.ts';
import type { Scenario } from './scenario.ts';
import { site } from './site.ts';
import type { World } from './world.ts';

async function thereAndBack({ browser, pki }: World, over: string, echo: number, more = ''): Promise<void> {
  const here = await site('adapters/page.ts', pki, { targets: { echo: { host: '127.0.0.1', port: echo } } });
  const page = await browser.newPage();
  try {
    const said = await shown(page, `${here.origin}/?over=${over}${more}`);
    assert.deepEqual(JSON.parse(said), { same: true, version: 'TLS 1.3', peer: 'localhost' });
  } finally {
    await page.close();
    here.close();
  }
}

/** A WebTransport server of aioquic's, that goes on to a TCP port. */
async function webTransport(pki: Authority, target: number): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const script = fileURLToPath(new URL('../adapters/webtransport.py', import.meta.url));
  const env = { PYTHONPATH: fileURLToPath(new URL('../.cache/python', import.meta.url)) };
  const running = new Running('python3', [script, pki.cert, pki.key, String(target)], { line: resolve, env });
  const port = Number(await Promise.race([promise, running.exit.then(() => 'nothing')]));
  if (!(port > 0)) throw new Error(`no WebTransport: ${running.words}`);
  return { port, stop: () => running.stop() };
}

export const ofAdapters: readonly Scenario[] = [
  ...(['websocket', 'websocketstream'] as const).map((over) => ({
    example: 'adapters',
    name: `a megabyte to OpenSSL and back over ${over === 'websocket' ? 'WebSocket' : 'WebSocketStream'}`,
    async run(world: World) {
      const echo = await openSslEcho(world.pki);
      try {
        await thereAndBack(world, over, echo.port);
      } finally {
        echo.close();
      }
    },
  })),
  {
    example: 'adapters',
    name: 'a megabyte to OpenSSL and back over a WebTransport stream to aioquic',
    async run(world) {
      const echo = await openSslEcho(world.pki);
      const quic = await webTransport(world.pki, echo.port);
      try {
        const { raw } = new X509Certificate(readFileSync(world.pki.cert));
        const hash = createHash('sha256').update(raw).digest('hex');
        await thereAndBack(world, 'webtransport', echo.port, `&port=${quic.port}&hash=${hash}`);
      } finally {
        await quic.stop();
        echo.close();
      }
    },
  },
  ...(['datachannel', 'messageport'] as const).map((over) => ({
    example: 'adapters',
    name: `a megabyte to our server and back over ${over === 'datachannel' ? 'a data channel' : 'a MessagePort'}`,
    run: (world: World) => thereAndBack(world, over, 9),
  })),
];
