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
  /** `JAVA_HOME`, where there is one. */
  readonly javaHome?: string;
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
    ...(env.JAVA_HOME !== undefined && env.JAVA_HOME !== '' && { javaHome: env.JAVA_HOME }),
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

/** Through sudo where we are nobody special: it may ask for a password at the terminal. @returns what went wrong, if anything did */
export async function asAdministrator(machine: Machine, command: readonly string[]): Promise<string | undefined> {
  const [name = '', ...args] = machine.administrator ? command : ['sudo', ...command];
  const result = await machine.run(name, args, !machine.administrator);
  if (result.exitCode === undefined && !machine.administrator) {
    return `it takes an administrator, and there is no sudo here: have one run ${command.join(' ')}`;
  }
  return failureOf([name, ...args], result);
}

/** With the command's own last words. */
export function failureOf(command: readonly string[], { exitCode, stderr }: CommandResult): string | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === undefined) return `there is no command ${command[0] ?? ''}`;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `${command.join(' ')} ended with ${exitCode}${said === '' ? '' : `: ${said}`}`;
}
