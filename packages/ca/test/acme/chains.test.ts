import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCertificates } from '@handfast/x509';
import { assertProblem } from './support/client.ts';
import { opened } from './support/opened.ts';
import { certificateFor, startServer } from './support/server.ts';

test('RFC 8555 §7.4.2: other chains are linked to, and each of them to the rest', async () => {
  const server = opened(await startServer());
  const [intermediate, root] = server.authority.chain;
  assert.ok(intermediate && root);
  const { issue } = server.authority;
  server.authority.issue = async (request) => {
    const issued = await issue(request);
    return { ...issued, alternates: [[issued.certificate, root], [issued.certificate]] };
  };
  const client = await server.registered();
  const { order } = await certificateFor(server, client, 'app.test');
  const url: string = order.json.certificate;
  const lengths: number[] = [];
  for (const [own, others] of [
    [url, [`${url}/1`, `${url}/2`]],
    [`${url}/1`, [url, `${url}/2`]],
    [`${url}/2`, [url, `${url}/1`]],
  ] as const) {
    const { text, headers } = await client.post(own);
    assert.equal(headers.get('content-type'), 'application/pem-certificate-chain');
    const links = (headers.get('link') ?? '').split(', ').filter((link) => link.endsWith(';rel="alternate"'));
    assert.deepEqual(
      links,
      others.map((other) => `<${other}>;rel="alternate"`),
    );
    const chain = parseCertificates(text);
    assert.deepEqual(chain[0]?.subjectAltName?.dnsNames, ['app.test']);
    lengths.push(chain.length);
  }
  assert.deepEqual(lengths, [2, 2, 1]);
  assert.deepEqual(parseCertificates((await client.post(`${url}/1`)).text)[1]?.raw, root.raw);
  for (const wrong of ['3', '01', '-1', 'x', '1/1']) {
    assertProblem(await client.post(`${url}/${wrong}`), 'malformed', 404);
  }
  assertProblem(await (await server.registered()).post(`${url}/1`), 'unauthorized', 403);
});

test('without any, nothing is linked to', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const { order } = await certificateFor(server, client, 'app.test');
  const { headers } = await client.post(order.json.certificate);
  assert.doesNotMatch(headers.get('link') ?? '', /alternate/);
  assertProblem(await client.post(`${order.json.certificate}/1`), 'malformed', 404);
});
