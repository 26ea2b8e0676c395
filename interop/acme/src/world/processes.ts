/**
 * Commands that are run to their end, with all that they printed; and programs that run beside.
 *
 * @module
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What hangs must end: certbot under two others at once takes ten seconds. */
const patienceMs = 120_000;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it reads; nothing unless set. */
  readonly input?: string;
}

/** What it printed. @throws where it fails, with all that it printed */
export async function runHere(
  file: string,
  args: readonly string[],
  { env, cwd, input = '' }: CommandOptions = {},
): Promise<string> {
  try {
    const options = { env: { ...process.env, ...env }, timeout: patienceMs, maxBuffer: 16 << 20, ...(cwd && { cwd }) };
    const running = execute(file, [...args], options);
    // Who does not read ends before.
    running.child.stdin?.on('error', () => undefined).end(input);
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '', code, signal } = error as CommandFailure;
    const how = signal === null || signal === undefined ? `ended with ${code}` : `ended by ${signal}`;
    throw new Error(`${file} ${how}:\n  ${[file, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

interface CommandFailure {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: unknown;
  readonly signal?: string | null;
}
