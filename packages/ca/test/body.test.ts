import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenOff, readBody } from '../src/body.ts';
import { createOcsp } from '../src/index.ts';
import * as admin from './admin/support.ts';
import * as enrolment from './enrolment/support.ts';

const endings: readonly Readonly<Record<string, string>>[] = [{ 'content-length': '500' }, {}];

/** Of a client that sends three bytes, and is gone. */
function brokenOff(headers: Readonly<Record<string, string>>): RequestInit {
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) controller.error(new Error('aborted'));
      else controller.enqueue(Uint8Array.of(1, 2, 3));
      sent = true;
    },
  });
  return { method: 'POST', headers, body, duplex: 'half' };
}

test('a body is read whole, and not beyond its limit', async () => {
  const request = (body: string): Request => new Request('http://a/', { method: 'POST', body });
  assert.equal((await readBody(request('abc'), 3))?.toString(), 'abc');
  assert.equal(await readBody(request('abcd'), 3), undefined);
});

test('a client that breaks off is no fault of the CA’s, to whatever it spoke', async (t) => {
  const board = await admin.dashboard(t);
  const visit = await board.signIn('issuer');
  const ca = await enrolment.enrolled(t);
  const failures: unknown[] = [];
  const ocsp = createOcsp({ authority: ca.authority, log: (error) => failures.push(error) });
  const secret = await ca.token();
  for (const headers of endings) {
    await assert.rejects(readBody(new Request('http://a/', brokenOff(headers)), 1000), BrokenOff);

    const json = { ...headers, 'content-type': 'application/json' };
    const page = { ...json, cookie: visit.cookie, origin: admin.origin, 'x-csrf-token': visit.csrf };
    const answer = await board.ask('/admin/api/certificates', brokenOff(page));
    admin.assertProblem(answer, 'bad_request', 400);
    assert.equal(answer.json.detail, 'the request broke off');
    assert.equal(board.events.at(-1)?.event, 'refused');

    const asked = brokenOff({ ...json, authorization: `Bearer ${secret}` });
    const url = 'https://ca.test/enrol/v1/certificates';
    const reply = await enrolment.replyOf(ca.enrolment.fetch(new Request(url, asked)));
    enrolment.assertProblem(reply, 'bad_request', 400);
    assert.equal(reply.json.detail, 'the request broke off');
    assert.equal(ca.events.at(-1)?.event, 'refused');

    const at = `http://ca.test/ocsp/${ca.authority.issuerId}`;
    const response = await ocsp(new Request(at, brokenOff(headers)));
    assert.deepEqual([response.status, await response.text()], [400, 'the request broke off\n']);
  }
  assert.deepEqual(failures, []);
});
