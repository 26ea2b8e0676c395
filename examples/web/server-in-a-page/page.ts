/**
 * A TLS server in a page: the bridge tells of each connection to its TCP port, and the page answers it, with a key that
 * never leaves the browser.
 *
 * @module
 */

import { accept, fromWebSocket, type TlsStream } from '@handfast/tls/web';
import { certifiedKey } from '../credential.ts';
import { show, showError } from '../show.ts';

/** As much of HTTP as it takes: reads to the end of the request's head, and answers. */
async function answer(visitor: TlsStream): Promise<void> {
  let head = '';
  const lines = visitor.readable.pipeThrough(new TextDecoderStream()).getReader();
  while (!head.includes('\r\n\r\n') && head.length < 8192) {
    const { done, value } = await lines.read();
    if (done) break;
    head += value;
  }
  const [what] = head.split('\r\n');
  const body = `You asked a page: ${what}\nIts browser: ${navigator.userAgent}\n`;
  const writer = visitor.writable.getWriter();
  await writer.write(
    new TextEncoder().encode(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`),
  );
  await writer.close();
  show({ what, version: visitor.negotiated.version, group: visitor.negotiated.group?.name });
}

const credentials = [await certifiedKey('localhost', ['localhost'])];
const calls = new WebSocket(`ws://${location.host}/for/https`);
calls.onopen = () => show({ listening: true });
calls.onmessage = async ({ data: id }) => {
  try {
    const transport = fromWebSocket(new WebSocket(`ws://${location.host}/take/${id}`));
    await answer(await accept(transport, { credentials }));
  } catch (error) {
    showError(error);
  }
};
