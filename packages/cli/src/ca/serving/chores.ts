/**
 * What `ca serve` does each minute beside its answers, one round after another: lists of what is revoked, OCSP answers, records that
 * have outlived their use.
 *
 * @module
 */

import type { OpenAuthority } from '@handfast/ca';

export interface Chores {
  /** Once more, now: something was revoked. */
  hurry(): void;
  /** When what is under way is done. */
  close(): Promise<void>;
}

const everyMs = 60_000;
/** Batches of one round: the rest is for the next. */
const maxBatches = 20;

type Authority = Pick<OpenAuthority, 'refreshLists' | 'presignOcsp' | 'maintain'>;

export function startChores(
  authority: Authority,
  options: { readonly ocsp: boolean; failed(error: unknown): void },
): Chores {
  let closed = false;
  let again = false;
  let round: Promise<void> | undefined;
  const attempt = async (work: () => Promise<unknown>): Promise<unknown> => {
    try {
      return closed ? false : await work();
    } catch (error) {
      options.failed(error);
      return false;
    }
  };
  const inBatches = async (work: () => Promise<boolean>): Promise<void> => {
    for (let batch = 0; batch < maxBatches && (await attempt(work)) === true; batch++);
  };
  const once = async (): Promise<void> => {
    await attempt(() => authority.refreshLists());
    if (options.ocsp) await inBatches(() => authority.presignOcsp());
    await inBatches(() => authority.maintain());
  };
  const start = (): void => {
    if (closed) return;
    again = round !== undefined;
    round ??= once().finally(() => {
      round = undefined;
      if (again) start();
    });
  };
  const timer = setInterval(start, everyMs);
  start();
  return {
    hurry: start,
    async close() {
      closed = true;
      clearInterval(timer);
      await round;
    },
  };
}
