/**
 * A client and a server of ours, joined in memory: what either sends is given to the other by hand, so that a test can
 * look at it, change it, or keep it back.
 *
 * @module
 */

import type { Bytes, Cryptography, CryptoProvider } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type ClientOptions,
  type ClientTarget,
  type Connection,
  type ConnectionHandlers,
  clientConfig,
  type ServerOptions,
  serverConfig,
  type TlsError,
  tls13,
  tlsClient,
  tlsServer,
} from '../../src/index.ts';
import { now, pki, serverCredential } from './identities.ts';

/** Every engine test runs once per provider, and once with every operation that may be asynchronous forced so. */
export const providers: readonly CryptoProvider[] = [nodeProvider, forcedAsync(nodeProvider), fullWebProvider];

/** What one side said and saw. */
export interface Side {
  readonly connection: Connection;
  /** Sent and not yet taken away. */
  readonly outbox: Bytes[];
  readonly data: Uint8Array[];
  /** Bytes of early data that a client was told it may write; undefined: none. */
  readonly earlyLimit: number | undefined;
  readonly established: boolean;
  readonly ended: boolean;
  /** undefined: not closed. null: closed without an error. */
  readonly error: TlsError | null | undefined;
  text(): string;
}

export interface Recorder {
  readonly side: Omit<Side, 'connection'> & { connection?: Connection };
  readonly handlers: ConnectionHandlers;
}

export function recorder(): Recorder {
  const outbox: Bytes[] = [];
  const data: Uint8Array[] = [];
  const state = {
    earlyLimit: undefined as number | undefined,
    established: false,
    ended: false,
    error: undefined as TlsError | null | undefined,
  };
  return {
    side: {
      outbox,
      data,
      get earlyLimit() {
        return state.earlyLimit;
      },
      get established() {
        return state.established;
      },
      get ended() {
        return state.ended;
      },
      get error() {
        return state.error;
      },
      text: () => Buffer.concat(data).toString(),
    },
    handlers: {
      send: (chunks) => outbox.push(...chunks),
      earlyDataReady: (limit) => {
        state.earlyLimit = limit;
      },
      established: () => {
        state.established = true;
      },
      data: (plaintext) => data.push(plaintext),
      end: () => {
        state.ended = true;
      },
      closed: (error) => {
        state.error = error ?? null;
      },
    },
  };
}

function sideOf(make: (handlers: ConnectionHandlers) => Connection, own: Partial<ConnectionHandlers> = {}): Side {
  const { side, handlers } = recorder();
  return Object.defineProperty(side, 'connection', { value: make({ ...handlers, ...own }) }) as Side;
}

export const clientDefaults = (provider: Cryptography = nodeProvider): ClientOptions => ({
  provider,
  versions: [tls13],
  trust: pki.trust,
  time: () => now,
});

export const serverDefaults = (provider: Cryptography = nodeProvider): ServerOptions => ({
  provider,
  versions: [tls13],
  credentials: [serverCredential],
  time: () => now,
});

/** A client alone; its first flight is in the outbox once `settled`. */
export function startClient(
  options: Partial<ClientOptions> = {},
  target: ClientTarget = { serverName: 'localhost' },
): Side {
  const config = clientConfig({ ...clientDefaults(options.provider), ...options });
  const side = sideOf((handlers) => tlsClient(config, target, handlers));
  side.connection.start();
  return side;
}

/** @param own in place of handlers that record. */
export function startServer(options: Partial<ServerOptions> = {}, own: Partial<ConnectionHandlers> = {}): Side {
  const config = serverConfig({ ...serverDefaults(options.provider), ...options });
  const side = sideOf((handlers) => tlsServer(config, handlers), own);
  side.connection.start();
  return side;
}

export interface Pair {
  readonly client: Side;
  readonly server: Side;
}

export interface PairOptions {
  readonly provider?: Cryptography;
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
  readonly target?: ClientTarget;
  /** Handlers of the server, in place of those that record. */
  readonly serverHandlers?: Partial<ConnectionHandlers>;
}

export function pair({
  provider = nodeProvider,
  client = {},
  server = {},
  target,
  serverHandlers,
}: PairOptions = {}): Pair {
  return {
    client: startClient({ provider, ...client }, target),
    server: startServer({ provider, ...server }, serverHandlers),
  };
}

/** Both, after a handshake that went well or did not. */
export async function connected(options: PairOptions = {}): Promise<Pair> {
  const both = pair(options);
  await exchange(both);
  return both;
}

/** What is done to bytes on their way. */
export type Wire = (bytes: Bytes, from: 'client' | 'server') => readonly Uint8Array[];

const unchanged: Wire = (bytes) => [bytes];

/** Carries bytes both ways until both sides are quiet. */
export async function exchange({ client, server }: Pair, wire: Wire = unchanged): Promise<void> {
  for (;;) {
    await settled(client, server);
    const fromClient = client.outbox.shift();
    if (fromClient) for (const bytes of wire(fromClient, 'client')) await give(server, bytes);
    const fromServer = server.outbox.shift();
    if (fromServer) for (const bytes of wire(fromServer, 'server')) await give(client, bytes);
    if (!fromClient && !fromServer) return;
  }
}

/** Gives bytes to a side, waiting where it takes less than all. */
export async function give(side: Side, bytes: Uint8Array): Promise<void> {
  // A copy that is overwritten after each call: input is borrowed only until `receive` returns.
  let rest = Uint8Array.from(bytes);
  while (rest.length > 0) {
    await settled(side);
    const taken = side.connection.receive(rest);
    const left = rest.slice(taken);
    rest.fill(0xaa);
    rest = left;
  }
  await settled(side);
}

/** Waits for asynchronous operations to end. */
export async function settled(...sides: readonly Side[]): Promise<void> {
  while (sides.some(({ connection }) => connection.parked || connection.opening || connection.sealing)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
