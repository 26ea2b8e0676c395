/**
 * Passphrases: from a file or from the terminal, never from an argument or the environment, which others can read.
 *
 * @module
 */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { quote } from '@handfast/tls';
import { CliError, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { readFileFor } from '../options.ts';

/** The first line of a file, without the line's end. */
export function passphraseFile(option: string, path: string): string {
  const [line = ''] = readFileFor(option, path).toString('utf8').split('\n');
  const passphrase = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (passphrase === '') throw usageError(`${option} ${quote(path)} begins with an empty line`);
  return passphrase;
}

/** Asks twice, so that a slip of the finger locks nobody out. */
export async function askNewPassphrase(what: string, io: Io): Promise<string> {
  const first = await askPassphrase(`Passphrase for ${what}: `, io);
  if (first === '') throw usageError('the passphrase is empty', '--no-passphrase leaves the key unencrypted');
  if ((await askPassphrase('Once more: ', io)) !== first) throw usageError('the two are not the same');
  return first;
}

/** Asks, without showing what is typed. */
export async function askPassphrase(prompt: string, io: Io, option: string = '--passphrase-file'): Promise<string> {
  const terminal = terminalOf(io.stdin);
  if (terminal === undefined) {
    throw usageError(
      'a passphrase is needed, and there is no terminal to ask at',
      `write it into a file that only you can read, and name it with ${option}`,
    );
  }
  io.stderr.write(prompt);
  terminal.setRawMode(true);
  try {
    return await typedLine(io);
  } finally {
    terminal.setRawMode(false);
    io.stdin.pause();
    io.stderr.write('\n');
  }
}

interface Terminal {
  setRawMode(raw: boolean): void;
}

function terminalOf(stdin: Readable): Terminal | undefined {
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true && 'setRawMode' in stdin;
  return isTerminal && typeof stdin.setRawMode === 'function' ? (stdin as Readable & Terminal) : undefined;
}

/** Raw mode leaves the keys that edit a line to us. */
function typedLine({ stdin }: Io): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let text = '';
    const stop = (): void => {
      stdin.off('data', read);
      stdin.off('end', end);
    };
    const end = (): void => {
      stop();
      resolve(text);
    };
    const read = (chunk: Buffer): void => {
      for (const character of decoder.write(chunk)) {
        switch (character) {
          case '\r':
          case '\n':
          case '\u0004':
            end();
            return;
          case '\u0003':
            stop();
            reject(new CliError(exitCodes.interrupted, 'interrupted'));
            return;
          case '\u007f':
          case '\b':
            text = [...text].slice(0, -1).join('');
            break;
          case '\u0015':
            text = '';
            break;
          default:
            text += character;
        }
      }
    };
    stdin.on('data', read);
    stdin.once('end', end);
    stdin.resume();
  });
}
