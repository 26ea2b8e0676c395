/**
 * Pre-shared keys from outside, for tests: keys of either hash, a server's ring of them, meetings whose every message is
 * kept, and a puppet that offers keys.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type Bytes, type CryptoProvider, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientHello,
  type Negotiated,
  namedGroups,
  type PreSharedKey,
  type ServerOptions,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  type Tls13CipherSuite,
  type TraceEvent,
} from '../../src/index.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import type { HandshakeMessage } from '../../src/messages/handshake.ts';
import { EarlySecret, type PskKind } from '../../src/tls13/key-schedule.ts';
import { Transcript } from '../../src/tls13/transcript.ts';
import { exchange, type Pair, type PairOptions, pair, type Side } from '../support/pair.ts';
import { PuppetClient } from '../support/puppet.ts';

export const suites: readonly Tls13CipherSuite[] = [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
];
export const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
export const x25519 = groups.filter(({ name }) => name === 'x25519');
export const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');

export const named = (text: string): Bytes => Uint8Array.from(Buffer.from(text));
export const filled = (length: number, value: number): Bytes => new Uint8Array(length).fill(value);

/** A key of its own bytes, by name. */
export function keyOf(name: string, hash: 'sha256' | 'sha384', value: number = name.length): PreSharedKey {
  return { identity: named(name), key: filled(hash === 'sha256' ? 32 : 48, value), hash };
}

export const small: PreSharedKey = keyOf('a key of sha256', 'sha256', 0x25);
export const large: PreSharedKey = keyOf('a key of sha384', 'sha384', 0x38);
export const unknown: PreSharedKey = keyOf('of somebody else', 'sha256', 0x77);

/** A server's look-up among these. */
export function ring(...keys: readonly PreSharedKey[]): NonNullable<ServerOptions['preSharedKey']> {
  return (identity) => keys.find((one) => Buffer.compare(one.identity, identity) === 0);
}

/** The right name with a wrong key. */
export const forged = (key: PreSharedKey): PreSharedKey => ({ ...key, key: filled(key.key.length, 0xee) });

/** A connection, and all that was seen of it. */
export interface Meeting extends Pair {
  /** All handshake messages, as the client saw them. */
  readonly messages: readonly { readonly direction: 'in' | 'out'; readonly message: HandshakeMessage }[];
  readonly keyLog: { readonly client: readonly string[]; readonly server: readonly string[] };
  /** What the client did with sessions. */
  readonly sessions: readonly string[];
  /** The bytes that each side sent. */
  readonly wire: { readonly client: readonly string[]; readonly server: readonly string[] };
}

export interface Options extends PairOptions {
  readonly provider: CryptoProvider;
}

/** Lets both meet. The server has no certificates, unless it is given some. */
export async function meet({ provider, client, server, target }: Options): Promise<Meeting> {
  const messages: Meeting['messages'][number][] = [];
  const sessions: string[] = [];
  const keyLog = { client: [] as string[], server: [] as string[] };
  const wire = { client: [] as string[], server: [] as string[] };
  const trace = (event: TraceEvent): void => {
    if (event.type === 'message') messages.push(event);
    if (event.type === 'session') sessions.push(event.action);
  };
  const both = pair({
    provider,
    client: { cipherSuites: suites, groups: x25519, trace, keyLog: (line) => keyLog.client.push(line), ...client },
    server: {
      ...{ cipherSuites: suites, groups: x25519, credentials: [] },
      keyLog: (line) => keyLog.server.push(line),
      ...server,
    },
    ...(target && { target }),
  });
  await exchange(both, (bytes, from) => {
    wire[from].push(toHex(bytes));
    return [bytes];
  });
  return { ...both, messages, keyLog, sessions, wire };
}

export function typesOf({ messages }: Meeting, direction: 'in' | 'out'): readonly string[] {
  return messages.filter((one) => one.direction === direction).map(({ message }) => message.type);
}

/** The client's hello; of two, the one asked for. */
export function helloOf({ messages }: Meeting, index = 0): ClientHello {
  const hellos = messages.map(({ message }) => message).filter(({ type }) => type === 'client_hello');
  return (hellos[index] as ClientHello | undefined) ?? assert.fail('no such hello');
}

/** The names that a hello offers keys by. */
export function offered(meeting: Meeting, index = 0): readonly string[] | undefined {
  return helloOf(meeting, index).extensions.pre_shared_key?.identities.map(({ identity }) =>
    Buffer.from(identity).toString(),
  );
}

/** Both sides stand, with this key or with certificates alone, agree in all, and data passes. Answers the client's view. */
export async function good(meeting: Meeting, key: PreSharedKey | undefined): Promise<Negotiated> {
  const { client, server, keyLog } = meeting;
  assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined]);
  const [ours, theirs] = [client.connection.negotiated, server.connection.negotiated];
  assert.ok(ours && theirs);
  for (const one of ['version', 'cipherSuite', 'group', 'alpnProtocol', 'serverName', 'helloRetryRequest'] as const) {
    assert.equal(ours[one], theirs[one], one);
  }
  for (const side of [ours, theirs]) {
    assert.deepEqual(side.pskIdentity && Uint8Array.from(side.pskIdentity), key && Uint8Array.from(key.identity));
    assert.equal(side.resumed, false);
  }
  if (key) {
    assert.equal(ours.cipherSuite.hash, key.hash);
    for (const { peer, signatureScheme, peerSignatureScheme } of [ours, theirs]) {
      assert.deepEqual([peer, signatureScheme, peerSignatureScheme], [undefined, undefined, undefined]);
    }
  } else {
    assert.ok(ours.peer);
    assert.equal(ours.peerSignatureScheme, theirs.signatureScheme);
    assert.ok(ours.peerSignatureScheme);
  }
  const certified = typesOf(meeting, 'in').filter((type) => type.startsWith('certificate'));
  if (key) assert.deepEqual(certified, []);
  else assert.deepEqual(certified.slice(-2), ['certificate', 'certificate_verify']);
  assert.equal(exported(client), exported(server));
  assert.deepEqual(keyLog.client.toSorted(), keyLog.server.toSorted());
  client.connection.write(Buffer.from('ping'));
  server.connection.write(Buffer.from('pong'));
  await exchange(meeting);
  assert.equal(server.text() + client.text(), 'pingpong');
  return ours;
}

function exported({ connection }: Side): string {
  return toHex(connection.exportKeyingMaterial(32, 'EXPORTER-test'));
}

/** All that either side can tell of how it ended; of the wire, how long each message was. */
export function outcomeOf({ client, server, wire, keyLog }: Meeting): unknown {
  return {
    errors: [client, server].map(({ error }) => [
      error?.code,
      error?.alert,
      error?.message,
      error?.origin,
      error?.state,
      error?.cause,
    ]),
    established: [client.established, server.established],
    lengths: { client: wire.client.map(({ length }) => length), server: wire.server.map(({ length }) => length) },
    keyLog: [keyLog.client.length, keyLog.server.length],
  };
}

/** `side` ended so, by itself, and the other was told so. */
export function ended(
  meeting: Meeting,
  by: 'client' | 'server',
  expected: { readonly code: string; readonly alert?: string; readonly message: string },
): void {
  const { code, alert = code, message } = expected;
  const { error } = meeting[by];
  const { error: told } = meeting[by === 'client' ? 'server' : 'client'];
  assert.deepEqual([error?.code, error?.alert, error?.message, error?.origin], [code, alert, message, 'local']);
  assert.deepEqual([told?.code, told?.alert, told?.origin], ['peer_alert', alert, 'peer']);
  assert.deepEqual([meeting.client.established, meeting.server.established], [false, false]);
}

/** What both ends of a wrong key, and of an unknown one, come to. */
export const wrongBinder = (index = 0): { readonly code: string; readonly message: string } => ({
  code: 'decrypt_error',
  message: `ClientHello: binder ${index} is not by the pre-shared key: it was not made by who got it`,
});

/** A puppet that offers keys of SHA-256, and goes on with the one that it is told. */
export class KeyedClient extends PuppetClient {
  psk: Uint8Array | undefined;

  override agree(secret: Uint8Array): void {
    this.handshakeSecret = new EarlySecret(this.kdf, this.psk).handshakeSecret(secret);
    this.traffic = this.handshakeSecret.trafficSecrets(this.transcript.hash());
  }

  /** A hello that offers these, its binders made over it. */
  offering(
    fields: ClientHelloFields,
    keys: readonly PreSharedKey[],
    { kind = 'ext', modes = [1] }: { readonly kind?: PskKind; readonly modes?: readonly number[] } = {},
  ): Bytes {
    const { length } = this.kdf;
    const hello = writeClientHello({
      ...fields,
      extensions: {
        ...fields.extensions,
        psk_key_exchange_modes: modes,
        pre_shared_key: {
          identities: keys.map(({ identity }) => ({ identity: Uint8Array.from(identity), obfuscatedTicketAge: 0 })),
          binders: keys.map(() => new Uint8Array(length)),
        },
      },
    });
    const end = hello.length - 2 - keys.length * (1 + length);
    const hash = new Transcript(nodeProvider, 'sha256').hashWith(hello.subarray(0, end));
    for (const [index, { key }] of keys.entries()) {
      hello.set(new EarlySecret(this.kdf, key).binder(kind, hash), end + 2 + index * (1 + length) + 1);
    }
    return hello;
  }
}
