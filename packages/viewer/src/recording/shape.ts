/**
 * What JSON may look like, said once: a shape reads an unknown value into a fresh one of its type, and knows its JSON Schema
 * (2020-12). Everything from outside is bounded; only own properties count; what nobody knows is refused.
 *
 * @module
 */

import { base64Length } from '@handfast/tls/recording';

/** A value is not what its shape wants. `path` says where: `events[3].bytes`. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly path: string;

  /** @param whole what is read */
  constructor(path: string, reason: string, whole = 'the recording') {
    super(`${path === '' ? whole : path}: ${reason}`);
    this.path = path;
  }
}

/** What is left to be read, of all that a file may hold. */
export interface Budget {
  bytes: number;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Shape<T> {
  read(value: unknown, budget: Budget): T;
  readonly schema: JsonSchema;
}

/** A property that may be absent. */
export interface Optional<T> {
  readonly optional: Shape<T>;
}

/** A shape for each property of an object. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? Optional<Exclude<T[K], undefined>> : Shape<T[K]>;
};

/** Why a value is refused, and where in its whole: the way is put together while the error goes up. */
class Refusal extends Error {
  readonly way: string[] = [];
}

/** Reads all of a value, which is called `whole` where it is wrong itself. */
export function readAll<T>(shape: Shape<T>, value: unknown, budget: Budget, whole?: string): T {
  try {
    return shape.read(value, budget);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RecordingError(error.way.reverse().join('').replace(/^\./, ''), error.message, whole);
  }
}

function inside<T>(step: () => string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) error.way.push(step());
    throw error;
  }
}

export function described<T>(shape: Shape<T>, description: string): Shape<T> {
  return { read: shape.read, schema: { ...shape.schema, description } };
}

/** The same shape, of which the schema is said once, under this name. */
export function referred<T>(shape: Shape<T>, name: string): Shape<T> {
  return { read: shape.read, schema: { $ref: `#/$defs/${name}` } };
}

export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape };
}

/** @param maxLength in UTF-16 code units; `Infinity` where whoever made it is trusted. */
export function text(maxLength: number, pattern?: RegExp): Shape<string> {
  return {
    read(value) {
      if (typeof value !== 'string') throw new Refusal('it is no string');
      if (value.length > maxLength) {
        throw new Refusal(`it has ${value.length} characters, where ${maxLength} are the most`);
      }
      if (pattern?.test(value) === false) throw new Refusal(`it does not match ${pattern.source}`);
      return value;
    },
    schema: { type: 'string', ...bound({ maxLength }), ...(pattern && { pattern: pattern.source }) },
  };
}

/** One of these. */
export function oneOf<T extends string | number>(...values: readonly T[]): Shape<T> {
  return {
    read(value) {
      const known = values.find((one) => one === value);
      if (known === undefined) throw new Refusal(`it is not ${values.join(' or ')}`);
      return known;
    },
    schema: values.length === 1 ? { const: values[0] } : { enum: values },
  };
}

/** Exactly this. */
export function exactly<T extends string | number>(only: T): Shape<T> {
  return {
    read(value) {
      if (value !== only) throw new Refusal(`it is not ${JSON.stringify(only)}`);
      return only;
    },
    schema: { const: only },
  };
}

export const flag: Shape<boolean> = {
  read(value) {
    if (typeof value !== 'boolean') throw new Refusal('it is neither true nor false');
    return value;
  },
  schema: { type: 'boolean' },
};

/** `true`, where what is absent is false. */
export const isTrue: Shape<true> = {
  read(value) {
    if (value !== true) throw new Refusal('it is not true');
    return true;
  },
  schema: { const: true },
};

export function number(kind: 'number' | 'integer', minimum: number, maximum: number): Shape<number> {
  return {
    read(value) {
      const isKind = kind === 'integer' ? Number.isInteger(value) : Number.isFinite(value);
      if (typeof value !== 'number' || !isKind) {
        throw new Refusal(kind === 'integer' ? 'it is no whole number' : 'it is no number');
      }
      if (value < minimum || value > maximum) throw new Refusal(`it is not from ${minimum} to ${maximum}`);
      return value;
    },
    schema: { type: kind, minimum, maximum },
  };
}

/** Bytes, in base64 with padding. They stay so: who needs them decodes them. */
export function base64(maxBytes: number): Shape<string> {
  const maxLength = Math.ceil(maxBytes / 3) * 4;
  return {
    read(value, budget) {
      if (typeof value !== 'string') throw new Refusal('it is no string');
      if (value.length > maxLength) throw new Refusal(`it stands for more than ${maxBytes} bytes`);
      const length = base64Length(value);
      if (length === undefined) throw new Refusal('it is no base64 with padding (RFC 4648 §4)');
      budget.bytes -= length;
      if (budget.bytes < 0) throw new Refusal('here the recording holds more bytes than are taken');
      return value;
    },
    schema: {
      type: 'string',
      contentEncoding: 'base64',
      maxLength,
      pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
    },
  };
}

export function list<T>(of: Shape<T>, maxItems: number): Shape<readonly T[]> {
  return {
    read(value, budget) {
      if (!Array.isArray(value)) throw new Refusal('it is no array');
      if (value.length > maxItems) throw new Refusal(`it has ${value.length} items, where ${maxItems} are the most`);
      const items: T[] = [];
      for (let index = 0; index < value.length; index++) {
        items.push(
          inside(
            () => `[${index}]`,
            () => of.read(value[index], budget),
          ),
        );
      }
      return items;
    },
    schema: { type: 'array', ...bound({ maxItems }), items: of.schema },
  };
}

export function object<T extends object>(fields: Fields<T>): Shape<T> {
  const known = new Map(Object.entries<Shape<unknown> | Optional<unknown>>(fields));
  const required = [...known].flatMap(([name, field]) => ('optional' in field ? [] : [name]));
  return {
    read(value, budget) {
      const given = ownEntries(value);
      for (const name of given.keys()) {
        if (!known.has(name)) throw new Refusal(`${JSON.stringify(name.slice(0, 64))} is no property of it`);
      }
      const read: [string, unknown][] = [];
      for (const [name, field] of known) {
        if (!given.has(name)) {
          if ('optional' in field) continue;
          throw new Refusal(`${name} is missing`);
        }
        const shape = 'optional' in field ? field.optional : field;
        const one = inside(
          () => `.${name}`,
          () => shape.read(given.get(name), budget),
        );
        read.push([name, one]);
      }
      // Each property was read by the shape that stands for it in T: what the compiler cannot follow through a Map.
      return Object.fromEntries(read) as T;
    },
    schema: {
      type: 'object',
      properties: Object.fromEntries(
        [...known].map(([name, field]) => [name, 'optional' in field ? field.optional.schema : field.schema]),
      ),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
  };
}

/** Objects that say by their property `by` which of these they are. */
export function tagged<T extends { readonly [P in By]: string }, By extends string = 'type'>(
  variants: {
    readonly [K in T[By]]: Shape<Extract<T, { readonly [P in By]: K }>>;
  },
  by: By | 'type' = 'type',
): Shape<T> {
  const known = new Map(Object.entries<Shape<T>>(variants as Record<string, Shape<T>>));
  return {
    read(value, budget) {
      const type = ownEntries(value).get(by);
      const shape = typeof type === 'string' ? known.get(type) : undefined;
      if (shape === undefined) {
        const said = typeof type === 'string' ? JSON.stringify(type.slice(0, 64)) : typeof type;
        throw new Refusal(`its ${by} ${said} is not ${[...known.keys()].join(' or ')}`);
      }
      return shape.read(value, budget);
    },
    schema: { oneOf: [...known.values()].map(({ schema }) => schema) },
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    read: (value, budget) => (value === null ? null : shape.read(value, budget)),
    schema: { anyOf: [shape.schema, { type: 'null' }] },
  };
}

/** One of two kinds, of which no value is both. What is neither is told by the second. */
export function either<A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> {
  return {
    read(value, budget) {
      try {
        const left = { ...budget };
        const read = one.read(value, left);
        budget.bytes = left.bytes;
        return read;
      } catch (error) {
        if (error instanceof Refusal) return other.read(value, budget);
        throw error;
      }
    },
    schema: { oneOf: [one.schema, other.schema] },
  };
}

/** A schema's bound, where there is one. */
function bound(limits: Readonly<Record<string, number>>): JsonSchema {
  return Object.fromEntries(Object.entries(limits).filter(([, most]) => most < Number.POSITIVE_INFINITY));
}

/** Own properties of a plain object: inherited ones, and so a polluted Object.prototype, decide nothing. */
function ownEntries(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('it is no object');
  return new Map(Object.entries(value));
}

/** What a file says it is, before it is read. */
export function formatOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, 'format')
    ? Reflect.get(json, 'format')
    : undefined;
}
