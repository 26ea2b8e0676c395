/**
 * What tests assert with: `node:assert` is not everywhere.
 *
 * @module
 */

/** Compares by value: what JSON can say, `undefined` and bytes. */
export function equal(actual: unknown, expected: unknown, what = 'the value'): void {
  const [is, should] = [show(actual), show(expected)];
  if (is !== should) throw new Error(`${what} is ${is}, where ${should} was expected`);
}

export function ok(value: unknown, what: string): asserts value {
  if (!value) throw new Error(`expected: ${what}`);
}

/** What a promise rejects with. */
export async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`a failure was expected, and this came: ${show(value)}`);
}

/** A property of whatever was thrown. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, part) => {
    if (part === undefined) return 'undefined';
    if (part instanceof Uint8Array) return `bytes ${[...part.subarray(0, 64)]} (${part.length})`;
    return part;
  });
  return text ?? String(value);
}
