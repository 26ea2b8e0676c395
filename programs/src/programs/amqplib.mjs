import amqp from 'amqplib';
import { checks, clientPair, given, megabyte, pem, refused, untrusted, wrongName } from './harness.mjs';

const url = `amqps://guest:guest@localhost:${given.port}`;

async function using(options, act) {
  const connection = await amqp.connect(url, { ca: [pem.ca], ...options });
  connection.on('error', () => undefined);
  try {
    return await act?.(connection);
  } finally {
    await connection.close();
  }
}

async function roundTrip(connection, count, text) {
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  let heard = 0;
  const all = new Promise((resolve, reject) => {
    channel.consume(
      queue,
      (message) => {
        if (message?.content.toString() !== text) reject(new Error('another message than was sent'));
        heard += 1;
        if (heard === count) resolve(undefined);
      },
      { noAck: true },
    );
  });
  for (let index = 0; index < count; index += 1) channel.sendToQueue(queue, Buffer.from(text));
  await channel.waitForConfirms();
  await all;
  await channel.close();
}

await checks({
  '1 MB in both directions': () => using({}, (connection) => roundTrip(connection, 1, megabyte)),
  '2,000 messages': () => using({}, (connection) => roundTrip(connection, 2000, 'a message')),
  'client certificate': () => using(clientPair, (connection) => roundTrip(connection, 1, 'a message')),
  'a wrong name is refused': () => refused(wrongName, using({ servername: 'wrong.example' })),
  'another CA is refused': () => refused(untrusted, using({ ca: [pem.otherCa] })),
});
