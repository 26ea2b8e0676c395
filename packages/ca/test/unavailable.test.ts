import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnavailable } from '../src/unavailable.ts';
import * as admin from './admin/support.ts';
import * as enrolment from './enrolment/support.ts';

const full = Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });

test('what may go well later is told from what will not', () => {
  const table: readonly (readonly [fields: object, later: boolean])[] = [
    [{ code: 'ERR_DATABASE_LOST' }, true],
    [{ code: 'ENOSPC' }, true],
    [{ code: 'EROFS' }, true],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 5 }, true],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 8 }, true],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 10 | (3 << 8) }, true],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 13 }, true],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 1 }, false],
    [{ code: 'ERR_SQLITE_ERROR' }, false],
    [{ code: '53100', severity: 'ERROR' }, true],
    [{ code: '25006', severity: 'ERROR' }, true],
    [{ code: '42601', severity: 'ERROR' }, false],
    [{ code: '53100' }, false],
    [{ code: 'ENOENT' }, false],
    [{}, false],
  ];
  for (const [fields, later] of table) {
    assert.equal(isUnavailable(Object.assign(new Error('x'), fields)), later, JSON.stringify(fields));
  }
  assert.equal(isUnavailable('ENOSPC'), false);
});

test('the dashboard and enrolment answer 503 for it, and when to come again; the log has the cause', async (t) => {
  const board = await admin.dashboard(t);
  const visit = await board.signIn('viewer');
  Object.assign(board.authority, { list: () => Promise.reject(full) });
  const answer = await visit.get('certificates');
  admin.assertProblem(answer, 'unavailable', 503);
  assert.equal(answer.headers.get('retry-after'), '60');
  assert.equal(answer.json.detail, 'the CA’s records cannot be read or written now: its log says more');
  assert.deepEqual(board.events.at(-1), { event: 'error', path: '/admin/api/certificates', error: full });

  const ca = await enrolment.enrolled(t);
  const secret = await ca.token();
  Object.assign(ca.authority, { issue: () => Promise.reject(full) });
  const reply = await ca.enrol(secret, await enrolment.csr());
  enrolment.assertProblem(reply, 'unavailable', 503);
  assert.equal(reply.headers.get('retry-after'), '60');
  const last = ca.events.at(-1);
  assert.deepEqual(last, { event: 'error', path: '/enrol/v1/certificates', error: full });
});
