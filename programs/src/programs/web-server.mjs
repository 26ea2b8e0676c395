/**
 * A web server by `given.framework`, over TLS, that asks for a client's certificate and does without. At SIGTERM it closes,
 * and ends by itself.
 */
import http2 from 'node:http2';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { given, megabyte, pem, tell } from './harness.mjs';

const tlsOptions = { cert: pem.cert, key: pem.key, ca: pem.ca, requestCert: true, rejectUnauthorized: false };

/** The name in the client's certificate. */
function who({ socket }) {
  return (socket.authorized && socket.getPeerCertificate().subject?.CN) || 'nobody';
}

/** What `node:http`'s handlers do; the frameworks do it their way. */
function handler(request, response) {
  const { pathname } = new URL(request.url ?? '/', 'https://localhost');
  if (pathname === '/megabyte') response.end(megabyte);
  else if (pathname === '/who') response.end(who(request));
  else if (pathname === '/never') request.resume();
  else if (pathname === '/echo') request.pipe(response);
  // A moment later: got cuts an answer off that comes before it has heard that its request is out, by Node's TLS as by ours.
  else if (pathname === '/collected') text(request).then((body) => setTimeout(() => response.end(body), 50));
  else response.end('hello');
}

const frameworks = {
  https: () => https.createServer(tlsOptions, handler),
  http2: () => http2.createSecureServer({ ...tlsOptions, allowHTTP1: true }, handler),

  async express() {
    const { default: express } = await import('express');
    const app = express();
    app.get('/', (_, response) => response.send('hello'));
    app.get('/megabyte', (_, response) => response.send(megabyte));
    app.get('/who', (request, response) => response.send(who(request)));
    app.post('/echo', express.text({ limit: '2mb', type: '*/*' }), (request, response) => {
      // That is `socket.encrypted`.
      if (request.protocol !== 'https' || !request.secure) throw new Error('express takes this for plain HTTP');
      response.send(request.body);
    });
    return https.createServer(tlsOptions, app);
  },

  fastify: () => fastify({ https: tlsOptions }),
  'fastify http2': () => fastify({ http2: true, https: { ...tlsOptions, allowHTTP1: true } }),

  async hono() {
    return hono(https.createServer, tlsOptions);
  },
  async 'hono http2'() {
    return hono(http2.createSecureServer, { ...tlsOptions, allowHTTP1: true });
  },

  async ws() {
    const { WebSocketServer } = await import('ws');
    const server = https.createServer(tlsOptions, handler);
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    sockets.on('connection', (socket, request) => {
      socket.on('error', () => undefined);
      socket.on('message', (data, binary) => {
        if (!binary && data.toString() === 'who') socket.send(who(request));
        else socket.send(data, { binary });
      });
    });
    return server;
  },

  async 'socket.io'() {
    const { Server } = await import('socket.io');
    const server = https.createServer(tlsOptions, handler);
    const sockets = new Server(server, { maxHttpBufferSize: 4 << 20 });
    sockets.on('connection', (socket) => {
      socket.on('who', (answer) => answer(who(socket.request)));
      socket.on('echo', (data, answer) => answer(data));
    });
    return server;
  },
};

async function fastify(options) {
  const { default: make } = await import('fastify');
  const app = make({ bodyLimit: 4 << 20, forceCloseConnections: true, ...options });
  app.get('/', async () => 'hello');
  app.get('/megabyte', async () => megabyte);
  app.get('/who', async (request) => who({ socket: request.raw.stream?.session?.socket ?? request.raw.socket }));
  app.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
  app.post('/echo', async (request) => request.body);
  await app.ready();
  return app.server;
}

async function hono(createServer, serverOptions) {
  const { Hono } = await import('hono');
  const { createAdaptorServer } = await import('@hono/node-server');
  const app = new Hono();
  app.get('/', (c) => c.text('hello'));
  app.get('/megabyte', (c) => c.text(megabyte));
  app.get('/who', (c) => c.text(who(c.env.incoming)));
  app.post('/echo', async (c) => c.text(await c.req.text()));
  return createAdaptorServer({ fetch: app.fetch, createServer, serverOptions });
}

const server = await frameworks[given.framework]();
server.on('error', (error) => tell({ error: String(error.stack) }));
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections?.();
});
