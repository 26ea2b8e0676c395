import assert from 'node:assert/strict';
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import { service } from './grpc-service.mjs';
import { checks, given, megabyte, pem, refused } from './harness.mjs';

const Client = grpc.makeGenericClientConstructor(service, 'Texts');
const trusting = [Buffer.from(pem.ca)];
const certified = [...trusting, Buffer.from(pem.clientKey), Buffer.from(pem.clientCert)];

async function using(credentials, act, target = `localhost:${given.port}`) {
  const client = new Client(target, grpc.credentials.createSsl(...credentials), {
    'grpc.max_receive_message_length': 4 << 20,
    'grpc.enable_retries': 0,
  });
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

const ask = (client, method, text) => promisify(client[method]).call(client, text);

await checks({
  '1 MB in both directions': () =>
    using(trusting, async (client) => assert.equal(await ask(client, 'echo', megabyte), megabyte)),
  '500 calls at once': () =>
    using(trusting, async (client) => {
      const answers = await Promise.all(Array.from({ length: 500 }, (_, index) => ask(client, 'echo', `${index}`)));
      assert.deepEqual(
        answers,
        Array.from({ length: 500 }, (_, index) => `${index}`),
      );
    }),
  'a stream of 5,000 answers': () =>
    using(trusting, async (client) => {
      const answers = await client.count('5000').toArray();
      assert.equal(answers.length, 5000);
      assert.equal(answers.at(-1), '4999');
    }),
  'streams both ways': () =>
    using(trusting, async (client) => {
      const call = client.chat();
      for (let index = 0; index < 500; index += 1) call.write(`${index}`);
      call.end();
      assert.equal((await call.toArray()).length, 500);
    }),
  'client certificate': () =>
    using(
      certified,
      async (client) => assert.equal(await ask(client, 'who', 'me'), 'certuser'),
      `localhost:${given.portWithCertificate}`,
    ),
  // UNAVAILABLE is gRPC's code for all that is wrong with a connection.
  'without a client certificate the server refuses': () =>
    refused(
      '14',
      using(trusting, (client) => ask(client, 'who', 'me'), `localhost:${given.portWithCertificate}`),
    ),
  'a wrong name is refused': () =>
    refused(
      '14',
      using(trusting, (client) => ask(client, 'echo', 'text'), `127.0.0.1:${given.port}`),
    ),
  'another CA is refused': () =>
    refused(
      '14',
      using([Buffer.from(pem.otherCa)], (client) => ask(client, 'echo', 'text')),
    ),
});
