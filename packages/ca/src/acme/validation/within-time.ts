/**
 * A bound on how long a validation takes, whatever it waits for.
 *
 * @module
 */

import { ValidationFailure } from './challenge.ts';

export const timeoutDetail = 'the validation took too long';

/**
 * Runs with a signal that aborts when the time is up, or when `stop` does. Rejects then with the reason, whatever broke because
 * of it.
 *
 * @throws ValidationFailure `connection` where the time is up
 */
export async function withinTime<T>(
  timeoutMs: number,
  stop: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(stop.reason);
  const timer = setTimeout(() => controller.abort(new ValidationFailure('connection', timeoutDetail)), timeoutMs);
  stop.addEventListener('abort', abort);
  try {
    stop.throwIfAborted();
    return await run(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}

/** `work`, or the reason of a signal that aborts before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}
