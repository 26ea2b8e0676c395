/**
 * Certificates that change while a server runs, on `node:tls` and on ours: by `setSecureContext`, `addContext` and `SNICallback`,
 * with ticket keys that change meanwhile. No connection fails, those that stand go on, new ones see the new certificate, and
 * sessions are resumed or fall back to a full handshake.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it as nodeIt } from 'node:test';
import type { ConnectionOptions, SecureContext, Server, TLSSocket, TlsOptions } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createSecureContext, createServer } from '../../src/node/index.ts';
import {
  closed,
  forBoth,
  type Identity,
  issue,
  it,
  listening,
  local,
  makeClient,
  makeServer,
  root,
  shown,
  type Tls,
  turns,
  until,
} from './behaviour/support.ts';

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const generations: readonly Identity[] = await Promise.all(
  [0, 1, 2, 3].map((n) => issue(`${n}`, root, { names: ['localhost'] })),
);

function generation(n: number): Pick<Identity, 'key' | 'cert'> {
  const one = generations[n];
  assert.ok(one);
  return shown(one);
}

/** A server that answers with what it is told, and its way to another certificate. */
interface Changing {
  readonly server: Server;
  to(n: number): void;
}

function echo(socket: TLSSocket): void {
  socket.on('data', (data) => socket.write(data));
}

const ways: Readonly<Record<string, (tls: Tls, options: TlsOptions) => Changing>> = {
  setSecureContext(tls, options) {
    const server = makeServer(tls, { ...generation(0), ...options }, echo);
    return { server, to: (n) => server.setSecureContext({ ...generation(n), maxVersion: options.maxVersion }) };
  },
  addContext(tls, options) {
    const server = makeServer(tls, options, echo);
    server.addContext('localhost', generation(0));
    return {
      server,
      to: (n) => server.addContext('localhost', n % 2 ? generation(n) : tls.createSecureContext(generation(n))),
    };
  },
  SNICallback(tls, options) {
    let context: SecureContext = tls.createSecureContext(generation(0));
    const SNICallback: TlsOptions['SNICallback'] = (_name, callback) => {
      // Now and later, in turn.
      if (late) callback(null, context);
      else setImmediate(() => callback(null, context));
      late = !late;
    };
    let late = false;
    const server = makeServer(tls, { ...options, SNICallback }, echo);
    return {
      server,
      to(n) {
        context = tls.createSecureContext(generation(n));
      },
    };
  },
};

/** A question and its answer. */
async function ask(socket: TLSSocket, question: string): Promise<void> {
  socket.write(question);
  const [answer] = await once(socket, 'data');
  assert.equal(String(answer), question);
}

interface Visit {
  /** The certificate's; undefined where Node tells of none, as a session went on. */
  readonly seen: number | undefined;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

/** A connection that asks once, has its session, and says goodbye. */
async function visit(tls: Tls, port: number, options: ConnectionOptions = {}): Promise<Visit> {
  const client = makeClient(tls, port, options);
  let session: Buffer | undefined;
  client.on('session', (one) => {
    session = one;
  });
  await once(client, 'secureConnect');
  await ask(client, 'short');
  const { CN } = client.getPeerCertificate().subject ?? {};
  const resumed = client.isSessionReused();
  client.end();
  await closed(client);
  return { seen: CN === undefined ? undefined : Number(CN), resumed, session };
}

forBoth('a certificate that changes under load', (tls) => {
  for (const [way, make] of Object.entries(ways)) {
    for (const maxVersion of versions) {
      it(`by ${way}, with ${maxVersion}: nobody is dropped, and who comes later sees the later one`, async () => {
        const { server, to } = make(tls, { maxVersion });
        const refused: unknown[] = [];
        server.on('tlsClientError', (error) => refused.push(error));
        const port = await listening(server);
        let current = 0;

        const standing = await Promise.all(
          [0, 1].map(async () => {
            const client = makeClient(tls, port);
            await once(client, 'secureConnect');
            return client;
          }),
        );
        let running = true;
        let visits = 0;
        /** Comes again and again, by turns with its session and without. */
        const visitor = async (): Promise<void> => {
          let session: Buffer | undefined;
          while (running) {
            const since = current;
            const { seen, resumed, session: next } = await visit(tls, port, session && { session });
            assert.ok(seen === undefined ? resumed : seen >= since && seen <= current, `${seen} since ${since}`);
            session = session ? undefined : next;
            visits++;
          }
        };
        const visitors = visitor();
        for (current = 1; current < generations.length; current++) {
          to(current);
          if (current % 2 === 0) server.setTicketKeys(Buffer.alloc(48, current));
          await Promise.all(standing.map((client) => ask(client, `after ${current}`)));
          assert.equal((await visit(tls, port)).seen, current);
          const enough = visits + 1;
          await Promise.race([visitors, until(() => visits >= enough, 'visitors')]);
        }
        current = generations.length - 1;
        running = false;
        await visitors;
        assert.deepEqual(
          standing.map((client) => [client.destroyed, client.getPeerCertificate().subject.CN]),
          standing.map(() => [false, '0']),
        );
        assert.deepEqual(refused, []);
      });
    }
  }

  it('one that cannot be used is refused, and the old one stays', async () => {
    const server = makeServer(tls, generation(0), echo);
    const port = await listening(server);
    const mismatch = { key: generation(1).key, cert: generation(2).cert };
    assert.throws(() => server.setSecureContext(mismatch), { code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' });
    assert.throws(() => server.addContext('localhost', mismatch), { code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' });
    assert.equal((await visit(tls, port)).seen, 0);
  });
});

forBoth('sessions when something changes', (tls, { differs }) => {
  const keys = Buffer.alloc(48, 9);
  for (const maxVersion of versions) {
    for (const [what, options, act, resumed] of [
      ['nothing', {}, () => undefined, true],
      ['the certificate', {}, (server) => server.setSecureContext({ ...generation(1), maxVersion }), false],
      ['a context for the same', {}, (server) => server.setSecureContext({ ...generation(0), maxVersion }), false],
      ['the ticket keys', {}, (server) => server.setTicketKeys(keys), false],
      ['the ticket keys, to the same', { ticketKeys: keys }, (server) => server.setTicketKeys(keys), true],
      ['another name’s certificate', {}, (server) => server.addContext('b.example', generation(1)), true],
      [
        'the context, but neither certificate nor ticket keys',
        { ticketKeys: keys },
        (server) => server.setSecureContext({ ...generation(0), maxVersion }),
        true,
      ],
      [
        'the certificate, and not the ticket keys',
        { ticketKeys: keys },
        (server) => server.setSecureContext({ ...generation(1), ticketKeys: keys, maxVersion }),
        differs('a session that began under another certificate'),
      ],
    ] as readonly (readonly [string, TlsOptions, (server: Server) => void, unknown])[]) {
      it(`${what}: ${resumed ? 'they go on' : 'a full handshake'}, with ${maxVersion}`, async () => {
        const server = makeServer(tls, { ...generation(0), ...options, maxVersion }, echo);
        const port = await listening(server);
        const { session } = await visit(tls, port);
        act(server);
        assert.equal((await visit(tls, port, { session })).resumed, resumed);
      });
    }
  }
});

forBoth('settings when the certificate changes', (tls, { differs }) => {
  it('those that setSecureContext() does not name', async () => {
    const server = makeServer(tls, {
      ...shown(local),
      minVersion: 'TLSv1.3',
      ecdhCurve: 'P-384',
      ciphers: 'TLS_AES_128_GCM_SHA256',
    });
    const port = await listening(server);
    server.setSecureContext(generation(1));
    const client = makeClient(tls, port, { ecdhCurve: 'P-384:P-256' });
    await once(client, 'secureConnect');
    const before = makeClient(tls, port, { maxVersion: 'TLSv1.2' });
    before.on('error', () => undefined);
    await new Promise<unknown>((resolve) => before.once('secureConnect', resolve).once('close', resolve));
    assert.deepEqual(
      [client.getPeerCertificate().subject.CN, client.getCipher().name, before.getProtocol()],
      ['1', ...(differs('settings that setSecureContext() does not name') as unknown[])],
    );
  });
});

nodeIt('a context that another took the place of is not kept', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const server = createServer(generation(0));
  const contexts: WeakRef<object>[] = [];
  for (const n of [0, 1, 2, 3]) {
    const context = createSecureContext(generation(n));
    contexts.push(new WeakRef(context));
    server.addContext('localhost', context);
  }
  await turns(2);
  gc();
  assert.deepEqual(
    contexts.map((context) => context.deref() !== undefined),
    [false, false, false, true],
  );
});
