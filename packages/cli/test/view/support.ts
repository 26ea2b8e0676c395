/**
 * A viewer as `handfast view` runs it, in this process: its place, its page, and a browser's requests.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { LiveEvent } from '@handfast/viewer';
import { view } from '../../src/view/view.ts';
import { Output } from '../support/io.ts';

/** Of Windows, where no file is the place: tests of folders and modes are not for it. */
export const isPipe: boolean = process.platform === 'win32';

export interface Place {
  readonly folder: string;
  readonly socket: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where a page lies that was built. */
  readonly site: URL;
  remove(): void;
}

export function makePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-view-'));
  const socket = isPipe ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, 'view.sock');
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>the page</title>');
  writeFileSync(join(folder, 'page.js'), 'export {};');
  writeFileSync(join(folder, 'secret.key'), 'nothing that a page is made of');
  return {
    ...{ folder, socket, env: { HANDFAST_VIEW_SOCKET: socket }, site: pathToFileURL(`${folder}/`) },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Viewer {
  readonly stdin: PassThrough;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly exitCode: Promise<number>;
  /** The address that was printed first. */
  url(): Promise<URL>;
  /** Opens the address. @returns what a browser sends from then on. */
  enter(): Promise<{ readonly base: URL; readonly cookie: string }>;
  end(): Promise<number>;
}

export function startView(place: Place, options: { readonly json?: boolean; readonly open?: boolean } = {}): Viewer {
  const stdin = new PassThrough();
  const stdout = new Output();
  const stderr = new Output();
  const interrupt = new AbortController();
  const io = {
    ...{ stdin, stdout: stdout.stream, stderr: stderr.stream, env: place.env, interrupted: interrupt.signal },
  };
  const exitCode = view({ port: '0', open: false, ...options }, io, place.site);
  const url = async (): Promise<URL> => new URL((await stdout.match(/http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/))[0]);
  return {
    ...{ stdin, stdout, stderr, exitCode, url },
    async enter() {
      const address = await url();
      const { headers } = await ask(address);
      return { base: new URL('/', address), cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' };
    },
    end() {
      interrupt.abort();
      return exitCode;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** @param path in place of the URL's, as it is. */
export async function ask(
  url: URL,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  method = 'GET',
  path?: string,
): Promise<Answer> {
  const response = await open(url, headers, method, path);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

export function open(
  url: URL,
  headers: Readonly<Record<string, string | readonly string[]>>,
  method = 'GET',
  path = `${url.pathname}${url.search}`,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = url;
    request({ hostname, port, path, method, headers: { ...headers } as Record<string, string>, agent: false }, resolve)
      .on('error', reject)
      .end();
  });
}

export interface Page {
  readonly events: LiveEvent[];
  /** The number of the newest event. */
  last(): string;
  until(holds: (events: readonly LiveEvent[]) => boolean): Promise<void>;
  close(): void;
}

/** A page that listens to what happens. */
export async function listen(base: URL, cookie: string, lastEventId?: string): Promise<Page> {
  const headers = { cookie, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
  const response = await open(new URL('/live', base), headers);
  const events: LiveEvent[] = [];
  let [rest, last]: [string, string] = ['', ''];
  let wake: () => void = () => undefined;
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      last = /^id: (\d+)$/m.exec(block)?.[1] ?? last;
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) events.push(JSON.parse(data) as LiveEvent);
    }
    wake();
  });
  response.on('error', () => undefined);
  return {
    events,
    last: () => last,
    async until(holds) {
      while (!holds(events)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => response.destroy(),
  };
}
