import assert from 'node:assert/strict';
import { connectAsync, MqttClient } from 'mqtt';
import { checks, clientPair, given, happens, megabyte, ours, pem, refused, untrusted, wrongName } from './harness.mjs';

const quiet = { reconnectPeriod: 0, connectTimeout: 5000 };

async function using(url, options, act) {
  const client = await connectAsync(url, { ...quiet, ca: pem.ca, ...options }, false);
  try {
    return await act?.(client);
  } finally {
    await client.endAsync();
  }
}

async function roundTrip(client, text = megabyte) {
  const heard = new Promise((resolve) => client.once('message', (_, payload) => resolve(payload.toString())));
  await client.subscribeAsync('news', { qos: 1 });
  await client.publishAsync('news', text, { qos: 1 });
  assert.equal(await heard, text);
}

const tcp = `mqtts://localhost:${given.port}`;

if (given.own) {
  await checks({
    'streamBuilder, 1 MB in both directions': async () => {
      const stream = () => {
        const socket = ours.connect({ host: 'localhost', port: given.port, servername: 'localhost', ca: pem.ca });
        return socket;
      };
      const client = new MqttClient(stream, { ...quiet });
      await happens(client, 'connect');
      await roundTrip(client);
      await client.endAsync();
    },
  });
} else {
  await checks({
    '1 MB in both directions': () => using(tcp, {}, (client) => roundTrip(client)),
    // Not a megabyte: Debian's Mosquitto (2.0.11) stops in the middle of it, also with Node's TLS.
    'a message over a secure WebSocket': () =>
      using(`wss://localhost:${given.webPort}`, {}, (client) => roundTrip(client, 'a few words')),
    '1,000 messages of quality 2': () =>
      using(tcp, {}, async (client) => {
        let count = 0;
        const heard = new Promise((resolve) => {
          client.on('message', () => {
            count += 1;
            if (count === 1000) resolve(undefined);
          });
        });
        await client.subscribeAsync('many', { qos: 2 });
        await Promise.all(
          Array.from({ length: 1000 }, (_, index) => client.publishAsync('many', `${index}`, { qos: 2 })),
        );
        await heard;
      }),
    'client certificate': () =>
      using(`mqtts://localhost:${given.portWithCertificate}`, clientPair, (client) => roundTrip(client)),
    'a wrong name is refused': () => refused(wrongName, using(tcp, { servername: 'wrong.example' })),
    'another CA is refused': () => refused(untrusted, using(tcp, { ca: pem.otherCa })),
    'without a client certificate the server refuses': () =>
      refused(
        /ALERT_CERTIFICATE_REQUIRED|ECONNRESET|EPIPE|closed/i,
        using(`mqtts://localhost:${given.portWithCertificate}`, {}, (client) => roundTrip(client)),
      ),
  });
}
