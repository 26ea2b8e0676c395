/**
 * The few things that every JavaScript runtime has and the language itself does not: typed here, so that the engine
 * compiles without Node's or the DOM's types.
 *
 * @module
 */

import type { AbortSignalLike } from '@handfast/x509';

export interface AbortControllerLike {
  readonly signal: AbortSignalLike;
  abort(reason?: unknown): void;
}

interface Platform {
  readonly AbortController: new () => AbortControllerLike;
  readonly performance: { now(): number };
}

// The one seam to the platform's globals; both are in every runtime that we support.
const platform = globalThis as unknown as Platform;

export function newAbortController(): AbortControllerLike {
  return new platform.AbortController();
}

/** Milliseconds on a clock that never goes back. */
export function monotonicMs(): number {
  return platform.performance.now();
}
