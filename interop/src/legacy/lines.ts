/**
 * The client's part of a conversation through a command's standard input and output.
 *
 * @module
 */

import type { Command } from '../processes.ts';
import { type LegacyCase, linesOf } from './cases.ts';
import { inTime, reversed } from './ours.ts';

/**
 * Says each line, waits until it has come back, and ends the input.
 * @param log where the command has put its own words.
 * @throws Error with those words.
 */
export async function speakThrough(command: Command, row: LegacyCase, log: () => string = () => ''): Promise<void> {
  const { stdin, stdout } = command.child;
  let heard = '';
  let check = (): void => undefined;
  stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
    check();
  });
  stdout.on('end', () => check());
  const ended = command.exit.then((code) => {
    throw new Error(`it ended (${code})`);
  });
  ended.catch(() => undefined);
  try {
    for (const line of linesOf(row)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      check = () => {
        if (heard.includes(reversed(line))) resolve();
      };
      stdin.write(`${line}\n`);
      await inTime(Promise.race([promise, ended]), 'an answer');
    }
    stdin.end();
    const code = await inTime(command.exit, 'its end');
    if (code !== 0) throw new Error(`it ended with ${code}`);
  } catch (error) {
    const words = `${log()}\n${command.stderr}\n${heard}`.replaceAll(/\s+/g, ' ').trim().slice(-600);
    throw new Error(`${error instanceof Error ? error.message : String(error)}: ${words || 'no words'}`, {
      cause: error,
    });
  } finally {
    command.kill();
  }
}
