/**
 * A test is a name and a function: what every runtime can run, browsers and workers too. A test passes, fails, or finds
 * that the runtime lacks what it is about (`absent`), which the runner compares to what it expects of that runtime.
 *
 * @module
 */

export interface Result {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'absent';
  /** Why it failed, or what is absent. */
  readonly message?: string;
  /** As the runtime's clock says: some stand still while code runs. */
  readonly ms: number;
}

interface Test {
  readonly name: string;
  readonly body: () => Promise<void>;
}

const tests: Test[] = [];

/** What hangs must end: longer than any test takes on a busy machine. */
const limitMs = 60_000;

class Absent extends Error {
  override readonly name = 'Absent';
}

/** The runtime has nothing to test. */
export function absent(what: string): never {
  throw new Absent(what);
}

export function test(name: string, body: () => Promise<void>): void {
  if (tests.some((one) => one.name === name)) throw new RangeError(`two tests are named ${name}`);
  tests.push({ name, body });
}

/** Runs them one after another: all, or those whose names have one of these words. */
export async function run(words: readonly string[] = []): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, body } of tests) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    const started = performance.now();
    const outcome = await outcomeOf(body);
    results.push({ name, ...outcome, ms: Math.round(performance.now() - started) });
  }
  return results;
}

async function outcomeOf(body: () => Promise<void>): Promise<Pick<Result, 'outcome' | 'message'>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([body(), late]);
    return { outcome: 'passed' };
  } catch (error) {
    if (error instanceof Absent) return { outcome: 'absent', message: error.message };
    return { outcome: 'failed', message: describe(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** With its causes: WebCrypto's own words stand there. */
function describe(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  // Some engines' stacks begin with the message, others' do not.
  const where = depth === 0 ? (stack ?? '').split('\n').filter((line) => /^\s+at |@/.test(line)) : [];
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  const own = [`${name}${code}: ${message}`, ...where.slice(0, 8)].join('\n');
  return cause === undefined || depth > 3 ? own : `${own}\ncaused by ${describe(cause, depth + 1)}`;
}
