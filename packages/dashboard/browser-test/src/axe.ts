/**
 * What axe finds wrong with a page for people with another way of reading it.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
  readonly passes: readonly unknown[];
}

/** The page's own policy lets no script in: the browser's debugger does. */
export async function examine(page: Page, where: string): Promise<void> {
  await page.evaluate(axeSource);
  const { violations, passes } = await page.evaluate(
    async () => await (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  const found = violations.map(
    ({ id, help, nodes }) => `${where}: ${id}, ${help}: ${nodes.map(({ html }) => html).join(' ')}`,
  );
  assert.deepEqual(found, []);
  assert.ok(passes.length > 10, `${where}: axe has looked at nothing`);
}
