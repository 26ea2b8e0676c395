import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import { explain, explainJson } from '../src/explain.ts';

function failure(message: string, fields: object): Error {
  return Object.assign(new Error(message), fields);
}

const sqlite = (message: string, errcode: number): Error => failure(message, { code: 'ERR_SQLITE_ERROR', errcode });

test('what is wrong with the disk or the database is no fault of handfast’s, and the hint says where to look', () => {
  const full = sqlite('database or disk is full', 13);
  const table: readonly (readonly [error: Error, code: string, hint: RegExp])[] = [
    [full, 'SQLITE_FULL', /^the disk is full: .*free some space$/],
    [sqlite('attempt to write a readonly database', 8), 'SQLITE_READONLY', /writable for the user/],
    [sqlite('disk I/O error', 10 | (3 << 8)), 'SQLITE_IOERR', /^the disk fails/],
    [sqlite('database is locked', 5), 'SQLITE_BUSY', /another process is writing/],
    [failure('ENOSPC: no space left on device, write', { code: 'ENOSPC' }), 'ENOSPC', /^the disk is full/],
    [failure('EROFS: read-only file system, open', { code: 'EROFS' }), 'EROFS', /writable/],
    [failure('the connection is lost', { code: 'ERR_DATABASE_LOST' }), 'ERR_DATABASE_LOST', /^is the database up/],
    [failure('could not extend file', { code: '53100', severity: 'ERROR' }), '53100', /^the disk is full/],
    [new AggregateError([full, full], '2 lists could not be made'), 'SQLITE_FULL', /^the disk is full/],
  ];
  for (const [error, code, hint] of table) {
    const told = explainJson(error);
    assert.deepEqual([told.code, told.message, told.exitCode], [code, error.message, 1]);
    assert.match(String(told.hint), hint);
    const lines = explain(error, pc.createColors(false));
    assert.deepEqual(lines, [`✗ ${error.message}`, `  hint    ${told.hint}`]);
  }
});

test('what nobody knows is a fault of handfast’s, and is told with its stack', () => {
  const unknown = [
    sqlite('no such table: x', 1),
    failure('syntax error', { code: '42601', severity: 'ERROR' }),
    new TypeError('x is not a function'),
    new AggregateError([sqlite('database or disk is full', 13), new Error('y')], 'both'),
    new AggregateError([], 'none'),
  ];
  for (const error of unknown) {
    const { code, hint } = explainJson(error);
    assert.deepEqual(
      [code, hint],
      ['internal', 'this is a fault of handfast itself: please report it with the lines below'],
    );
    assert.ok(explain(error, pc.createColors(false)).length > 2);
  }
});
