/**
 * Fields of an object in the configuration, read strictly: what is of the wrong kind, or not known, is said with where it stands.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';

export class Fields {
  readonly #where: string;
  readonly #fields: ReadonlyMap<string, unknown>;

  /** @throws CliError for what is no object, or has a field that is not `known` */
  constructor(where: string, value: unknown, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usageError(`${where} is no object`);
    this.#where = where;
    this.#fields = new Map(Object.entries(value));
    const unknown = [...this.#fields.keys()].find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw usageError(`${where}: ${quote(unknown)} is no field`, `fields are ${known.join(', ')}`);
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  get(name: string): unknown {
    return this.#fields.get(name);
  }

  /** For messages: `…: name`. */
  where(name: string): string {
    return `${this.#where}: ${name}`;
  }

  text(name: string): string | undefined {
    const value = this.#fields.get(name);
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw this.#wrong(name, 'is no text');
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#fields.get(name);
    if (value !== undefined && typeof value !== 'boolean') throw this.#wrong(name, 'is neither true nor false');
    return value;
  }

  /** A number that is none too small, whole ones alone where `whole`. */
  number(name: string, least: number, whole = true): number | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    const good = typeof value === 'number' && value >= least && (whole ? Number.isSafeInteger(value) : value < 1e9);
    if (!good) throw this.#wrong(name, `is no ${whole ? 'whole ' : ''}number from ${least} on`);
    return value;
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      throw this.#wrong(name, 'is no list of texts');
    return value;
  }

  /** Some of a list. */
  choices<T extends string>(name: string, known: readonly T[]): readonly T[] | undefined {
    return this.texts(name)?.map((text) => choiceOf(this.where(name), text, known));
  }

  url(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
    throw this.#wrong(name, `${quote(text)} is no URL`);
  }

  #wrong(name: string, what: string): Error {
    return usageError(`${this.where(name)} ${what}`);
  }
}

/** @throws CliError */
export function choiceOf<T extends string>(where: string, text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw usageError(`${where}: ${quote(text)} is none of ${known.join(', ')}`);
  return found;
}
