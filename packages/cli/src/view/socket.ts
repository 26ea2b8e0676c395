/**
 * The place where programs find the viewer: a socket that the user alone can reach. One viewer has it; a second asks the first for its
 * address, and one that died leaves a file that the next clears away.
 *
 * @module
 */

import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { quote } from '@handfast/tls';
import { isFolderOfOurs } from '@handfast/tls/live';
import { CliError, exitCodes } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { addressQuestion } from './intake.ts';
import { JsonLines } from './lines.ts';
import { isOf, takeTurn } from './turn.ts';

/** Who holds the place: we do, or another viewer that is at this address. */
export type Holder = { readonly server: Server } | { readonly address: string };

const isPipe = process.platform === 'win32';

/** Whoever listens answers within so long. */
const answerMs = 2000;

/**
 * Takes the place, unless a viewer has it that lives.
 * @throws CliError `cannotConnect`: others could reach it, or nobody can listen there.
 */
export async function holdSocket(path: string): Promise<Holder> {
  if (!isPipe) makeFolder(dirname(path));
  let endTurn = (): void => undefined;
  try {
    if (!isPipe) endTurn = await takeTurn(`${path}.lock`);
    const address = await askAddress(path);
    return address === undefined ? { server: await listen(path) } : { address };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unusable(path, reasonOf(error), error);
  } finally {
    endTurn();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(folder, reasonOf(error), error);
  }
  if (!isFolderOfOurs(folder)) throw unusable(folder, 'it is another user’s, or others may write to it');
}

function unusable(path: string, reason: string, cause?: unknown): CliError {
  return new CliError(exitCodes.cannotConnect, `programs cannot be listened to at ${quote(path)}: ${reason}`, {
    cause,
    hint: 'HANDFAST_VIEW_SOCKET names another path, in a folder of your own with mode 0700; programs need it, too',
  });
}

/** Nobody else may connect at any moment: not even before the mode is set. */
async function listen(path: string): Promise<Server> {
  const server = createServer();
  const before = isPipe ? undefined : process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    if (before !== undefined) process.umask(before);
  }
  await once(server, 'listening');
  if (!isPipe) chmodSync(path, 0o600);
  return server;
}

/** @returns undefined where nobody listens: what a dead viewer has left is then gone. */
async function askAddress(path: string): Promise<string | undefined> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (isOf(error, 'ENOENT')) return undefined;
    if (!isPipe && !lstatSync(path).isSocket()) throw unusable(path, 'what is there is no socket');
    // Whoever has too much to do to answer is alive.
    if (isPipe || !isOf(error, 'ECONNREFUSED')) throw error;
    rmSync(path, { force: true });
    return undefined;
  }
  socket.on('error', () => undefined);
  socket.setTimeout(answerMs, () => socket.destroy());
  socket.write(`${JSON.stringify(addressQuestion)}\n`);
  const lines = new JsonLines(4096);
  try {
    for await (const chunk of socket) {
      for (const value of lines.push(chunk as Buffer)) {
        const address = typeof value === 'object' && value !== null ? Reflect.get(value, 'address') : undefined;
        if (typeof address === 'string' && /^http:\/\/127\.0\.0\.1:\d{1,5}\/\?token=[\w-]{43}$/.test(address))
          return address;
      }
    }
  } catch {
    // What cannot be read is no answer.
  } finally {
    socket.destroy();
  }
  throw unusable(path, 'a program listens there that does not answer as a viewer does');
}
