/**
 * HTTP clients, by `given.library`: each is a function that sends a request and answers with a text.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { connect } from 'node:net';
import { checks, clientPair, given, happens, megabyte, ours, pem, refused, untrusted, wrongName } from './harness.mjs';

const url = `https://localhost:${given.port}`;
const wrongUrl = `https://127.0.0.1:${given.port}`;

/**
 * @typedef {(url: string, body?: string) => Promise<string>} Send
 * @typedef {{ send: Send, end?: () => unknown }} Client
 */

/** For given TLS options, a client. @type {Record<string, (tls: object) => Client | Promise<Client>>} */
const libraries = {
  https(tls) {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8, ...tls });
    return { send: throughHttps({ agent }), end: () => agent.destroy() };
  },

  'https, createConnection'(tls) {
    const createConnection = (options) =>
      ours.connect({ ...tls, host: options.host, port: Number(options.port), servername: options.host });
    return { send: throughHttps({ createConnection }) };
  },

  async undici(tls) {
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({ connect: tls, connections: 8 });
    return { send: throughUndici(request, dispatcher), end: () => dispatcher.close() };
  },

  async 'undici http2'(tls) {
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({ connect: tls, allowH2: true, connections: 1 });
    return { send: throughUndici(request, dispatcher), end: () => dispatcher.close() };
  },

  async 'undici, connect'(tls) {
    const { Agent, request } = await import('undici');
    const makeConnection = ({ hostname, port, servername }, callback) => {
      const socket = ours.connect({ ...tls, host: hostname, port: Number(port), servername: servername || hostname });
      socket.once('secureConnect', () => callback(null, socket)).once('error', callback);
    };
    const dispatcher = new Agent({ connect: makeConnection, connections: 8 });
    return { send: throughUndici(request, dispatcher), end: () => dispatcher.close() };
  },

  async 'undici through a proxy'(tls) {
    return throughProxyAgent(tls, await proxy(http.createServer()), 'http');
  },

  /** TLS inside TLS. */
  async 'undici through a TLS proxy'(tls) {
    return throughProxyAgent(tls, await proxy(https.createServer({ cert: pem.cert, key: pem.key })), 'https');
  },

  /** As `NODE_USE_ENV_PROXY` has it. */
  async 'https through a proxy'(tls) {
    const tunnel = await proxy(http.createServer());
    const proxyEnv = { HTTPS_PROXY: `http://localhost:${tunnel.port}` };
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8, proxyEnv, ...tls });
    return {
      send: throughHttps({ agent }),
      end() {
        agent.destroy();
        tunnel.close();
      },
    };
  },

  /** Node's own, by a dispatcher of undici's that was not told anything: its roots are the environment's. */
  async fetch() {
    return { send: async (to, body) => (await fetch(to, body === undefined ? {} : { method: 'POST', body })).text() };
  },

  async axios(tls) {
    const { default: axios } = await import('axios');
    const httpsAgent = new https.Agent({ keepAlive: true, maxSockets: 8, ...tls });
    return {
      async send(to, body) {
        const options = {
          httpsAgent,
          responseType: /** @type {const} */ ('text'),
          proxy: /** @type {const} */ (false),
        };
        const headers = { 'content-type': 'text/plain' };
        const answer =
          body === undefined ? await axios.get(to, options) : await axios.post(to, body, { ...options, headers });
        return answer.data;
      },
      end: () => httpsAgent.destroy(),
    };
  },

  async got(tls) {
    return throughGot({ agent: { https: new https.Agent({ keepAlive: true, maxSockets: 8, ...tls }) } });
  },

  async 'got http2'(tls) {
    const { ca, cert, key } = /** @type {any} */ (tls);
    return throughGot({
      http2: true,
      https: { certificateAuthority: ca, ...(cert && { certificate: cert, key }) },
    });
  },

  http2: (tls) => throughHttp2(tls),
  'http2, createConnection': (tls) =>
    throughHttp2({
      createConnection: ({ hostname }) =>
        ours.connect({ ...tls, host: hostname, port: given.port, servername: hostname, ALPNProtocols: ['h2'] }),
    }),
};

/** A server that answers CONNECT with a tunnel to where it leads. */
async function proxy(server) {
  const open = new Set();
  server.on('connect', ({ url: target }, socket) => {
    const { hostname, port } = new URL(`http://${target}`);
    const beyond = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(beyond).pipe(socket);
    });
    for (const [one, other] of [
      [socket, beyond],
      [beyond, socket],
    ]) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => open.delete(one));
    }
  });
  server.listen(0, '127.0.0.1');
  await happens(server, 'listening');
  return {
    port: server.address().port,
    close() {
      server.close();
      for (const one of open) one.destroy();
    },
  };
}

async function throughProxyAgent(tls, tunnel, scheme) {
  const { ProxyAgent, request } = await import('undici');
  const uri = `${scheme}://localhost:${tunnel.port}`;
  const dispatcher = new ProxyAgent({ uri, requestTls: tls, proxyTls: { ca: pem.ca }, connections: 8 });
  return {
    send: throughUndici(request, dispatcher),
    async end() {
      await dispatcher.close();
      tunnel.close();
    },
  };
}

function throughHttps(options) {
  return async (to, body) => {
    const request = https.request(to, { ...options, method: body === undefined ? 'GET' : 'POST' });
    request.setHeader('content-type', 'text/plain');
    request.end(body);
    return textOf(await happens(request, 'response'));
  };
}

function throughUndici(request, dispatcher) {
  return async (to, body) => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await request(to, { dispatcher, ...(body !== undefined && { method: 'POST', body, headers }) });
    return answer.body.text();
  };
}

async function throughGot(options) {
  const { default: got } = await import('got');
  const one = got.extend({ retry: { limit: 0 }, headers: { 'content-type': 'text/plain' }, ...options });
  return {
    send: (to, body) => (body === undefined ? one.get(to).text() : one.post(to, { body }).text()),
    end: () => options.agent?.https.destroy(),
  };
}

function throughHttp2(options) {
  const sessions = new Map();
  const session = (origin) => {
    let one = sessions.get(origin);
    if (one === undefined) {
      one = http2.connect(origin, options);
      one.on('error', () => undefined);
      sessions.set(origin, one);
    }
    return one;
  };
  return {
    async send(to, body) {
      const { origin, pathname } = new URL(to);
      const stream = session(origin).request({
        ':path': pathname,
        ':method': body === undefined ? 'GET' : 'POST',
        'content-type': 'text/plain',
      });
      stream.end(body);
      return textOf(stream);
    },
    end: () => sessions.forEach((one) => void one.close()),
  };
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function using(tls, act) {
  const client = await libraries[given.library]?.(tls);
  if (client === undefined) throw new Error(`there is no ${given.library}`);
  try {
    return await act(client.send);
  } finally {
    await client.end?.();
  }
}

/** got does not take an answer that begins before all of the request is out. */
const echo = given.library.startsWith('got') ? 'collected' : 'echo';
const trusting = { ca: pem.ca };
const usual = {
  'an answer of 1 MB': () => using(trusting, async (send) => assert.equal(await send(`${url}/megabyte`), megabyte)),
  '1 MB in both directions': () =>
    using(trusting, async (send) => assert.equal(await send(`${url}/${echo}`, megabyte), megabyte)),
  '200 requests': () =>
    using(trusting, async (send) => {
      for (let round = 0; round < 5; round += 1) {
        const answers = await Promise.all(Array.from({ length: 40 }, () => send(`${url}/`)));
        assert.ok(answers.every((answer) => answer === 'hello'));
      }
    }),
};

/** What is about connections is done with `node:https` alone, at servers that have all paths. */
const connections = {
  async 'TLS 1.2 alone'() {
    const response = await get('/', { ca: pem.ca, agent: false, maxVersion: 'TLSv1.2' });
    const { name } = response.socket.getCipher();
    assert.equal(response.socket.getProtocol(), 'TLSv1.2');
    assert.equal(await textOf(response), 'hello');
    return name;
  },
  async 'a second connection is resumed'() {
    const agent = new https.Agent({ ca: pem.ca, keepAlive: false });
    const reused = [];
    for (let count = 0; count < 2; count += 1) {
      const response = await get('/megabyte', { agent });
      reused.push(response.socket.isSessionReused());
      assert.equal(await textOf(response), megabyte);
    }
    assert.deepEqual(reused, [false, true]);
  },
  async 'a request that is not answered: timeout, destroy'() {
    const request = https.get(`${url}/never`, { ca: pem.ca, agent: false, timeout: 100 });
    await happens(request, 'timeout');
    request.destroy(new Error('given up'));
    await refused('given up', happens(request, 'response'));
  },
  async 'a request that is aborted'() {
    const late = new AbortController();
    const request = https.get(`${url}/never`, { ca: pem.ca, agent: false, signal: late.signal });
    await happens(request, 'socket');
    setImmediate(() => late.abort());
    await refused('ABORT_ERR', happens(request, 'response'));
  },
};

function get(path, options) {
  return happens(https.get(`${url}${path}`, options), 'response');
}

const refusals = {
  'a wrong name is refused': () => using(trusting, (send) => refused(wrongName, send(`${wrongUrl}/`))),
};

if (given.library === 'fetch') await checks({ ...usual, ...refusals });
else {
  await checks({
    ...usual,
    'client certificate': () =>
      using({ ...trusting, ...clientPair }, async (send) => assert.equal(await send(`${url}/who`), 'certuser')),
    ...(given.library === 'https' && ['https', 'http2'].includes(given.framework) && connections),
    ...refusals,
    'another CA is refused': () => using({ ca: pem.otherCa }, (send) => refused(untrusted, send(`${url}/`))),
  });
}
