/**
 * Every page, in light and dark and as wide as a phone: what axe finds wrong for people with another way of reading it, and whether
 * it fits.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { examine } from './axe.ts';
import { goTo, visitor } from './browser.ts';
import { type Scenario, visiting, type World } from './scenarios.ts';

async function places({ stage }: World): Promise<readonly string[]> {
  const [record] = await stage.authority.list({ status: 'valid', search: 'db1', limit: 1 });
  return [
    'overview',
    'certificates',
    `certificates/${record?.serial}`,
    'expiring',
    'orders',
    'lists',
    'issue',
    'access',
  ];
}

export const accessible: readonly Scenario[] = [
  ...(['light', 'dark'] as const).map(
    (colorScheme): Scenario => [
      `axe finds nothing on any page, in ${colorScheme} colours`,
      async (world) => {
        const stranger = await visitor(world.browser, { colorScheme });
        await stranger.page.goto(`${world.stage.origin}/admin/`);
        await stranger.page.getByLabel('Token').waitFor();
        await examine(stranger.page, 'sign-in');
        await stranger.context.close();
        await visiting(
          world,
          'admin',
          async (visit) => {
            const { page } = visit;
            assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
            for (const place of await places(world)) {
              await goTo(visit, place);
              await examine(page, place);
              await page.screenshot({
                path: world.shot(`${colorScheme}-${place.split('/').length > 1 ? 'one' : place}`),
              });
              const open = page.getByRole('button', { name: 'Revoke…' });
              if ((await open.count()) === 0) continue;
              await open.click();
              await examine(page, `${place}, the question`);
              await page.keyboard.press('Escape');
            }
          },
          { colorScheme },
        );
      },
    ],
  ),
  [
    'on a phone nothing is wider than the screen, and axe finds nothing',
    async (world) => {
      await visiting(
        world,
        'admin',
        async (visit) => {
          const { page } = visit;
          for (const place of await places(world)) {
            await goTo(visit, place);
            const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.deepEqual(widths, [360, 360], place);
            await examine(page, `${place}, on a phone`);
            await page.screenshot({ path: world.shot(`phone-${place.split('/').length > 1 ? 'one' : place}`) });
          }
        },
        { width: 360, height: 740 },
      );
    },
  ],
  [
    'light or dark is the reader’s choice, and kept',
    async (world) => {
      await visiting(world, 'viewer', async ({ page }) => {
        const theme = (): Promise<string | undefined> => page.evaluate(() => document.documentElement.dataset.theme);
        assert.equal(await theme(), 'light');
        await page.getByRole('button', { name: 'Dark colours' }).click();
        await page.getByRole('button', { name: 'Light colours' }).waitFor();
        assert.equal(await theme(), 'dark');
        await page.reload();
        await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
        assert.equal(await theme(), 'dark');
      });
    },
  ],
];
