import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { finish, start } from '../support/io.ts';

test('demo ends with 0 and draws all scenes, without colours in a pipe, in 80 columns', async () => {
  const { exitCode, stdout, stderr } = await finish(['demo']);
  assert.equal(exitCode, 0, stdout.text);
  assert.equal(stderr.text, '');
  assert.equal(stripVTControlCharacters(stdout.text), stdout.text);
  for (const line of stdout.lines) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
  assert.ok(stdout.lines.length <= 110, `${stdout.lines.length} lines are too many to read`);
  for (const name of [
    'ClientHello',
    'ServerHello',
    '{EncryptedExtensions}',
    '{CertificateRequest}',
    '{Certificate}',
    '{CertificateVerify}',
    '{Finished}',
    '[KeyUpdate]',
    '[Application Data]',
    '[Alert: close_notify]',
  ]) {
    assert.ok(stdout.text.includes(name), `${name} is missing`);
  }
  assert.match(stdout.text, /X25519MLKEM768 \(of 8\): post-quantum hybrid/);
  assert.match(stdout.text, /certificate_name_mismatch/);
  assert.match(stdout.text.replaceAll(/\s+/g, ' '), /"demo\.handfast\.example" expired 3 days ago/);
  assert.match(
    stdout.text.replaceAll(/\s+/g, ' '),
    /was issued by "CN=Somebody else’s CA", which is neither in our trust store/,
  );
  assert.match(stdout.text, /All 19 checks hold, in /);
});

test('demo --json prints JSON lines: the cast, all scenes, every message in its order, every check', async () => {
  const { exitCode, stdout } = await finish(['demo', '--json']);
  assert.equal(exitCode, 0);
  const values = stdout.values;
  assert.equal(values[0]?.event, 'cast');
  const scenes = values.flatMap(({ event }, index) => (event === 'scene' ? [index] : []));
  assert.equal(scenes.length, 4);
  const messages = (from: number, to: number): readonly string[] =>
    values
      .slice(from, to)
      .flatMap(({ event, direction, message, alert }) =>
        event === 'message' || event === 'alert'
          ? [`${direction === 'out' ? '>' : '<'} ${String(message ?? alert)}`]
          : [],
      );
  assert.deepEqual(messages(scenes[0] ?? 0, scenes[1] ?? 0), [
    '> ClientHello',
    '< ServerHello',
    '< EncryptedExtensions',
    '< CertificateRequest',
    '< Certificate',
    '< CertificateVerify',
    '< Finished',
    '> Certificate',
    '> CertificateVerify',
    '> Finished',
    '> KeyUpdate',
    '< KeyUpdate',
    '> close_notify',
    '< close_notify',
  ]);
  for (const [index, alert] of ['bad_certificate', 'certificate_expired', 'unknown_ca'].entries()) {
    assert.deepEqual(messages(scenes[index + 1] ?? 0, scenes[index + 2] ?? values.length), [
      '> ClientHello',
      '< ServerHello',
      '< EncryptedExtensions',
      '< Certificate',
      '< CertificateVerify',
      `> ${alert}`,
    ]);
  }
  const checks = values.filter(({ event }) => event === 'check');
  assert.equal(checks.length, 19);
  assert.ok(checks.every(({ ok }) => ok === true));
  assert.equal(new Set(checks.map(({ name }) => name)).size, 19);
  const { ms, ...result } = values.at(-1) ?? {};
  assert.deepEqual(result, { event: 'result', ok: true, checks: 19, failed: 0 });
  assert.equal(typeof ms, 'number');
});

test('demo colours its lines where it is told to, and NO_COLOR has the last word', async () => {
  const coloured = await finish(['demo'], '', { FORCE_COLOR: '1' });
  assert.ok(coloured.stdout.text.includes('\u001b[32m✓'));
  const plain = await finish(['demo'], '', { FORCE_COLOR: '1', NO_COLOR: '1' });
  assert.equal(stripVTControlCharacters(plain.stdout.text), plain.stdout.text);
  const refused = await finish(['demo', '--no-color'], '', { FORCE_COLOR: '1' });
  assert.equal(stripVTControlCharacters(refused.stdout.text), refused.stdout.text);
});

test('demo that cannot come to its end fails its checks and exits with 1', async () => {
  const session = start(['demo', '--json']);
  session.interrupt.abort();
  assert.equal(await session.exitCode, 1);
  const failed = session.stdout.values.filter(({ event, ok }) => event === 'check' && ok === false);
  assert.ok(failed.some(({ name }) => name === 'completed'));
  assert.equal(session.stdout.values.at(-1)?.ok, false);
});
