/**
 * A line for each thing that was looked at.
 *
 * @module
 */

let passed = 0;
let failed = 0;

export async function check(what: string, look: () => Promise<void> | void): Promise<void> {
  const started = performance.now();
  try {
    await look();
    passed++;
    process.stdout.write(`✓  ${what} (${Math.round(performance.now() - started)} ms)\n`);
  } catch (error) {
    failed++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stdout.write(`✗  ${what}\n${text.replaceAll(/^/gm, '      ')}\n`);
  }
}

/** @returns whether all was as it must be */
export function tell(): boolean {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0;
}
