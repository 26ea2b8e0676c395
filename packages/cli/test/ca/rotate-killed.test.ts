/**
 * A rotation that is killed at one write or another. Afterwards the folder has the old intermediate or the new one, whole; it issues, and
 * another rotation goes well. `CA_ROTATION_KILLS=1000` kills at every write that there is.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { certificateOf, issued, revokedBy, verdict } from './rotation-support.ts';
import { Place } from './support.ts';

const kills = Number(process.env.CA_ROTATION_KILLS ?? 3);
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const hook = new URL('killed-hook.ts', import.meta.url).href;

const place = new Place();
const rootKey = place.path('root-key.pem');
const rotation = ['rotate', 'intermediate', '--root-key', rootKey] as const;

before(async () => {
  await place.json('init', '--dev', '--name', 'corp.test', '--root-key', rootKey, '--no-passphrase');
  await issued(place, 'old.corp.test');
});
after(() => place.remove());

/** How often it wrote; `undefined`: it was killed. */
async function rotated({ dir }: Place, at: number): Promise<number | undefined> {
  const args = ['--conditions=@handfast/source', `--import=${hook}`, main, 'ca', ...rotation, '--dir', dir];
  const env = { ...process.env, KILL_FOLDER: dir, KILL_AT: String(at) };
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, _, stderr) => {
      if (error?.signal === 'SIGKILL') resolve(undefined);
      else if (error) reject(error);
      else resolve(Number(/wrote (\d+) times/.exec(stderr)?.[1]));
    });
  });
}

function copy(t: { after(work: () => void): void }): Place {
  const other = new Place();
  t.after(() => other.remove());
  cpSync(place.dir, other.dir, { recursive: true });
  chmodSync(other.dir, 0o700);
  return other;
}

test('a rotation that is killed has been done, or has not', { timeout: 600_000 }, async (t) => {
  const whole = copy(t);
  const writes = await rotated(whole, 0);
  assert.ok(writes !== undefined && writes > 10, `${writes} writes`);
  const number = Math.min(kills, writes);
  const root = certificateOf(place.path('ca', 'root.pem'));
  const old = certificateOf(place.path('ca', 'intermediate.pem')).subject.toString();
  const issuers = new Set<boolean>();
  for (let kill = 0; kill < number; kill++) {
    const at: number = writes - Math.floor((kill * (writes - 1)) / Math.max(1, number - 1));
    const other = copy(t);
    assert.equal(await rotated(other, at), undefined);

    const leaf = await issued(other, 'after.corp.test');
    assert.equal(await verdict(leaf, root), 'ok', `killed before write ${at}`);
    const issuer = leaf.chain[0]?.issuer.toString();
    const current = certificateOf(other.path('ca', 'intermediate.pem')).subject.toString();
    assert.equal(issuer, current);
    issuers.add(issuer === old);
    const names = (): readonly string[] => readdirSync(other.dir).filter((name) => name.includes('next'));
    // What was never decided lies there until something else is.
    assert.ok(!names().includes('next'));
    await other.json('revoke', leaf.serial);
    await other.json(...rotation);
    assert.deepEqual(names(), []);
    const next = await issued(other, 'next.corp.test');
    assert.equal(await verdict(next, root), 'ok');
    assert.notEqual(next.chain[0]?.issuer.toString(), issuer);
    assert.deepEqual((await revokedBy(other)).get(current), [leaf.serial]);
  }
  assert.deepEqual(issuers, new Set(number > 1 ? [false, true] : [false]));
});
