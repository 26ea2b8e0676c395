/**
 * Chromium, and what a page says in it.
 *
 * @module
 */

import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumFlags, chromiumPath } from '../../../rig/chromium.ts';

const flags = [
  ...chromiumFlags,
  // Two pages of one machine, which has no other network: their addresses as they are, and the loopback's, too.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--allow-loopback-in-peer-connection',
];

/** With a profile folder that is new, and gone with it. */
export async function launch(): Promise<Browser> {
  const executablePath = chromiumPath('examples/web/install.sh');
  return await chromium.launch({ executablePath, args: flags, headless: true });
}

/** How long a page may take to say something. */
const patienceMs = 20_000;

/** Opens a page and waits for its first word: what it shows, as text. @throws where it shows an error, or fails */
export async function shown(page: Page, url: string): Promise<string> {
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  page.on('console', (message) => message.type() === 'error' && failures.push(message.text()));
  await page.goto(url);
  const said = page.locator('#out, #error').first();
  await said.waitFor({ timeout: patienceMs }).catch((cause: unknown) => {
    throw new Error(`${url} says nothing: ${failures.join('; ') || 'no error either'}`, { cause });
  });
  return (await said.textContent()) ?? '';
}
