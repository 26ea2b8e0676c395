/**
 * The option `ciphers`: OpenSSL's cipher strings (openssl-ciphers(1)), as `node:tls` reads them, to suites. Names of TLS 1.3's
 * suites are a list of their own; what is left is a small program over the suites for TLS 1.2 and before, which adds, moves
 * and takes away.
 *
 * What is otherwise than in Node: a name of TLS 1.3 counts wherever it stands, and `!` and `-` before it leave it out of the
 * defaults; IANA's names of older suites count as OpenSSL's do; a string that leaves nothing to offer fails at once, not at
 * the handshake; `SUITEB…` is not known; `FIPS` and `COMPLEMENTOFDEFAULT` joined to other words by `+` mean what they say. Weak suites are had by import alone: a string chooses among `known`.
 *
 * @module
 */

import { quote, TlsConfigError } from '../errors.ts';
import { type CipherSuite, cipherSuites } from '../registry.ts';
import { invalidArgType, invalidArgValue } from './argument-errors.ts';
import { cipherInfo, isCipherWord, type OpensslSuite, opensslSuites } from './openssl-names.ts';
import { opensslRefusal } from './openssl-refusal.ts';
import { allowsSuite, defaultSecurityLevel, type SecurityLevel, securityDemands } from './security-level.ts';

/** What a string chose. */
export interface ChosenSuites {
  /** Best first; TLS 1.3's stand before the others. */
  readonly suites: readonly CipherSuite[];
  /** Of `@SECLEVEL=`; absent: Node's default, 2, was gone by. */
  readonly securityLevel?: SecurityLevel;
  /** Words that came to nothing: unknown ones, and those for suites that are not `known`, or too weak for the level. */
  readonly ignored: readonly string[];
}

/** `tls.DEFAULT_CIPHERS` of Node 24. */
export const defaultCipherString: string = [
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256',
  'ECDHE-RSA-AES256-SHA384:DHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-SHA256:DHE-RSA-AES256-SHA256',
  'HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!SRP:!CAMELLIA',
].join(':');

/** What OpenSSL offers for TLS 1.3 where a string names none of its suites. */
const defaults13 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];

/** What `DEFAULT` at the beginning of a string stands for. */
const defaultRules = 'ALL:!COMPLEMENTOFDEFAULT:!eNULL';

/**
 * Chooses suites by a cipher string.
 *
 * @example
 * ```ts
 * const { suites } = cipherSuitesOf('ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL', [...tls13.defaultCipherSuites, ...defaultCipherSuites12]);
 * ```
 * @param string empty: `defaultCipherString`.
 * @param known what may be chosen; of two rows with one name, the first.
 * @throws as Node does: `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_SSL_NO_CIPHER_MATCH`, `ERR_SSL_INVALID_COMMAND`,
 *   `ERR_SSL_NO_CIPHERS_AVAILABLE`; TlsConfigError where all that it names is to be had from `@handfast/tls/legacy`.
 */
export function cipherSuitesOf(string: string, known: readonly CipherSuite[]): ChosenSuites {
  if (typeof string !== 'string') throw invalidArgType('options.ciphers', ['string'], string);
  const words = (string === '' ? defaultCipherString : string).split(/[:,; ]/).filter((word) => word !== '');
  if (words.length === 0) throw invalidArgValue('options.ciphers', string.split(':'));
  const names13 = words.filter(isOfTls13);
  const rules = words.filter((word) => !isOfTls13(word));
  const commands = commandsOf(rules);
  const securityLevel = levelOf(commands);
  const level = securityLevel ?? defaultSecurityLevel;
  const ignored: string[] = [];
  const suites13 = chooseTls13(names13, commands, known, level, ignored);
  const suites12 = rules.length === 0 ? [] : chooseOlder(commands, known, level, names13.length > 0, ignored);
  return { suites: [...suites13, ...suites12], ...(securityLevel !== undefined && { securityLevel }), ignored };
}

/**
 * `tls.getCiphers()`: names of suites as OpenSSL has them, in lower case and in the order of the alphabet.
 * @param known the suites that there are.
 */
export function getCiphers(known: readonly CipherSuite[]): string[] {
  return [...new Set(known.map((suite) => cipherInfo(suite).name.toLowerCase()))].sort();
}

/** A step of a cipher string. */
interface Command {
  /** '': add. `!`: take away for good. `-`: take away. `+`: move to the end. `@`: a rule for all. */
  readonly operator: string;
  /** Suites are meant that all of these words fit: `ECDHE+AESGCM`. */
  readonly terms: readonly string[];
  /** As it stands in the string. */
  readonly text: string;
}

/** Node tells TLS 1.3's names by how they begin; IANA's for older suites begin so too. */
function isOfTls13(word: string): boolean {
  return word.startsWith('TLS_') && !word.split('+').some(isCipherWord);
}

function commandsOf(rules: readonly string[]): readonly Command[] {
  const [first = ''] = rules;
  // OpenSSL looks at no more than these letters.
  if (!first.startsWith('DEFAULT')) return rules.flatMap(commandsIn);
  return [...defaultRules.split(':'), first.slice('DEFAULT'.length), ...rules.slice(1)].flatMap(commandsIn);
}

/** Mostly one; `ALL!aNULL@STRENGTH` is three. */
function commandsIn(word: string): readonly Command[] {
  const step = /([!@+-]|(?!-))([\w.=-]+(?:\+[\w.=-]+)*)/y;
  const commands: Command[] = [];
  while (step.lastIndex < word.length) {
    const [text, operator = '', terms = ''] = step.exec(word) ?? [];
    if (text === undefined) throw invalidCommand(word);
    commands.push({ operator, text, terms: terms.split('+') });
    // Nothing may follow these: OpenSSL skips it, to the next separator.
    if (operator === '@' || !terms.split('+').every(isCipherWord)) break;
  }
  return commands;
}

function invalidCommand(word: string): Error {
  return opensslRefusal('invalid command', `in ciphers: ${quote(word)}`);
}

/** The level that the string sets; checks the other `@` commands on the way. */
function levelOf(commands: readonly Command[]): SecurityLevel | undefined {
  let level: SecurityLevel | undefined;
  for (const { operator, terms, text } of commands) {
    if (operator !== '@' || terms[0] === 'STRENGTH') continue;
    const [, digit] = /^SECLEVEL=([0-5])$/.exec(terms[0] ?? '') ?? [];
    if (digit === undefined) throw invalidCommand(text);
    level = Number(digit) as SecurityLevel;
  }
  return level;
}

function chooseTls13(
  names: readonly string[],
  commands: readonly Command[],
  known: readonly CipherSuite[],
  level: SecurityLevel,
  ignored: string[],
): readonly CipherSuite[] {
  const rows = known.filter(({ family }) => family === 'tls13');
  const excluded = commands.filter(({ operator }) => operator === '!' || operator === '-').map(({ terms }) => terms[0]);
  const wanted = [...new Set(names.length === 0 ? defaults13.filter((name) => !excluded.includes(name)) : names)];
  const chosen = wanted.flatMap((name) => rows.find((row) => row.name === name) ?? []);
  const allowed = chosen.filter(({ name }) => bitsOf13(name) >= securityDemands(level).bits);
  if (names.length > 0) {
    if (chosen.length === 0) throw noMatch(names, known);
    if (allowed.length === 0) throw tooWeak(names, level);
    ignored.push(...wanted.filter((name) => !allowed.some((row) => row.name === name)));
  }
  return allowed;
}

/** TLS 1.3's suites have the strength of their keys; a short tag has that of the tag. */
function bitsOf13(name: string): number {
  return name.includes('CCM_8') ? 64 : name.includes('_128_') ? 128 : 256;
}

function chooseOlder(
  commands: readonly Command[],
  known: readonly CipherSuite[],
  level: SecurityLevel,
  names13: boolean,
  ignored: string[],
): readonly CipherSuite[] {
  const rows = new Map<string, CipherSuite>();
  for (const row of known) if (row.family === 'tls12' && !rows.has(row.name)) rows.set(row.name, row);
  const ours = opensslSuites.filter(({ standardName }) => rows.has(standardName));
  const allowed = ours.filter((row) => allowsSuite(level, row));
  ignored.push(...commands.filter((command) => cameToNothing(command, allowed)).map(({ text }) => text));
  const chosen = run(commands, allowed);
  if (chosen.length === 0 && run(commands, ours).length === 0) {
    const elsewhere = run(commands, opensslSuites);
    if (elsewhere.length === 0) throw noMatch(texts(commands), known);
    if (!names13) throw onlyByImport(elsewhere);
  }
  return chosen.flatMap(({ standardName }) => rows.get(standardName) ?? []);
}

/** What is added must be there; what is taken away or moved must be a word at least. */
function cameToNothing({ operator, terms }: Command, rows: readonly OpensslSuite[]): boolean {
  if (operator === '@') return false;
  if (operator === '') return !rows.some((row) => fits(row, terms));
  return !terms.every((term) => isCipherWord(term) || isTls13Name(term));
}

function isTls13Name(name: string): boolean {
  return cipherSuites.some((row) => row.name === name);
}

function fits({ words }: OpensslSuite, terms: readonly string[]): boolean {
  return terms.every((term) => words.has(term));
}

/** Runs a string over rows that stand in OpenSSL's order; gives those chosen, in theirs. */
function run(commands: readonly Command[], rows: readonly OpensslSuite[]): readonly OpensslSuite[] {
  let chosen: readonly OpensslSuite[] = [];
  let waiting = rows;
  for (const { operator, terms } of commands) {
    const meant = (row: OpensslSuite): boolean => fits(row, terms);
    const other = (row: OpensslSuite): boolean => !fits(row, terms);
    if (operator === '') {
      chosen = [...chosen, ...waiting.filter(meant)];
      waiting = waiting.filter(other);
    } else if (operator === '!') {
      chosen = chosen.filter(other);
      waiting = waiting.filter(other);
    } else if (operator === '-') {
      // They wait in front of the others, should they be added again.
      waiting = [...chosen.filter(meant), ...waiting];
      chosen = chosen.filter(other);
    } else if (operator === '+') {
      chosen = [...chosen.filter(other), ...chosen.filter(meant)];
    } else if (terms[0] === 'STRENGTH') {
      chosen = [...chosen].sort((a, b) => b.bits - a.bits);
    }
  }
  return chosen;
}

function texts(commands: readonly Command[]): readonly string[] {
  return commands.map(({ text }) => text);
}

/** What an error says of a list: a few, and how many more. */
function listed(names: readonly string[]): string {
  const most = 12;
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

function noMatch(words: readonly string[], known: readonly CipherSuite[]): Error {
  const names = known.map((suite) => cipherInfo(suite).name);
  return opensslRefusal('no cipher match', `${quote(words.join(':'))}; known are ${names.join(', ')}`);
}

function tooWeak(names: readonly string[], level: SecurityLevel): Error {
  return opensslRefusal('no ciphers available', `security level ${level} has none of ${quote(names.join(':'))}`);
}

function onlyByImport(rows: readonly OpensslSuite[]): TlsConfigError {
  const names = listed(rows.map(({ name }) => name));
  return new TlsConfigError('ciphers', `weak suites are had by import alone, from '@handfast/tls/legacy': ${names}`);
}
