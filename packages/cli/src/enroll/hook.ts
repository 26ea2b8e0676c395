/**
 * The command after a renewal, run by a shell exactly as it was given: what is ours to say goes by the environment, so that no name
 * of a file becomes a part of it. That it is due is noted in a file before the certificate is replaced, and the note goes when the
 * command has ended well: neither a crash nor a failure loses it.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quote } from '@handfast/tls';
import { CliError, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import type { MaterialFiles } from './material.ts';

export interface HookLimits {
  readonly timeoutMs: number;
  /** For what it still has to say when it has ended, and to end when it is told to. */
  readonly graceMs: number;
}

const usualLimits: HookLimits = { timeoutMs: 5 * 60_000, graceMs: 2000 };

function noteOf({ certificate }: MaterialFiles): string {
  return `${certificate}.hook-due`;
}

export function isHookDue(files: MaterialFiles): boolean {
  return existsSync(noteOf(files));
}

/** @throws CliError where it cannot be written */
export function noteHook(files: MaterialFiles): void {
  const note = noteOf(files);
  try {
    writeFileSync(note, '');
  } catch (error) {
    throw usageError(`${quote(note)} cannot be written: ${reasonOf(error)}`, 'there it is noted that the hook is due');
  }
}

/** Before the CA is asked for a certificate that would then have no hook. @throws CliError */
export function checkNote(files: MaterialFiles): void {
  if (isHookDue(files)) return;
  noteHook(files);
  rmSync(noteOf(files), { force: true });
}

/**
 * What it leaves running in the background is not waited for. Where its time is up, or the command is interrupted, it is ended with
 * all that it has started.
 *
 * @throws CliError where it does not end with 0
 */
export async function runHook(
  command: string,
  files: MaterialFiles,
  io: Io,
  limits: HookLimits = usualLimits,
): Promise<void> {
  const end = io.interrupted.aborted ? interrupted : await endOf(command, files, io, limits);
  const hint = 'the new certificate is in its place; the hook is run again the next time';
  if (end === interrupted) throw new CliError(exitCodes.interrupted, 'interrupted', { hint });
  if (end !== undefined) throw new CliError(exitCodes.failed, `the hook has failed: ${end}`, { hint });
  rmSync(noteOf(files), { force: true });
}

const interrupted = 'interrupted';

/** Why it has not ended well; `undefined` where it has. */
async function endOf(
  command: string,
  files: MaterialFiles,
  io: Io,
  { timeoutMs, graceMs }: HookLimits,
): Promise<string | undefined> {
  const env = { ...io.env, HANDFAST_CERT: resolve(files.certificate), HANDFAST_KEY: resolve(files.key) };
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: hasGroups });
  // What it says is no answer of ours.
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => io.stderr.write(chunk));
  // Not before all who have inherited the streams have closed them.
  const closed = once(child, 'close').catch(() => undefined);
  const { promise: ended, resolve: end } = Promise.withResolvers<string | undefined>();
  child.once('error', (error) => end(reasonOf(error)));
  child.once('exit', (code, signal) => end(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  const timer = setTimeout(() => end(`it has not ended within ${timeoutMs / 1000} s`), timeoutMs);
  const interrupt = (): void => end(interrupted);
  io.interrupted.addEventListener('abort', interrupt);
  try {
    const why = await ended;
    if (isRunning(child)) await endAll(child, graceMs);
    await Promise.race([closed, delay(graceMs, undefined, { ref: false })]);
    return why;
  } finally {
    clearTimeout(timer);
    io.interrupted.removeEventListener('abort', interrupt);
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

/** Windows has no groups of processes: there the shell alone is ended. */
const hasGroups = process.platform !== 'win32';

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** With all that it has started: told to, and made to where it does not. */
async function endAll(child: ChildProcess, graceMs: number): Promise<void> {
  const until = performance.now() + graceMs;
  signalAll(child, 'SIGTERM');
  while (signalAll(child, 0) && performance.now() < until) await delay(pollMs);
  signalAll(child, 'SIGKILL');
}

const pollMs = 20;

/** Whether there is anybody whom the signal may reach. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (!hasGroups || child.pid === undefined) return child.kill(signal);
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}
