import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { checks, clientPair, given, megabyte, pem, refused, untrusted, wrongName } from './harness.mjs';

async function using(options, tlsOptions, act) {
  const client = new Redis({
    host: 'localhost',
    port: given.port,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    ...options,
    tls: { ca: pem.ca, ...tlsOptions },
  });
  let failure;
  client.on('error', (error) => {
    failure ??= error;
  });
  try {
    await client.connect();
    return await act?.(client);
  } catch (error) {
    throw failure ?? error;
  } finally {
    client.disconnect();
  }
}

await checks({
  '1 MB in both directions': () =>
    using({}, {}, async (client) => {
      await client.set('a', megabyte);
      assert.equal(await client.get('a'), megabyte);
    }),
  '5,000 commands in a pipeline': () =>
    using({}, {}, async (client) => {
      const pipeline = client.pipeline();
      for (let index = 0; index < 5000; index += 1) pipeline.incr('count');
      const answers = await pipeline.exec();
      assert.equal(answers?.length, 5000);
      assert.ok(answers?.every(([error]) => error === null));
    }),
  'publish and subscribe': () =>
    using({}, {}, (listener) =>
      using({}, {}, async (speaker) => {
        const heard = new Promise((resolve) => listener.once('message', (_, message) => resolve(message)));
        await listener.subscribe('news');
        await speaker.publish('news', 'spoken');
        assert.equal(await heard, 'spoken');
      }),
    ),
  'client certificate': () =>
    using({ port: given.portWithCertificate }, clientPair, async (client) => assert.equal(await client.ping(), 'PONG')),
  'by a rediss:// URL': async () => {
    const client = new Redis(`rediss://localhost:${given.port}`, { tls: { ca: pem.ca } });
    assert.equal(await client.ping(), 'PONG');
    await client.quit();
  },
  'a wrong name is refused': () => refused(wrongName, using({}, { servername: 'wrong.example' })),
  'another CA is refused': () => refused(untrusted, using({}, { ca: pem.otherCa })),
  'without a client certificate the server refuses': () =>
    refused(
      /ALERT_CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/,
      using({ port: given.portWithCertificate }, {}, (client) => client.ping()),
    ),
});
