/**
 * Work beside the answers: so many things at a time, the others in turn.
 *
 * @module
 */

export interface Background {
  /** `work` does not reject. */
  add(work: () => Promise<void>): void;
  /** Until nothing is under way, or waits. */
  idle(): Promise<void>;
  /** Forgets what waits. */
  clear(): void;
}

export function background(limit: number): Background {
  const waiting: (() => Promise<void>)[] = [];
  const running = new Set<Promise<void>>();
  const next = (): void => {
    const work = running.size < limit ? waiting.shift() : undefined;
    if (work === undefined) return;
    const task = work().finally(() => {
      running.delete(task);
      next();
    });
    running.add(task);
  };
  return {
    add(work) {
      waiting.push(work);
      next();
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
    clear() {
      waiting.length = 0;
    },
  };
}
