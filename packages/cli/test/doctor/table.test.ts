import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { diagnose } from '../../src/doctor/diagnose.ts';
import type { Attempt, Evidence } from '../../src/doctor/evidence.ts';
import { table } from '../../src/doctor/table.ts';

const here = new URL('.', import.meta.url);
const causes = table.flatMap((group) => group.causes);

const attempt: Attempt = {
  probe: 'main',
  failure: undefined,
  helloBytes: 1500,
  bytesIn: 0,
  start: '',
  serverName: 'a.net',
  certificates: [],
  staple: undefined,
  asksForCertificate: false,
  sentCertificate: false,
  version: undefined,
  cipherSuite: undefined,
  negotiated: undefined,
  sessionKept: false,
  answer: undefined,
  milliseconds: 1,
};

function evidenceOf(main: Attempt): Evidence {
  return {
    target: {
      host: 'a.net',
      port: 443,
      name: 'a.net',
      isAddress: false,
      trailingDot: false,
      startTls: undefined,
      alpn: [],
      limited: false,
      ownTrust: false,
    },
    now: new Date(0),
    main,
    attempts: [main],
    plain: undefined,
    chain: undefined,
  };
}

test('every cause has its own word, and is provoked by a server in the tests', () => {
  const ids = causes.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const tests = readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, here), 'utf8'))
    .join('\n');
  assert.deepEqual(
    ids.filter((id) => !tests.includes(`'${id}'`) && !tests.includes(`: ${id}`)),
    [],
  );
});

test('what a row says is a sentence without its end: the renderer puts the stops', () => {
  for (const { id, title, told, remedy } of causes) {
    for (const text of [title, told, remedy]) assert.doesNotMatch(text, /[.\s]$|^\s/, id);
    assert.match(title, /^[A-Z]/, id);
    assert.match(told, /\b(?:certain|likely|possible)\b/, id);
  }
});

test('a failure that fits no other row is unexplained, and possible alone', () => {
  const failure = {
    step: 'handshake',
    code: 'crypto_failed',
    message: 'a record could not be opened',
    hint: undefined,
    alert: 'internal_error',
    origin: 'local',
    state: undefined,
  } as const;
  const { problems } = diagnose(evidenceOf({ ...attempt, bytesIn: 1, failure }));
  assert.deepEqual(
    problems.map(({ id, certainty }) => ({ id, certainty })),
    [{ id: 'unexplained', certainty: 'possible' }],
  );
});
