/**
 * What is left of a connection, however it ended: no handle, no timer, nobody who waits; and each event came once. Sockets are
 * destroyed at each stage of their life, by either side, with callbacks that answer later or never; TCP is cut after each so many
 * bytes of a handshake; servers are closed with connections that stand.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  type ConnectOptions,
  connect,
  createServer,
  type Server,
  TLSSocket,
  type TlsServerOptions,
} from '../../src/node/index.ts';
import { relayTo } from './behaviour/relay.ts';
import {
  ca,
  closed,
  it,
  listening,
  local,
  root,
  shown,
  stopped,
  tcpClient,
  tcpServer,
  tidy,
  turns,
  until,
} from './behaviour/support.ts';

const strays: unknown[] = [];
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, (stray) => strays.push(stray));

function handles(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => !['Immediate', 'PipeWrap', 'TTYWrap'].includes(name))
    .toSorted();
}

/** How often each event came. */
type Counts = Record<string, number>;

function counted(emitter: Server | Duplex, names: readonly string[]): Counts {
  const counts: Counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const name of names) emitter.on(name, () => (counts[name] = (counts[name] ?? 0) + 1));
  return counts;
}

/** Both sides of connections, and what they have told. */
class Rig {
  readonly server: Server;
  readonly #ofServer: Counts;
  readonly #ofSockets: (readonly [socket: TLSSocket, counts: Counts])[] = [];
  /** The TLS sockets that the server has told of. */
  readonly accepted: TLSSocket[] = [];
  readonly transports: Socket[] = [];

  constructor(options: TlsServerOptions = {}) {
    this.server = createServer({ ...shown(local), ...options });
    this.#ofServer = counted(this.server, ['connection', 'secureConnection', 'tlsClientError', 'error']);
    this.server.on('connection', (transport) => this.transports.push(transport));
    this.server.on('secureConnection', (socket) => {
      this.accepted.push(socket);
      this.watch(socket).resume();
    });
    // Its error has been told; it closes as any does.
    this.server.on('tlsClientError', (_error, socket) => this.#ofSockets.push([socket, counted(socket, ['close'])]));
  }

  watch(socket: TLSSocket): TLSSocket {
    const names = ['connect', 'ready', 'secureConnect', 'secure', 'end', 'finish', 'error', 'close'];
    this.#ofSockets.push([socket, counted(socket, names)]);
    return socket;
  }

  connect(port: number, options: ConnectOptions = {}): TLSSocket {
    return this.watch(connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options })).resume();
  }

  /** All is over, and was told once. */
  async over(): Promise<void> {
    for (const [socket] of this.#ofSockets) await closed(socket);
    await stopped(this.server);
    await turns(2);
    for (const [socket, counts] of this.#ofSockets) {
      assert.equal(counts.close, 1);
      const often = Object.entries(counts).filter(([, count]) => count > 1);
      assert.deepEqual([often, socket.destroyed], [[], true]);
    }
    const { connection, secureConnection, tlsClientError, error } = this.#ofServer;
    assert.deepEqual([Number(secureConnection) + Number(tlsClientError), error], [connection, 0]);
  }
}

/** A test after which all is as it was before. */
function leavesNothing(name: string, run: () => Promise<void>): void {
  it(`${name} leaves nothing`, async () => {
    const before = handles();
    const same = (): boolean => isDeepStrictEqual(handles(), before);
    await run();
    tidy();
    await until(same).catch(() => undefined);
    assert.deepEqual([handles(), strays], [before, []]);
  });
}

afterEach(tidy);

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const mine = new Error('mine');

describe('a client that is destroyed', () => {
  for (const failure of [undefined, mine]) {
    const how = failure ? 'with an error' : 'without an error';

    leavesNothing(`before its lookup has answered, ${how},`, async () => {
      const rig = new Rig();
      const port = await listening(rig.server);
      let answer = (): void => undefined;
      const asked = new Promise<void>((resolve) => {
        const lookup: ConnectOptions['lookup'] = (_host, _options, callback) => {
          answer = () => callback(null, '127.0.0.1', 4);
          resolve();
        };
        const client = rig.connect(port, { host: 'a.example', lookup });
        asked.then(() => client.destroy(failure));
      });
      await asked;
      await turns();
      answer();
      await rig.over();
    });

    leavesNothing(`as soon as it is made, ${how},`, async () => {
      const rig = new Rig();
      rig.connect(await listening(rig.server)).destroy(failure);
      await rig.over();
    });

    for (const event of ['connect', 'secureConnect', 'secure', 'session', 'data'] as const) {
      for (const maxVersion of versions) {
        leavesNothing(`in its listener of ${event}, ${how}, with ${maxVersion},`, async () => {
          const rig = new Rig({ maxVersion, handshakeTimeout: 60_000 });
          rig.server.on('secureConnection', (socket) => socket.write('hello'));
          const client = rig.connect(await listening(rig.server), { timeout: 60_000 });
          client.once(event, () => client.destroy(failure));
          await rig.over();
        });
      }
    }
  }

  for (const maxVersion of versions) {
    for (const side of ['client', 'server'] as const) {
      for (const flights of [0, 1, 2, 3]) {
        leavesNothing(`or whose ${side}'s TCP is, after ${flights} flights of ${maxVersion},`, async () => {
          const rig = new Rig({ maxVersion });
          const { port, held } = await relayTo(await listening(rig.server), flights);
          const client = rig.connect(port, { timeout: 60_000 });
          // After the last, there is nothing to hold.
          await Promise.race([held, once(client, 'session')]);
          if (side === 'client') client.destroy();
          else rig.transports[0]?.destroy();
          await closed(client);
          await until(() => rig.transports.length === 1);
          await rig.over();
        });
      }
    }
  }
});

describe('a side that is destroyed', () => {
  for (const maxVersion of versions) {
    for (const side of ['client', 'server'] as const) {
      const stand = async (options: ConnectOptions = {}): Promise<{ rig: Rig; one: TLSSocket; other: TLSSocket }> => {
        const rig = new Rig({ maxVersion });
        const port = await listening(rig.server);
        const accepted = once(rig.server, 'secureConnection') as Promise<[TLSSocket]>;
        const client = rig.connect(port, options);
        const [server] = await accepted;
        return { rig, ...(side === 'client' ? { one: client, other: server } : { one: server, other: client }) };
      };

      leavesNothing(`while its end() is under way (${side}, ${maxVersion})`, async () => {
        const { rig, one, other } = await stand();
        other.pause();
        one.end('last');
        await turns(1);
        one.destroy();
        other.resume();
        await rig.over();
      });

      leavesNothing(`while a peer that does not read is written to (${side}, ${maxVersion})`, async () => {
        const { rig, one, other } = await stand();
        other.pause();
        let told = 0;
        for (let i = 0; i < 3; i++) one.write(Buffer.alloc(4_000_000), () => told++);
        await turns();
        one.destroy();
        await closed(one);
        await turns();
        assert.equal(told, 3);
        other.destroy();
        await rig.over();
      });

      leavesNothing(`with its timeout armed, and refreshed (${side}, ${maxVersion})`, async () => {
        const { rig, one, other } = await stand();
        one.setTimeout(60_000);
        other.write('x');
        await once(one, 'data');
        one.setTimeout(50_000).setKeepAlive(true, 1000);
        one.destroy();
        await rig.over();
      });

      leavesNothing(`by the other's reset (${side}, ${maxVersion})`, async () => {
        const { rig, one } = await stand();
        one.resetAndDestroy();
        await rig.over();
      });

      leavesNothing(`after both have ended (${side}, ${maxVersion})`, async () => {
        const { rig, one, other } = await stand();
        one.end();
        await once(other, 'end');
        one.destroy();
        await rig.over();
      });
    }
  }
});

/** A callback that is asked and answers when it is told to. */
interface Parked {
  readonly server?: (park: () => Promise<void>) => TlsServerOptions;
  readonly client?: (park: () => Promise<void>) => ConnectOptions;
  /** On a server, before it listens. */
  readonly listen?: (server: Server, park: () => Promise<void>) => void;
  readonly versions?: readonly (typeof versions)[number][];
}

const parked: Readonly<Record<string, Parked>> = {
  SNICallback: { server: (park) => ({ SNICallback: (_name, done) => void park().then(() => done(null)) }) },
  ALPNCallback: {
    server: (park) => ({ ALPNCallback: ({ protocols }) => park().then(() => protocols[0]) }),
    client: () => ({ ALPNProtocols: ['x'] }),
  },
  'verifyPeer of a client': { client: (park) => ({ verifyPeer: () => park().then(() => ({ accepted: true })) }) },
  'verifyPeer of a server': {
    server: (park) => ({
      requestCert: true,
      ca: root.cert,
      verifyPeer: () => park().then(() => ({ accepted: true })),
    }),
    client: () => shown(local),
  },
  OCSPRequest: {
    listen: (server, park) => {
      server.on('OCSPRequest', (_certificate, _issuer, done) => void park().then(() => done(null, null)));
    },
    client: () => ({ requestOCSP: true }),
  },
  resumeSession: {
    listen: (server, park) => {
      server.on('resumeSession', (_id, done) => void park().then(() => done(null, null)));
    },
    // Its hello has a session's id, which TLS 1.3 asks for.
    versions: ['TLSv1.2'],
  },
};

describe('a callback that is waited for', () => {
  for (const [name, { server = () => ({}), client = () => ({}), listen, versions: some = versions }] of Object.entries(
    parked,
  )) {
    for (const maxVersion of some) {
      for (const side of ['client', 'server', 'timeout'] as const) {
        for (const answers of [true, false]) {
          const after = answers ? 'and that answers afterwards' : 'and that never answers';
          leavesNothing(`(${name}, ${maxVersion}) until the ${side} ends it, ${after},`, async () => {
            let answer = (): void => undefined;
            const late = new Promise<void>((resolve) => {
              answer = resolve;
            });
            let ask = (): void => undefined;
            const asked = new Promise<void>((resolve) => {
              ask = resolve;
            });
            const park = (): Promise<void> => {
              ask();
              return late;
            };
            const handshakeTimeout = side === 'timeout' ? 20 : 60_000;
            const rig = new Rig({ maxVersion, handshakeTimeout, ...server(park) });
            listen?.(rig.server, park);
            const socket = rig.connect(await listening(rig.server), { handshakeTimeout, ...client(park) });
            socket.on('error', () => undefined);
            await Promise.race([asked, closed(socket)]);
            // After an orderly end, what waits to be read might still end the handshake well, where the server has spoken.
            if (side === 'client' && (name === 'OCSPRequest' || name.startsWith('verifyPeer')))
              socket.resetAndDestroy();
            else if (side === 'client') socket.destroy();
            else if (side === 'server') rig.transports[0]?.destroy();
            await closed(socket);
            if (answers) answer();
            await rig.over();
          });
        }
      }
    }
  }
});

describe('TCP that is cut in the handshake', () => {
  /** Bytes of a handshake that pass; what follows them is lost. */
  async function cutting(to: number, talker: 'client' | 'server', bytes: number, resets: boolean): Promise<number> {
    return tcpServer((near) => {
      const far = tcpClient(to);
      far.on('error', () => undefined);
      const cut = (): void => {
        for (const one of [near, far]) {
          if (resets) one.resetAndDestroy();
          else one.end();
        }
      };
      let left = bytes;
      for (const [from, into, side] of [
        [near, far, 'client'],
        [far, near, 'server'],
      ] as const) {
        from.on('end', () => into.end());
        from.on('data', (chunk: Buffer) => {
          if (side !== talker) {
            if (into.writable) into.write(chunk);
            return;
          }
          if (left <= 0) return;
          const last = left <= chunk.length;
          into.write(chunk.subarray(0, left), () => last && cut());
          left -= chunk.length;
        });
      }
      if (left === 0) cut();
    });
  }

  /** Bytes that a side says in a handshake. */
  async function length(talker: 'client' | 'server', maxVersion: (typeof versions)[number]): Promise<number> {
    const rig = new Rig({ maxVersion });
    const client = rig.connect(await listening(rig.server));
    await once(client, 'session');
    const [transport] = rig.transports;
    const total = talker === 'client' ? transport?.bytesRead : transport?.bytesWritten;
    client.destroy();
    rig.accepted[0]?.on('error', () => undefined);
    await rig.over();
    return total ?? 0;
  }

  for (const maxVersion of versions) {
    for (const talker of ['client', 'server'] as const) {
      for (const resets of [false, true]) {
        leavesNothing(
          `${resets ? 'by a reset' : 'by its end'}, wherever in the ${talker}'s bytes, with ${maxVersion},`,
          async () => {
            const total = await length(talker, maxVersion);
            const step = Math.ceil(total / 11);
            const places = [1, 5, 6, ...Array.from({ length: 11 }, (_, i) => i * step), total - 1, total];
            const rig = new Rig({ maxVersion });
            const to = await listening(rig.server);
            for (let at = 0; at < places.length; at += 8) {
              await Promise.all(
                places.slice(at, at + 8).map(async (bytes) => {
                  const port = await cutting(to, talker, bytes, resets);
                  const client = rig.connect(port).on('error', () => undefined);
                  // A signature may be shorter than the one that was counted.
                  client.once('session', () => setTimeout(() => client.destroy(), 10));
                  await closed(client);
                }),
              );
            }
            await rig.over();
          },
        );
      }
    }
  }
});

describe('a server that is closed', () => {
  for (const maxVersion of versions) {
    leavesNothing(`with connections that stand and some in the handshake, with ${maxVersion},`, async () => {
      const rig = new Rig({ maxVersion });
      const port = await listening(rig.server);
      const clients = [rig.connect(port), rig.connect(port)];
      await Promise.all(clients.map((client) => once(client, 'secureConnect')));
      const silent = tcpClient(port);
      const late = rig.connect(port);
      late.on('error', () => undefined);
      await once(late, 'connect');
      await until(() => rig.transports.length === 4);
      rig.server.close();
      for (const one of [...clients, late]) one.destroy();
      silent.destroy();
      for (const one of rig.accepted) one.on('error', () => undefined);
      await rig.over();
    });
  }

  leavesNothing('at once, and its clients with it,', async () => {
    const rig = new Rig();
    const client = rig.connect(await listening(rig.server));
    client.on('error', () => undefined);
    rig.server.close();
    await closed(client);
    await rig.over();
  });
});

describe('other streams', () => {
  for (const which of ['client', 'server', 'client’s transport', 'server’s transport'] as const) {
    leavesNothing(`whose ${which} is destroyed, in the handshake and after it,`, async () => {
      for (const stage of ['before', 'in', 'after'] as const) {
        const [near, far] = duplexPair();
        const server = new TLSSocket(far, { isServer: true, ...shown(local), handshakeTimeout: 60_000 });
        const client = connect({ socket: near, ca, servername: 'localhost', handshakeTimeout: 60_000 });
        const counts = [counted(client, ['error', 'close', 'secureConnect']), counted(server, ['error', 'close'])];
        if (stage === 'in') await turns(1);
        if (stage === 'after') await once(client, 'secureConnect');
        const all = { client, server, 'client’s transport': near, 'server’s transport': far };
        all[which].destroy();
        client.resume();
        server.resume();
        // Whoever is not told by its transport is told so.
        if (which === 'client’s transport') far.destroy();
        if (which === 'server’s transport') near.destroy();
        await Promise.all([closed(client), closed(server)]);
        near.destroy();
        far.destroy();
        for (const each of counts) {
          assert.equal(each.close, 1);
          assert.ok((each.error ?? 0) <= 1 && (each.secureConnect ?? 0) <= 1);
        }
      }
    });
  }
});
