/** What a part of the page has asked the server for. */

import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError } from './api.ts';

export interface Load<T> {
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly busy: boolean;
}

/** Asked again whenever one of `on` changes; answers that come too late are dropped. */
export function useLoad<T>(ask: () => Promise<T>, on: readonly unknown[]): Signal<Load<T>> {
  const load = useSignal<Load<T>>({ value: undefined, error: undefined, busy: true });
  useEffect(() => {
    let wanted = true;
    load.value = { ...load.peek(), busy: true };
    ask().then(
      (value) => {
        if (wanted) load.value = { value, error: undefined, busy: false };
      },
      (error: unknown) => {
        if (wanted) load.value = { value: undefined, error: asApiError(error), busy: false };
      },
    );
    return () => {
      wanted = false;
    };
  }, on);
  return load;
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('page', `The page failed: ${String(error)}`);
}
