/**
 * Fields of a JSON line of the audit stream, read strictly.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';

/** A line that is not what it says. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

const maxText = 100_000;

export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormError('it is no object');
    this.#fields = new Map(Object.entries(value));
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value !== 'string' || value.length > maxText) throw new FormError(`${name} is no text`);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#fields.get(name) === undefined ? undefined : this.text(name);
  }

  /** A whole number, not below 0. */
  count(name: string): number {
    const value = this.#fields.get(name);
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw new FormError(`${name} is no whole number`);
    return value as number;
  }

  optionalCount(name: string): number | undefined {
    return this.#fields.get(name) === undefined ? undefined : this.count(name);
  }

  time(name: string): Date {
    const time = new Date(this.text(name));
    if (Number.isNaN(time.getTime())) throw new FormError(`${name} is no time`);
    return time;
  }

  base64(name: string): Bytes {
    const text = this.text(name);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new FormError(`${name} is no base64`);
    return new Uint8Array(Buffer.from(text, 'base64'));
  }

  list(name: string, most: number): readonly unknown[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value) || value.length > most) throw new FormError(`${name} is no list`);
    return value;
  }
}
