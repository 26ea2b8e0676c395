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

/** Of a new passphrase, for who is told what to do. */
export interface PassphraseAdvice {
  /** Names a file with it. */
  readonly option: string;
  /** How there is none. */
  readonly without: string;
}

/** Asks twice, so that a slip of the finger locks nobody out. */
export async function askNewPassphrase(what: string, io: Io, { option, without }: PassphraseAdvice): Promise<string> {
  const first = await askPassphrase(`Passphrase for ${what}: `, io, option);
  if (first === '') throw usageError('the passphrase is empty', without);
  if ((await askPassphrase('Once more: ', io, option)) !== first) throw usageError('the two are not the same');
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

const enter = new Set([0x0a, 0x0d, 0x04]);

/** Raw mode leaves the keys that edit a line to us. */
function typedLine({ stdin }: Io): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let text = '';
    const stop = (): void => {
      stdin.off('data', read);
      stdin.off('end', end);
      stdin.pause();
    };
    const end = (): void => {
      stop();
      resolve(text);
    };
    const read = (chunk: Buffer): void => {
      const at = chunk.findIndex((byte) => enter.has(byte));
      for (const character of decoder.write(at < 0 ? chunk : chunk.subarray(0, at))) {
        if (character === '\u0003') {
          stop();
          reject(new CliError(exitCodes.interrupted, 'interrupted'));
          return;
        }
        text = edited(text, character);
      }
      if (at < 0) return;
      end();
      // Who pastes two lines answers the next question, too.
      const rest = behindLine(chunk, at);
      if (rest.length > 0) stdin.unshift(rest);
    };
    stdin.on('data', read);
    stdin.once('end', end);
    stdin.resume();
  });
}

/** A line may end in two characters. */
function behindLine(chunk: Buffer, at: number): Buffer {
  const two = chunk[at] === 0x0d && chunk[at + 1] === 0x0a;
  return chunk.subarray(at + (two ? 2 : 1));
}

function edited(text: string, character: string): string {
  switch (character) {
    case '\u007f':
    case '\b':
      return [...text].slice(0, -1).join('');
    case '\u0015':
      return '';
    default:
      return text + character;
  }
}
