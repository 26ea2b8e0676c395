/**
 * Keys that both sides were given beforehand, in TLS 1.3 (RFC 9846 §4.3.11): a connection without any certificate, and one
 * that is refused, as the keys differ. With a key exchange, and without one (psk_ke, RFC 9846 §4.3.9).
 *
 * @module
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Negotiated, type PreSharedKey, type SharedKey, tls13 } from '@handfast/tls';
import { pskKe } from '@handfast/tls/legacy';
import type { TLSSocket } from '@handfast/tls/node';
import { type Abilities, type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates, Family } from '../certificates.ts';
import { speakAsClient, speakAsServer } from '../conversation.ts';
import { isTlsError, type OurServer, ourClient, ourServer } from '../handfast.ts';
import { noGroup } from '../peers/openssl.ts';
import { type ClientPeer, decoyFor, type GivenKey, type Peer, type ServerPeer } from '../peers/peer.ts';
import { agree, bothSides, type Cleanups, describe, failsWith, type Job } from '../run.ts';
import { connect, createServer } from '../tls.ts';

interface Circumstance {
  /** Ends the identifier. */
  readonly name: string;
  readonly hash: GivenKey['hash'];
  /** What differs from a plain case. */
  readonly row?: Partial<Case>;
  /** Whether our key is another than the peer's of this name. */
  readonly wrong?: boolean;
  /** Whether our client offers it behind two that the server does not know: the peers offer one alone. */
  readonly behind?: boolean;
}

export const circumstances: readonly Circumstance[] = [
  { name: 'goes on with a key of SHA-256', hash: 'sha256' },
  { name: 'goes on with a key of SHA-384', hash: 'sha384' },
  { name: 'goes on with a key of SHA-256 after HelloRetryRequest', hash: 'sha256', row: { retry: 'yes' } },
  {
    name: 'goes on with a key of SHA-384 after HelloRetryRequest',
    hash: 'sha384',
    row: { retry: 'yes' },
  },
  { name: 'goes on with a key behind others', hash: 'sha256', behind: true },
  {
    name: 'goes on with a key of SHA-256 without a key exchange',
    hash: 'sha256',
    row: { group: noGroup, alpn: 'none' },
  },
  {
    name: 'goes on with a key of SHA-384 without a key exchange',
    hash: 'sha384',
    row: { group: noGroup, alpn: 'none' },
  },
  { name: 'is refused with another key of SHA-256', hash: 'sha256', wrong: true },
  { name: 'is refused with another key of SHA-384', hash: 'sha384', wrong: true },
];

const suites = { sha256: 'TLS_AES_128_GCM_SHA256', sha384: 'TLS_AES_256_GCM_SHA384' } as const;

/** The key of one circumstance, by a name that no other has. */
function keyFor({ name, hash }: Circumstance, direction: Direction): GivenKey {
  const identity = `${direction}-${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;
  return { identity, hash, key: new Uint8Array(32).map((_, index) => index * 7 + 1) };
}

export function presharedJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  const abilities = peer[direction];
  const plainRow = plain.find(({ version }) => version === 'TLS 1.3');
  if (abilities?.givenKeys === undefined || plainRow === undefined) return [];
  const { givenKeys } = abilities;
  return circumstances.flatMap((circumstance): Job[] => {
    const row = rowFor(abilities, plainRow, circumstance);
    if (row === undefined || !givenKeys[circumstance.hash]?.includes(row.retry)) return [];
    if (circumstance.behind && !(direction === 'server' && peer.server?.looksFurther)) return [];
    const run = async (cleanups: Cleanups): Promise<void> => {
      const family = await certificates.family(row.scheme);
      const key = keyFor(circumstance, direction);
      if (peer.client && direction === 'client')
        await isOfferedTo(peer.client, row, family, key, circumstance, cleanups);
      if (peer.server && direction === 'server') await offersTo(peer.server, row, family, key, circumstance, cleanups);
    };
    const id = `${versionId(row)}+${circumstance.name}`;
    return [{ peer, direction, version: row.version, id, row: undefined, run }];
  });
}

/** The case of a circumstance, as the peer has it; undefined: it does not. */
function rowFor({ axes, allowed = () => true }: Abilities, plain: Case, { hash, row }: Circumstance): Case | undefined {
  const has = axes.find(({ version }) => version.includes(plain.version));
  const closing = has?.closing.includes(plain.closing) ? plain.closing : has?.closing[0];
  const one: Case = {
    ...plain,
    closing: closing ?? 'full',
    suite: suites[hash],
    group: 'secp256r1',
    retry: 'no',
    ...row,
  };
  return has?.suite.includes(one.suite) && has.retry.includes(one.retry) && allowed(one) ? one : undefined;
}

/** Ours, or one that differs in its last bit. */
function bytesOf({ key }: GivenKey, wrong: boolean | undefined): Uint8Array {
  return wrong ? key.map((byte, index) => (index === key.length - 1 ? byte ^ 1 : byte)) : key;
}

/** What of the connection was not so. */
function discords(row: Case, key: GivenKey, negotiated: Negotiated | undefined): readonly string[] {
  const { pskIdentity } = negotiated ?? {};
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['version', negotiated?.version, row.version],
    ['cipher suite', negotiated?.cipherSuite.name, row.suite],
    ['group', negotiated?.group?.name ?? noGroup, row.group],
    ['HelloRetryRequest', negotiated?.helloRetryRequest, row.retry === 'yes'],
    ['the key', pskIdentity && Buffer.from(pskIdentity).toString(), key.identity],
    ['a session', negotiated?.resumed, false],
    ['a certificate', negotiated?.peer, undefined],
    ['a signature of the peer', negotiated?.peerSignatureScheme, undefined],
    ['a signature of ours', negotiated?.signatureScheme, undefined],
  ];
  return checks
    .filter(([, found, expected]) => found !== expected)
    .map(([what, found, expected]) => `${what}: ${String(found)}, not ${String(expected)}`);
}

/** Our client, the peer's server: it knows one of our keys. */
async function offersTo(
  peer: ServerPeer,
  row: Case,
  family: Family,
  key: GivenKey,
  { wrong, behind }: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const part = peer.ours?.(row) ?? {};
  const own: PreSharedKey = { identity: Buffer.from(key.identity), key: bytesOf(key, wrong), hash: key.hash };
  const strangers = (['sha256', 'sha384'] as const).map((hash) => ({ ...own, identity: Buffer.from(hash), hash }));
  const preSharedKeys = behind ? [...strangers, own] : [own];
  const task = { row, family, serverIdentity: family.server, versions: [row.version], givenKey: key };
  const run = await peer.start(task);
  cleanups.add(() => run.stop());
  const decoy = decoyFor(row.group);
  if (wrong) {
    run.done.catch(() => undefined);
    await failsWith(ourClient(row, family, run.port, { decoy, preSharedKeys }), {
      origin: 'peer',
      tlsCode: 'peer_alert',
    });
    return;
  }
  await bothSides(run, async () => {
    const { socket } =
      row.group === noGroup
        ? { socket: await clientWithoutGroup(row, run.port, preSharedKeys) }
        : await ourClient(row, family, run.port, { decoy, preSharedKeys });
    cleanups.add(() => socket.destroy());
    await speakAsClient(socket, {
      closing: row.closing,
      parts: part.parts,
      withoutBye: part.withoutBye ?? false,
      clientEndsFirst: part.clientEndsFirst ?? false,
    });
    agree(discords(row, key, socket.negotiated));
  });
}

/** The peer's client, our server, which has no certificate. */
async function isOfferedTo(
  peer: ClientPeer,
  row: Case,
  family: Family,
  key: GivenKey,
  { wrong }: Circumstance,
  cleanups: Cleanups,
): Promise<void> {
  const part = peer.ours?.(row) ?? {};
  const identity = Buffer.from(key.identity);
  const shared = { key: bytesOf(key, wrong), hash: key.hash };
  const preSharedKey = (theirs: Uint8Array): SharedKey | undefined => (identity.equals(theirs) ? shared : undefined);
  const server = await (row.group === noGroup
    ? serverWithoutGroup(row, preSharedKey)
    : ourServer(row, family, { preSharedKey }));
  cleanups.add(() => server.close());
  const { port } = server;
  const run = peer.start({ row, family, serverIdentity: family.server, versions: [row.version], port, givenKey: key });
  cleanups.add(() => run.stop());
  if (wrong) {
    const peerFailed = run.done.then(
      () => false,
      () => true,
    );
    await failsWith(server.connection, { tlsCode: 'decrypt_error', origin: 'local', alert: 'decrypt_error' });
    if (!(await peerFailed)) throw new Error('the peer reports success');
    return;
  }
  await bothSides(run, async () => {
    const socket = await server.connection;
    const ended = new Promise((resolve, reject) => {
      socket.once('end', resolve);
      socket.once('error', (error) => {
        if (part.endsWithoutCloseNotify && isTlsError(error) && error.tlsCode === 'truncated') resolve(undefined);
        else reject(new Error(describe(error), { cause: error }));
      });
    });
    ended.catch(() => undefined);
    const { withoutBye = false, parts } = part;
    await speakAsServer(socket, { withoutBye, parts });
    await ended;
    agree(discords(row, key, socket.negotiated));
  });
}

/** What our roles say where a key is to go on without a key exchange. */
function contextWithoutGroup({ suite }: Case) {
  return {
    versions: [tls13],
    cipherSuites: [suite],
    pskModes: [pskKe],
    allowHalfOpen: true,
    handshakeTimeout: 8_000,
  };
}

/** Connects and waits for the handshake. @throws TlsError */
async function clientWithoutGroup(row: Case, port: number, keys: readonly PreSharedKey[]): Promise<TLSSocket> {
  const socket = connect({
    ...contextWithoutGroup(row),
    ...{ host: '127.0.0.1', port, servername: 'localhost', preSharedKey: () => keys },
  });
  // A failure after the handshake reaches the conversation as well.
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Listens for one connection. */
async function serverWithoutGroup(
  row: Case,
  preSharedKey: (identity: Uint8Array) => SharedKey | undefined,
): Promise<Omit<OurServer, 'witness'>> {
  const connection = Promise.withResolvers<TLSSocket>();
  connection.promise.catch(() => undefined);
  const server = createServer({ ...contextWithoutGroup(row), preSharedKey }, (socket) => {
    socket.on('error', () => undefined);
    connection.resolve(socket);
  });
  server.on('tlsClientError', (error: Error) => connection.reject(error));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connection: connection.promise,
    close() {
      server.close();
      connection.promise.then((socket) => socket.destroy()).catch(() => undefined);
      connection.reject(new Error('closed'));
    },
  };
}
