/**
 * What the trust commands touch of a machine: its files and its commands. Passed in, so that tests bring a machine of their
 * own.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import type { Io } from '../../io.ts';

export interface CommandResult {
  /** `undefined`: there is no such command. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine {
  readonly platform: string;
  /** Where `/` is: the empty string, but for tests. */
  readonly root: string;
  readonly home: string;
  /** Whether we may write everywhere. */
  readonly administrator: boolean;
  /** @param terminal whether it may ask the user: then its output is the terminal's, and not in the result */
  run(command: string, args: readonly string[], terminal?: boolean): Promise<CommandResult>;
}

export function thisMachine({ env }: Io): Machine {
  return {
    platform: process.platform,
    root: '',
    home: env.HOME ?? homedir(),
    administrator: process.getuid?.() === 0,
    run,
  };
}

function run(command: string, args: readonly string[], terminal = false): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: terminal ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ exitCode: undefined, ...output });
      else reject(error);
    });
    child.once('close', (exitCode) => resolve({ exitCode: exitCode ?? 1, ...output }));
  });
}
