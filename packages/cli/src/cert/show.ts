/**
 * `handfast cert show`: what is in these files, for people or as JSON lines.
 *
 * @module
 */

import { type ExitCode, exitCodes } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { describeEntry } from './describe.ts';
import { entryJson } from './json.ts';
import { layOut } from './layout.ts';
import { type KeyAccess, loadFiles, readPassword } from './load.ts';
import { parseTime } from './time.ts';

export interface ShowOptions {
  readonly json?: boolean;
  readonly color?: boolean;
  readonly passwordFile?: string;
  readonly legacy?: boolean;
  readonly time?: string;
}

/** Exits with 2 where a piece could not be read, or not be opened; the others are shown all the same. */
export async function show(files: readonly string[], options: ShowOptions, io: Io): Promise<ExitCode> {
  let refused = false;
  const access: KeyAccess = {
    password: readPassword(options.passwordFile),
    legacy: options.legacy,
    onRefusal: () => {
      refused = true;
    },
  };
  const viewing = { ...access, now: parseTime(options.time) };
  const entries = await loadFiles('FILE', files, io);
  const colors = colorsFor(io.stdout, io.env, options.color ?? true);
  for (const [index, entry] of entries.entries()) {
    if (options.json) {
      io.stdout.write(`${JSON.stringify(await entryJson(entry, access))}\n`);
    } else {
      const lines = layOut(await describeEntry(entry, viewing), colors);
      io.stdout.write(`${index === 0 ? '' : '\n'}${lines.join('\n')}\n`);
    }
  }
  return refused || entries.some(({ kind }) => kind === 'unreadable') ? exitCodes.usage : exitCodes.ok;
}
