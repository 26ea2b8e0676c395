/**
 * Chromium, and a visitor in it: a profile of its own, all of whose requests, policy violations and errors are noted.
 *
 * @module
 */

import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core';
import { chromiumFlags, chromiumPath, noQuic } from '../../../../rig/chromium.ts';

/** With a profile folder that is new, and gone with it. */
export async function launch(): Promise<Browser> {
  return await chromium.launch(launching());
}

/** With a profile folder that is there, and the stores of a home. */
export async function launchIn(profile: string, home: string): Promise<Visitor> {
  const env = { ...process.env, HOME: home };
  return await watched(await chromium.launchPersistentContext(profile, { ...launching(), env }));
}

function launching(): LaunchOptions {
  const executablePath = chromiumPath('packages/dashboard/browser-test/install.sh');
  return { executablePath, args: [...chromiumFlags, noQuic], headless: true };
}

export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Of everything that the page has asked for. */
  readonly requested: string[];
  /** What the page's policy has forbidden. */
  readonly violations: string[];
  readonly errors: string[];
}

export interface VisitorOptions extends Pick<BrowserContextOptions, 'clientCertificates'> {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

export async function visitor(
  browser: Browser,
  { width = 1280, height = 900, colorScheme = 'light', ...more }: VisitorOptions = {},
): Promise<Visitor> {
  // Whose certificate it is, others test: here its root is nobody's.
  const viewport = { width, height };
  return await watched(await browser.newContext({ ignoreHTTPSErrors: true, viewport, colorScheme, ...more }));
}

async function watched(context: BrowserContext): Promise<Visitor> {
  context.setDefaultTimeout(10_000);
  const requested: string[] = [];
  const violations: string[] = [];
  const errors: string[] = [];
  context.on('request', (request) => requested.push(request.url()));
  await context.exposeFunction('noteViolation', (what: string) => violations.push(what));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      const { noteViolation } = globalThis as unknown as { noteViolation(what: string): void };
      noteViolation(`${violatedDirective} ${blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  return { page, context, requested, violations, errors };
}

export async function signIn({ page }: Visitor, origin: string, token: string): Promise<void> {
  await page.goto(`${origin}/admin/`);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
}

/** To a page of the dashboard, and until what it has asked for is there. */
export async function goTo({ page }: Visitor, where: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${where}`);
  await page.locator('main .loading').waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
}
