import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { migrate, openSqlite, type Schema } from '../../src/index.ts';
import { coreSchema } from '../../src/store/schema.ts';

const first: Schema = { name: 'x', migrations: ['CREATE TABLE a (i {int} PRIMARY KEY, b {bytes}) {strict};'] };
const second: Schema = {
  name: 'x',
  migrations: [...first.migrations, 'CREATE TABLE b (t {text}) {strict};\nINSERT INTO a VALUES (1, NULL);'],
};

test('migrations run once, in order, and are remembered', async (t) => {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  const clock = (): Date => new Date(1000);
  await migrate(database, [coreSchema, first], clock);
  await migrate(database, [second], clock);
  await migrate(database, [coreSchema, second], clock);
  assert.deepEqual(await database.all('SELECT * FROM schema_migrations ORDER BY name, number'), [
    ...coreSchema.migrations.map((_, index) => ({ name: 'core', number: index + 1, at: 1000 })),
    { name: 'x', number: 1, at: 1000 },
    { name: 'x', number: 2, at: 1000 },
  ]);
  assert.deepEqual(await database.all('SELECT * FROM a'), [{ i: 1, b: null }]);
});

test('a migration that fails leaves the tables as they were', async (t) => {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  await migrate(database, [first]);
  const broken = {
    name: 'x',
    migrations: [...first.migrations, 'CREATE TABLE c (t {text});\nCREATE TABLE a (t {text});'],
  };
  await assert.rejects(migrate(database, [broken]), {
    message: /^(table a|relation "a") already exists$/,
  });
  assert.deepEqual(await database.all(`SELECT name FROM sqlite_master WHERE name = 'c'`), []);
  assert.deepEqual(await database.all('SELECT number FROM schema_migrations'), [{ number: 1 }]);
});

test('a database of a newer version is refused', async (t) => {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  await migrate(database, [second]);
  await assert.rejects(migrate(database, [first]), {
    message: 'the database has tables of "x" in form 2, and this version knows 1: a newer version wrote it',
  });
});

test('a column type that is none is a mistake', async (t) => {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  await assert.rejects(migrate(database, [{ name: 'y', migrations: ['CREATE TABLE d (t {varchar});'] }]), {
    name: 'RangeError',
    message: 'no column type {varchar}',
  });
});
