import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLine, serveReport } from '../../../src/ca/serving/report.ts';
import { Output } from '../../support/io.ts';

function reporting(log?: string) {
  const [stdout, stderr] = [new Output(), new Output()];
  const io = { stdout: stdout.stream, stderr: stderr.stream, env: {}, interrupted: new AbortController().signal };
  const report = serveReport({ ...io, stdin: process.stdin }, log === undefined ? {} : { log });
  return { stdout, stderr, report };
}

test('a line is one object, whatever a client sent', () => {
  const url = '/a\n\u001b[31m\u0085\u009b\u2028\u202e\ufeff\u{e0041}é"\\';
  const line = logLine(new Date(0), 'info', 'request', { url, count: 1 });
  assert.equal(
    line,
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"request","url":"/a\\n\\u001b[31m\\u0085\\u009b\\u2028\\u202e\\ufeff\\udb40\\udc41é\\"\\\\","count":1}\n',
  );
  assert.deepEqual(JSON.parse(line), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'info',
    event: 'request',
    url,
    count: 1,
  });
});

test('with --log json programs read stdout, beside what people read', () => {
  const { stdout, stderr, report } = reporting('json');
  report.news('a request', 'request', { status: 200 });
  report.news('a failure', 'validation', { failure: 'no' });
  report.news('no failure', 'validation', { failure: null });
  report.line('for people');
  report.data('stopped', {});
  report.warning('beware');
  report.error(new Error('the disk is full'), { url: '/x' });
  assert.match(stderr.text, /^a request\na failure\nno failure\nfor people\nwarning: beware\n.*the disk is full/);
  const values = stdout.values.map(({ time, ...value }) => {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
    return value;
  });
  const error = values.pop();
  assert.deepEqual(values, [
    { level: 'info', event: 'request', status: 200 },
    { level: 'warning', event: 'validation', failure: 'no' },
    { level: 'info', event: 'validation', failure: null },
    { level: 'info', event: 'stopped' },
    { level: 'warning', event: 'warning', message: 'beware' },
  ]);
  assert.deepEqual(
    [error?.level, error?.event, error?.url, error?.message],
    ['error', 'error', '/x', 'the disk is full'],
  );
});

test('without it stdout is silent', () => {
  const { stdout, report } = reporting();
  report.news('a request', 'request', {});
  assert.equal(stdout.text, '');
});

test('a log that cannot be written ends nothing: it is counted, and said once on the other stream', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const hint = 'is the disk full that it goes to? The server goes on, and what it would tell there is lost';
  const log = reporting('json');
  for (let times = 0; times < 3; times++) log.stdout.stream.emit('error', full);
  assert.equal(log.stderr.text, `✗ stdout cannot be written: no space left on device (ENOSPC)\n  hint    ${hint}\n`);
  log.stderr.stream.emit('error', full);
  assert.deepEqual(log.report.tally, { errors: 2, unwritten: { stdout: 3, stderr: 1 } });
  const { level, event, code, message, hint: told } = log.stdout.values.at(-1) ?? {};
  assert.deepEqual(
    { level, event, code, message, hint: told },
    {
      ...{ level: 'error', event: 'error', code: 'ENOSPC', hint },
      message: 'stderr cannot be written: no space left on device (ENOSPC)',
    },
  );

  const people = reporting();
  people.stderr.stream.emit('error', full);
  people.stderr.stream.emit('error', full);
  assert.equal(people.stdout.text, `✗ stderr cannot be written: no space left on device (ENOSPC)\n  hint    ${hint}\n`);
});

test('errors are counted, whoever has met with them; nothing else is', () => {
  const { report } = reporting();
  report.error(new Error('no'));
  report.warning('beware');
  report.news('a request', 'request', {});
  assert.equal(report.tally.errors, 1);
});
