/**
 * Peers that lie about versions, and somebody in between who changes hellos: raw sockets that speak bytes. Each ends in
 * the one right alert, which is looked for on the wire.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { type AlertName, alerts, type Credential, TlsError, type TlsErrorCode } from '@handfast/tls';
import { connect, createServer } from '@handfast/tls/node';
import { trustStore } from '@handfast/x509';
import { suites, type VersionName, versionNamed } from './cases.ts';
import { inTime } from './ours.ts';
import {
  alert,
  clientHello,
  handshake,
  placesIn,
  record,
  recordsOf,
  type ServerHelloParts,
  serverHello,
  supportedVersions,
  u16,
} from './wire.ts';

export interface Lie {
  /** Who lies. */
  readonly role: 'server' | 'client' | 'between';
  readonly id: string;
  /** Runs it. @throws Error that says how it ended instead. */
  readonly run: (credentials: readonly Credential[]) => Promise<void>;
}

type Names = readonly VersionName[];

const all: Names = ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0', 'SSL 3.0'];

// biome-ignore format: a table
const [aes128Sha, ecdheAes128Sha, ecdheAes128Gcm, aes128Gcm13] = [0x002f, 0xc013, 0xc02f, 0x1301] as const;

/** DOWNGRD, and what could have been chosen. */
const random = (end: number): Buffer =>
  Buffer.concat([Buffer.alloc(24, 7), Buffer.from('DOWNGRD'), Buffer.from([end])]);

const retryRandom = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

/** renegotiation_info of a first handshake. */
const secure: ServerHelloParts['extensions'] = [{ type: 0xff01, content: Buffer.from([0]) }];

const only = (version: number): ServerHelloParts['extensions'] => [{ type: supportedVersions, content: u16(version) }];

interface End {
  readonly code: TlsErrorCode;
  readonly alert: AlertName;
}

/** Most codes are named as their alerts are. */
const by = (code: TlsErrorCode & AlertName): End => ({ code, alert: code });

/** A server's answer to a hello: records, in turn. */
type Answer = (hello: Buffer) => readonly Buffer[];

/** One ServerHello, in a record of its own version. */
const answering =
  (parts: ServerHelloParts, ...more: readonly Buffer[]): Answer =>
  () => [record(parts.version, handshake, serverHello(parts)), ...more];

// biome-ignore format: a table
const servers: readonly (readonly [string, Names, Answer, End])[] = [
  ['it chooses TLS 1.0, and TLS 1.2 and 1.1 were offered', ['TLS 1.2', 'TLS 1.1'],
    answering({ version: 0x0301, suite: aes128Sha }), by('protocol_version')],
  ['it chooses SSL 3.0, and TLS 1.2 to 1.0 were offered', ['TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
    answering({ version: 0x0300, suite: aes128Sha }), by('protocol_version')],
  ['it chooses TLS 1.1, which lies between those that were offered', ['TLS 1.2', 'TLS 1.0'],
    answering({ version: 0x0302, suite: aes128Sha }), by('protocol_version')],
  ['it chooses SSL 2.0', all, answering({ version: 0x0200, suite: aes128Sha }), by('protocol_version')],
  ['it says TLS 1.3 where a hello says TLS 1.2', all,
    answering({ version: 0x0304, suite: aes128Gcm13 }), by('protocol_version')],
  ['it chooses a version that is not there yet', all, answering({ version: 0x0305, suite: aes128Sha }), by('protocol_version')],
  ['supported_versions says TLS 1.1', all,
    answering({ version: 0x0303, suite: aes128Sha, extensions: only(0x0302) }), by('illegal_parameter')],
  ['supported_versions says SSL 3.0, in a hello of SSL 3.0', all,
    answering({ version: 0x0300, suite: aes128Sha, extensions: only(0x0300) }), by('protocol_version')],
  ['supported_versions answers a client that sent none', ['TLS 1.2', 'TLS 1.1'],
    answering({ version: 0x0303, suite: aes128Gcm13, extensions: only(0x0304) }), by('unsupported_extension')],
  ['supported_versions says TLS 1.3, in a hello of TLS 1.1', all,
    answering({ version: 0x0302, suite: aes128Gcm13, extensions: only(0x0304) }), by('protocol_version')],
  ['it was made to choose TLS 1.2, where it knows TLS 1.3', all,
    answering({ version: 0x0303, suite: ecdheAes128Gcm, random: random(1) }), by('illegal_parameter')],
  ['it was made to choose TLS 1.1, where it knows TLS 1.2', all,
    answering({ version: 0x0302, suite: aes128Sha, random: random(0) }), by('illegal_parameter')],
  ['it was made to choose SSL 3.0, where it knows TLS 1.2', ['TLS 1.2', 'TLS 1.1', 'TLS 1.0', 'SSL 3.0'],
    answering({ version: 0x0300, suite: aes128Sha, random: random(0) }), by('illegal_parameter')],
  ['it was made to choose a version that was not offered', ['TLS 1.2', 'TLS 1.1'],
    answering({ version: 0x0301, suite: aes128Sha, random: random(0) }), by('illegal_parameter')],
  ['its suite came after its version', all, answering({ version: 0x0302, suite: ecdheAes128Gcm }), by('illegal_parameter')],
  ['its suite is of TLS 1.3, its version TLS 1.2', all,
    answering({ version: 0x0303, suite: aes128Gcm13 }), by('illegal_parameter')],
  ['its next record is of another version than its hello', all,
    answering({ version: 0x0302, suite: aes128Sha, extensions: secure }, record(0x0301, handshake, Buffer.from([14, 0, 0, 0]))),
    by('protocol_version')],
  ['its next record has a version that nobody knows', all,
    answering({ version: 0x0301, suite: aes128Sha, extensions: secure }, record(0x7f7f, handshake, Buffer.from([14, 0, 0, 0]))),
    by('protocol_version')],
  ['it asks for a second hello in TLS 1.3, and answers it in TLS 1.2', all, retrying({ version: 0x0303 }),
    by('protocol_version')],
  ['it asks for a second hello in TLS 1.3, and answers it with supported_versions of TLS 1.2', all,
    retrying({ version: 0x0303, extensions: only(0x0303) }), by('illegal_parameter')],
];

/** A HelloRetryRequest for secp384r1, and at once an answer to the hello that is yet to come. */
function retrying(second: Pick<ServerHelloParts, 'version' | 'extensions'>): Answer {
  return (hello) => {
    const { sessionId } = placesIn(hello);
    const group = { type: 51, content: u16(0x0018) };
    const extensions = [...(only(0x0304) ?? []), group];
    const first = serverHello({ version: 0x0303, suite: aes128Gcm13, random: retryRandom, sessionId, extensions });
    const suite = second.extensions === undefined ? ecdheAes128Gcm : aes128Gcm13;
    return [first, serverHello({ suite, sessionId, ...second })].map((one) => record(0x0303, handshake, one));
  };
}

const hello = (version: number, ...offered: readonly number[]): Buffer =>
  clientHello(
    version,
    [aes128Sha, ecdheAes128Sha],
    offered.length === 0
      ? undefined
      : [{ type: supportedVersions, content: Buffer.concat([Buffer.from([2 * offered.length]), u16(...offered)]) }],
  );

/** How a lying client ends: in an alert, or (no lie) in a ServerHello of a version. */
// biome-ignore format: a table
const clients: readonly (readonly [string, Names, readonly Buffer[], End | number])[] = [
  ['its hello says SSL 2.0', all, [record(0x0300, handshake, hello(0x0200))], by('protocol_version')],
  ['its hello says SSL 3.0, to a server of TLS alone', ['TLS 1.2', 'TLS 1.1', 'TLS 1.0'],
    [record(0x0300, handshake, hello(0x0300))], by('protocol_version')],
  ['its hello says TLS 1.0, to a server of TLS 1.2 and SSL 3.0', ['TLS 1.2', 'SSL 3.0'],
    [record(0x0301, handshake, hello(0x0301))], 0x0300],
  ['its hello says TLS 1.0, to a server of TLS 1.1 up', ['TLS 1.2', 'TLS 1.1'],
    [record(0x0301, handshake, hello(0x0301))], by('protocol_version')],
  ['supported_versions has only what nobody knows', all,
    [record(0x0301, handshake, hello(0x0303, 0x7f1c, 0x0305))], by('protocol_version')],
  ['supported_versions has TLS 1.0, and the server has it not', ['TLS 1.3', 'TLS 1.2'],
    [record(0x0301, handshake, hello(0x0303, 0x0301))], by('protocol_version')],
  ['its hello says TLS 1.3 where it may say TLS 1.2 at most', all, [record(0x0301, handshake, hello(0x0304))], 0x0303],
  ['its hello says a version that is not there yet', all, [record(0x0301, handshake, hello(0x0399))], 0x0303],
  ['its record says SSL 3.0, its hello TLS 1.1', all, [record(0x0300, handshake, hello(0x0302))], 0x0302],
  ['its record says TLS 1.2, its hello TLS 1.0', all, [record(0x0303, handshake, hello(0x0301))], 0x0301],
  ['supported_versions has TLS 1.0 alone, its hello TLS 1.2', all,
    [record(0x0301, handshake, hello(0x0303, 0x0301))], 0x0301],
  ['its next record is of another version than was agreed on', all,
    [record(0x0301, handshake, hello(0x0302)), record(0x0303, handshake, Buffer.from([16, 0, 0, 0]))],
    by('protocol_version')],
];

/** What somebody in between does to the client's hello. */
type Change = (hello: Buffer) => Buffer;

/** The version lowered, and supported_versions made something that nobody knows. */
const lowered =
  (version: number): Change =>
  (original) => {
    const changed = Buffer.from(original);
    const places = placesIn(changed);
    changed.writeUInt16BE(version, places.version);
    const at = places.extensions.get(supportedVersions);
    if (at !== undefined) changed.writeUInt16BE(0xfafa, at);
    return changed;
  };

interface Both {
  readonly client: End;
  readonly server: TlsErrorCode;
}

/** The same on both sides: the client sends the alert, and the server hears it. */
const clientRefuses = (code: TlsErrorCode & AlertName): Both => ({ client: by(code), server: 'peer_alert' });

// biome-ignore format: a table
const between: readonly (readonly [string, Names, Change, Both])[] = [
  ['TLS 1.3 is lowered to TLS 1.2', ['TLS 1.3', 'TLS 1.2'], lowered(0x0303), clientRefuses('illegal_parameter')],
  ['TLS 1.3 is lowered to TLS 1.1', all, lowered(0x0302), clientRefuses('illegal_parameter')],
  ['TLS 1.3 is lowered to SSL 3.0', all, lowered(0x0300), clientRefuses('illegal_parameter')],
  ['TLS 1.2 is lowered to TLS 1.0', ['TLS 1.2', 'TLS 1.1', 'TLS 1.0'], lowered(0x0301), clientRefuses('illegal_parameter')],
];

export const lies: readonly Lie[] = [
  ...servers.map(
    ([id, versions, answer, end]): Lie => ({ role: 'server', id, run: () => againstClient(versions, answer, end) }),
  ),
  ...clients.map(
    ([id, versions, sent, end]): Lie => ({
      ...{ role: 'client', id },
      run: (credentials) => againstServer(credentials, versions, sent, end),
    }),
  ),
  ...between.map(
    ([id, versions, change, both]): Lie => ({
      ...{ role: 'between', id },
      run: (credentials) => inBetween(credentials, versions, change, both),
    }),
  ),
];

const groups = ['x25519', 'secp384r1'];

function contextOf(
  versions: Names,
): Pick<Parameters<typeof connect>[0], 'provider' | 'versions' | 'groups' | 'cipherSuites'> {
  return {
    ...{ provider, groups, versions: versions.map(versionNamed) },
    cipherSuites: ['TLS_AES_128_GCM_SHA256', ...suites.filter(({ name }) => !name.includes('PSK'))],
  };
}

/** Our client, whose error is waited for. */
async function failureOfClient(versions: Names, port: number, credentials: readonly Credential[] = []): Promise<Error> {
  const trust = trustStore(credentials.flatMap(({ chain }) => chain));
  const socket = connect({ ...contextOf(versions), host: '127.0.0.1', port, servername: 'localhost', trust });
  const [error] = await Promise.race([once(socket, 'error'), once(socket, 'secureConnect').then(() => [undefined])]);
  socket.destroy();
  return error instanceof Error ? error : new Error('it was connected');
}

async function againstClient(versions: Names, answer: Answer, end: End): Promise<void> {
  const liar = createTcpServer();
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');
  const heard = once(liar, 'connection').then(async ([socket]: Socket[]) => {
    if (socket === undefined) return Buffer.alloc(0);
    socket.on('error', () => undefined);
    const { first, rest } = await afterFirstRecord(socket);
    for (const one of answer(first)) socket.write(one);
    return await rest;
  });
  try {
    const error = await inTime(failureOfClient(versions, (liar.address() as AddressInfo).port), "our client's end");
    check(error, end, await inTime(heard, 'the end of what our client sends'));
  } finally {
    liar.close();
  }
}

async function againstServer(
  credentials: readonly Credential[],
  versions: Names,
  sent: readonly Buffer[],
  end: End | number,
): Promise<void> {
  const server = createServer({ ...contextOf(versions), credentials });
  const failed = once(server, 'tlsClientError').then(([error]) => error as Error);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  try {
    for (const one of sent) socket.write(one);
    if (typeof end === 'number') {
      const { first } = await inTime(afterFirstRecord(socket), 'an answer');
      const [inRecord, inHello] = [first.readUInt16BE(1), first.readUInt16BE(9)];
      if (first[0] === handshake && inRecord === end && inHello === end) return;
      throw new Error(`the answer began with ${first.subarray(0, 11).toString('hex')}`);
    }
    const heard = inTime(everything(socket), 'the end of what our server sends');
    check(await inTime(failed, "our server's end"), end, await heard);
  } finally {
    socket.destroy();
    server.close();
  }
}

async function inBetween(
  credentials: readonly Credential[],
  versions: Names,
  change: Change,
  both: Both,
): Promise<void> {
  const server = createServer({ ...contextOf(versions), credentials });
  const failed = once(server, 'tlsClientError').then(([error]) => error as Error);
  server.listen(0, '127.0.0.1');
  const box = createTcpServer();
  box.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(box, 'listening')]);
  const heard = once(box, 'connection').then(async ([near]: Socket[]) => {
    if (near === undefined) return Buffer.alloc(0);
    const far = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    const { first, rest } = await afterFirstRecord(near);
    far.write(change(first));
    near.on('data', (chunk: Buffer) => far.write(chunk));
    near.on('end', () => far.end());
    far.pipe(near);
    return await rest;
  });
  try {
    const error = await inTime(
      failureOfClient(versions, (box.address() as AddressInfo).port, credentials),
      'our client',
    );
    check(error, both.client, await inTime(heard, 'the end of what our client sends'));
    const theirs = await inTime(failed, "our server's end");
    const code = theirs instanceof TlsError ? theirs.tlsCode : theirs.message;
    if (code !== both.server) throw new Error(`our server ended with ${code}, not ${both.server}`);
  } finally {
    box.close();
    server.close();
  }
}

/** The first record, and (once the stream has ended) what came after it. */
async function afterFirstRecord(socket: Socket): Promise<{ readonly first: Buffer; readonly rest: Promise<Buffer> }> {
  let stream = Buffer.alloc(0);
  const whole = Promise.withResolvers<Buffer>();
  const rest = Promise.withResolvers<Buffer>();
  socket.on('data', (chunk: Buffer) => {
    stream = Buffer.concat([stream, chunk]);
    const [first] = recordsOf(stream);
    if (first !== undefined) whole.resolve(first);
  });
  socket.on('close', () => {
    whole.reject(new Error(`the stream ended in ${stream.toString('hex')}`));
    rest.resolve(stream.subarray(recordsOf(stream)[0]?.length ?? 0));
  });
  return { first: await whole.promise, rest: rest.promise };
}

async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

/** The error's code, and the last record on the wire: a fatal alert. */
function check(error: Error, { code, alert: expected }: End, stream: Buffer): void {
  const found = error instanceof TlsError ? error.tlsCode : 'no TlsError';
  const last = recordsOf(stream).at(-1) ?? Buffer.alloc(0);
  const level = 2;
  const right = last[0] === alert && last.length === 7 && last[5] === level && last[6] === alerts[expected];
  if (found === code && right) return;
  const words = `${found} (${error.message}), and ${last.toString('hex').slice(0, 40) || 'nothing'} on the wire`;
  throw new Error(`${words}; not ${code} and the alert ${expected} (${alerts[expected]})`);
}
