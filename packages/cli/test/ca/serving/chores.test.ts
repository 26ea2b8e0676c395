import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { startChores } from '../../../src/ca/serving/chores.ts';

function working(ocsp = true) {
  const done: string[] = [];
  const failures: unknown[] = [];
  const state = { presign: 0, fail: undefined as Error | undefined, wait: undefined as Promise<void> | undefined };
  const authority = {
    async refreshLists() {
      done.push('lists');
      await state.wait;
      if (state.fail !== undefined) throw state.fail;
      return 0;
    },
    async presignOcsp() {
      done.push('answers');
      return state.presign-- > 0;
    },
    async maintain() {
      done.push('records');
      return false;
    },
  };
  const chores = startChores(authority, { ocsp, failed: (error) => failures.push(error) });
  return { done, failures, state, chores };
}

test('a round at once, and one each minute; what fails is told, and keeps nothing else from being done', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const { done, failures, state, chores } = working();
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  await settled();
  assert.deepEqual(done.splice(0), ['lists', 'answers', 'records']);
  state.fail = new Error('no');
  state.presign = 2;
  mock.timers.tick(60_000);
  await settled();
  assert.deepEqual(done.splice(0), ['lists', 'answers', 'answers', 'answers', 'records']);
  assert.deepEqual(failures, [state.fail]);
  await chores.close();
  mock.timers.tick(60_000);
  await settled();
  assert.deepEqual(done, []);
  mock.timers.reset();
});

test('what comes during a round has one of its own behind it; an end waits for what is under way', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { done, state, chores } = working(false);
  state.wait = promise;
  chores.hurry();
  chores.hurry();
  assert.deepEqual(done, ['lists']);
  resolve();
  await new Promise((next) => setImmediate(next));
  assert.deepEqual(done, ['lists', 'records', 'lists', 'records']);
  await chores.close();
  chores.hurry();
  assert.equal(done.length, 4);
});
