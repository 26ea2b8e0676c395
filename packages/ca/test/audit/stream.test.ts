import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type AuditEvent, AuditStream, auditEventJson, parseAuditLine } from '../../src/index.ts';
import { minute, opened, request } from '../support/authority.ts';
import { type Log, newLog } from './support.ts';

function streamOf(log: Log, fail: () => boolean = () => false): { stream: AuditStream; told: string[] } {
  const told: string[] = [];
  const write = (events: readonly AuditEvent[]): void => {
    if (fail()) throw new Error('the disk is full');
    told.push(...events.map(({ writer, seq }) => `${writer === log.database.writer ? 'own' : writer} ${seq}`));
  };
  return { stream: new AuditStream({ database: log.database, write, clock: log.clock.read }), told };
}

test('every entry is told once, in order', async (t) => {
  const log = await newLog(t);
  const { stream, told } = streamOf(log);
  await log.append(2);
  assert.equal(await stream.send(), 2);
  assert.equal(await stream.send(), 0);
  await log.append(1);
  await stream.send();
  assert.deepEqual(told, ['own 1', 'own 2', 'own 3']);
});

test('what was committed and not told is told by the next process, and no more than that', async (t) => {
  const log = await newLog(t);
  await log.append(2);
  await streamOf(log).stream.send();
  await log.append(2);
  // The process ends here. Another has a writer of its own.
  const next = streamOf(log);
  await next.stream.send();
  assert.deepEqual(next.told, ['own 3', 'own 4']);
});

test('where it cannot be written it comes again', async (t) => {
  const log = await newLog(t);
  let full = true;
  const { stream, told } = streamOf(log, () => full);
  await log.append(2);
  await assert.rejects(stream.send(), { message: 'the disk is full' });
  full = false;
  await stream.send();
  assert.deepEqual(told, ['own 1', 'own 2']);
});

test('what other processes left is told when it is a minute old', async (t) => {
  const log = await newLog(t);
  const { stream, told } = streamOf(log);
  await log.append(2, 'a');
  log.clock.time += minute;
  await log.append(1, 'a');
  await log.append(1, 'b');
  await stream.send();
  assert.deepEqual(told, ['a 1', 'a 2']);
  // It looks for them once a minute.
  log.clock.time += minute - 1;
  assert.equal(await stream.send(), 0);
  log.clock.time += 1;
  await stream.send();
  assert.deepEqual(told, ['a 1', 'a 2', 'a 3', 'b 1']);
});

test('a long backlog is read in parts', async (t) => {
  const log = await newLog(t);
  await log.append(1001);
  const { stream, told } = streamOf(log);
  assert.equal(await stream.send(), 1001);
  assert.equal(told.at(-1), 'own 1001');
});

test('an issuance has the certificate with it, as a line too', async (t) => {
  const { authority, database, clock } = await opened(t);
  const names = ['a.example.test', '10.1.2.3'];
  const { certificate } = await authority.issue(await request({ names, origin: 'acme order 7' }));
  await authority.revoke({ serial: certificate.serialNumberHex, reason: 'superseded', by: 'operator bob' });
  const events: AuditEvent[] = [];
  const write = (more: readonly AuditEvent[]): void => void events.push(...more);
  await new AuditStream({ database, write, clock: clock.read }).send();
  const issued = events.find(({ action }) => action === 'issue');
  assert.ok(issued);
  assert.deepEqual(issued.certificate?.der, certificate.raw);
  assert.deepEqual(issued.certificate?.names, names);
  const json = auditEventJson(issued);
  const value = JSON.parse(JSON.stringify(json)) as Record<string, unknown>;
  assert.equal(value.event, 'audit');
  assert.equal(value.subject, certificate.serialNumberHex);
  assert.equal(value.issuer, authority.issuerId);
  assert.equal(value.certificate, Buffer.from(certificate.raw).toString('base64'));
  assert.deepEqual([value.names, value.profile, value.origin], [names, 'server', 'acme order 7']);
  for (const event of events) {
    assert.deepEqual(parseAuditLine(JSON.stringify(auditEventJson(event))), { kind: 'entry', entry: event });
  }
  const revoked = events.find(({ action }) => action === 'revoke');
  assert.deepEqual([revoked?.subject, revoked?.reason], [certificate.serialNumberHex, 'superseded']);
});
