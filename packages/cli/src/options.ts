/**
 * Command-line values on their way in: host and port, lists of IANA names, seconds, files. Whatever cannot be used is a
 * usage error that says what could be.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { quote } from '@handfast/tls';
import { CertificateError } from '@handfast/x509';
import { usageError } from './exit.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `example.com:443`, `[::1]:443`; without a port: the default. */
export function parseHostPort(text: string, defaultPort?: number): HostPort {
  if (text.includes('://')) throw usageError(`${quote(text)} is a URL`, 'write HOST:PORT: example.com:443');
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const [host = '', port] = bracketed === null ? splitLast(text) : [bracketed[1], bracketed[2]];
  if (bracketed !== null && isIP(host) !== 6) throw usageError(`${quote(host)} is no IPv6 address`);
  if (bracketed === null && host.includes(':')) {
    throw usageError(`${quote(text)} is ambiguous`, 'an IPv6 address stands in brackets: [::1]:443');
  }
  if (host === '' || /[\s/@\p{Cc}]/u.test(host))
    throw usageError(`${quote(text)} has no host`, 'write HOST:PORT: example.com:443');
  if (port === undefined) {
    if (defaultPort === undefined) throw usageError(`${quote(text)} has no port`, `write HOST:PORT: ${host}:443`);
    return { host, port: defaultPort };
  }
  return { host, port: parsePort(port) };
}

/** For people and HTTP alike: an IPv6 address in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** 1 to 65,535; 0 too where it means any. */
export function parsePort(text: string, least = 1): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= least && port <= 65_535))
    throw usageError(`${quote(text)} is no port`, `a port is a number from ${least} to 65535`);
  return port;
}

/** Seconds, as milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0)) throw usageError(`${quote(text)} is no time`, 'write seconds: 10, or 0.5');
  return Math.round(seconds * 1000);
}

/** A whole number from 1. */
export function parseCount(option: string, text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count === 0) throw usageError(`${option} ${quote(text)} is no whole number from 1 to 999999`);
  return count;
}

/** A comma list, blanks around names allowed. */
export function parseList(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === ''))
    throw usageError(`${quote(text)} has an empty entry`, 'separate names by one comma');
  return items;
}

/** What people call what IANA calls otherwise. */
const alsoCalled: ReadonlyMap<string, string> = new Map([
  ['p256', 'secp256r1'],
  ['prime256v1', 'secp256r1'],
  ['nistp256', 'secp256r1'],
  ['p384', 'secp384r1'],
  ['nistp384', 'secp384r1'],
  ['p521', 'secp521r1'],
  ['nistp521', 'secp521r1'],
  ['curve25519', 'x25519'],
  ['kyber', 'X25519MLKEM768'],
  ['mlkem768', 'X25519MLKEM768'],
]);

/** Rows of a registry by a comma list of IANA names, in any case. */
export function parseNames<R extends { readonly name: string }>(
  what: string,
  text: string,
  known: readonly R[],
): readonly R[] {
  return parseList(text).map((item) => {
    const row = known.find(({ name }) => name.toLowerCase() === item.toLowerCase());
    if (row !== undefined) return row;
    const near = nearest(
      item,
      known.map(({ name }) => name),
    );
    const suggestion = near.length === 0 ? '' : `did you mean ${near.join(' or ')}? `;
    throw usageError(
      `${quote(item)} is no ${what} that we know`,
      `${suggestion}known are ${known.map(({ name }) => name).join(', ')}`,
    );
  });
}

/** The names that look most like `text`; none where none does. */
export function nearest(text: string, names: readonly string[]): readonly string[] {
  const wanted = bare(text);
  const alias = alsoCalled.get(wanted);
  if (alias !== undefined && names.includes(alias)) return [alias];
  const scored = names.map((name) => {
    const candidate = bare(name);
    const part = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate));
    return { name, distance: part ? 1 : editDistance(wanted, candidate) };
  });
  const best = Math.min(...scored.map(({ distance }) => distance));
  if (best > Math.max(1, Math.floor(wanted.length / 3))) return [];
  return scored
    .filter(({ distance }) => distance === best)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** A file's text; `what` names the option. */
export function readFileFor(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw usageError(`${what} ${quote(path)} cannot be read: ${reasonOf(error)}`);
  }
}

/** Runs a parser of a file: what it throws names the file. */
export function parsingFile<T>(what: string, path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw usageError(
      `${what} ${quote(path)}: ${error.message}`,
      error instanceof CertificateError ? error.hint : undefined,
    );
  }
}

/** `no such file or directory (ENOENT)` */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const text =
    code !== undefined && error.message.startsWith(`${code}: `) ? error.message.slice(code.length + 2) : error.message;
  const [first = text] = text.split(', ');
  return code === undefined ? first : `${first} (${code})`;
}

function splitLast(text: string): readonly [string, string | undefined] {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's. Both are short: names of a registry, and an argument cut to their length. */
function editDistance(a: string, b: string): number {
  const from = a.slice(0, 64);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substitution = (row[j] ?? 0) + (b[j] === character ? 0 : 1);
      next.push(Math.min(substitution, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const spans: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Milliseconds of `90s`, `30m`, `1h`, `7d`. */
export function parseSpan(option: string, text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (spans.get(unit) ?? Number.NaN);
  if (ms > 0) return ms;
  throw usageError(`${option} ${quote(text)} is no time`, 'write a number and s, m, h or d: 30m, 1h, 7d');
}
