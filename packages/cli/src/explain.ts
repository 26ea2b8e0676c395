/**
 * A failure as a tired operator likes to read it: what, where, which side, what to do. For certificates, every path that
 * was tried. And the same for programs.
 *
 * @module
 */

import { quote, TlsConfigError, TlsError } from '@handfast/tls';
import { CertificateError, type RefusedPath } from '@handfast/x509';
import { CliError, exitCodeOf } from './exit.ts';
import type { Colors } from './io.ts';
import type { ErrorFields } from './lines/common.ts';
import { nameOf, wrap } from './transcript.ts';

/**
 * Lines without their ends.
 * @param width where lines are broken: a terminal's; without one they stay whole, for `grep`.
 */
export function explain(error: unknown, colors: Colors, width: number = Number.POSITIVE_INFINITY): readonly string[] {
  const { red, bold, dim } = colors;
  const lines: string[] = [];
  const add = (head: string, headLength: number, text: string, style = (part: string): string => part): void => {
    for (const [index, part] of wrap(text, Math.max(20, width - headLength)).entries()) {
      lines.push(`${index === 0 ? head : ' '.repeat(headLength)}${style(part)}`);
    }
  };
  const field = (label: string, text: string): void => add(`  ${dim(label.padEnd(7))} `, 10, text);
  add(`${red('✗')} `, 2, messageOf(error), bold);
  if (error instanceof TlsError) {
    field('code', error.tlsCode);
    field('where', whereOf(error));
    if (error.alert !== null) field('alert', alertText(error));
  } else if (error instanceof CertificateError) {
    field('code', error.code);
  }
  const certificateError = certificateErrorOf(error);
  const paths = certificateError?.paths ?? [];
  for (const [index, path] of paths.entries()) {
    field(index === 0 ? 'tried' : '', pathText(path));
    // The one path's refusal is the headline already.
    if (paths.length > 1 || path.message !== certificateError?.message) {
      add(`${' '.repeat(10)}${dim('refused:')} `, 19, path.message);
    }
  }
  const { pathsNotKept = 0 } = certificateError ?? {};
  if (pathsNotKept > 0) field('', `and ${pathsNotKept} more, refused likewise`);
  const hint = hintOf(error);
  if (hint !== undefined) field('hint', hint);
  if (isFault(error)) lines.push(...(error.stack ?? '').split('\n').slice(1).map(dim));
  return lines;
}

/** The same as one JSON value. */
export function explainJson(error: unknown): ErrorFields {
  const paths = certificateErrorOf(error)?.paths.map((path) => ({
    certificates: path.certificates.map(nameOf),
    refused: nameOf(path.certificate),
    rule: path.rule,
    message: path.message,
  }));
  return {
    message: messageOf(error),
    code: codeOf(error),
    exitCode: exitCodeOf(error),
    hint: hintOf(error) ?? null,
    ...(error instanceof TlsError
      ? { alert: error.alert, origin: error.origin, phase: error.phase, state: error.state ?? null }
      : {}),
    ...(paths === undefined || paths.length === 0 ? {} : { paths }),
  };
}

/** The refusal of a certificate that is behind an error. */
export function certificateErrorOf(error: unknown): CertificateError | undefined {
  if (error instanceof CertificateError) return error;
  return error instanceof TlsError && error.cause instanceof CertificateError ? error.cause : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : `an unexpected failure: ${quote(String(error))}`;
}

function codeOf(error: unknown): string {
  if (error instanceof TlsError) return error.tlsCode;
  if (error instanceof CertificateError || error instanceof TlsConfigError) return error.code;
  if (!(error instanceof CliError)) return circumstanceOf(error)?.code ?? 'internal';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'cli';
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof TlsError || error instanceof CertificateError || error instanceof CliError) return error.hint;
  const circumstance = circumstanceOf(error);
  if (circumstance !== undefined) return circumstance.hint;
  return isFault(error) ? 'this is a fault of handfast itself: please report it with the lines below' : undefined;
}

/** Not a refusal of anything, but a bug. */
function isFault(error: unknown): error is Error {
  return (
    error instanceof Error &&
    !(error instanceof TlsError) &&
    !(error instanceof CliError) &&
    !(error instanceof TlsConfigError) &&
    !(error instanceof CertificateError) &&
    circumstanceOf(error) === undefined
  );
}

/** What is wrong outside handfast, and who sees to that. */
interface Circumstance {
  readonly code: string;
  readonly hint: string;
}

const fullDisk = 'the disk is full: what could not be written down was not issued; free some space';
const readOnly = 'the disk, or the database, may only be read: it must be writable for the user that this runs as';
const brokenDisk = 'the disk fails: the system’s log says more';
const lostDatabase =
  'is the database up, and can it be reached from here? What could not be written down was not issued, and all goes on when it answers';
const busyDatabase = 'another process is writing to the database for long: is a backup, or another server, at work?';

const systemHints: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', fullDisk],
  ['EDQUOT', fullDisk],
  ['EROFS', readOnly],
  ['EIO', brokenDisk],
  ['ERR_DATABASE_LOST', lostDatabase],
]);

/** By the lowest byte of SQLite's result codes. */
const sqliteCircumstances: ReadonlyMap<number, Circumstance> = new Map([
  [5, { code: 'SQLITE_BUSY', hint: busyDatabase }],
  [6, { code: 'SQLITE_LOCKED', hint: busyDatabase }],
  [8, { code: 'SQLITE_READONLY', hint: readOnly }],
  [10, { code: 'SQLITE_IOERR', hint: brokenDisk }],
  [13, { code: 'SQLITE_FULL', hint: fullDisk }],
]);

/** PostgreSQL, appendix A. */
const postgresHints: ReadonlyMap<string, string> = new Map([
  ['53100', fullDisk],
  ['53300', 'the database takes no more connections: its max_connections, or fewer servers on it'],
  ['25006', readOnly],
]);

/** Of some errors together it is that of the first, where each has one. */
function circumstanceOf(error: unknown): Circumstance | undefined {
  if (error instanceof AggregateError) {
    const all = error.errors.map(circumstanceOf);
    return all.includes(undefined) ? undefined : all[0];
  }
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  const { code } = error;
  if (code === 'ERR_SQLITE_ERROR')
    return sqliteCircumstances.get('errcode' in error ? Number(error.errcode) & 0xff : 0);
  const hint = 'severity' in error ? postgresHints.get(code) : systemHints.get(code);
  return hint === undefined ? undefined : { code, hint };
}

function whereOf({ phase, state, origin }: TlsError): string {
  const when =
    phase === 'handshake' ? 'during the handshake' : phase === 'connected' ? 'after the handshake' : `while ${phase}`;
  const who = origin === 'peer' ? 'found by the peer' : 'found by this side';
  return `${when}${state === undefined ? '' : `, in state ${state}`}, ${who}`;
}

function alertText({ alert, origin }: TlsError): string {
  return origin === 'peer' ? `${alert}, received` : `${alert}, sent to the peer`;
}

function pathText({ certificates }: RefusedPath): string {
  return certificates.map((certificate) => quote(nameOf(certificate))).join(' ← ');
}
