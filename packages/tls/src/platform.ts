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
  /** Base64 of a text whose characters are bytes, and back. */
  btoa(latin1: string): string;
  atob(base64: string): string;
}

// The one seam to the platform's globals; all of them are in every runtime that we support.
const platform = globalThis as unknown as Platform;

export function newAbortController(): AbortControllerLike {
  return new platform.AbortController();
}

export function btoa(latin1: string): string {
  return platform.btoa(latin1);
}

/** @throws the platform's error, where it is no base64. */
export function atob(base64: string): string {
  return platform.atob(base64);
}

/** Milliseconds on a clock that never goes back. */
export function monotonicMs(): number {
  return platform.performance.now();
}
