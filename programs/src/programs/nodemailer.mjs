import assert from 'node:assert/strict';
import nodemailer from 'nodemailer';
import { checks, given, megabyte, ours, pem, refused } from './harness.mjs';

/** nodemailer's own code for all that goes wrong with a socket. */
const failed = 'ESOCKET';

async function send(options, tls = {}, text = 'a few words') {
  const transport = nodemailer.createTransport({
    ...{ host: 'localhost', port: given.port, auth: { user: 'pwuser', pass: given.password } },
    ...options,
    tls: { ca: pem.ca, ...tls },
  });
  try {
    const sent = await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: 'A mail', text });
    return sent.response;
  } finally {
    transport.close();
  }
}

async function arrives(options, tls, text) {
  const [, count, how] = /got (\d+) bytes, (.*)/.exec(await send(options, tls, text)) ?? [];
  assert.equal(how, 'secure');
  assert.ok(Number(count) > (text?.length ?? 0));
}

const lines = megabyte.replaceAll(/.{64}/g, '$&\r\n');

if (given.own) {
  await checks({
    'getSocket with a TLS connection': () =>
      arrives({
        port: given.securePort,
        secure: true,
        getSocket(_, callback) {
          const socket = ours.connect({
            host: 'localhost',
            port: given.securePort,
            servername: 'localhost',
            ca: pem.ca,
          });
          socket.once('error', callback);
          socket.once('secureConnect', () => {
            socket.off('error', callback);
            callback(null, { connection: socket, secured: true });
          });
        },
      }),
  });
} else {
  await checks({
    STARTTLS: () => arrives({ requireTLS: true }),
    'STARTTLS, a mail of 1 MB': () => arrives({ requireTLS: true }, {}, lines),
    'TLS at once': () => arrives({ port: given.securePort, secure: true }),
    'TLS at once, a mail of 1 MB': () => arrives({ port: given.securePort, secure: true }, {}, lines),
    '50 mails through a pool': async () => {
      const transport = nodemailer.createTransport({
        ...{ host: 'localhost', port: given.port, requireTLS: true, pool: true, maxConnections: 4 },
        auth: { user: 'pwuser', pass: given.password },
        tls: { ca: pem.ca },
      });
      const mail = { from: 'a@example.com', to: 'b@example.com', subject: 'A mail', text: 'a few words' };
      const sent = await Promise.all(Array.from({ length: 50 }, () => transport.sendMail(mail)));
      assert.ok(sent.every(({ response }) => response.endsWith('secure')));
      transport.close();
    },
    'STARTTLS, a wrong name is refused': () => refused(failed, send({ requireTLS: true, host: '127.0.0.1' })),
    'TLS at once, a wrong name is refused': () =>
      refused(failed, send({ port: given.securePort, secure: true, host: '127.0.0.1' })),
    'another CA is refused': () => refused(failed, send({ requireTLS: true }, { ca: pem.otherCa })),
  });
}
