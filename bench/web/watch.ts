/**
 * How long the page's main thread was not to be had: tasks of more than 50 ms, as the browser counts them, and how late timers came.
 *
 * @module
 */

export interface Blocking {
  /** Tasks of more than 50 ms. */
  readonly longTasks: number;
  /** Milliseconds that the 99th percentile of timers came late. */
  readonly lag99: number;
  readonly worst: number;
}

/** Of a timer. A shorter one is made as long by browsers, when it is set by another. */
const tickMs = 4;

/** Watches from now on; the function that it answers ends it. */
export function watch(): () => Promise<Blocking> {
  let longTasks = 0;
  const observer = new PerformanceObserver((list) => {
    longTasks += list.getEntries().length;
  });
  observer.observe({ type: 'longtask' });
  const late: number[] = [];
  let before = performance.now();
  let timer = setTimeout(function tick() {
    const now = performance.now();
    late.push(Math.max(0, now - before - tickMs));
    before = now;
    timer = setTimeout(tick, tickMs);
  }, tickMs);
  return async () => {
    clearTimeout(timer);
    // Entries come in a task of their own.
    await new Promise((resolve) => setTimeout(resolve, 60));
    longTasks += observer.takeRecords().length;
    observer.disconnect();
    return { longTasks, lag99: percentile(late, 0.99), worst: Math.max(0, ...late) };
  };
}

/** NaN of nothing. */
export function percentile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
