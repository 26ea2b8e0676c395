/**
 * Which characters of our sources have run: V8's precise block coverage, through the inspector of this very process. Taking
 * it costs some milliseconds, so a batch of inputs is run first, and only one that reached something new is halved until
 * the inputs that did are known.
 *
 * @module
 */

import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  /** By script: a byte a character, 1 where it has run. */
  readonly #seen = new Map<string, Uint8Array>();
  /** How many have. */
  size = 0;

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    // Counts are set back whenever they are taken: each take tells of what ran since the one before.
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** Forgets what ran since the last take. */
  reset(): void {
    this.#take();
  }

  /** Those of `inputs` that reach what nothing reached before, as far as runs repeat. Runs each at least once. */
  fresh<T>(inputs: readonly T[], run: (input: T) => void): readonly T[] {
    for (const input of inputs) run(input);
    const reached = this.#take();
    if (!this.#isNew(reached)) return [];
    const middle = inputs.length >> 1;
    if (middle > 0) return [...this.fresh(inputs.slice(0, middle), run), ...this.fresh(inputs.slice(middle), run)];
    this.#keep(reached);
    return inputs;
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = [];
    // A session within the process answers before post() returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error;
      result = answer.result.filter(({ url }) => /\/packages\/[a-z0-9]+\/src\//.test(url));
    });
    return result;
  }

  #isNew(scripts: readonly Profiler.ScriptCoverage[]): boolean {
    return scripts.some((script) => {
      const seen = this.#seen.get(script.url);
      const ran = painted(script);
      return ran.some((flag, index) => flag === 1 && seen?.[index] !== 1);
    });
  }

  #keep(scripts: readonly Profiler.ScriptCoverage[]): void {
    for (const script of scripts) {
      const ran = painted(script);
      const before = this.#seen.get(script.url) ?? new Uint8Array(0);
      const after = new Uint8Array(Math.max(ran.length, before.length));
      after.set(before);
      for (const [index, flag] of ran.entries()) {
        if (flag === 0 || after[index] === 1) continue;
        after[index] = 1;
        this.size++;
      }
      this.#seen.set(script.url, after);
    }
  }
}

/** Outer ranges come before inner ones, and inner ones have the last word. */
function painted({ functions }: Profiler.ScriptCoverage): Uint8Array {
  const length = Math.max(0, ...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
  const flags = new Uint8Array(length);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) flags.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  }
  return flags;
}
