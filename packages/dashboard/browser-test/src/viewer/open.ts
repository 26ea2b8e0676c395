/**
 * Files that a reader opens in the page: what is shown, what is refused, and in which words.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { examine } from '../axe.ts';
import { inFolder, keep } from './keep.ts';
import type { Open, Visit } from './visit.ts';

type Scenario = readonly [name: string, play: (open: Open) => Promise<void>];

interface Given {
  readonly name: string;
  readonly content: Buffer | string;
}

const fromDisk = (file: string): Given => ({ name: basename(file), content: readFileSync(file) });

async function toFiles({ page }: Visit): Promise<void> {
  await page.getByRole('link', { name: 'Files' }).click();
  await page.getByRole('heading', { name: 'Open a file' }).waitFor();
}

/** By the button, which takes them as a click and a dialogue would. */
async function give({ page }: Visit, button: string, ...files: readonly Given[]): Promise<void> {
  await page
    .getByLabel(button)
    .setInputFiles(files.map(({ name, content }) => ({ name, mimeType: '', buffer: Buffer.from(content) })));
}

const choose = (visit: Visit, ...files: readonly Given[]): Promise<void> => give(visit, 'Choose files…', ...files);

async function drop({ page }: Visit, { name, content }: Given): Promise<void> {
  const base64 = Buffer.from(content).toString('base64');
  const transfer = await page.evaluateHandle(
    ([title, text]) => {
      const made = new DataTransfer();
      made.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], title));
      return made;
    },
    [name, base64] as const,
  );
  await page.dispatchEvent('body', 'dragover', { dataTransfer: transfer });
  assert.equal(await page.evaluate(() => document.body.classList.contains('dropping')), true);
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  assert.equal(await page.evaluate(() => document.body.classList.contains('dropping')), false);
}

const refusal = async ({ page }: Visit): Promise<string> =>
  (await page.locator('.file-refused').innerText()).replace(/\s+/g, ' ').trim();

/** Files that nobody should send, and what is said of them. */
const hostile: readonly (readonly [Given, RegExp])[] = [
  [{ name: 'a.txt', content: 'hello' }, /"a\.txt": it is neither a recording \(JSON\), nor a page/],
  [
    { name: 'a.json', content: '{"format":"handfast-recordings","version":1,"conn' },
    /it is no JSON: .*What to do: .*cut off/,
  ],
  [
    { name: 'a.json', content: `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}` },
    /"a" is no property of it|nested too deep/,
  ],
  [{ name: 'a.json', content: '{"__proto__":{"format":"handfast-recording"}}' }, /"__proto__" is no property of it/],
  [{ name: 'a.html', content: '<script>alert(1)</script>' }, /it is HTML, and no page that was made of recordings/],
  [
    {
      name: 'a.html',
      content:
        '<script type="application/json" id="handfast-recordings">{"format":1}</script><script>alert(1)</script>',
    },
    /format: it is not "handfast-recording"/,
  ],
  [{ name: '<img src=x onerror=alert(1)>', content: '' }, /"<img src=x onerror=alert\(1\)>": it is empty/],
  [
    { name: 'a.pcapng', content: Buffer.from(`0a0d0d0a1c000000deadbeef${'00'.repeat(16)}`, 'hex') },
    /"a\.pcapng": at byte 8: a section header without the byte-order magic/,
  ],
];

export const openScenarios: readonly Scenario[] = [
  [
    'what was kept is opened again, in each format, and shows the same',
    (open) =>
      open('', async (visit) => {
        await inFolder(async (folder) => {
          const files = [];
          for (const format of ['JSON', 'HTML', 'pcapng'] as const) {
            files.push(fromDisk(await keep(visit, format, folder, true)));
          }
          const before = (await visit.arrows()).filter((title) => title !== 'ChangeCipherSpec');
          await toFiles(visit);
          assert.equal(await visit.page.locator('.verdict').count(), 0);
          for (const file of files) {
            await choose(visit, file);
            await visit.page.getByText(`${file.name}: 1 TLS connection`).waitFor();
            await visit.page.locator('.verdict.good').waitFor();
            assert.deepEqual(
              (await visit.arrows()).filter((title) => title !== 'ChangeCipherSpec').sort(),
              [...before].sort(),
              file.name,
            );
          }
        });
      }),
  ],
  [
    'a file that is dropped anywhere is opened in its room, and may be left and found again',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const file = fromDisk(await keep(visit, 'JSON', folder));
          await drop(visit, file);
          await page.getByText('shop.example-443.json: 1 TLS connection').waitFor();
          assert.equal(await page.evaluate(() => location.hash), '#files');
          await page.locator('.verdict.good').waitFor();
          // Its data was not kept, but how long it was.
          const sizes = await page.locator('button.arrow.data .size').allInnerTexts();
          assert.ok(sizes.length > 1);
          for (const size of sizes) assert.match(size, /^[1-9]\d* B$/);
          await page.getByRole('link', { name: 'Laboratory' }).click();
          await page.locator('.settings').waitFor();
          await page.getByRole('link', { name: 'Files' }).click();
          await page.locator('.verdict.good').waitFor();
          await visit.shot('files-one');
        });
      }),
  ],
  [
    'a file that is read while the reader is in another room changes nothing there, and is found in its own',
    (open) =>
      open('certificate=expired', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const file = fromDisk(await keep(visit, 'JSON', folder));
          // The worker gets its file when we say so.
          await page.evaluate(() => {
            const { postMessage } = Worker.prototype;
            Worker.prototype.postMessage = function (this: Worker, files: unknown) {
              this.addEventListener('message', () => document.body.classList.add('answered'));
              addEventListener('answer', () => postMessage.call(this, files as never), { once: true });
            } as typeof postMessage;
          });
          await toFiles(visit);
          await choose(visit, file);
          await page.getByText(`Reading ${file.name}…`).waitFor();
          await page.getByRole('link', { name: 'Laboratory' }).click();
          await visit.choose('good');
          await page.locator('.verdict.good').waitFor();
          await page.evaluate(() => dispatchEvent(new Event('answer')));
          await page.locator('body.answered').waitFor();
          await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
          assert.deepEqual(
            [await page.locator('.verdict.good').count(), await page.locator('.verdict').count()],
            [1, 1],
          );
          await page.getByRole('link', { name: 'Files' }).click();
          await page.locator('.verdict.bad').waitFor();
          await page.getByText(`${file.name}: 1 TLS connection`).waitFor();
        });
      }),
  ],
  [
    'what one side alone, or a closed capture, tells: not known what nobody saw, and who found the fault',
    (open) =>
      open('certificate=expired', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const sealed = fromDisk(await keep(visit, 'pcapng', folder));
          await page.evaluate(() => {
            location.hash = 'clientCertificate=missing';
          });
          await page.locator('.refusal code', { hasText: 'certificate_required' }).waitFor();
          const json = JSON.parse(readFileSync(await keep(visit, 'JSON', folder), 'utf8'));
          delete json.connections[0].server;
          await toFiles(visit);
          await choose(visit, sealed, { name: 'client.json', content: JSON.stringify(json) });
          await page.getByText('2 TLS connections. Choose one.').waitFor();
          const [first, second] = await page.locator('.connections button').all();
          assert.ok(first && second);
          await first.click();
          await page.locator('.headline', { hasText: '… Not known: nobody has seen the handshake end' }).waitFor();
          assert.match(await first.innerText(), /^…\s*not known/);
          assert.equal(await page.getByText('nothing was cut off').count(), 0);
          await second.click();
          await page.locator('.headline', { hasText: 'the server ends the connection' }).waitFor();
          await page.getByText(/^found by the server/).waitFor();
        });
      }),
  ],
  [
    'a capture without secrets says what stays closed, and opens with its key log',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const capture = fromDisk(await keep(visit, 'pcapng', folder));
          const json = JSON.parse(readFileSync(await keep(visit, 'JSON', folder, true), 'utf8'));
          const keys = { name: 'keys.log', content: json.connections[0].client.keyLog.join('\n') };
          await toFiles(visit);
          await choose(visit, capture);
          await page.getByText('1 thing was not read').click();
          await page.getByText(/\d+ records could not be decrypted/).waitFor();
          assert.equal((await visit.arrows()).includes('Certificate'), false);
          await give(visit, 'Add the key log…', keys);
          await page.locator('button.arrow[data-title="Certificate"]').waitFor();
          assert.equal(await page.getByText('could not be decrypted').count(), 0);
          await choose(visit, keys);
          assert.match(await refusal(visit), /"keys\.log" is a key log.* together with its capture/);
        });
      }),
  ],
  [
    'of several connections the reader chooses one, and compares it with another',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const good = fromDisk(await keep(visit, 'JSON', folder));
          await visit.choose('expired yesterday');
          await page.locator('.refusal').waitFor();
          const bad = { ...fromDisk(await keep(visit, 'JSON', folder)), name: 'bad.json' };
          await toFiles(visit);
          await choose(visit, good, bad);
          await page.getByText('2 TLS connections. Choose one.').waitFor();
          await examine(page, 'a list of connections');
          const [first, second] = await page.locator('.connections button').all();
          assert.ok(first && second);
          await first.click();
          await page.getByRole('button', { name: 'Compare with…' }).click();
          await second.click();
          await page.getByRole('button', { name: 'Compare with the first' }).click();
          await page.locator('.facts', { hasText: 'certificate_expired, found by the client' }).waitFor();
          await visit.shot('files');
        });
      }),
  ],
  [
    'a hostile file is refused in words, and nothing of it is more than text',
    (open) =>
      open('files', async (visit) => {
        for (const [file, words] of hostile) {
          await choose(visit, file);
          await visit.page.locator('.file-refused').waitFor();
          assert.match(await refusal(visit), words);
          assert.equal(await visit.page.locator('img').count(), 0);
          assert.equal(await visit.page.locator('.verdict').count(), 0);
        }
        await examine(visit.page, 'a refusal');
        await visit.shot('files-refused');
      }),
  ],
  [
    'what a file calls things turns no line around',
    (open) =>
      open('certificate=expired', async (visit) => {
        const { page } = visit;
        const turns = 'exe.\u202egnp';
        await inFolder(async (folder) => {
          const text = readFileSync(await keep(visit, 'JSON', folder), 'utf8');
          const json = JSON.parse(text);
          const [bad] = json.connections;
          Object.assign(bad, { title: turns, incidents: [{ at: 0, text: turns }] });
          for (const side of [bad.client, bad.server]) side.target = `${turns}:443`;
          Object.assign(bad.client.error, { code: turns, message: turns, hint: turns, state: turns, alert: turns });
          for (const { certificates } of bad.client.peer.paths) {
            for (const { checks } of certificates) checks.push({ rule: turns, detail: turns, passed: false });
          }
          const first = JSON.parse(text).connections[0];
          json.connections.push({ ...first, title: turns });
          await toFiles(visit);
          await choose(visit, { name: `${turns}.json`, content: JSON.stringify(json) });
          const read = async (places: readonly string[]): Promise<void> => {
            for (const place of places) {
              await page.locator(place, { hasText: 'exe.\\u{202e}gnp' }).first().waitFor();
            }
            assert.doesNotMatch(await page.locator('body').innerText(), /\u202e/);
          };
          await page.getByText('2 TLS connections. Choose one.').waitFor();
          const [one, other] = await page.locator('.connections button').all();
          assert.ok(one && other);
          await one.click();
          const card = ['.refusal .found', '.refusal .more', '.refusal code', '.refusal dd'];
          await read(['.opened', '.connections', '.note.between', '.link', ...card]);
          await page.getByRole('button', { name: 'Compare with…' }).click();
          await other.click();
          await read(['.bar']);
          await page.getByRole('button', { name: 'Compare with the first' }).click();
          await read(['.facts thead', '.facts tbody']);
          await choose(visit, { name: `${turns}.txt`, content: 'hello' });
          await read(['.file-refused']);
        });
      }),
  ],
  [
    'a capture that ends too soon is opened as far as it goes, and where it ends is said',
    (open) =>
      open('files', async (visit) => {
        const { page } = visit;
        await choose(visit, { name: 'cut.pcapng', content: Buffer.from('0a0d0d0a1c0000004d3c2b1a', 'hex') });
        await page.getByText('cut.pcapng: no TLS connection').waitFor();
        await page.getByText('1 thing was not read').click();
        await page.getByText('at byte 0: the file ends inside a section header').waitFor();
      }),
  ],
  [
    'a file that is too large is not read at all, and the limit is said',
    (open) =>
      open('files', async (visit) => {
        const { page } = visit;
        await page.evaluate(() => {
          const made = new DataTransfer();
          const file = new File(['x'], 'evening.pcapng');
          Object.defineProperty(file, 'size', { value: 2 ** 30 });
          made.items.add(file);
          const event = new DragEvent('drop', { bubbles: true });
          Object.defineProperty(event, 'dataTransfer', { value: { files: [file] } });
          document.body.dispatchEvent(event);
        });
        assert.match(await refusal(visit), /"evening\.pcapng" has 1,024 MiB, and 64 MiB are the most that is opened/);
      }),
  ],
  ...(['light', 'dark'] as const).map(
    (colorScheme): Scenario => [
      `the room of files: axe finds nothing, nor on a phone, in ${colorScheme} colours`,
      (open) =>
        open(
          'files',
          async (visit) => {
            const { page } = visit;
            await examine(page, 'files');
            await visit.shot(`files-${colorScheme}`);
            await page.setViewportSize({ width: 390, height: 844 });
            const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.deepEqual(widths, [390, 390]);
            await choose(visit, { name: 'a.json', content: '{' });
            await page.locator('.file-refused', { hasText: '"a.json": it is no JSON' }).waitFor();
            await examine(page, 'files, on a phone');
            await visit.shot(`files-phone-${colorScheme}`);
          },
          { colorScheme },
        ),
    ],
  ),
];
