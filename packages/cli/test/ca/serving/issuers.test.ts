import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { watchIssuers } from '../../../src/ca/serving/issuers.ts';

test('the folder is looked at each minute; what fails is told once, and what is in use stays', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const told: string[] = [];
  const report = { news: (text: string) => told.push(text), error: ({ message }: Error) => told.push(message) };
  let looks = 0;
  let next: boolean | Error = false;
  const ca = {
    async refresh() {
      looks++;
      if (next instanceof Error) throw next;
      const answer = next;
      next = false;
      return answer;
    },
    intermediate: { subject: 'CN=Second' },
    authority: { issuerId: 'ab', issuers: async () => [] },
    roots: [{}],
  };
  let changes = 0;
  const watch = watchIssuers(ca as never, { report: report as never, changed: () => changes++ });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const minute = async (): Promise<void> => {
    mock.timers.tick(60_000);
    await settled();
  };
  await settled();
  assert.deepEqual([looks, changes, told], [1, 0, []]);
  mock.timers.tick(59_999);
  await settled();
  assert.equal(looks, 1);
  mock.timers.tick(1);
  await settled();
  assert.equal(looks, 2);
  next = true;
  await minute();
  assert.deepEqual([looks, changes, told.splice(0)], [3, 1, ['issues by CN=Second from now on']]);
  next = new Error('the folder is being changed');
  await minute();
  await minute();
  assert.deepEqual([looks, changes, told.splice(0)], [5, 1, ['the folder is being changed']]);
  next = false;
  await minute();
  next = new Error('and again');
  await minute();
  assert.deepEqual(told.splice(0), ['and again']);
  await watch.close();
  await minute();
  assert.equal(looks, 7);
});
