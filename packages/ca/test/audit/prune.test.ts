import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type AuditCheckpoint, pruneAudit } from '../../src/index.ts';
import { day } from '../support/authority.ts';
import { auditKey, type Log, newLog } from './support.ts';

const year = 365 * day;

/** Three checkpoints, a year from one to the next: chain `a` goes on in each, `b` in the first alone. */
async function threeYears(log: Log): Promise<readonly AuditCheckpoint[]> {
  const made: AuditCheckpoint[] = [];
  await log.append(3, 'b');
  for (let at = 0; at < 3; at++) {
    await log.append(4, 'a');
    made.push(...(await log.checkpoint()));
    log.clock.time += year;
  }
  return made;
}

function prune(log: Log, years: number, limits: { batch?: number; batches?: number } = {}): Promise<number> {
  const { database, clock } = log;
  return pruneAudit({ database, signer: auditKey, clock: clock.read, auditKeptMs: years * year, ...limits });
}

test('entries of an age go up to a checkpoint, which stays and says so', async (t) => {
  const log = await newLog(t);
  const [first, second, third] = await threeYears(log);
  assert.ok(first && second && third);
  assert.equal(await prune(log, 1.5), 11);
  const verdict = await log.verify(first, second, third);
  assert.deepEqual(verdict.faults, []);
  assert.deepEqual(verdict.prunedTo, { number: 2, at: second.at });
  assert.equal(verdict.entries, 4);
  assert.equal(verdict.keptTo?.number, 3);
  assert.deepEqual(
    verdict.checkpoints.map(({ number }) => number),
    [2, 3, 4],
  );
  assert.deepEqual(
    verdict.known.map(({ state }) => state),
    ['pruned', 'contained', 'contained'],
  );
  // Once more there is nothing to do, and nothing is signed for it.
  assert.equal(await prune(log, 1.5), 0);
  assert.equal((await log.verify()).provenTo?.number, 4);
});

test('chains go on behind what was forgotten', async (t) => {
  const log = await newLog(t);
  await threeYears(log);
  await prune(log, 0.5);
  await log.append(1, 'a');
  await log.append(1, 'b');
  assert.deepEqual(await log.faults(), []);
  await log.checkpoint();
  await log.append(1, 'a');
  const { faults, entries, uncovered } = await log.verify();
  assert.deepEqual({ faults, entries }, { faults: [], entries: 3 });
  assert.deepEqual(uncovered, [{ writer: 'a', first: 14, last: 14 }]);
});

test('it is done in parts, and what is there in between holds', async (t) => {
  const log = await newLog(t);
  await threeYears(log);
  const removed: number[] = [];
  for (;;) {
    const some = await prune(log, 1.5, { batch: 2, batches: 1 });
    assert.deepEqual(await log.faults(), []);
    if (some === 0) break;
    removed.push(some);
  }
  assert.deepEqual(removed, [2, 2, 2, 2, 2, 1]);
});

test('who removes more than was allowed is seen', async (t) => {
  const log = await newLog(t);
  await threeYears(log);
  await prune(log, 1.5);
  await log.database.run(`DELETE FROM audit WHERE writer = 'a' AND seq = 9`);
  assert.deepEqual((await log.verify()).faults, [
    { writer: 'a', seq: 9, checkpoint: 3, why: 'entry 9 is missing', missingTo: 9 },
  ]);
});

test('who takes the checkpoint away that says so is seen', async (t) => {
  const log = await newLog(t);
  await threeYears(log);
  await prune(log, 1.5);
  await log.database.run('DELETE FROM audit_heads WHERE number = 4');
  await log.database.run('DELETE FROM audit_checkpoints WHERE number = 4');
  assert.equal((await log.faults())[0], 'checkpoint 1 is missing');
});

test('nothing goes before a checkpoint is old enough', async (t) => {
  const log = await newLog(t);
  await threeYears(log);
  assert.equal(await prune(log, 4), 0);
  assert.equal((await log.verify()).checkpoints.length, 3);
});

test('what tells of a certificate that has not expired stays', async (t) => {
  const log = await newLog(t);
  const issuedAt = log.clock.time + year;
  await log.database.run(
    `INSERT INTO issuers (id, certificate, parent, state, crl_number, crl_shards, revocations)
     VALUES ('i', $1, NULL, 'current', 0, 1, 0)`,
    [Uint8Array.of(1)],
  );
  await log.database.run(
    `INSERT INTO certificates (serial, issuer_id, profile, state, tbs_hash, der, spki_hash, not_before, not_after,
       issued_at, issued_by) VALUES ('01', 'i', 'server', 'issued', '', $1, '', $2, $3, $2, 'x')`,
    [Uint8Array.of(1), issuedAt, issuedAt + 10 * year],
  );
  await threeYears(log);
  assert.equal(await prune(log, 0.5), 7);
  assert.equal((await log.verify()).prunedTo?.number, 1);
});

test('a process that was quiet for so long that nothing of it is left goes on in its chain', async (t) => {
  const log = await newLog(t);
  const known = [...(await threeYears(log))];
  await prune(log, 1.5);
  log.clock.time += year;
  await prune(log, 1.5);
  const count = async (table: string) =>
    (await log.database.all(`SELECT count(*) AS n FROM ${table} WHERE writer = 'b'`)).map(({ n }) => n);
  assert.deepEqual([await count('audit'), await count('audit_heads')], [[0], [0]]);
  await log.append(1, 'b');
  assert.deepEqual(await log.database.all(`SELECT seq FROM audit WHERE writer = 'b'`), [{ seq: 4 }]);
  assert.deepEqual(await log.faults(...known), []);
  const [next] = await log.checkpoint();
  assert.deepEqual(
    next?.heads.map(({ writer, first, last }) => [writer, first, last]),
    [['b', 4, 4]],
  );
  assert.deepEqual(await log.faults(...known), []);
});
