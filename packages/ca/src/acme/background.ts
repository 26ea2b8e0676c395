/**
 * Work beside the answers: so many things at a time. What waits is taken in turns, one of each account after the other, and nobody has
 * more than half of the places: a thousand things of one account keep no other waiting.
 *
 * @module
 */

type Work = () => Promise<void>;

export interface Background {
  /** `work` does not reject. @param of whose it is */
  add(of: string, work: Work): void;
  /** How much of theirs waits. */
  waiting(of: string): number;
  /** Until nothing is under way, or waits. */
  idle(): Promise<void>;
  /** Forgets what waits. */
  clear(): void;
}

export function background(limit: number): Background {
  const share = Math.ceil(limit / 2);
  /** In the order of their turns. */
  const waiting = new Map<string, Work[]>();
  const running = new Map<Promise<void>, string>();
  const hasRoom = (of: string): boolean => [...running.values()].filter((whose) => whose === of).length < share;
  const next = (): void => {
    if (running.size >= limit) return;
    for (const [of, theirs] of waiting) {
      if (!hasRoom(of)) continue;
      const work = theirs.shift();
      waiting.delete(of);
      if (theirs.length > 0) waiting.set(of, theirs);
      if (work !== undefined) start(of, work);
      return;
    }
  };
  const start = (of: string, work: Work): void => {
    const task = work().finally(() => {
      running.delete(task);
      next();
    });
    running.set(task, of);
  };
  return {
    add(of, work) {
      const theirs = waiting.get(of);
      if (theirs === undefined) waiting.set(of, [work]);
      else theirs.push(work);
      next();
    },
    waiting: (of) => waiting.get(of)?.length ?? 0,
    async idle() {
      while (running.size > 0) await Promise.all(running.keys());
    },
    clear() {
      waiting.clear();
    },
  };
}
