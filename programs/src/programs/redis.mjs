import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { checks, clientPair, given, megabyte, pem, refused, untrusted, wrongName } from './harness.mjs';

async function using(options, act) {
  const client = createClient({
    socket: { host: 'localhost', port: given.port, tls: true, ca: pem.ca, reconnectStrategy: false, ...options },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await act?.(client);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

await checks({
  '1 MB in both directions': () =>
    using({}, async (client) => {
      await client.set('b', megabyte);
      assert.equal(await client.get('b'), megabyte);
    }),
  '5,000 commands at once': () =>
    using({}, async (client) => {
      const answers = await Promise.all(Array.from({ length: 5000 }, () => client.incr('counted')));
      assert.equal(new Set(answers).size, 5000);
    }),
  'publish and subscribe': () =>
    using({}, (listener) =>
      using({}, async (speaker) => {
        const heard = Promise.withResolvers();
        await listener.subscribe('news', (message) => heard.resolve(message));
        await speaker.publish('news', 'spoken');
        assert.equal(await heard.promise, 'spoken');
      }),
    ),
  'client certificate': () =>
    using({ port: given.portWithCertificate, ...clientPair }, async (client) =>
      assert.equal(await client.ping(), 'PONG'),
    ),
  'by a rediss:// URL': async () => {
    const client = await createClient({ url: `rediss://localhost:${given.port}`, socket: { ca: pem.ca } }).connect();
    assert.equal(await client.ping(), 'PONG');
    await client.close();
  },
  'a wrong name is refused': () => refused(wrongName, using({ servername: 'wrong.example' })),
  'another CA is refused': () => refused(untrusted, using({ ca: pem.otherCa })),
});
