/**
 * A program's callbacks and listeners that throw, or answer what is no answer, on `node:tls` and on ours: who hears of it, and
 * whether the connection goes on.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import nodeTls, { type ConnectionOptions, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { forBoth, it, listening, makeClient, makeServer, type Tls, turns, until } from './support.ts';

const mine = (..._given: readonly unknown[]): never => {
  throw Object.assign(new Error('mine'), { code: 'MINE' });
};

interface Case {
  readonly server?: TlsOptions;
  readonly client?: ConnectionOptions;
  /** What is done with the server, before it listens, and with the client, before it connects. */
  readonly serve?: (server: Server) => void;
  readonly use?: (client: TLSSocket) => void;
  /** What is done with the server's socket. */
  readonly accept?: (socket: TLSSocket) => void;
  /** A client of Node's, whichever the server: it knows how to do without tickets. */
  readonly nodeClient?: boolean;
}

interface Outcome {
  readonly heard: readonly string[];
  /** Whether a question was answered afterwards. */
  readonly answered: boolean;
}

/** Who hears what, in one connection that asks once. */
async function outcomeOf(tls: Tls, one: Case, expected: Outcome): Promise<Outcome> {
  const heard: string[] = [];
  const hear = (who: string, error: NodeJS.ErrnoException): void => {
    // Of the other side's end we do not speak here.
    if (error.code === 'MINE' || error.code?.startsWith('ERR_INVALID') || error.code?.startsWith('ERR_MULT')) {
      heard.push(`${who}(${error.code})`);
    }
  };
  let answered = false;
  process.setUncaughtExceptionCaptureCallback((error) => hear('uncaught', error as NodeJS.ErrnoException));
  try {
    const server = makeServer(tls, one.server, (socket) => {
      socket.on('error', () => undefined).on('data', () => socket.end('answer'));
      one.accept?.(socket);
    });
    server.on('error', (error) => hear('server error', error));
    server.on('tlsClientError', (error) => hear('tlsClientError', error));
    one.serve?.(server);
    const port = await listening(server);
    try {
      const client = makeClient(one.nodeClient ? nodeTls : tls, port, one.client);
      client.on('error', (error) => hear('error', error));
      client.once('data', () => {
        answered = true;
      });
      one.use?.(client);
      client.write('question');
    } catch (error) {
      hear('thrown', error as NodeJS.ErrnoException);
    }
    await until(() => heard.length >= expected.heard.length && answered === expected.answered).catch(() => undefined);
    await turns();
    return { heard, answered };
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
}

const psk = Buffer.alloc(32, 5);
const ciphers = 'TLS_AES_128_GCM_SHA256';
const withPsk: Required<Pick<Case, 'server' | 'client'>> = {
  server: { key: undefined, cert: undefined, ciphers, pskCallback: () => psk },
  client: { ciphers, pskCallback: () => ({ psk, identity: 'me' }), checkServerIdentity: () => undefined },
};
const old = { maxVersion: 'TLSv1.2' } as const;
/** Sessions by identifier, since the client wants no tickets. */
const byIdentifier: Case = {
  server: old,
  client: { secureOptions: constants.SSL_OP_NO_TICKET },
  nodeClient: true,
};

const uncaught: Outcome = { heard: ['uncaught(MINE)'], answered: true };
const refused: Outcome = { heard: ['tlsClientError(MINE)'], answered: false };
const wrongType = (who: string): Outcome => ({ heard: [`${who}(ERR_INVALID_ARG_TYPE)`], answered: false });
const twice: Outcome = { heard: ['tlsClientError(ERR_MULTIPLE_CALLBACK)'], answered: false };
const failed = Object.assign(new Error('mine'), { code: 'MINE' });

const both = (answer: (error: null, value: null) => void): void => {
  answer(null, null);
  answer(null, null);
};

forBoth('callbacks that throw', (tls, { differs }) => {
  for (const [name, one, expected] of [
    ['SNICallback', { server: { SNICallback: mine } }, refused],
    ['SNICallback, before TLS 1.3,', { server: { SNICallback: mine, ...old } }, refused],
    ['SNICallback that has answered', { server: { SNICallback: (_name, done) => mine(done(failed)) } }, refused],
    ['ALPNCallback', { server: { ALPNCallback: mine }, client: { ALPNProtocols: ['x'] } }, refused],
    [
      'ALPNCallback, before TLS 1.3,',
      { server: { ALPNCallback: mine, ...old }, client: { ALPNProtocols: ['x'] } },
      refused,
    ],
    ['pskCallback of a server', { ...withPsk, server: { ...withPsk.server, pskCallback: mine } }, refused],
    [
      'pskCallback of a client',
      { ...withPsk, client: { ...withPsk.client, pskCallback: mine } },
      { heard: ['error(MINE)'], answered: false },
    ],
    ['checkServerIdentity', { client: { checkServerIdentity: mine } }, differs('checkServerIdentity that throws')],
    ['lookup', { client: { host: 'a.example', lookup: mine } }, { heard: ['thrown(MINE)'], answered: false }],
  ] as readonly (readonly [string, Case, Outcome])[]) {
    it(`${name}: ${expected.heard}, and the connection ${expected.answered ? 'goes on' : 'ends'}`, async () => {
      assert.deepEqual(await outcomeOf(tls, one, expected), expected);
    });
  }
});

forBoth('callbacks that answer what is no answer', (tls, { differs }) => {
  for (const [name, one, expected] of [
    ['SNICallback, twice', { server: { SNICallback: (_name, done) => both(done as never) } }, twice],
    [
      'OCSPRequest, twice',
      {
        serve: (server) => server.on('OCSPRequest', (_c, _i, done) => both(done)),
        client: { requestOCSP: true },
      },
      twice,
    ],
    [
      'OCSPRequest, an error',
      {
        serve: (server) => server.on('OCSPRequest', (_c, _i, done) => done(failed, null)),
        client: { requestOCSP: true },
      },
      refused,
    ],
    [
      'resumeSession, an error',
      { ...byIdentifier, serve: (server) => server.on('resumeSession', (_id, done) => done(failed, null)) },
      differs('resumeSession that answers an error'),
    ],
    [
      'resumeSession, what is no session',
      { ...byIdentifier, serve: (server) => server.on('resumeSession', (_id, done) => done(null, Buffer.from('no'))) },
      { heard: [], answered: true },
    ],
    ...[3, 'x', {}, { psk: 'x', identity: 'me' }, { psk, identity: 3 }, []].map((answer) => [
      `pskCallback of a client, ${JSON.stringify(answer).slice(0, 30)}`,
      { ...withPsk, client: { ...withPsk.client, pskCallback: () => answer as never } },
      wrongType('error'),
    ]),
    ...[3, 'x', false, {}, { psk: 'x' }].map((answer) => [
      `pskCallback of a server, ${JSON.stringify(answer)}`,
      { ...withPsk, server: { ...withPsk.server, pskCallback: () => answer as never } },
      wrongType('tlsClientError'),
    ]),
    [
      'pskCallback of a server, a key in an object',
      { ...withPsk, server: { ...withPsk.server, pskCallback: () => ({ psk }) as never } },
      { heard: [], answered: true },
    ],
  ] as readonly (readonly [string, Case, Outcome])[]) {
    it(`${name}: ${expected.heard}, and the connection ${expected.answered ? 'goes on' : 'ends'}`, async () => {
      assert.deepEqual(await outcomeOf(tls, one, expected), expected);
    });
  }
});

forBoth('listeners that throw', (tls, { differs }) => {
  // Node 22 leaves these to the process.
  const leaves = tls === nodeTls && Number.parseInt(process.versions.node, 10) < 24;
  const left: Outcome = { heard: ['uncaught(MINE)'], answered: false };
  for (const [name, one, expected] of [
    ['connection', { serve: (server) => server.once('connection', mine) }, uncaught],
    ['secureConnection', { serve: (server) => server.once('secureConnection', mine) }, uncaught],
    [
      'secureConnection, before TLS 1.3,',
      { server: old, serve: (server) => server.once('secureConnection', mine) },
      uncaught,
    ],
    ['keylog of a server', { serve: (server) => server.once('keylog', mine) }, uncaught],
    [
      'tlsClientError',
      { server: old, client: { minVersion: 'TLSv1.3' }, serve: (server) => server.once('tlsClientError', mine) },
      { ...uncaught, answered: false },
    ],
    [
      'OCSPRequest',
      { serve: (server) => server.once('OCSPRequest', mine), client: { requestOCSP: true } },
      leaves ? left : refused,
    ],
    [
      'newSession',
      { ...byIdentifier, serve: (server) => server.once('newSession', mine) },
      leaves ? left : { heard: ['server error(MINE)'], answered: true },
    ],
    [
      'resumeSession',
      { ...byIdentifier, serve: (server) => server.once('resumeSession', mine) },
      differs('a listener of resumeSession that throws'),
    ],
    ['OCSPResponse', { use: (client) => client.once('OCSPResponse', mine), client: { requestOCSP: true } }, uncaught],
    ['connect', { use: (client) => client.once('connect', mine) }, { ...uncaught, answered: false }],
    ['secureConnect', { use: (client) => client.once('secureConnect', mine) }, uncaught],
    ['secureConnect, before TLS 1.3,', { server: old, use: (client) => client.once('secureConnect', mine) }, uncaught],
    ['secure', { use: (client) => client.once('secure', mine) }, uncaught],
    ['keylog of a client', { use: (client) => client.once('keylog', mine) }, uncaught],
    ['data', { use: (client) => client.once('data', mine) }, uncaught],
    ['a callback of write()', { use: (client) => void client.write('one ', mine) }, uncaught],
    ['session', { use: (client) => client.once('session', mine) }, uncaught],
    ['session, before TLS 1.3,', { server: old, use: (client) => client.once('session', mine) }, uncaught],
    ['end', { use: (client) => client.once('end', mine) }, uncaught],
    ['close', { use: (client) => client.once('close', mine) }, uncaught],
    [
      'error',
      { client: { servername: 'other.example' }, use: (client) => client.once('error', mine) },
      { ...uncaught, answered: false },
    ],
    ['close of a server’s socket', { accept: (socket) => socket.once('close', mine) }, uncaught],
    ['end of a server’s socket', { accept: (socket) => socket.once('end', mine) }, uncaught],
  ] as readonly (readonly [string, Case, Outcome])[]) {
    it(`${name}: ${expected.heard}, and the connection ${expected.answered ? 'goes on' : 'ends'}`, async () => {
      assert.deepEqual(await outcomeOf(tls, one, expected), expected);
    });
  }
});
