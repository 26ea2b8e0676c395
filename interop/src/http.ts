/**
 * Our server's part with programs that speak HTTP: each POST gets its own body back, a GET gets a page that posts and
 * compares by itself. After the second POST the connection ends. Written by hand on the socket, so that a key update
 * has a place: in the middle of the first answer. The peer's own travels with its second request. (After the answer, a
 * client would take the bytes on its idle connection for a fault, and open another.)
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import { hello, parts } from './conversation.ts';
import type { Word } from './words.ts';

/** What clients send, twice, and get back. */
export const body: string = parts.join('');

/** What the page says when both answers were right. */
export const pageVerdict = '<p id="verdict">both answers are what was sent</p>';

/** Serves one connection; resolves when the second POST has been answered. */
export async function serveHttp(socket: Duplex, keyUpdate: () => void): Promise<void> {
  const read = requests(socket);
  for (let posts = 0; posts < 2; ) {
    const request = await read();
    if (!request.isPost) {
      socket.write(head(request.path === '/' ? 200 : 404, 'text/html', page.length, false) + page);
      continue;
    }
    if (request.body !== body)
      throw new Error(`a request body of ${request.body.length} bytes that is not what was sent`);
    posts++;
    socket.write(head(200, 'text/plain', body.length, posts === 2) + parts[0]);
    if (posts === 1) keyUpdate();
    socket.write(parts[1]);
  }
  socket.end();
}

/** Answers one GET with a line, and ends. */
export async function answerOnce(socket: Duplex): Promise<undefined> {
  await requests(socket)();
  socket.end(head(200, 'text/plain', hello.length, true) + hello);
}

/** What `returningPage` holds of its own connection and of three more, each as the server knows it. */
export function wordsOfPage(dom: string): readonly Word[] {
  const [, words = ''] = /<p id="words">([^<]*)<\/p>/.exec(dom) ?? [];
  return words.split(', ').map((word) => (word === 'new' || word === 'resumed' ? word : undefined));
}

/** Answers one GET: with a page that asks again, three times, or with the word on this connection. Then the connection ends. */
export async function answerWithWord(socket: Duplex, word: Word): Promise<undefined> {
  const { path } = await requests(socket)();
  const content = path === '/' ? returningPage(word) : String(word);
  socket.end(head(200, path === '/' ? 'text/html' : 'text/plain', content.length, true) + content);
}

const returningPage = (word: Word): string => `<!doctype html><title>interop</title><link rel="icon" href="data:,">
<p id="words">${word}</p><script>
const words = document.getElementById('words');
try {
  for (const path of ['/1', '/2', '/3']) {
    const request = new XMLHttpRequest();
    request.open('GET', path, false);
    request.send();
    words.textContent += ', ' + request.responseText;
  }
} catch (error) {
  words.textContent = String(error);
}
</script>`;

function head(status: number, type: string, length: number, last: boolean): string {
  const fields = [`Content-Type: ${type}`, `Content-Length: ${length}`, 'Cache-Control: no-store'];
  return [`HTTP/1.1 ${status} -`, ...fields, ...(last ? ['Connection: close'] : []), '', ''].join('\r\n');
}

// Synchronous requests: the page is not loaded before they are done.
const page = `<!doctype html><title>interop</title><link rel="icon" href="data:,"><pre hidden id="body">\n${body}</pre>
<p id="verdict">not done</p><script>
const body = document.getElementById('body').textContent;
const verdict = document.getElementById('verdict');
try {
  for (let round = 0; round < 2; round++) {
    const request = new XMLHttpRequest();
    request.open('POST', '/echo', false);
    request.send(body);
    if (request.responseText !== body) throw new Error('answer ' + round + ' has ' + request.responseText.length);
  }
  verdict.textContent = 'both answers are ' + 'what was sent';
} catch (error) {
  verdict.textContent = String(error);
}
</script>`;

interface Request {
  readonly isPost: boolean;
  readonly path: string;
  readonly body: string;
}

function requests(socket: Duplex): () => Promise<Request> {
  let text = '';
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    wake();
  });
  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  socket.on('error', fail);
  for (const event of ['end', 'close'])
    socket.on(event, () => fail(new Error('the client ended before its second POST')));
  return async () => {
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      const fields = text.slice(0, Math.max(end, 0) + 2);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
      if (end >= 0 && text.length >= end + 4 + length) {
        const request = text.slice(end + 4, end + 4 + length);
        text = text.slice(end + 4 + length);
        const [method, path = ''] = fields.split(' ', 2);
        return { isPost: method === 'POST', path, body: request };
      }
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
