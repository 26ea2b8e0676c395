/**
 * A client and a server of the engine, joined in memory: what either sends is handed to the other, by way of a wire that
 * a test may change.
 *
 * @module
 */

import { type CryptoProvider, toHex } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type ClientOptions,
  type ClientTarget,
  type Connection,
  type ConnectionHandlers,
  clientConfig,
  type Negotiated,
  type ServerOptions,
  serverConfig,
  type TlsError,
  tls12,
  tls13,
  tlsClient,
  tlsServer,
} from '@handfast/tls';
import { equal, ok } from './check.ts';
import { pki, serverCredential } from './identities.ts';

export interface Side {
  readonly connection: Connection;
  /** Sent and not yet on its way. */
  readonly outbox: Uint8Array[];
  readonly received: Uint8Array[];
  /** The peer's close_notify has come. */
  ended: boolean;
  /** undefined: not closed. null: closed without an error. */
  error: TlsError | null | undefined;
}

export interface Meeting {
  readonly client: Side;
  readonly server: Side;
}

/** What is done to bytes on their way. */
export type Wire = (bytes: Uint8Array, from: 'client' | 'server') => readonly Uint8Array[];

export interface MeetOptions {
  readonly provider?: CryptoProvider;
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
  readonly target?: ClientTarget;
  readonly wire?: Wire;
}

export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

export function bytesOf({ received }: Side): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(received.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of received) {
    all.set(one, at);
    at += one.length;
  }
  return all;
}

export const textOf = (side: Side): string => new TextDecoder().decode(bytesOf(side));

/** Both, before the first byte. */
export async function begin({
  provider = fullWebProvider,
  client,
  server,
  target = { serverName: 'localhost' },
}: MeetOptions = {}): Promise<Meeting> {
  const versions = [tls13, tls12];
  const { trust } = await pki();
  const credentials = server?.credentials ?? [await serverCredential(provider)];
  const ours = clientConfig({ provider, versions, trust, ...client });
  const theirs = serverConfig({ provider, versions, credentials, ...server });
  return {
    client: sideOf((handlers) => tlsClient(ours, target, handlers)),
    server: sideOf((handlers) => tlsServer(theirs, handlers)),
  };
}

/** Both, after a handshake that went well or did not. */
export async function meet(options: MeetOptions = {}): Promise<Meeting> {
  const both = await begin(options);
  await carry(both, options.wire);
  return both;
}

function sideOf(make: (handlers: ConnectionHandlers) => Connection): Side {
  const outbox: Uint8Array[] = [];
  const received: Uint8Array[] = [];
  const side = {
    outbox,
    received,
    ended: false,
    error: undefined as Side['error'],
    connection: make({
      send: (chunks) => outbox.push(...chunks),
      data: (plaintext) => received.push(plaintext),
      end: () => {
        side.ended = true;
      },
      closed: (error) => {
        side.error = error ?? null;
      },
    }),
  };
  side.connection.start();
  return side;
}

/** Carries bytes both ways until both sides are quiet. */
export async function carry({ client, server }: Meeting, wire: Wire = (bytes) => [bytes]): Promise<void> {
  for (;;) {
    await settled(client, server);
    const [toServer, toClient] = [client.outbox.splice(0), server.outbox.splice(0)];
    if (toServer.length + toClient.length === 0) return;
    for (const bytes of toServer.flatMap((one) => wire(one, 'client'))) await give(server, bytes);
    for (const bytes of toClient.flatMap((one) => wire(one, 'server'))) await give(client, bytes);
  }
}

/** Gives bytes to a side, waiting where it takes less than all. */
async function give(side: Side, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const taken = side.connection.receive(bytes.subarray(at));
    at += taken;
    if (taken === 0) await turn();
  }
}

export async function settled(...sides: readonly Side[]): Promise<void> {
  const busy = ({ parked, sealing, opening, holding }: Connection): boolean => parked || sealing || opening || holding;
  while (sides.some(({ connection }) => busy(connection))) await turn();
}

/** Until what was asked of the platform may have been answered. A timer would do; browsers let it wait 4 ms. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** The handshake went well: both know the same, and data passes both ways. Answers what the client knows. */
export async function stands({ client, server }: Meeting): Promise<Negotiated> {
  for (const side of [client, server]) if (side.error) throw side.error;
  const [ours, theirs] = [client.connection.negotiated, server.connection.negotiated];
  ok(ours && theirs, 'a connection that stands');
  equal(common(ours), common(theirs), 'what the client knows');
  equal(exported(client), exported(server), "the client's keying material");
  const [heard, told] = [textOf(client), textOf(server)];
  client.connection.write(encode('ping'));
  server.connection.write(encode('pong'));
  await carry({ client, server });
  equal([textOf(client), textOf(server)], [`${heard}pong`, `${told}ping`], 'what came');
  return ours;
}

function common({ version, cipherSuite, group, alpnProtocol, resumed, earlyData }: Negotiated): unknown {
  return { version, suite: cipherSuite.name, group: group?.name, alpnProtocol, resumed, earlyData };
}

const exported = ({ connection }: Side): string => toHex(connection.exportKeyingMaterial(32, 'EXPORTER-test'));

/** One side found the fault and said so in an alert; the other side was told. */
export async function refused(
  meeting: Meeting,
  finder: 'client' | 'server',
  code: TlsError['code'],
  alert: TlsError['alert'],
): Promise<TlsError> {
  const other = finder === 'client' ? 'server' : 'client';
  const { error: found } = meeting[finder];
  const { error: told } = meeting[other];
  ok(found, `the ${finder} ends with an error`);
  equal([found.code, found.alert, found.origin], [code, alert, 'local'], `the ${finder}'s error`);
  ok(told, `the ${other} ends with an error`);
  equal([told.code, told.alert, told.origin], ['peer_alert', alert, 'peer'], `the ${other}'s error`);
  return found;
}
