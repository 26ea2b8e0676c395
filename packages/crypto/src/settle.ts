/**
 * Code that is synchronous when everything it calls is, and asynchronous when something is not: a generator that
 * yields only real promises, and the two ways to drive it. The TLS handshake and X.509 path building are written so.
 *
 * @module
 */

import type { MaybePromise } from './provider.ts';

/** A computation that may wait: it yields promises and gets their values back. */
export type Settling<T> = Generator<Promise<unknown>, T, unknown>;

/** Whether `value` is a promise, of this realm or another. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * The value, waiting only for a promise: `const x = yield* settle(mayBePromise)`. A thenable of any realm is adopted
 * once, by `Promise.resolve`.
 */
export function* settle<T>(value: MaybePromise<T>): Settling<T> {
  if (!isThenable(value)) return value;
  // The generator's driver resumes with the promise's own value: this is the one place that says so to the compiler.
  return (yield Promise.resolve(value)) as T;
}

/** Runs to the end: answers a value where nothing was asynchronous, else a promise. Throws what the computation throws. */
export function runSettling<T>(computation: Settling<T>): MaybePromise<T> {
  const first = computation.next();
  return first.done ? first.value : drive(computation, first.value);
}

async function drive<T>(computation: Settling<T>, waitingFor: Promise<unknown>): Promise<T> {
  let pending = waitingFor;
  for (;;) {
    let step: IteratorResult<Promise<unknown>, T>;
    try {
      const value = await pending;
      step = computation.next(value);
    } catch (error) {
      step = computation.throw(error);
    }
    if (step.done) return step.value;
    pending = step.value;
  }
}
