import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { appendAudit, listAudit } from '../../src/index.ts';
import { start } from '../support/authority.ts';
import { newLog } from './support.ts';

test('entries are numbered, chained and told newest first', async (t) => {
  const { database } = await newLog(t);
  const entry = { actor: 'a', action: 'revoke', subject: 's' };
  await database.transaction((sql) => appendAudit(sql, start, entry, entry));
  await database.transaction((sql) => appendAudit(sql, start, { ...entry, reason: 'superseded', note: 'n' }));
  const [third, second] = await listAudit(database, { limit: 2 });
  assert.ok(third && second);
  assert.equal(third.writer, database.writer);
  assert.equal(third.seq, 3);
  assert.equal(third.previous, second.hash);
  assert.equal(third.reason, 'superseded');
  assert.deepEqual(third.at, start);
  assert.deepEqual(
    (await listAudit(database, { before: third })).map(({ seq }) => seq),
    [2, 1],
  );
});

test('each writer has a chain, and all are listed by time', async (t) => {
  const log = await newLog(t);
  for (const writer of ['b', 'a', 'b']) {
    await log.append(1, writer);
    log.clock.time += 1;
  }
  assert.deepEqual(
    (await listAudit(log.database)).map(({ writer, seq }) => `${writer}${seq}`),
    ['b2', 'a1', 'b1'],
  );
  const { faults, chains, entries } = await log.verify();
  assert.deepEqual({ faults, chains, entries }, { faults: [], chains: 2, entries: 3 });
});

test('what a transaction that fails has appended is in no chain', async (t) => {
  const log = await newLog(t);
  await log.append(1);
  const entry = { actor: 'a', action: 'b', subject: 'c' };
  const failed = log.database.transaction(async (sql) => {
    await appendAudit(sql, start, entry);
    throw new Error('enough');
  });
  await Promise.all([assert.rejects(failed), log.append(1), log.append(2)]);
  assert.deepEqual(await log.faults(), []);
  assert.equal((await log.verify()).entries, 4);
});

test('an entry without what it tells of is no chain’s', async (t) => {
  const log = await newLog(t);
  await log.database.transaction((sql) => appendAudit(sql, start));
  assert.equal((await log.verify()).chains, 0);
});

const breaches: readonly (readonly [name: string, statement: string, fault: string])[] = [
  ['changed', `UPDATE audit SET actor = 'nobody' WHERE seq = 3`, 'a 3: it was changed'],
  ['changed from NULL to empty', `UPDATE audit SET note = '' WHERE seq = 3`, 'a 3: it was changed'],
  ['removed', 'DELETE FROM audit WHERE seq = 3', 'a 3: entry 3 is missing'],
  ['removed at the start', 'DELETE FROM audit WHERE seq <= 2', 'a 1: entries 1 to 2 are missing'],
  ['removed at the end', 'DELETE FROM audit WHERE seq >= 4', 'a 4: entries 4 to 5 are missing'],
  ['moved to another place', 'UPDATE audit SET seq = seq + 10 WHERE seq = 3', 'a 3: entry 3 is missing'],
  ['moved to another chain', `UPDATE audit SET writer = 'b' WHERE seq = 5`, 'a 5: entry 5 is missing'],
  ['given another’s hash', `UPDATE audit SET hash = 'x' WHERE seq = 3`, 'a 3: it was changed'],
  [
    'made to follow from another',
    `UPDATE audit SET previous = '' WHERE seq = 3`,
    'a 3: it does not follow from the entry before it',
  ],
  [
    'put in',
    `INSERT INTO audit (writer, seq, at, actor, action, subject, previous, hash)
     SELECT writer, 6, at, 'x', action, subject, hash, 'x' FROM audit WHERE seq = 5`,
    'a 6: it was changed',
  ],
];

for (const [name, statement, fault] of breaches) {
  test(`an entry that was ${name} shows without a checkpoint`, async (t) => {
    const log = await newLog(t);
    await log.append(5, 'a');
    await log.database.run(statement);
    assert.equal((await log.faults())[0], fault);
  });
}

test('entries that were exchanged show', async (t) => {
  const log = await newLog(t);
  await log.append(5, 'a');
  for (const [from, to] of [
    [2, 12],
    [3, 2],
    [12, 3],
  ] as const) {
    await log.database.run('UPDATE audit SET seq = $2 WHERE seq = $1', [from, to]);
  }
  assert.deepEqual(await log.faults(), ['a 2: it does not follow from the entry before it']);
});

test('a long log is read in parts', async (t) => {
  const log = await newLog(t);
  await log.append(2001, 'a');
  await log.append(3, 'b');
  const { faults, entries, chains } = await log.verify();
  assert.deepEqual({ faults, entries, chains }, { faults: [], entries: 2004, chains: 2 });
});
