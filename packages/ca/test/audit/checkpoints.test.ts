import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type AuditCheckpoint, checkpointAudit, checkpointJson, parseAuditLine } from '../../src/index.ts';
import { day, minute, nodeProvider } from '../support/authority.ts';
import { auditKey, type Log, newLog } from './support.ts';

/** Two checkpoints over two chains: `a` has 3, then 5 entries, `b` has 2; and one more of `a` behind them. */
async function covered(log: Log): Promise<readonly [AuditCheckpoint, AuditCheckpoint]> {
  await log.append(3, 'a');
  await log.append(2, 'b');
  const [first] = await log.checkpoint();
  log.clock.time += minute;
  await log.append(2, 'a');
  const [second] = await log.checkpoint();
  await log.append(1, 'a');
  assert.ok(first && second);
  return [first, second];
}

/** Makes the entries of a chain from `seq` on anew, as who may write to the database can. */
async function makeAnew(log: Log, seq: number): Promise<void> {
  const { database } = log;
  await database.run(`DELETE FROM audit WHERE writer = 'a' AND seq >= $1`, [seq]);
  const [last] = await database.all(`SELECT seq, hash FROM audit WHERE writer = 'a' ORDER BY seq DESC LIMIT 1`);
  const end = [last?.seq ?? 0, last?.hash ?? ''];
  await database.run(`UPDATE audit_chains SET seq = $1, hash = $2 WHERE writer = 'a'`, end);
  log.clock.time += 1;
  await log.append(7 - seq, 'a');
}

test('a checkpoint has the chains that grew, the hash of the one before, and a number', async (t) => {
  const log = await newLog(t);
  const [first, second] = await covered(log);
  const ranges = ({ heads }: AuditCheckpoint) => heads.map((head) => `${head.writer} ${head.first}-${head.last}`);
  assert.deepEqual([first.number, first.previous, first.pruned, ranges(first)], [1, '', 0, ['a 1-3', 'b 1-2']]);
  assert.deepEqual([second.number, second.previous, ranges(second)], [2, first.hash, ['a 4-5']]);
  const verdict = await log.verify(first);
  assert.deepEqual(verdict.faults, []);
  assert.equal(verdict.provenTo?.number, 2);
  assert.deepEqual(verdict.provenTo?.at, second.at);
  assert.equal(verdict.keptTo?.number, 1);
  assert.deepEqual(verdict.uncovered, [{ writer: 'a', first: 6, last: 6 }]);
  assert.deepEqual(verdict.known, [{ number: 1, at: first.at, state: 'contained' }]);
});

test('where nothing is new there is no checkpoint, and no log has none', async (t) => {
  const log = await newLog(t);
  assert.deepEqual(await log.checkpoint(), []);
  await log.append(1, 'a');
  assert.equal((await log.checkpoint()).length, 1);
  assert.deepEqual(await log.checkpoint(), []);
});

test('more chains than one takes are covered by several', async (t) => {
  const log = await newLog(t);
  for (let writer = 0; writer < 501; writer++) await log.append(1, String(writer).padStart(4, '0'));
  assert.deepEqual(
    (await log.checkpoint()).map(({ heads }) => heads.length),
    [500, 1],
  );
  assert.deepEqual(await log.faults(), []);
});

test('of several that are made at once each covers what the others do not', async (t) => {
  const log = await newLog(t);
  await log.append(3, 'a');
  const published: number[] = [];
  const { database } = log;
  const publish = ({ number }: AuditCheckpoint): void => void published.push(number);
  const one = () => checkpointAudit({ database, signer: auditKey, clock: log.clock.read, publish });
  await Promise.all([one(), log.append(1, 'a').then(one), log.append(1, 'b').then(one)]);
  assert.deepEqual(await log.faults(), []);
  assert.deepEqual((await log.verify()).uncovered, []);
  assert.deepEqual(
    published.toSorted(),
    (await log.verify()).checkpoints.map(({ number }) => number),
  );
});

test('a line of a log holds all of it', async (t) => {
  const [checkpoint] = await covered(await newLog(t));
  const line = JSON.stringify(checkpointJson(checkpoint));
  assert.match(line, /^\{"event":"audit checkpoint","number":1,/);
  assert.deepEqual(parseAuditLine(line), { kind: 'checkpoint', checkpoint });
});

test('lines about other things are none, and those that are torn are errors', () => {
  for (const line of ['', '  ', '{"event":"request"}', '17', 'null']) assert.equal(parseAuditLine(line), undefined);
  assert.throws(() => parseAuditLine('{"event":"audit checkpoint","number":1'), SyntaxError);
  assert.throws(() => parseAuditLine('{"event":"audit checkpoint","number":-1}'), {
    name: 'FormError',
    message: 'heads is no list',
  });
});

test('what was covered and made anew shows by the checkpoint', async (t) => {
  const log = await newLog(t);
  await covered(log);
  await makeAnew(log, 4);
  assert.deepEqual(await log.faults(), ['a 5: it is not the entry that checkpoint 2 has']);
  const verdict = await log.verify();
  assert.equal(verdict.provenTo?.number, 1);
  assert.deepEqual(
    verdict.checkpoints.map(({ holds }) => holds),
    [true, false],
  );
});

test('an end that was cut off shows as far as it was covered, and not behind that', async (t) => {
  const log = await newLog(t);
  await covered(log);
  await log.database.run(`DELETE FROM audit WHERE writer = 'a' AND seq = 6`);
  await log.database.run(`UPDATE audit_chains SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)`);
  await log.database.run(
    `UPDATE audit_chains SET seq = 2, hash = (SELECT hash FROM audit WHERE writer = 'b' AND seq = 2) WHERE writer = 'b'`,
  );
  assert.deepEqual(await log.faults(), []);
  await log.database.run(`DELETE FROM audit WHERE writer = 'a' AND seq >= 4`);
  assert.deepEqual((await log.verify()).faults, [
    { writer: 'a', seq: 4, checkpoint: 2, why: 'entries 4 to 5 are missing', missingTo: 5 },
  ]);
});

test('a whole chain that was removed shows', async (t) => {
  const log = await newLog(t);
  await covered(log);
  for (const table of ['audit', 'audit_chains', 'audit_marks']) {
    await log.database.run(`DELETE FROM ${table} WHERE writer = 'b'`);
  }
  assert.deepEqual(await log.faults(), ['b 1: entries 1 to 2 are missing']);
});

const forgeries: readonly (readonly [name: string, statement: string, fault: string])[] = [
  ['changed', 'UPDATE audit_checkpoints SET at = 0 WHERE number = 2', 'checkpoint 2: it was changed'],
  [
    'that is said to allow forgetting',
    'UPDATE audit_checkpoints SET pruned = 1 WHERE number = 2',
    'checkpoint 2: it was changed',
  ],
  ['with another end of a chain', 'UPDATE audit_heads SET last = 4 WHERE number = 2', 'checkpoint 2: it was changed'],
  [
    'signed otherwise',
    `UPDATE audit_checkpoints SET signature = (SELECT signature FROM audit_checkpoints WHERE number = 1) WHERE number = 2`,
    'checkpoint 2: its signature is not the audit key’s',
  ],
  [
    'by an algorithm that is none',
    `UPDATE audit_checkpoints SET algorithm = 'none' WHERE number = 2`,
    'checkpoint 2: its signature is of another kind than the audit key’s',
  ],
];

for (const [name, statement, fault] of forgeries) {
  test(`a checkpoint ${name} is not believed`, async (t) => {
    const log = await newLog(t);
    await covered(log);
    await log.database.run(statement);
    const { faults, provenTo, uncovered } = await log.verify();
    assert.deepEqual(faults, [{ checkpoint: 2, why: fault }]);
    assert.equal(provenTo?.number, 1);
    assert.deepEqual(uncovered, [{ writer: 'a', first: 4, last: 6 }]);
  });
}

test('a checkpoint by another key is forged', async (t) => {
  const log = await newLog(t);
  await log.append(1, 'a');
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const forged = await log.checkpoint(signer);
  const why = 'it is signed by another key than the audit key';
  assert.deepEqual(await log.faults(), [`checkpoint 1: ${why}`]);
  await log.database.run('DELETE FROM audit_heads');
  await log.database.run('DELETE FROM audit_checkpoints');
  assert.deepEqual(await log.faults(...forged), ['checkpoint 1 that was kept was never signed by the audit key']);
  assert.equal((await log.verify(...forged)).known[0]?.state, 'forged');
});

test('a checkpoint that was removed shows by the next', async (t) => {
  const log = await newLog(t);
  await covered(log);
  await log.checkpoint();
  await log.database.run('DELETE FROM audit_heads WHERE number = 2');
  await log.database.run('DELETE FROM audit_checkpoints WHERE number = 2');
  assert.deepEqual((await log.verify()).faults, [{ checkpoint: 2, why: 'checkpoint 2 is missing' }]);
  await log.database.run('DELETE FROM audit_heads WHERE number = 1');
  await log.database.run('DELETE FROM audit_checkpoints WHERE number = 1');
  assert.equal((await log.faults())[0], 'checkpoint 1 is missing');
});

test('an older database that was put back shows by a checkpoint that was kept', async (t) => {
  const log = await newLog(t);
  const [first, second] = await covered(log);
  for (const statement of [
    'DELETE FROM audit_heads WHERE number = 2',
    'DELETE FROM audit_checkpoints WHERE number = 2',
    `DELETE FROM audit WHERE writer = 'a' AND seq > 3`,
    `UPDATE audit_chains SET seq = 3, hash = (SELECT hash FROM audit WHERE writer = 'a' AND seq = 3) WHERE writer = 'a'`,
    `UPDATE audit_marks SET covered = 3 WHERE writer = 'a'`,
  ]) {
    await log.database.run(statement);
  }
  assert.deepEqual(await log.faults(first), []);
  assert.deepEqual(await log.faults(second, second, first), [
    'checkpoint 2 was kept, and the log has none after 1: its end was cut off, or an older database put back',
    'a 4: entries 4 to 5 are missing',
  ]);
  // It goes on, and has a second one of its own.
  log.clock.time += day;
  await log.append(4, 'a');
  await log.checkpoint();
  assert.deepEqual(await log.faults(), []);
  const { faults, provenTo, keptTo, known } = await log.verify(first, second);
  assert.deepEqual(faults, [
    {
      checkpoint: 2,
      why: 'checkpoint 2 is not the one that was kept: the log was made anew from there, or put back',
    },
  ]);
  assert.deepEqual([provenTo?.number, keptTo?.number], [1, 1]);
  assert.deepEqual(
    known.map(({ state }) => state),
    ['contained', 'other'],
  );
});

test('a log made anew by who has the audit key shows by a checkpoint that was kept', async (t) => {
  const log = await newLog(t);
  const [, kept] = await covered(log);
  const other = await newLog(t);
  other.clock.time += day;
  await covered(other);
  assert.deepEqual(await other.faults(), []);
  assert.deepEqual(await other.faults(kept), [
    'checkpoint 2 is not the one that was kept: the log was made anew from there, or put back',
  ]);
});
