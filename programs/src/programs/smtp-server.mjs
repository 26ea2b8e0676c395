/**
 * A mail server at two ports: one begins in the clear and is asked to STARTTLS, the other speaks TLS at once. Its answer to a mail
 * is how many bytes it had, and whether they came over TLS.
 */
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';
import { given, pem, tell } from './harness.mjs';

const servers = [false, true].map(
  (secure) =>
    new SMTPServer({
      secure,
      cert: pem.cert,
      key: pem.key,
      ca: pem.ca,
      requestCert: true,
      rejectUnauthorized: false,
      size: 4 << 20,
      onAuth: ({ username, password }, _, answer) =>
        username === 'pwuser' && password === given.password
          ? answer(null, { user: username })
          : answer(new Error('wrong password')),
      onData(stream, session, answer) {
        let count = 0;
        stream.on('data', (chunk) => {
          count += chunk.length;
        });
        stream.on('end', () => answer(null, `got ${count} bytes, ${session.secure ? 'secure' : 'in the clear'}`));
      },
    }),
);
for (const server of servers) server.on('error', () => undefined);
const [port, securePort] = await Promise.all(
  servers.map(async (server) => {
    const listener = server.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return listener.address().port;
  }),
);
tell({ port, securePort });
process.once('SIGTERM', () => {
  for (const server of servers) server.close();
});
