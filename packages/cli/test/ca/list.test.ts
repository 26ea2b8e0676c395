import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseCrls } from '@handfast/x509';
import { finish } from '../support/io.ts';
import { Place } from './support.ts';

const place = new Place();
const out = place.path('out');
const serials = new Map<string, string>();
before(async () => {
  await place.json('init', '--dev');
  for (const [name, days] of [
    ['long.test', '90'],
    ['short.test', '5'],
    ['lost.test', '60'],
  ] as const) {
    const [issued] = await place.json('issue', name, '--days', days, '--out', out);
    serials.set(name, String(issued?.serial));
  }
});
after(() => place.remove());
const serialOf = (name: string): string => serials.get(name) ?? '';

describe('ca list and show', () => {
  test('the newest first, one JSON line each', async () => {
    const records = await place.json('list');
    assert.deepEqual(
      records.map(({ names }) => names),
      [['lost.test'], ['short.test'], ['long.test']],
    );
    const { notBefore, notAfter, issuedAt, issuer, by, ...rest } = records[0] ?? {};
    for (const time of [notBefore, notAfter, issuedAt]) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(String(issuer), /^[0-9a-f]{64}$/);
    assert.match(String(by), /^operator /);
    assert.deepEqual(rest, {
      serial: serialOf('lost.test'),
      status: 'valid',
      commonName: null,
      names: ['lost.test'],
      profile: 'server',
      revokedAt: null,
      reason: null,
    });
  });

  test('a table for people, which says if there is more', async () => {
    const { stdout } = await place.ca('list', '--limit', '2');
    assert.match(stdout.lines[0] ?? '', /^SERIAL +PROFILE {2}STATUS +BY +NAMES$/);
    assert.match(stdout.lines[1] ?? '', /^[0-9a-f]+ +server +valid, ends in 59 days +operator \S+ +lost\.test$/);
    assert.equal(stdout.lines[3], 'There are more: --limit shows more than 2, --search finds some');
    assert.equal(stdout.lines.length, 4);
  });

  test('finds by text, by status, by what ends soon', async () => {
    const names = async (...argv: readonly string[]): Promise<readonly unknown[]> =>
      (await place.json('list', ...argv)).map(({ names }) => (names as readonly string[])[0]);
    assert.deepEqual(await names('--search', 'SHORT'), ['short.test']);
    assert.deepEqual(await names('--expiring', '7'), ['short.test']);
    assert.deepEqual(await names('--status', 'expired'), []);
    assert.equal((await place.ca('list', '--status', 'expired')).stdout.text, 'No certificate is like that\n');
    assert.deepEqual(await place.refusal('list', '--expiring', '7', '--status', 'revoked'), {
      exitCode: 2,
      message: '--expiring and --status revoked contradict each other',
      hint: 'what expires soon is valid still',
    });
    assert.deepEqual(await place.refusal('list', '--limit', '0'), {
      exitCode: 2,
      message: '--limit "0" is no whole number from 1 to 999999',
      hint: null,
    });
  });

  test('one by its serial number in any writing, or by its file', async () => {
    const serial = serialOf('long.test');
    const colons = (serial.toUpperCase().replace(/^00/, '').match(/../g) ?? []).join(':');
    for (const way of [serial, colons, `${out}/long.test.pem`]) {
      const [shown] = await place.json('show', way);
      assert.equal(shown?.serial, serial, way);
      assert.equal(shown?.key, 'ECDSA P-256');
    }
    const { stdout } = await place.ca('show', serial, '--pem');
    assert.ok(readFileSync(`${out}/long.test.pem`, 'utf8').startsWith(stdout.text));
    assert.match((await place.ca('show', serial)).stdout.text, /^long\.test\n {2}Status +valid, ends in 89 days\n/);
  });

  test('what the CA has not issued is not found', async () => {
    assert.deepEqual(await place.refusal('show', '0badc0de'), {
      exitCode: 2,
      message: 'this CA has issued no certificate with the serial number 0badc0de',
      hint: 'handfast ca list shows all',
    });
    assert.deepEqual(await place.refusal('show', 'long.test'), {
      exitCode: 2,
      message: '"long.test" is neither a serial number nor a file',
      hint: 'handfast ca list shows serial numbers; the certificate’s file will do as well',
    });
  });
});

describe('ca revoke and crl export', () => {
  test('a certificate that is revoked is on the list, and programs refuse it by the list', async () => {
    const serial = serialOf('lost.test');
    const [revoked] = await place.json('revoke', serial, '--reason', 'keyCompromise');
    assert.deepEqual([revoked?.status, revoked?.reason], ['revoked', 'keyCompromise']);
    const crl = place.path('crl.pem');
    const [exported] = await place.json('crl', 'export', '--out', crl);
    assert.equal(exported?.file, crl);
    const [ofIntermediate, ofRoot, none] = parseCrls(readFileSync(crl));
    assert.equal(none, undefined);
    assert.deepEqual(
      [...(ofIntermediate?.entries() ?? [])].map(({ reason }) => reason),
      ['keyCompromise'],
    );
    assert.deepEqual([...(ofRoot?.entries() ?? [])], []);
    const verify = (name: string) =>
      finish(['cert', 'verify', `${out}/${name}.pem`, '--ca', `${place.dir}/root.pem`, '--crl', crl, '--json']);
    const refused = await verify('lost.test');
    assert.equal(refused.exitCode, 5);
    assert.equal((await verify('long.test')).exitCode, 0);
    assert.deepEqual(await place.refusal('revoke', serial), {
      exitCode: 2,
      message: `the certificate ${serial} is revoked already: keyCompromise`,
      hint: null,
    });
  });

  test('the lists go to stdout, and their description only beside a file', async () => {
    const { stdout, stderr } = await place.ca('crl', 'export');
    assert.equal(parseCrls(stdout.text).length, 2);
    assert.equal(stderr.text, '');
    assert.deepEqual(await place.refusal('crl', 'export'), {
      exitCode: 2,
      message: '--json without --out',
      hint: 'name a file for the lists: --json tells what is in it',
    });
  });

  test('the root signs its list anew with the key that was put away', async () => {
    const team = new Place();
    const key = team.path('root-key.pem');
    const passphrase = team.file('passphrase', 'correct horse\n');
    const wrong = team.file('wrong', 'battery staple\n');
    await team.json('init', '--allow', 'corp.example', '--root-key', key, '--passphrase-file', passphrase);
    const earliest = BigInt(Date.now());
    const [signed] = await team.json('crl', 'root', '--root-key', key, '--passphrase-file', passphrase);
    // By the time, as a CA that was put back to an older state does not know the last one.
    const number = BigInt(String(signed?.number));
    assert.ok(number >= earliest && number <= BigInt(Date.now()));
    assert.equal(signed?.revoked, 0);
    await team.json('crl', 'export', '--out', team.path('crl.pem'));
    const [, ofRoot] = parseCrls(readFileSync(team.path('crl.pem')));
    assert.equal(ofRoot?.number, number);
    const refusal = await team.refusal('crl', 'root', '--root-key', key, '--passphrase-file', wrong);
    assert.deepEqual(refusal, {
      exitCode: 2,
      message: `--root-key "${key}" does not open: private key: the password is wrong, or the file is damaged`,
      hint: 'is that its passphrase?',
    });
    const other = team.path('ca', 'intermediate-key.pem');
    assert.deepEqual(await team.refusal('crl', 'root', '--root-key', other), {
      exitCode: 2,
      message: `--root-key "${other}" is not the key of ${JSON.stringify(`CN=${ofRoot?.issuer.commonName}`)}`,
      hint: null,
    });
    assert.deepEqual(await place.refusal('crl', 'root', '--root-key', other), {
      exitCode: 2,
      message: 'the root’s list lasts as long as the root itself: there is nothing to renew',
      hint: null,
    });
    team.remove();
  });
});
