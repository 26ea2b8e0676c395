/**
 * What both ends say to each other once they are connected, over any Duplex: our own sockets, another runtime's, or a
 * command's standard input and output. Each step waits for the one before, so that a key update has a place.
 *
 * client: `hello`, the first part, `middle`, the second, then (half) ends its side or (full) says `quit`
 * server: echoes it all, says `bye` in answer to the end or to `quit`, and ends
 *
 * The content is decimal digits: tools that read commands from their input find none.
 *
 * @module
 */

import type { Duplex } from 'node:stream';

export const hello = 'hello\n';
export const middle = 'middle\n';
export const quit = 'quit\n';
export const bye = 'bye\n';

/** gnutls-cli makes a record of each line. */
const lineLength = 4_000;

/** Two parts of a conversation: lines of digits that do not repeat. */
export type Parts = readonly [string, string];

/** 60,000 bytes each. */
export const parts: Parts = [digits(1, 60_000), digits(2, 60_000)];

/** For gnutls-cli, which writes what it receives byte by byte: a few of its records each. */
export const shortParts: Parts = [digits(1, 9_000), digits(2, 9_000)];

export interface ClientScript {
  readonly parts?: Parts | undefined;
  readonly closing: string;
  /** Called between the two parts. */
  readonly keyUpdate?: () => Promise<void> | void;
  /** The peer never says `bye` (an echo server): an end without it is right. */
  readonly withoutBye?: boolean;
  /** We end after `bye`, before the server does. */
  readonly clientEndsFirst?: boolean;
}

export interface ServerScript {
  readonly parts?: Parts | undefined;
  readonly keyUpdate?: () => Promise<void> | void;
  /** The client is gone once it has ended its side: nothing is written any more. */
  readonly withoutBye?: boolean;
  /** How the server ends: where the Duplex is a command's, perhaps not by ending its input. */
  readonly end?: () => void;
}

/** The client's part. @throws Error that says what came instead. */
export async function speakAsClient(duplex: Duplex, script: ClientScript): Promise<void> {
  const { closing, keyUpdate, withoutBye, clientEndsFirst } = script;
  const [first, second] = script.parts ?? parts;
  const reader = new Reader(duplex);
  await say(duplex, reader, hello);
  await say(duplex, reader, first);
  await say(duplex, reader, middle);
  await keyUpdate?.();
  await say(duplex, reader, second);
  if (closing === 'half') duplex.end();
  else duplex.write(quit);
  if (!withoutBye) await reader.expect(bye, 'the trailing line');
  if (clientEndsFirst) duplex.end();
  await reader.expectEnd();
  if (!duplex.writableEnded) duplex.end();
}

/** The server's part. @throws Error that says what came instead. */
export async function speakAsServer(duplex: Duplex, script: ServerScript = {}): Promise<void> {
  const reader = new Reader(duplex);
  const [first, second] = script.parts ?? parts;
  for (const line of [hello, first]) await echo(duplex, reader, line);
  await reader.expect(middle, JSON.stringify(middle));
  await script.keyUpdate?.();
  duplex.write(middle);
  await echo(duplex, reader, second);
  await reader.expectQuitOrEnd();
  if (!script.withoutBye) duplex.write(bye);
  if (script.end === undefined) duplex.end();
  else script.end();
}

/** Our server's part of a short visit: whatever comes back, and an end after the client's. */
export async function echoAll(socket: Duplex): Promise<undefined> {
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  socket.end();
}

/** Our client's part of a short visit to a web server: the page. */
export async function pageOf(socket: Duplex): Promise<string> {
  const reader = new Reader(socket);
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const page = await reader.rest();
  socket.end();
  return page;
}

async function say(duplex: Duplex, reader: Reader, text: string): Promise<void> {
  duplex.write(text);
  await reader.expect(text, `the echo of ${summary(text)}`);
}

/** Writes back as it arrives, so that neither side's buffers need hold it all. */
async function echo(duplex: Duplex, reader: Reader, text: string): Promise<void> {
  await reader.expect(text, summary(text), (chunk) => duplex.write(chunk));
}

function summary(text: string): string {
  return text.length < 40 ? JSON.stringify(text) : `${text.length} bytes`;
}

/** Reads a Duplex in exact pieces. */
export class Reader {
  readonly #duplex: Duplex;
  #buffer = '';
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
    duplex.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      this.#wake?.();
    });
    duplex.on('end', () => this.#stop());
    duplex.on('close', () => this.#stop());
    duplex.on('error', (error: Error) => {
      this.#error ??= error;
      this.#stop();
    });
  }

  async expect(text: string, what: string, onChunk?: (chunk: string) => void): Promise<void> {
    let offset = 0;
    while (offset < text.length) {
      if (this.#buffer.length === 0) await this.#more(`${what}, ${offset} of ${text.length} bytes`);
      const chunk = this.#buffer.slice(0, text.length - offset);
      if (chunk !== text.slice(offset, offset + chunk.length)) {
        throw new Error(`instead of ${what} at byte ${offset}: ${JSON.stringify(chunk.slice(0, 60))}`);
      }
      this.#buffer = this.#buffer.slice(chunk.length);
      offset += chunk.length;
      onChunk?.(chunk);
    }
  }

  async expectEnd(): Promise<void> {
    while (!this.#ended && this.#buffer.length === 0) await this.#wait();
    if (this.#buffer.length > 0) throw new Error(`instead of the end: ${JSON.stringify(this.#buffer.slice(0, 60))}`);
    if (this.#error !== undefined) throw this.#error;
  }

  /** All that comes until the end. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#wait();
    if (this.#error !== undefined) throw this.#error;
    return this.#buffer;
  }

  async expectQuitOrEnd(): Promise<void> {
    while (!this.#ended && this.#buffer.length < quit.length) await this.#wait();
    if (this.#error !== undefined) throw this.#error;
    if (this.#buffer !== '' && this.#buffer !== quit) {
      throw new Error(`instead of quit or the end: ${JSON.stringify(this.#buffer.slice(0, 60))}`);
    }
    this.#buffer = '';
  }

  async #more(what: string): Promise<void> {
    if (!this.#ended) await this.#wait();
    if (this.#buffer.length > 0 || !this.#ended) return;
    throw this.#error ?? new Error(`the connection ended before ${what}`);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #stop(): void {
    this.#ended = true;
    this.#wake?.();
    // An error after the end is still heard of, and must not be unhandled.
    this.#duplex.resume();
  }
}

function digits(seed: number, length: number): string {
  let state = seed;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${String(state).padStart(10, '0')}${text.length % (lineLength + 1) === lineLength - 10 ? '\n' : ''}`;
  }
  return `${text.slice(0, length - 1)}\n`;
}
