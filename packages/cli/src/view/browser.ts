/**
 * Opens an address in the person's browser, where there is one. That it does not is no failure: the address is printed as well.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import type { Io } from '../io.ts';

/** @returns the command; undefined: nothing here would show a page. */
export function browserCommand(
  address: string,
  platform: NodeJS.Platform,
  env: Io['env'],
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open', address];
  if (platform === 'win32') return ['cmd.exe', '/d', '/c', 'start', '', address];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open', address] : undefined;
}

export function openBrowser(address: string, env: Io['env']): void {
  const command = browserCommand(address, process.platform, env);
  if (command === undefined) return;
  const [program, ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: { ...env } });
  child.on('error', () => undefined);
  child.unref();
}
