/**
 * What two sides agree on, and what they tell of it, on `node:tls` and on ours: protocols, names, certificates, sessions, keys.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import nodeTls, { type ConnectionOptions, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import {
  ca,
  closed,
  connected,
  failureOf,
  forBoth,
  issue,
  it,
  keep,
  listening,
  local,
  makeClient,
  makeServer,
  root,
  shown,
  tcpServer,
  textOf,
  turns,
  until,
  watch,
} from './support.ts';

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const customer = await issue('customer', root, { extendedKeyUsage: ['clientAuth'] });
const stranger = await issue('stranger', undefined);
const star = await issue('star', root, { names: ['*.example.com'] });
const deep = await issue('deep', root, { names: ['deep.example.com'] });

forBoth('application protocols', (tls) => {
  for (const [what, ofServer, ofClient, chosen] of [
    ['the server’s first that the client has', ['a', 'b', 'c'], ['c', 'b'], 'b'],
    ['none, where the client offers none', ['a'], undefined, false],
    ['none, where the server has none', undefined, ['a'], false],
    ['an empty list is none', [], ['a'], false],
    ['a list in bytes', Buffer.from('\x01a\x01b'), new Uint8Array([1, 98]), 'b'],
  ] as const) {
    it(`${what}: alpnProtocol is ${chosen}, on both sides`, async () => {
      const option = (ALPNProtocols: unknown): object => (ALPNProtocols === undefined ? {} : { ALPNProtocols });
      const { client, server } = await connected(tls, { server: option(ofServer), client: option(ofClient) });
      assert.deepEqual([client.alpnProtocol, server.alpnProtocol], [chosen, chosen]);
    });
  }

  it('ALPNCallback gets name and protocols, and chooses', async () => {
    const calls: unknown[] = [];
    const { client } = await connected(tls, {
      server: {
        ALPNCallback: (hello) => {
          calls.push(hello);
          return hello.protocols[1];
        },
      },
      client: { ALPNProtocols: ['x', 'y'] },
    });
    assert.equal(client.alpnProtocol, 'y');
    assert.deepEqual(calls, [{ servername: 'localhost', protocols: ['x', 'y'] }]);
  });

  it('ALPNCallback that answers nothing ends the handshake with no_application_protocol', async () => {
    const server = makeServer(tls, { ALPNCallback: () => undefined });
    const log = watch(server, ['secureConnection', 'tlsClientError']);
    const client = makeClient(tls, await listening(server), { ALPNProtocols: ['x'] });
    assert.equal((await failureOf(client))?.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    await until(() => log.length > 0);
    assert.deepEqual(log, ['tlsClientError(ERR_SSL_NO_APPLICATION_PROTOCOL)']);
  });

  it('ALPNCallback that answers what was not offered is an error of the server', async () => {
    const server = makeServer(tls, { ALPNCallback: () => 'z' });
    const log = watch(server, ['secureConnection', 'tlsClientError']);
    const client = makeClient(tls, await listening(server), { ALPNProtocols: ['x'] });
    client.on('error', () => undefined);
    await until(() => log.length > 0);
    await closed(client);
    assert.deepEqual(log, ['tlsClientError(ERR_TLS_ALPN_CALLBACK_INVALID_RESULT)']);
  });
});

forBoth('names', (tls, { differs }) => {
  it('servername is what was asked for, on both sides', async () => {
    const { client, server } = await connected(tls);
    assert.deepEqual([client.servername, server.servername], ['localhost', 'localhost']);
  });

  it('without one, both have false', async () => {
    const { client, server } = await connected(tls, {
      client: { servername: '', checkServerIdentity: () => undefined },
    });
    assert.deepEqual([client.servername, server.servername], [false, false]);
  });

  it('the host’s name as servername', async () => {
    const server = makeServer(tls);
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = keep(
      tls.connect({ port: await listening(server), host: 'localhost', family: 4, ca } as ConnectionOptions),
    );
    const [socket] = await accepted;
    assert.deepEqual([client.servername, socket.servername], differs('servername of a client that names a host alone'));
  });

  /** The name that a client finds in the certificate. */
  async function presented(port: number, servername: string): Promise<string> {
    const client = makeClient(tls, port, { servername, checkServerIdentity: () => undefined });
    await once(client, 'secureConnect');
    return String(client.getPeerCertificate().subject.CN);
  }

  it('addContext() is by name, with wildcards of one label, and the last that fits', async () => {
    const server = makeServer(tls);
    server.addContext('*.example.com', shown(star));
    const port = await listening(server);
    assert.deepEqual(
      [await presented(port, 'any.example.com'), await presented(port, 'DEEP.example.com')],
      ['star', 'star'],
    );
    server.addContext('deep.example.com', tls.createSecureContext(shown(deep)));
    assert.deepEqual(
      [
        await presented(port, 'deep.example.com'),
        await presented(port, 'a.b.example.com'),
        await presented(port, 'example.com'),
        await presented(port, 'other.example.org'),
      ],
      ['deep', 'localhost', 'localhost', 'localhost'],
    );
  });

  it('SNICallback gets the name, and answers now or later; nothing is the server’s own', async () => {
    const names: string[] = [];
    const server = makeServer(tls, {
      SNICallback: (name, callback) => {
        names.push(name);
        if (name === 'now.example.com') callback(null, tls.createSecureContext(shown(star)));
        else if (name === 'later.example.com') setImmediate(callback, null, tls.createSecureContext(shown(deep)));
        else callback(null);
      },
    });
    const port = await listening(server);
    assert.deepEqual(
      [
        await presented(port, 'now.example.com'),
        await presented(port, 'later.example.com'),
        await presented(port, 'none.example.com'),
      ],
      ['star', 'deep', 'localhost'],
    );
    assert.deepEqual(names, ['now.example.com', 'later.example.com', 'none.example.com']);
  });

  for (const [what, answer, code] of [
    ['an error', [Object.assign(new Error('mine'), { code: 'MINE' })], 'MINE'],
    ['what is no context', [null, { key: 1 }], 'ERR_TLS_INVALID_CONTEXT'],
  ] as const) {
    it(`SNICallback that answers ${what}: one tlsClientError, ${code}`, async () => {
      const server = makeServer(tls, {
        SNICallback: (_name, callback) => (callback as (...a: unknown[]) => void)(...answer),
      });
      const log = watch(server, ['secureConnection', 'tlsClientError', 'error']);
      const client = makeClient(tls, await listening(server));
      const clientLog = watch(client, ['secureConnect', 'error', 'close']);
      await closed(client);
      await turns();
      assert.deepEqual(log, [
        code === 'MINE' ? 'tlsClientError(MINE)' : differs('SNICallback that answers what is no context'),
      ]);
      assert.deepEqual([clientLog.length, clientLog.at(-1)], [2, 'close(true)']);
    });
  }

  it('each side tells which certificate was shown, by whatever way it was chosen', async () => {
    const shows: unknown[] = [];
    const tell = (socket: TLSSocket): void => {
      const certificate = socket.getCertificate() as { subject?: { CN?: string } };
      shows.push([socket.getX509Certificate()?.subject, certificate.subject?.CN]);
    };
    const byName = makeServer(tls, {}, tell);
    byName.addContext('*.example.com', shown(star));
    const byCallback = makeServer(
      tls,
      { SNICallback: (_name, callback) => callback(null, tls.createSecureContext(shown(deep))) },
      tell,
    );
    for (const server of [byName, byCallback]) await presented(await listening(server), 'deep.example.com');
    await until(() => shows.length === 2);
    assert.deepEqual(shows, [
      ['CN=star', 'star'],
      ['CN=deep', 'deep'],
    ]);
  });

  for (const maxVersion of versions) {
    for (const [what, context] of [
      ['options', shown(deep)],
      ['a context', tls.createSecureContext(shown(deep))],
    ] as const)
      it(`setKeyCert() in ALPNCallback chooses the certificate of this connection, by ${what}, with ${maxVersion}`, async () => {
        let own: string | undefined;
        const server = makeServer(
          tls,
          {
            maxVersion,
            ALPNCallback(this: TLSSocket, { protocols: [first] }) {
              assert.ok(this instanceof tls.TLSSocket);
              if (first === 'other') assert.equal(this.setKeyCert(context), undefined);
              return first;
            },
          } as TlsOptions,
          (socket) => {
            own = socket.getX509Certificate()?.subject;
            socket.on('error', () => undefined);
          },
        );
        server.addContext('*.example.com', shown(star));
        const port = await listening(server);
        const both = maxVersion === 'TLSv1.2' ? 'deep' : differs('setKeyCert() beside a context by name');
        for (const [protocol, servername, expected] of [
          ['other', 'localhost', 'deep'],
          ['other', 'any.example.com', both],
          ['same', 'any.example.com', 'star'],
          ['same', 'localhost', 'localhost'],
        ] as const) {
          own = undefined;
          const options = { servername, ALPNProtocols: [protocol], checkServerIdentity: () => undefined };
          const client = makeClient(tls, port, options);
          await once(client, 'secureConnect');
          assert.deepEqual([client.getPeerCertificate().subject.CN, client.alpnProtocol], [expected, protocol]);
          await until(() => own !== undefined);
          assert.equal(own, `CN=${expected}`);
          client.destroy();
          await closed(client);
        }
      });

    it(`setKeyCert() before a server's handshake, and after it, with ${maxVersion}`, async () => {
      const port = await tcpServer((transport) => {
        const socket = new tls.TLSSocket(transport, { isServer: true, ...shown(local), maxVersion });
        keep(socket).on('error', () => undefined);
        socket.setKeyCert(shown(deep));
        socket.on('secure', () => socket.setKeyCert(shown(star)));
      });
      assert.equal(await presented(port, 'deep.example.com'), 'deep');
    });
  }

  it('setKeyCert() of a client does nothing, nor of one that is gone, and what is no context is refused', async () => {
    const { client, server } = await connected(tls);
    for (const socket of [client, server]) assert.equal(socket.setKeyCert(shown(deep)), undefined);
    assert.throws(() => server.setKeyCert(3 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    client.on('error', () => undefined).destroy();
    server.on('error', () => undefined).destroy();
    assert.equal(client.setKeyCert(3 as never), undefined);
  });

  it('setSecureContext() counts for connections from now on', async () => {
    const server = makeServer(tls);
    const port = await listening(server);
    assert.equal(await presented(port, 'x.example.com'), 'localhost');
    server.setSecureContext(shown(star));
    assert.equal(await presented(port, 'x.example.com'), 'star');
  });
});

forBoth('certificates of clients', (tls, { differs }) => {
  const asks = { requestCert: true, ca };

  for (const maxVersion of versions) {
    it(`one that is trusted: authorized, with ${maxVersion}`, async () => {
      const { server } = await connected(tls, { server: { ...asks, maxVersion }, client: shown(customer) });
      assert.deepEqual([server.authorized, server.authorizationError], [true, null]);
      assert.equal(server.getPeerCertificate().subject.CN, 'customer');
    });

    it(`none, where one must be: an error on both sides, with ${maxVersion}`, async () => {
      const server = makeServer(tls, { ...asks, maxVersion });
      const log = watch(server, ['secureConnection', 'tlsClientError', 'error']);
      const client = makeClient(tls, await listening(server));
      client.resume();
      const clientLog = watch(client, ['secureConnect', 'error', 'close']);
      await closed(client);
      await turns();
      assert.deepEqual(log, ['tlsClientError(ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE)']);
      assert.deepEqual(
        clientLog,
        maxVersion === 'TLSv1.3'
          ? [
              'secureConnect',
              'error(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)',
              differs('close after an alert that comes late') as string,
            ]
          : ['error(ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE)', 'close(true)'],
      );
    });

    it(`one that is not trusted, where it must be: an error on both sides, with ${maxVersion}`, async () => {
      const server = makeServer(tls, { ...asks, maxVersion });
      const log = watch(server, ['secureConnection', 'tlsClientError', 'error']);
      const client = makeClient(tls, await listening(server), shown(stranger));
      client.resume();
      const clientLog = watch(client, ['error', 'close']);
      await closed(client);
      await turns();
      assert.deepEqual([log, clientLog], differs(`a client's certificate that is refused, ${maxVersion}`));
    });
  }

  for (const [what, options, error] of [
    ['none', {}, 'UNABLE_TO_GET_ISSUER_CERT'],
    ['one that is not trusted', shown(stranger), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const) {
    it(`${what}, with rejectUnauthorized: false: connected, not authorized, ${error}`, async () => {
      const { server } = await connected(tls, { server: { ...asks, rejectUnauthorized: false }, client: options });
      assert.deepEqual([server.authorized, String(server.authorizationError)], [false, error]);
      assert.equal(server.getPeerCertificate().subject?.CN, what === 'none' ? undefined : 'stranger');
    });
  }

  it('a client sends none unless it is asked', async () => {
    const { server } = await connected(tls, { client: shown(customer) });
    assert.deepEqual([server.getPeerCertificate(), server.authorized, server.authorizationError], [{}, false, null]);
  });
});

forBoth('sessions', (tls, { differs }) => {
  /** A connection, its last session, and whether it was resumed. */
  async function visit(port: number, options: ConnectionOptions = {}): Promise<{ session: Buffer; reused: boolean }> {
    const client = makeClient(tls, port, options);
    let session: Buffer | undefined;
    client.on('session', (one) => {
      session = one;
    });
    client.resume();
    await once(client, 'secureConnect');
    const reused = client.isSessionReused();
    await until(() => session !== undefined || reused, 'a session');
    client.end();
    await closed(client);
    return { session: session ?? Buffer.alloc(0), reused };
  }

  for (const maxVersion of versions) {
    it(`the option session resumes, with ${maxVersion}, and both sides say so`, async () => {
      const reused: boolean[] = [];
      const server = makeServer(tls, { maxVersion }, (socket) => {
        reused.push(socket.isSessionReused());
        socket.on('error', () => undefined).resume();
      });
      const port = await listening(server);
      const first = await visit(port);
      assert.equal(Buffer.isBuffer(first.session) && first.session.length > 0, true);
      const second = await visit(port, { session: first.session });
      assert.deepEqual([first.reused, second.reused, reused], [false, true, [false, true]]);
    });

    it(`a session means nothing to another server, with ${maxVersion}`, async () => {
      const end = (socket: TLSSocket): void => void socket.on('error', () => undefined).resume();
      const { session } = await visit(await listening(makeServer(tls, { maxVersion }, end)));
      const { reused } = await visit(await listening(makeServer(tls, { maxVersion }, end)), { session });
      assert.equal(reused, false);
    });

    it(`servers that share ticketKeys resume each other’s, with ${maxVersion}`, async () => {
      const end = (socket: TLSSocket): void => void socket.on('error', () => undefined).resume();
      const ticketKeys = Buffer.alloc(48, 7);
      const one = makeServer(tls, { maxVersion, ticketKeys }, end);
      const other = makeServer(tls, { maxVersion }, end);
      other.setTicketKeys(one.getTicketKeys());
      assert.deepEqual([one.getTicketKeys(), other.getTicketKeys()], [ticketKeys, ticketKeys]);
      const { session } = await visit(await listening(one));
      const { reused } = await visit(await listening(other), { session });
      assert.equal(reused, true);
    });
  }

  it('a session of TLS 1.2 is there at once, one of TLS 1.3 with the session event', async () => {
    for (const maxVersion of versions) {
      const { client } = await connected(tls, { server: { maxVersion } });
      const there = differs('getSession() without a listener for session');
      assert.equal(Buffer.isBuffer(client.getSession()), there);
      if (maxVersion === 'TLSv1.2') assert.equal(Buffer.isBuffer(client.getTLSTicket()), there);
    }
  });

  for (const whose of ['client', 'server'] as const)
    it(`newSession and resumeSession store sessions of TLS 1.2 outside, where the ${whose} wants no tickets`, async () => {
      const noTickets = { secureOptions: constants.SSL_OP_NO_TICKET };
      const stored = new Map<string, Buffer>();
      const log: string[] = [];
      const server = makeServer(tls, { maxVersion: 'TLSv1.2', ...(whose === 'server' && noTickets) }, (socket) => {
        socket.on('error', () => undefined).resume();
      });
      server.on('newSession', (id, data, callback) => {
        log.push('new');
        stored.set(id.toString('hex'), data);
        callback();
      });
      server.on('resumeSession', (id, callback) => {
        log.push('resume');
        setImmediate(callback, null, stored.get(id.toString('hex')) ?? null);
      });
      const port = await listening(server);
      const come = async (session?: Buffer): Promise<{ session: Buffer | undefined; reused: boolean }> => {
        const client = makeClient(nodeTls, port, {
          ...(whose === 'client' && noTickets),
          ...(session && { session }),
        });
        client.resume();
        await once(client, 'secureConnect');
        client.end();
        const told = { session: client.getSession(), reused: client.isSessionReused() };
        await closed(client);
        return told;
      };
      const { session } = await come();
      const { reused } = await come(session);
      stored.clear();
      const again = await come(session);
      // The first hello has a session's id as well: that of TLS 1.3's compatibility.
      assert.deepEqual(
        { resumed: [reused, again.reused], log },
        { resumed: [true, false], log: ['resume', 'new', 'resume', 'resume', 'new'] },
      );
    });

  it('a session by its identifier is a session without a ticket', async () => {
    const server = makeServer(nodeTls, { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET });
    const client = makeClient(tls, await listening(server));
    await once(client, 'session');
    assert.deepEqual([Buffer.isBuffer(client.getSession()), client.getTLSTicket()], [true, undefined]);
  });

  for (const maxVersion of versions) {
    it(`a server with SSL_OP_NO_TICKET resumes nobody, with ${maxVersion}`, async () => {
      const server = makeServer(tls, { maxVersion, secureOptions: constants.SSL_OP_NO_TICKET }, (socket) =>
        socket.end('hi'),
      );
      const port = await listening(server);
      let session: Buffer | undefined;
      for (let i = 0; i < 2; i++) {
        const client = makeClient(tls, port, session && { session });
        client.on('session', (one) => {
          session = one;
        });
        assert.equal(await textOf(client), 'hi');
        assert.equal(client.isSessionReused(), false);
        if (maxVersion === 'TLSv1.2') assert.equal(client.getTLSTicket(), undefined);
        await closed(client);
      }
    });
  }
});

forBoth('the order of suites', (tls) => {
  const suites = {
    'TLSv1.2': ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    'TLSv1.3': ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'],
  };
  for (const maxVersion of versions) {
    const [first, second] = suites[maxVersion];
    for (const [what, options, chosen] of [
      ['by default', {}, first],
      ['with honorCipherOrder', { honorCipherOrder: true }, first],
      ['without honorCipherOrder', { honorCipherOrder: false }, second],
      [
        'without it, and with SSL_OP_CIPHER_SERVER_PREFERENCE',
        { honorCipherOrder: false, secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE },
        first,
      ],
    ] as const) {
      it(`${what}, with ${maxVersion}: the ${chosen === first ? 'server' : 'client'}’s`, async () => {
        const { client } = await connected(tls, {
          server: { maxVersion, ciphers: `${first}:${second}`, ...options },
          client: { ciphers: `${second}:${first}` },
        });
        assert.equal(client.getCipher().name, chosen);
      });
    }
  }
});

forBoth('what a connection tells of itself', (tls, { differs }) => {
  for (const maxVersion of versions) {
    it(`protocol, cipher, keys, with ${maxVersion}`, async () => {
      const { client, server } = await connected(tls, {
        server: { maxVersion },
        client: { ecdhCurve: 'X25519:P-256' },
      });
      assert.deepEqual([client.getProtocol(), server.getProtocol()], [maxVersion, maxVersion]);
      const cipher = client.getCipher();
      assert.deepEqual(cipher, server.getCipher());
      assert.deepEqual(Object.keys(cipher), ['name', 'standardName', 'version']);
      assert.equal(cipher.version, maxVersion);
      if (maxVersion === 'TLSv1.2') {
        assert.match(cipher.name, /^ECDHE-ECDSA-/);
        assert.match(cipher.standardName, /^TLS_ECDHE_ECDSA_WITH_/);
      } else assert.equal(cipher.name, cipher.standardName);
      assert.deepEqual({ ...client.getEphemeralKeyInfo() }, { type: 'ECDH', name: 'X25519', size: 253 });
      assert.deepEqual(server.getEphemeralKeyInfo(), null);
      assert.deepEqual([client.isSessionReused(), server.isSessionReused()], [false, false]);
    });

    it(`what was finished, and exported keys, agree, with ${maxVersion}`, async () => {
      const { client, server } = await connected(tls, { server: { maxVersion } });
      const [ours, theirs] = [client.getFinished(), client.getPeerFinished()];
      assert.ok(Buffer.isBuffer(ours) && Buffer.isBuffer(theirs));
      assert.deepEqual([server.getPeerFinished(), server.getFinished()], [ours, theirs]);
      const key = client.exportKeyingMaterial(32, 'label', Buffer.from('context'));
      assert.ok(Buffer.isBuffer(key));
      assert.deepEqual(server.exportKeyingMaterial(32, 'label', Buffer.from('context')), key);
      const plain = client.exportKeyingMaterial(20, 'label', undefined as never);
      assert.deepEqual(server.exportKeyingMaterial(20, 'label', undefined as never), plain);
      assert.notDeepEqual(plain, key.subarray(0, 20));
      const shared = server.getSharedSigalgs();
      assert.ok(Array.isArray(shared) && shared.includes('ECDSA+SHA256'), `${shared}`);
    });
  }

  it('the hybrid group by default', async () => {
    const { client } = await connected(tls);
    assert.deepEqual({ ...client.getEphemeralKeyInfo() }, differs('getEphemeralKeyInfo() of a hybrid group'));
  });

  it('certificates, in all their forms', async () => {
    const { client, server } = await connected(tls, { server: { cert: local.cert + root.cert } });
    const cert = client.getPeerCertificate();
    assert.deepEqual(
      [cert.subject.CN, cert.issuer.CN, cert.subjectaltname, 'issuerCertificate' in cert],
      ['localhost', 'Root', 'DNS:localhost', false],
    );
    const detailed = client.getPeerCertificate(true);
    assert.equal(detailed.issuerCertificate.subject.CN, 'Root');
    assert.equal(detailed.issuerCertificate.issuerCertificate, detailed.issuerCertificate);
    assert.deepEqual(Object.keys(cert), Object.keys(new X509Certificate(local.cert).toLegacyObject()));
    const peer = client.getPeerX509Certificate();
    assert.ok(peer instanceof X509Certificate);
    assert.equal(peer.subject, 'CN=localhost');
    assert.equal(server.getX509Certificate()?.fingerprint256, peer.fingerprint256);
    assert.equal((server.getCertificate() as { subject?: { CN?: string } }).subject?.CN, 'localhost');
    assert.deepEqual(
      [
        client.getCertificate(),
        client.getX509Certificate(),
        server.getPeerX509Certificate(),
        server.getPeerCertificate(),
      ],
      [{}, undefined, undefined, {}],
    );
  });

  // Not getEphemeralKeyInfo(), which before the handshake takes Node 24's process with it.
  const members = [
    ...['getProtocol', 'getCipher', 'getPeerCertificate', 'getCertificate', 'getPeerX509Certificate'],
    ...['getX509Certificate', 'getFinished', 'getPeerFinished', 'getSession', 'getTLSTicket', 'isSessionReused'],
    ...['getSharedSigalgs', 'alpnProtocol', 'servername', 'authorized', 'authorizationError'],
  ] as const;

  function told(socket: TLSSocket): Record<string, unknown> {
    return Object.fromEntries(
      members.map((name) => {
        const member: unknown = socket[name as 'getProtocol'];
        const answer: unknown = typeof member === 'function' ? member.call(socket) : member;
        return [name, answer instanceof X509Certificate ? answer.fingerprint256 : answer];
      }),
    );
  }

  it('before the handshake there is nothing to tell', async () => {
    const client = makeClient(tls, await listening(makeServer(tls)));
    assert.deepEqual(told(client), {
      ...{ getProtocol: differs('getProtocol() before the handshake') },
      ...{ getCipher: differs('getCipher() before the handshake'), getPeerCertificate: {}, getCertificate: {} },
      ...{ getPeerX509Certificate: undefined, getX509Certificate: undefined, getFinished: undefined },
      ...{ getPeerFinished: undefined, getSession: undefined, getTLSTicket: undefined, isSessionReused: false },
      ...{ getSharedSigalgs: [], alpnProtocol: null, servername: null, authorized: false, authorizationError: null },
    });
    assert.throws(() => client.exportKeyingMaterial(20, 'x', Buffer.of()), { code: 'ERR_TLS_INVALID_STATE' });
  });

  it('after destroy() properties stay what they were', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined);
    const before = told(client);
    const { alpnProtocol, servername, authorized, authorizationError } = client;
    assert.deepEqual([alpnProtocol, servername, authorized, authorizationError], [false, 'localhost', true, null]);
    client.destroy();
    const destroyed = told(client);
    await closed(client);
    const gone = {
      ...{ getProtocol: null, getCipher: null, getPeerCertificate: null, getCertificate: null },
      ...{ getPeerX509Certificate: undefined, getX509Certificate: undefined, getFinished: null },
      ...{ getPeerFinished: null, getSession: null, getTLSTicket: null, isSessionReused: null },
      ...{ getSharedSigalgs: null, alpnProtocol, servername, authorized, authorizationError },
    };
    const expected = differs('what methods tell after destroy()') === 'nothing' ? gone : before;
    assert.deepEqual([destroyed, told(client)], [expected, expected]);
  });

  it('keylog lines come to the client, and to the server with the socket', async () => {
    const server = makeServer(tls);
    const labels = (lines: readonly Buffer[]): string[] =>
      [...new Set(lines.map((line) => String(line).split(' ')[0] ?? ''))].toSorted();
    const ofServer: Buffer[] = [];
    const sockets = new Set<TLSSocket>();
    server.on('keylog', (line, socket) => {
      ofServer.push(line);
      sockets.add(socket);
    });
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = makeClient(tls, await listening(server));
    const ofClient: Buffer[] = [];
    client.on('keylog', (line) => ofClient.push(line));
    await once(client, 'secureConnect');
    const [socket] = await accepted;
    const expected = [
      ...['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0', 'EXPORTER_SECRET'],
      ...['SERVER_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_TRAFFIC_SECRET_0'],
    ];
    assert.deepEqual([labels(ofClient), labels(ofServer), [...sockets]], [expected, expected, [socket]]);
    assert.ok(ofClient.every((line) => Buffer.isBuffer(line) && line.at(-1) === 10));
  });

  it('setMaxSendFragment() says whether it could', async () => {
    const { client, server } = await connected(tls);
    assert.deepEqual(
      [
        client.setMaxSendFragment(512),
        client.setMaxSendFragment(100),
        client.setMaxSendFragment(16_384),
        client.setMaxSendFragment(20_000),
      ],
      [true, false, true, false],
    );
    client.setMaxSendFragment(512);
    client.end(Buffer.alloc(5000));
    let length = 0;
    for await (const chunk of server) length += (chunk as Buffer).length;
    assert.equal(length, 5000);
  });

  it('renegotiate() of TLS 1.3 fails to its callback, and throws for wrong arguments', async () => {
    const { client } = await connected(tls);
    client.on('error', () => undefined);
    assert.throws(() => client.renegotiate(1 as never, () => undefined), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => client.renegotiate({}, 1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      const answer = client.renegotiate({}, resolve as never);
      assert.equal(answer, false);
    });
    assert.equal(error?.code, 'ERR_SSL_WRONG_SSL_VERSION');
  });

  it('disableRenegotiation(), setServername() and the like may be called', async () => {
    const { client, server } = await connected(tls);
    assert.deepEqual([client.disableRenegotiation(), server.disableRenegotiation()], [undefined, undefined]);
  });

  it('OCSPRequest is asked, and OCSPResponse told', async () => {
    for (const response of [Buffer.from('status'), null]) {
      const server = makeServer(tls);
      const asked: unknown[] = [];
      server.on('OCSPRequest', (certificate, issuer, callback) => {
        asked.push([Buffer.isBuffer(certificate), issuer === null || Buffer.isBuffer(issuer)]);
        setImmediate(callback, null, response as Buffer);
      });
      const client = makeClient(tls, await listening(server), { requestOCSP: true, rejectUnauthorized: false });
      const told = once(client, 'OCSPResponse');
      client.on('error', () => undefined);
      assert.deepEqual([await told, asked], [[response], [[true, true]]]);
    }
  });

  const byName: Pick<TlsOptions, 'SNICallback'> = { SNICallback: (_name, done) => setImmediate(done, null) };
  for (const [how, contexts] of [
    ['', {}],
    [', and SNICallback', byName],
  ] as const)
    it(`pskCallback on both sides, with TLS 1.3${how}`, async () => {
      const psk = Buffer.alloc(32, 5);
      const asked: unknown[] = [];
      const server = makeServer(tls, {
        ...{ key: undefined, cert: undefined, ciphers: 'TLS_AES_128_GCM_SHA256', pskIdentityHint: 'hint' },
        ...contexts,
        pskCallback: (socket, identity) => {
          asked.push([socket instanceof tls.TLSSocket, identity]);
          return identity === 'me' ? psk : null;
        },
      } as TlsOptions) as Server;
      const port = await listening(server);
      const client = makeClient(tls, port, {
        ciphers: 'TLS_AES_128_GCM_SHA256',
        pskCallback: () => ({ psk, identity: 'me' }),
        servername: 'a.test',
        checkServerIdentity: () => undefined,
      } as ConnectionOptions);
      await once(client, 'secureConnect');
      assert.deepEqual([client.authorized, asked, client.getPeerCertificate()], [true, [[true, 'me']], {}]);
    });
});
