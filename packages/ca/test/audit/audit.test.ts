import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { appendAudit, type Database, listAudit, migrate, openSqlite, verifyAudit } from '../../src/index.ts';
import { coreSchema } from '../../src/store/schema.ts';
import { start } from '../support/authority.ts';

/** A log of `count` entries. */
async function log(t: TestContext, count: number): Promise<Database> {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  await migrate(database, [coreSchema]);
  const entries = Array.from({ length: count }, (_, index) => ({
    actor: 'operator alice',
    action: 'issue',
    subject: String(index + 1),
  }));
  await database.transaction((sql) => appendAudit(sql, start, ...entries));
  return database;
}

test('entries are numbered, chained and told newest first', async (t) => {
  const database = await log(t, 2);
  await database.transaction((sql) =>
    appendAudit(sql, start, { actor: 'a', action: 'revoke', subject: 's', reason: 'superseded', note: 'n' }),
  );
  const [third, second] = await listAudit(database, { limit: 2 });
  assert.equal(third?.seq, 3);
  assert.equal(third?.previous, second?.hash);
  assert.equal(third?.reason, 'superseded');
  assert.deepEqual(third?.at, start);
  assert.deepEqual(
    (await listAudit(database, { before: 3 })).map(({ seq }) => seq),
    [2, 1],
  );
  assert.deepEqual(await verifyAudit(database), { last: { seq: 3, hash: third?.hash }, broken: undefined });
});

test('an empty log holds', async (t) => {
  assert.deepEqual(await verifyAudit(await log(t, 0)), { last: undefined, broken: undefined });
});

const breaches: readonly (readonly [name: string, statement: string, seq: number, why: string])[] = [
  ['changed', `UPDATE audit SET actor = 'nobody' WHERE seq = 3`, 3, 'it was changed'],
  ['changed from NULL to empty', `UPDATE audit SET note = '' WHERE seq = 3`, 3, 'it was changed'],
  ['left out', 'DELETE FROM audit WHERE seq = 3', 4, 'entry 3 is missing'],
  ['put first', 'UPDATE audit SET seq = 0 WHERE seq = 1', 2, 'entry 1 is missing'],
  ['exchanged', 'UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 4) WHERE seq = 3', 3, 'it was changed'],
  ['made of another', `UPDATE audit SET previous = '' WHERE seq = 3`, 3, 'it does not follow from the entry before it'],
];

for (const [name, statement, seq, why] of breaches) {
  test(`an entry that was ${name} shows`, async (t) => {
    const database = await log(t, 5);
    await database.run(statement);
    const verdict = await verifyAudit(database);
    assert.deepEqual(verdict.broken, { seq, why });
    assert.equal(verdict.last?.seq, seq === 4 ? 2 : seq === 2 ? undefined : seq - 1);
  });
}

test('an end that was cut off shows by an entry that was noted', async (t) => {
  const database = await log(t, 5);
  const { last } = await verifyAudit(database);
  assert.ok(last);
  assert.equal((await verifyAudit(database, last)).broken, undefined);
  await database.run('DELETE FROM audit WHERE seq > 3');
  assert.equal((await verifyAudit(database)).broken, undefined);
  assert.deepEqual((await verifyAudit(database, last)).broken, { seq: 4, why: 'the log ends before entry 5' });
});

test('a log that was made anew shows by an entry that was noted', async (t) => {
  const database = await log(t, 5);
  const noted = { seq: 3, hash: '00' };
  assert.deepEqual((await verifyAudit(database, noted)).broken, { seq: 3, why: 'it is not the entry that was noted' });
});

test('a long log is read in parts', async (t) => {
  const { last, broken } = await verifyAudit(await log(t, 2001));
  assert.equal(last?.seq, 2001);
  assert.equal(broken, undefined);
});
