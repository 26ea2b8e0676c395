import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAcme } from '../../src/index.ts';
import { Client, csrFor, orderFor } from '../acme/support/client.ts';
import { opened } from '../support/authority.ts';
import { provider } from './support.ts';

test('ACME issues no client’s certificate, even where its profile is offered', async (t) => {
  const { authority, database, clock } = await opened(t);
  const acme = await createAcme({
    ...{ authority, database, provider, clock: clock.read },
    baseUrl: 'https://ca.test',
    challenges: [{ type: 'http-01', offers: () => true, validate: async () => undefined }],
    profiles: { server: 'for servers', client: 'for clients' },
  });
  t.after(() => acme.close());
  const client = new Client(acme.fetch, 'https://ca.test');
  await client.register();
  const finalized = async (profile: string) => {
    const made = await client.post('new-order', { ...orderFor('a.example.test'), profile });
    const { json } = await client.post(made.json.authorizations[0]);
    if (json.status === 'pending') await client.post(json.challenges[0].url, {});
    await acme.idle();
    return (await client.post(made.json.finalize, { csr: await csrFor(['a.example.test']) })).json;
  };
  assert.equal((await finalized('server')).status, 'valid');
  const refused = await finalized('client');
  assert.deepEqual(
    [refused.status, refused.error.type, refused.error.detail],
    [
      'invalid',
      'urn:ietf:params:acme:error:rejectedIdentifier',
      'certificates of the profile "client" are for clientAuth, and not had this way',
    ],
  );
  assert.equal((await authority.list()).length, 1);
});
