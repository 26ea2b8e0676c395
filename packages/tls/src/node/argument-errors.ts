/**
 * Errors for arguments of the wrong kind, as Node's own modules throw them: class, `code` and words. Programs match on the
 * code, and their tests on the words.
 *
 * @module
 */

import { inspect } from 'node:util';

/** An error with Node's `code`, which stands in `toString()` too. */
export type CodedError<E extends Error = Error> = E & { code: string };

/**
 * `ERR_INVALID_ARG_TYPE`: a value of another kind than is taken.
 *
 * @param name an argument's name, or a property's with its object's: `options.key`
 * @param expected kinds, in the order in which Node names them: types (`string`), classes (`Buffer`), other words (`null`)
 */
export function invalidArgType(name: string, expected: readonly string[], actual: unknown): CodedError<TypeError> {
  const words = `${nameOf(name)} must be ${kindsOf(expected)}. Received ${receivedOf(actual)}`;
  return coded(new TypeError(words), 'ERR_INVALID_ARG_TYPE');
}

/** `ERR_INVALID_ARG_VALUE`: a value of the right kind that makes no sense. */
export function invalidArgValue(name: string, actual: unknown, reason: string = 'is invalid'): CodedError<TypeError> {
  const kind = name.includes('.') ? 'property' : 'argument';
  const shown = inspect(actual);
  const cut = shown.length > 128 ? `${shown.slice(0, 128)}...` : shown;
  return coded(new TypeError(`The ${kind} '${name}' ${reason}. Received ${cut}`), 'ERR_INVALID_ARG_VALUE');
}

/** `ERR_OUT_OF_RANGE`. `range`: in words, `>= 0 && <= 2147483647`. */
export function outOfRange(name: string, range: string, actual: unknown): CodedError<RangeError> {
  const words = `The value of "${name}" is out of range. It must be ${range}. Received ${numberOf(actual)}`;
  return coded(new RangeError(words), 'ERR_OUT_OF_RANGE');
}

/** Gives an error Node's `code`. */
export function coded<E extends Error>(error: E, code: string): CodedError<E> {
  const own = Object.assign(error, { code });
  const inWords = (): string => `${own.name} [${code}]: ${own.message}`;
  return Object.defineProperty(own, 'toString', { value: inWords, configurable: true, writable: true });
}

function nameOf(name: string): string {
  if (name.endsWith(' argument')) return `The ${name}`;
  return `The "${name}" ${name.includes('.') ? 'property' : 'argument'}`;
}

const primitives: ReadonlySet<string> = new Set([
  'string',
  'function',
  'number',
  'object',
  'boolean',
  'bigint',
  'symbol',
]);

/** `of type string or an instance of Buffer, TypedArray, or DataView`. */
function kindsOf(expected: readonly string[]): string {
  const types = expected.filter((one) => primitives.has(one));
  const classes = expected.filter((one) => !primitives.has(one) && /^[A-Z][A-Za-z0-9]*$/.test(one));
  const others = expected.filter((one) => !types.includes(one) && !classes.includes(one));
  return [
    types.length > 1 ? `one of type ${listed(types)}` : types.map((one) => `of type ${one}`).join(),
    classes.length > 0 ? `an instance of ${listed(classes)}` : '',
    others.length > 1 ? `one of ${listed(others)}` : others.join(),
  ]
    .filter((part) => part !== '')
    .join(' or ');
}

/** `A`; `A or B`; `A, B, or C`. */
function listed(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ');
  return `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`;
}

function receivedOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? `an instance of ${name}` : inspect(value, { depth: -1 });
  }
  const shown = typeof value === 'string' && value.length > 28 ? `${value.slice(0, 25)}...` : value;
  return `type ${typeof value} (${inspect(shown)})`;
}

/** Whole numbers beyond 32 bits have their digits in groups of three. */
function numberOf(value: unknown): string {
  const large =
    (typeof value === 'bigint' && (value > 2n ** 32n || value < -(2n ** 32n))) ||
    (Number.isInteger(value) && Math.abs(Number(value)) > 2 ** 32);
  if (!large) return inspect(value);
  const digits = String(value).replace(/(?<=\d)(?=(?:\d{3})+$)/g, '_');
  return typeof value === 'bigint' ? `${digits}n` : digits;
}
