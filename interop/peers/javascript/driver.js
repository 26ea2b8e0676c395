// node:tls as a peer, on Node itself and on Bun; on Deno its own Deno.connectTls and Deno.listenTls. One JSON command per
// line on standard input, one event per line on standard output. The conversation is that of src/conversation.ts.

import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';

const stops = new Map();
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const { client, server } = globalThis.Deno === undefined ? await nodeTls() : denoTls();

for await (const text of createInterface({ input: process.stdin })) {
  const command = JSON.parse(text);
  const { id } = command;
  if (command.stop) {
    try {
      stops.get(id)?.();
    } catch {
      // It has just ended by itself.
    }
  } else {
    const onStop = (stop) => stops.set(id, stop);
    const listening = (port) => say({ id, event: 'listening', port });
    (command.role === 'client' ? client(command, onStop) : server(command, onStop, listening))
      .then(
        () => say({ id, event: 'done' }),
        (error) => say({ id, event: 'done', error: `${error?.code ?? error?.name}: ${error?.message}` }),
      )
      .finally(() => stops.delete(id));
  }
}

async function nodeTls() {
  const tls = await import('node:tls');
  const { constants } = await import('node:crypto');

  const optionsOf = ({ ca, cert, key, group, alpn, suites, minVersion, maxVersion, withoutTickets }) => ({
    ca,
    minVersion,
    maxVersion,
    allowHalfOpen: true,
    ...(cert && { cert, key }),
    ...(group && { ecdhCurve: group }),
    ...(suites && { ciphers: suites }),
    ...(alpn && { ALPNProtocols: [alpn] }),
    ...(withoutTickets && { secureOptions: constants.SSL_OP_NO_TICKET }),
  });

  const wordOn = (socket) => (socket.isSessionReused() ? 'resumed\n' : 'new\n');

  // Connects again and again, with what it kept of the last time: a line, its echo, and our word on the connection.
  const comeBack = async (command, onStop) => {
    let session;
    for (let visit = 0; visit < command.visits; visit++) {
      const options = { ...optionsOf(command), host: '127.0.0.1', port: command.port, servername: 'localhost' };
      const socket = tls.connect({ ...options, ...(session && { session }) });
      onStop(() => socket.destroy());
      socket.on('session', (given) => {
        session = given;
      });
      const input = reader(socket);
      await Promise.race([once(socket, 'secureConnect'), input.failed]);
      const [line] = command.lines;
      socket.write(line);
      if ((await input.take(line.length)) !== line) throw new Error('the echo is not what was sent');
      socket.end(wordOn(socket));
      await input.rest();
    }
  };

  // Takes connections: echoes a line, and says our word on the connection.
  const receive = async (listener, { lines, visits }) => {
    // Sessions by identifier are the program's own matter.
    const sessions = new Map();
    listener.on('newSession', (id, session, done) => {
      sessions.set(id.toString('hex'), session);
      done();
    });
    listener.on('resumeSession', (id, done) => done(null, sessions.get(id.toString('hex')) ?? null));
    for (let visit = 0; visit < visits; visit++) {
      const socket = await new Promise((resolve, reject) => {
        listener.once('secureConnection', resolve);
        listener.once('tlsClientError', reject);
        listener.once('close', () => reject(new Error('closed')));
      });
      const input = reader(socket);
      socket.write(await input.take(lines[0].length));
      socket.end(wordOn(socket));
      await input.rest();
    }
    listener.close();
  };

  return {
    async client(command, onStop) {
      const { port, lines, quit, bye, closing, visits } = command;
      if (visits) return comeBack(command, onStop);
      const socket = tls.connect({ ...optionsOf(command), host: '127.0.0.1', port, servername: 'localhost' });
      onStop(() => socket.destroy());
      const input = reader(socket);
      await Promise.race([once(socket, 'secureConnect'), input.failed]);
      for (const line of lines) {
        socket.write(line);
        if ((await input.take(line.length)) !== line) throw new Error('the echo is not what was sent');
      }
      if (closing === 'half') socket.end();
      else socket.write(quit);
      const rest = await input.rest();
      if (rest !== bye) throw new Error(`the trailing line is ${JSON.stringify(rest)}`);
      socket.end();
    },

    async server(command, onStop, listening) {
      const { clientCertificate, quit, bye } = command;
      const listener = tls.createServer({
        ...optionsOf(command),
        requestCert: clientCertificate !== 'none',
        rejectUnauthorized: clientCertificate === 'required',
      });
      onStop(() => listener.close());
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      listening(listener.address().port);
      if (command.visits) return receive(listener, command);
      const socket = await new Promise((resolve, reject) => {
        listener.once('secureConnection', resolve);
        listener.once('tlsClientError', reject);
        listener.once('close', () => reject(new Error('closed')));
      });
      listener.close();
      onStop(() => socket.destroy());
      if (clientCertificate === 'required' && !socket.authorized) {
        socket.destroy();
        throw new Error(`the client is not authorized: ${socket.authorizationError}`);
      }
      await new Promise((resolve, reject) => {
        socket.on('error', reject);
        socket.on('close', () => resolve());
        socket.on('end', () => {
          if (!socket.writableEnded) socket.end(bye);
        });
        socket.on('data', (chunk) => {
          if (chunk.toString('latin1').endsWith(quit)) socket.end(bye);
          else socket.write(chunk);
        });
      });
    },
  };
}

function reader(socket) {
  let buffer = '';
  let ended = false;
  let wake = () => undefined;
  const failed = new Promise((_resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (hadError) => {
      if (hadError) reject(new Error('closed'));
    });
  });
  failed.catch(() => undefined);
  socket.on('data', (chunk) => {
    buffer += chunk.toString('latin1');
    wake();
  });
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      ended = true;
      wake();
    });
  }
  const until = async (enough) => {
    while (!enough()) {
      await Promise.race([
        failed,
        new Promise((resolve) => {
          wake = resolve;
        }),
      ]);
    }
  };
  return {
    failed,
    async take(length) {
      await until(() => ended || buffer.length >= length);
      const text = buffer.slice(0, length);
      buffer = buffer.slice(length);
      return text;
    },
    async rest() {
      await until(() => ended);
      return buffer;
    },
  };
}

function denoTls() {
  const { Deno } = globalThis;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  const writeAll = async (conn, bytes) => {
    for (let offset = 0; offset < bytes.length; ) offset += await conn.write(bytes.subarray(offset));
  };

  const read = async (conn, length) => {
    const buffer = new Uint8Array(16_384);
    let text = '';
    while (text.length < length) {
      const n = await conn.read(buffer.subarray(0, Math.min(buffer.length, length - text.length)));
      if (n === null) break;
      text += decoder.decode(buffer.subarray(0, n));
    }
    return text;
  };

  return {
    async client({ port, ca, cert, key, alpn, lines, quit, bye, closing }, onStop) {
      const conn = await Deno.connectTls({
        hostname: 'localhost',
        port,
        caCerts: [ca],
        ...(cert && { cert, key }),
        ...(alpn && { alpnProtocols: [alpn] }),
      });
      onStop(() => conn.close());
      try {
        await conn.handshake();
        for (const line of lines) {
          const [, echo] = await Promise.all([writeAll(conn, encoder.encode(line)), read(conn, line.length)]);
          if (echo !== line) throw new Error('the echo is not what was sent');
        }
        if (closing === 'half') await conn.closeWrite();
        else await writeAll(conn, encoder.encode(quit));
        const rest = await read(conn, Number.POSITIVE_INFINITY);
        if (rest !== bye) throw new Error(`the trailing line is ${JSON.stringify(rest)}`);
        if (closing !== 'half') await conn.closeWrite();
      } finally {
        conn.close();
      }
    },

    async server({ cert, key, alpn, quit, bye }, onStop, listening) {
      const listener = Deno.listenTls({
        hostname: '127.0.0.1',
        port: 0,
        cert,
        key,
        ...(alpn && { alpnProtocols: [alpn] }),
      });
      onStop(() => listener.close());
      listening(listener.addr.port);
      const conn = await listener.accept();
      listener.close();
      onStop(() => conn.close());
      try {
        await conn.handshake();
        const buffer = new Uint8Array(16_384);
        for (;;) {
          const n = await conn.read(buffer);
          if (n === null || decoder.decode(buffer.subarray(0, n)).endsWith(quit)) break;
          await writeAll(conn, buffer.slice(0, n));
        }
        await writeAll(conn, encoder.encode(bye));
        await conn.closeWrite();
        await read(conn, Number.POSITIVE_INFINITY);
      } finally {
        conn.close();
      }
    },
  };
}
