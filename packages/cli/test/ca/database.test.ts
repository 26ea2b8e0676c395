import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { finish } from '../support/io.ts';
import { Place } from './support.ts';

const place = new Place();
after(() => place.remove());

const refused: readonly (readonly [what: string, url: string, exitCode: number, message: string])[] = [
  ['of another kind', 'mysql://h/x', 2, '--database is no URL of a PostgreSQL server'],
  ['that is none', 'nonsense', 2, '--database is no URL of a PostgreSQL server'],
  ['with a password', 'postgres://a:b@h/x', 2, '--database has a password in it'],
  ['with a password behind it', 'postgres://a@h/x?password=b', 2, '--database has a password in it'],
  [
    'where no server is',
    'postgres://a@127.0.0.1:1/x',
    1,
    'the CA’s database fails: the database cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  ],
];

for (const [what, url, exitCode, message] of refused) {
  test(`a database ${what} is refused, and no CA is made`, async () => {
    const argv = ['ca', 'init', '--dev', '--json', '--dir', place.path('none'), '--database', url];
    const done = await finish(argv);
    assert.equal(done.exitCode, exitCode);
    assert.equal(done.stderr.values.at(-1)?.message, message);
    assert.equal(existsSync(place.path('none')), false);
  });
}
