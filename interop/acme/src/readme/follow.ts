/**
 * Follows README.md as a newcomer does: pastes its lines, sees what it shows, opens its pages in Chromium, which must trust them, and
 * puts all back, after which they must not be trusted any more.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { chromiumFlags, noQuic } from '../../../../rig/chromium.ts';
import type { Report } from '../report.ts';
import { type Machine, openMachine } from './machine.ts';
import { type Paste, type Step, stepsBelow, unseen } from './section.ts';

const readme = new URL('../../../../README.md', import.meta.url);
const heading = '### From nothing to https://app.test';

/** What README.md promises: in under five minutes. */
const promisedMs = 300_000;
/** For what a block shows. */
const patienceMs = 120_000;

const titleOfPage = '<title>TLS 1.3 · handfast</title>';
const browser = 'chromium';

export async function followReadme(report: Report): Promise<void> {
  const who = 'README.md';
  try {
    const steps = stepsBelow(heading, await readFile(readme, 'utf8'));
    const pages = steps.flatMap((step) => ('open' in step ? [step.open] : []));
    assert.deepEqual(pages, ['https://app.test', 'https://app.localhost:8443'], 'what README.md has one open');
    await using machine = await openMachine();
    const [, version = '?'] = /(\d+)\.\d/.exec(await machine.run(browser, '--version')) ?? [];
    const ms = await follow(steps, machine);
    assert.ok(ms < promisedMs, `all of it took ${(ms / 1000).toFixed(0)} s`);
    // Its name stands without /etc/hosts, which is as it was.
    assert.match(await load(machine, pages.at(-1) ?? ''), /ERR_CERT_AUTHORITY_INVALID/, 'trusted, with no CA there');
    const column = `from nothing to ${pages.join(' and ')}`;
    report.done({ table: 'readme', who, column, how: `certbot, curl, Chromium ${version}`, ms });
  } catch (error) {
    report.failed({ who, error, events: [] });
  }
}

/** How long it took. */
async function follow(steps: readonly Step[], machine: Machine): Promise<number> {
  const since = performance.now();
  for (const step of steps) {
    if ('paste' in step) await paste(step, machine);
    else assertTrusted(await load(machine, step.open), step.open);
  }
  return performance.now() - since;
}

/** Until all ran to its end, or into the background, and all that README.md shows was seen. */
async function paste({ paste: lines, sees, line }: Paste, machine: Machine): Promise<void> {
  const pasted = await machine.paste(lines);
  for (const since = performance.now(); ; await delay(100)) {
    const code = pasted.exitCode();
    const output = await pasted.output();
    const missing = unseen(sees, output);
    if (code === 0 && missing === undefined) return;
    const late = performance.now() - since > patienceMs;
    if (late || (code !== 0 && code !== undefined)) {
      const how = code === undefined ? 'did not end' : `ended with ${code}`;
      const wanted = missing === undefined ? '' : `, and this was not seen: ${missing}`;
      throw new Error(`README.md:${line} ${how}${wanted}\n${lines}\nIt printed:\n${output}`);
    }
  }
}

function assertTrusted(page: string, url: string): void {
  if (page.includes(titleOfPage)) return;
  const why = /\b(?:NET::)?ERR_[A-Z_]+/.exec(page)?.[0] ?? page.slice(0, 2000);
  throw new Error(`${browser} does not show ${url}: ${why}`);
}

/** The page, or the one that Chromium shows in its place. */
function load(machine: Machine, url: string): Promise<string> {
  const flags = [...chromiumFlags, noQuic, '--headless', '--disable-dev-shm-usage', '--no-proxy-server'];
  return machine.run(browser, ...flags, '--dump-dom', url);
}
