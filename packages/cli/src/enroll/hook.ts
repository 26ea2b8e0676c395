/**
 * The command after a renewal, run by a shell exactly as it was given: what is ours to say goes by the environment, so that no name
 * of a file becomes a part of it. That it is due is noted in a file before the certificate is replaced, and the note goes when the
 * command has ended well: neither a crash nor a failure loses it.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import type { MaterialFiles } from './material.ts';

const timeoutMs = 5 * 60_000;

function noteOf({ certificate }: MaterialFiles): string {
  return `${certificate}.hook-due`;
}

export function isHookDue(files: MaterialFiles): boolean {
  return existsSync(noteOf(files));
}

export function noteHook(files: MaterialFiles): void {
  writeFileSync(noteOf(files), '');
}

/** @throws CliError where it does not end with 0 */
export async function runHook(command: string, files: MaterialFiles, io: Io): Promise<void> {
  const env = { ...io.env, HANDFAST_CERT: resolve(files.certificate), HANDFAST_KEY: resolve(files.key) };
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  // What it says is no answer of ours.
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => io.stderr.write(chunk));
  const end = await new Promise<string | undefined>((done) => {
    child.once('error', (error) => done(reasonOf(error)));
    child.once('close', (code, signal) =>
      done(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal),
    );
  });
  if (end !== undefined) {
    throw new CliError(exitCodes.failed, `the hook has failed: ${end}`, {
      hint: 'the new certificate is in its place; the hook is run again the next time',
    });
  }
  rmSync(noteOf(files), { force: true });
}
