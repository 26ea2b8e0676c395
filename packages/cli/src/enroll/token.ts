/**
 * The token on its way in: from a file, from stdin, or typed. As an argument it would be in everybody's list of processes, and
 * in the history of the shell.
 *
 * @module
 */

import { askPassphrase, passphraseFile } from '../ca/passphrase.ts';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import type { Report } from '../report.ts';

export interface TokenOptions {
  readonly token?: string;
  readonly tokenFile?: string;
}

/** More than any token has. */
const maxInput = 4096;

export async function tokenFrom({ token, tokenFile }: TokenOptions, io: Io, report: Report): Promise<string> {
  if (token !== undefined && tokenFile !== undefined) {
    throw usageError('--token and --token-file contradict each other');
  }
  if (token !== undefined) {
    report.warning(
      '--token: others on this machine can read it while this runs, and the shell may keep it; --token-file - reads stdin',
    );
    return checked('--token', token);
  }
  const terminal = 'isTTY' in io.stdin && io.stdin.isTTY === true;
  if (tokenFile !== undefined && tokenFile !== '-')
    return checked('--token-file', passphraseFile('--token-file', tokenFile));
  if (terminal) return checked('the token', await askPassphrase('Token: ', io));
  if (tokenFile === '-') return checked('the token', await firstLine(io));
  throw usageError(
    'enrolment needs a token',
    '--token-file FILE, or --token-file - for stdin: handfast ca token makes one',
  );
}

async function firstLine({ stdin }: Io): Promise<string> {
  let text = '';
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.includes('\n') || text.length > maxInput) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

/** It goes into a header: what is no token goes nowhere. */
function checked(what: string, text: string): string {
  const token = text.trim();
  if (/^[\w.~+/-]{1,200}=*$/.test(token)) return token;
  throw usageError(`${what} is no token`, 'handfast ca token prints it: hfe_…');
}
