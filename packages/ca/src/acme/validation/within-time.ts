/**
 * A bound on how long a validation takes, whatever it waits for, and how addresses share it.
 *
 * @module
 */

import { ValidationFailure } from './challenge.ts';

export const timeoutDetail = 'the validation took too long';

/** What is left of a validation's time. */
export interface TimeLeft {
  readonly timeoutMs: number;
  /** By `performance.now()`. */
  readonly endsAt: number;
}

/**
 * Runs with a signal that aborts when the time is up, or when `stop` does. Rejects then with the reason, whatever broke because
 * of it.
 *
 * @throws ValidationFailure `connection` where the time is up, unless `late` says otherwise
 */
export async function withinTime<T>(
  timeoutMs: number,
  stop: AbortSignal,
  run: (signal: AbortSignal, time: TimeLeft) => Promise<T>,
  late: () => Error = () => new ValidationFailure('connection', timeoutDetail),
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(stop.reason);
  const timer = setTimeout(() => controller.abort(late()), timeoutMs);
  stop.addEventListener('abort', abort);
  try {
    stop.throwIfAborted();
    return await run(controller.signal, { timeoutMs, endsAt: performance.now() + timeoutMs });
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}

/**
 * Asks one address after another until one answers. Each has its share of the time that is left, and a tenth of the whole at the
 * least: one that takes connections and says nothing leaves the others some.
 *
 * @throws ValidationFailure where an address answers wrongly; AggregateError, or the one failure, where none answers
 */
export async function firstAnswer<T>(
  addresses: readonly string[],
  { timeoutMs, endsAt }: TimeLeft,
  signal: AbortSignal,
  ask: (address: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const failures: unknown[] = [];
  for (const [index, address] of addresses.entries()) {
    signal.throwIfAborted();
    const left = addresses.length - index;
    try {
      if (left === 1) return await ask(address, signal);
      const ms = Math.max((endsAt - performance.now()) / left, timeoutMs / 10);
      const late = (): Error => new Error(`${address} did not answer within ${Math.round(ms)} ms`);
      return await withinTime(ms, signal, (bounded) => ask(address, bounded), late);
    } catch (error) {
      if (error instanceof ValidationFailure) throw error;
      failures.push(error);
    }
  }
  throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

/** `work`, or the reason of a signal that aborts before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}
