/**
 * What stands in for a viewer: listens where programs look for one, and keeps the lines that they send.
 *
 * @module
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Part } from '../../../src/recording/index.ts';

/** Of Windows, where no file is the place: tests of folders and modes are not for it. */
export const isPipe: boolean = process.platform === 'win32';

export interface StandIn {
  readonly folder: string;
  readonly path: string;
  /** For programs that are to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** All that was sent, of all programs. */
  readonly text: () => string;
  readonly lines: () => readonly Record<string, unknown>[];
  readonly parts: () => readonly Part[];
  readonly sockets: readonly Socket[];
  /** Waits until what has come is as it should be. */
  until(holds: () => boolean): Promise<void>;
  /** No program finds it any more. */
  leave(): Promise<void>;
}

export function folderOfTest(): string {
  return mkdtempSync(join(tmpdir(), 'handfast-live-'));
}

/** @param reads whether it reads what is sent. */
export async function standIn(folder: string = folderOfTest(), reads = true): Promise<StandIn> {
  const path = isPipe ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, 'view.sock');
  const sockets: Socket[] = [];
  let text = '';
  const lines: Record<string, unknown>[] = [];
  let wake: () => void = () => undefined;
  const server = createServer((socket) => {
    sockets.push(socket);
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('close', () => wake());
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const whole = (rest + chunk).split('\n');
      rest = whole.pop() ?? '';
      lines.push(...whole.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>));
      wake();
    });
    if (!reads) socket.pause();
    wake();
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    ...{ folder, path, env: { HANDFAST_VIEW_SOCKET: path }, sockets },
    lines: () => lines,
    text: () => text,
    parts: () => lines.filter((line): line is Record<string, unknown> & Part => 'id' in line),
    async until(holds) {
      while (!holds()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async leave() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      rmSync(path, { force: true });
    },
  };
}
