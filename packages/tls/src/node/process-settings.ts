/**
 * What a process is told about TLS from outside, and `node:tls` itself does not pass on: flags of Node's, on the command line
 * or in `NODE_OPTIONS`, and `NODE_TLS_REJECT_UNAUTHORIZED`. Each with Node's warning, once a process.
 *
 * Flags in a `node.config.json` are not seen: Node tells programs nothing of them.
 *
 * @module
 */

import { appendFile } from 'node:fs';
import type { KeyLogListener } from '../trace.ts';
import { invalidArgType } from './argument-errors.ts';

/** Whether `NODE_TLS_REJECT_UNAUTHORIZED=0` is set at this moment: then clients take anybody, unless told otherwise. */
export function allowsUnauthorized(): boolean {
  const allowed = process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0';
  if (allowed) {
    warnOnce(
      "Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections and HTTPS requests insecure by disabling certificate verification.",
    );
  }
  return allowed;
}

/**
 * Whether a client refuses a server that does not verify. Asked by every `connect`, as Node warns also where the option
 * decides. An option that is there and `undefined` is one that refuses.
 */
export function rejectsUnauthorized(options: { readonly rejectUnauthorized?: unknown }): boolean {
  const allowed = allowsUnauthorized();
  return 'rejectUnauthorized' in options ? options.rejectUnauthorized !== false : !allowed;
}

/**
 * The key log of `--tls-keylog=file`, for clients and servers; undefined: there is no such flag. Lines are appended, to a
 * file that nobody else may read where it is made here.
 */
export function keyLogOfFlag(): KeyLogListener | undefined {
  const { 'tls-keylog': file } = flagsOfProcess();
  if (typeof file !== 'string' || file === '') return undefined;
  warnOnce(`Using --tls-keylog makes TLS connections insecure by writing secret key material to file ${file}`);
  return (line) =>
    appendFile(file, `${line}\n`, { mode: 0o600 }, (error) => {
      if (error && !failedKeyLog) {
        failedKeyLog = true;
        process.emitWarning(`Failed to write TLS keylog (this warning will not be repeated): ${error}`);
      }
    });
}

let failedKeyLog = false;

/**
 * Whether a socket traces: its option `enableTrace`, and where that is absent, `--trace-tls`.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 */
export function tracesByDefault(enableTrace: unknown): boolean {
  if (typeof enableTrace === 'boolean') return enableTrace;
  if (enableTrace !== undefined && enableTrace !== null) {
    throw invalidArgType('options.enableTrace', ['boolean'], enableTrace);
  }
  const traces = flagsOfProcess()['trace-tls'] !== undefined;
  if (traces) warnOnce('Enabling --trace-tls can expose sensitive data in the resulting log.');
  return traces;
}

const warned = new Set<string>();

function warnOnce(words: string): void {
  if (warned.has(words)) return;
  warned.add(words);
  process.emitWarning(words);
}

/** The two flags that are looked for. One has a value. */
type Flag = 'tls-keylog' | 'trace-tls';

let given: Readonly<Record<Flag, string | true | undefined>> | undefined;

/** As Node does, they are read once: every socket asks for them. */
function flagsOfProcess(): Readonly<Record<Flag, string | true | undefined>> {
  given ??= { 'tls-keylog': processFlag('tls-keylog'), 'trace-tls': processFlag('trace-tls') };
  return given;
}

/** A flag's value, or true; undefined: it is not given, or taken back (`--no-trace-tls`). The last counts. */
export function processFlag(
  name: Flag,
  args: readonly string[] = [...splitOptions(process.env.NODE_OPTIONS ?? ''), ...process.execArgv],
): string | true | undefined {
  const takesValue = name === 'tls-keylog';
  let found: string | true | undefined;
  for (const [index, argument] of args.entries()) {
    const [, flag = '', value] = /^(--[^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    const written = flag.replaceAll('_', '-');
    if (written === `--${name}`) found = takesValue ? (value ?? args[index + 1]) : true;
    if (written === `--no-${name}`) found = undefined;
  }
  return found;
}

/** As Node splits NODE_OPTIONS: at spaces, but for those in double quotes, in which a backslash takes what follows as it is. */
export function splitOptions(text: string): readonly string[] {
  const options: string[] = [];
  let current: string | undefined;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') quoted = !quoted;
    else if (character === ' ' && !quoted) {
      if (current !== undefined) options.push(current);
      current = undefined;
    } else current = (current ?? '') + (character === '\\' && quoted ? text.charAt(++at) : character);
  }
  return current === undefined ? options : [...options, current];
}
