/**
 * Stacks behind one face: ours, Node's own, and two others of npm. The same certificate, group, suite and sockets' settings
 * for all that can be told so.
 *
 * @module
 */

import { once } from 'node:events';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as nodeTls from 'node:tls';
import { memorySessionCache } from '@handfast/tls';
import * as handfast from '@handfast/tls/node';
import { forge } from './forge.ts';
import { type Identity, serverName } from './identity.ts';
import { lemon } from './lemon.ts';
import type { Contestant } from './rounds.ts';
import type { Setting } from './settings.ts';

export interface Contender {
  readonly name: string;
  /** A server that does not listen yet, and calls `handler` with each connection whose handshake is done. */
  readonly createServer: (handler: (socket: Duplex) => void) => Listener;
  /** Begins a full handshake with a server on loopback, and verifies its certificate. */
  readonly connect: (port: number) => Attempt;
  /** Begins connections each of which goes on from an earlier one that was made so, where there has been one. */
  readonly returning?: () => Contender['connect'];
}

/** What there is to want of a `net.Server`. */
export type Listener = Pick<net.Server, 'listen' | 'address' | 'close'>;

export interface Attempt {
  readonly socket: Duplex;
  /** The handshake's end, as the client sees it. */
  readonly done: Promise<void>;
  /** What was agreed on, after that; absent where nothing can be told so. */
  readonly facts?: () => Facts;
}

export interface Facts {
  readonly protocol: string | null;
  /** OpenSSL's name. */
  readonly cipher: string | undefined;
  readonly resumed: boolean;
}

export interface Running {
  readonly port: number;
  /** A verified connection, by a full handshake. */
  connect(): Promise<Duplex>;
  /** One that goes on from an earlier one that was made so, where there has been one. */
  comeBack(): Promise<Comer>;
}

export interface Comer {
  readonly socket: Duplex;
  readonly resumed: boolean;
}

export type ContenderName = keyof typeof makers;

const makers = { handfast: ours, 'node:tls': nodes, 'lemon-tls': lemon, 'node-forge': forge, net: bare };

/** What has to be known of them beside their figures. */
const notes: Partial<Record<ContenderName, string>> = {
  'node-forge': 'TLS 1.1 with RSA 2048 key transport and AES-128-CBC: all that it has',
};

/** What a contender does in a round: what it came to. */
export type Run = (contender: Contender, milliseconds: number, setting: Setting) => Promise<number>;

/** A contender in a row. What it cannot speak at all is found when its first round begins. */
export function contestantOf(name: ContenderName, setting: Setting, identity: Identity, run: Run): Contestant {
  const note = notes[name];
  let contender: Contender | undefined;
  return {
    name,
    ...(note !== undefined && { note }),
    round(milliseconds) {
      contender ??= contenderOf(name, setting, identity);
      return run(contender, milliseconds, setting);
    },
  };
}

/** One of them, by its name. */
export function contenderOf(name: ContenderName, setting: Setting, identity: Identity): Contender {
  return makers[name](setting, identity);
}

/** A connection that is told to be secure by an event of its socket. */
export function attempt<S extends Duplex>(socket: S, event: string, facts?: (socket: S) => Facts): Attempt {
  const done = new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the handshake was done')));
  });
  done.catch(() => undefined);
  return { socket, done, ...(facts && { facts: () => facts(socket) }) };
}

/**
 * What `use` makes of a contender's server that listens on loopback, and of connections to it. The first one shows that what was
 * asked for is spoken. In the end the server is closed; connections that still stand are not waited for.
 */
export async function withServer<T>(
  { name, createServer, connect, returning }: Contender,
  { version, openssl }: Setting,
  handler: (socket: Duplex) => void,
  use: (server: Running) => Promise<T>,
): Promise<T> {
  const server = createServer(handler);
  const port = await listening(server);
  const again = returning?.();
  let checked = false;
  const secure = async ({ socket, done, facts }: Attempt): Promise<Comer> => {
    await done;
    if (facts === undefined) return { socket, resumed: false };
    const { protocol, cipher, resumed } = facts();
    if (!checked && (protocol !== version || cipher !== openssl))
      throw new Error(`${name} speaks ${protocol} with ${cipher}`);
    checked = true;
    return { socket, resumed };
  };
  try {
    return await use({
      port,
      connect: async () => (await secure(connect(port))).socket,
      comeBack: async () => {
        if (again === undefined) throw new Error('no resumption');
        return await secure(again(port));
      },
    });
  } finally {
    server.close();
  }
}

/** Listens on loopback: where. */
export async function listening(server: Listener): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** Closed, whichever way. */
export async function gone(socket: Duplex): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

function ours({ version, suite, groups }: Setting, { ca, cert, key }: Identity): Contender {
  const common = { groups, cipherSuites: [suite], minVersion: version, maxVersion: version } as const;
  const secureContext = handfast.createSecureContext({ ca, ...common });
  const target = { host: '127.0.0.1', servername: serverName, secureContext } as const;
  const begin = (options: handfast.ConnectOptions): Attempt =>
    attempt(handfast.connect(options), 'secureConnect', (socket) => ({
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().name,
      resumed: socket.isSessionReused(),
    }));
  return {
    name: 'handfast',
    createServer: (handler) => handfast.createServer({ cert, key, ...common, noDelay: true }, handler),
    connect: (port) => begin({ ...target, port, noDelay: true }),
    returning: () => {
      const sessions = memorySessionCache({ perPeer: 64 });
      return (port) => begin({ ...target, port, noDelay: true, sessions });
    },
  };
}

function nodes({ version, openssl, opensslGroups }: Setting, { ca, cert, key }: Identity): Contender {
  const common = { minVersion: version, maxVersion: version, ecdhCurve: opensslGroups, ciphers: openssl } as const;
  const secureContext = nodeTls.createSecureContext({ ca, ...common });
  const target = { host: '127.0.0.1', servername: serverName, secureContext, ecdhCurve: opensslGroups } as const;
  const begin = (socket: nodeTls.TLSSocket): Attempt =>
    attempt(socket, 'secureConnect', () => ({
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().name,
      resumed: socket.isSessionReused(),
    }));
  const connect = (port: number, session?: Buffer): nodeTls.TLSSocket => {
    const options = { ...target, port, noDelay: true, ...(session && { session }) };
    return nodeTls.connect(options);
  };
  return {
    name: 'node:tls',
    createServer: (handler) => nodeTls.createServer({ cert, key, ...common, noDelay: true }, handler),
    connect: (port) => begin(connect(port)),
    returning: () => {
      // The last one again and again, as node:https does it.
      let session: Buffer | undefined;
      return (port) =>
        begin(
          connect(port, session).on('session', (given) => {
            session = given;
          }),
        );
    },
  };
}

/** TCP and nothing else, for what that takes. */
function bare(): Contender {
  return {
    name: 'net, no TLS',
    createServer: (handler) => net.createServer({ noDelay: true }, handler),
    connect: (port) => attempt(net.connect({ host: '127.0.0.1', port, noDelay: true }), 'connect'),
  };
}
