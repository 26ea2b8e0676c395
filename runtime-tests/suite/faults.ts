/**
 * What goes wrong: bytes changed on their way, shares that no honest peer sends, proofs that do not hold, ends that come too
 * early. Each with the same code and alert in every runtime.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  namedGroups,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  tls12,
  tls13,
} from '@handfast/tls';
import { equal, ok } from './check.ts';
import { serverCredential } from './identities.ts';
import { begin, carry, encode, meet, refused, settled, stands, type Wire } from './meet.ts';
import { test } from './registry.ts';

const suites = [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

for (const suite of suites) {
  test(`${suite.name}: a record with one bit changed is refused, whichever way it goes`, async () => {
    for (const [from, to] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const) {
      const both = await meet({ client: { cipherSuites: [suite] } });
      await stands(both);
      const before = both[to].received.length;
      both[from].connection.write(encode('data'));
      await carry(both, (bytes, sender) => {
        const changed = Uint8Array.from(bytes);
        if (sender === from) changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        return [changed];
      });
      await refused(both, to, 'bad_record_mac', 'bad_record_mac');
      equal(both[to].received.length, before, 'what the application got');
    }
  });
}

test('a record that came twice is refused', async () => {
  const both = await meet();
  both.client.connection.write(encode('data'));
  await carry(both, (bytes, sender) => (sender === 'client' ? [bytes, bytes] : [bytes]));
  await refused(both, 'server', 'bad_record_mac', 'bad_record_mac');
});

test('bytes that come one by one are as good as any', async () => {
  for (const version of [tls13, tls12]) {
    const wire: Wire = (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte));
    await stands(await meet({ client: { versions: [version], groups: classical }, wire }));
  }
});

const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
/** In TLS 1.2 the groups bind the certificate's key as well. */
const classical = [...x25519, ...namedGroups.filter(({ name }) => name === 'secp256r1')];

/** Zero, one, and p - 1: points of small order, with which every secret comes to nothing (RFC 7748 §6). */
const smallOrder = (length: number, last: number): Readonly<Record<string, Uint8Array>> => ({
  zero: new Uint8Array(length),
  one: new Uint8Array(length).fill(1, 0, 1),
  'p - 1': Uint8Array.from({ length }, (_, at) =>
    at === 0 ? (length === 32 ? 0xec : 0xfe) : at === length - 1 ? last : 0xff,
  ),
});

/** p of X448 has a bit that is not set in the middle: 2^448 - 2^224 - 1. */
function smallOrder448(): Readonly<Record<string, Uint8Array>> {
  const { 'p - 1': point, ...others } = smallOrder(56, 0xff);
  return { ...others, 'p - 1': Uint8Array.from(point ?? [], (byte, at) => (at === 28 ? 0xfe : byte)) };
}

for (const [group, points] of [
  ['x25519', smallOrder(32, 0x7f)],
  ['x448', smallOrder448()],
  ['X25519MLKEM768', smallOrder(32, 0x7f)],
] as const) {
  for (const [name, point] of Object.entries(points)) {
    test(`TLS 1.3 ${group} with a share of small order, ${name}, is refused by client and server`, async () => {
      for (const from of ['client', 'server'] as const) {
        const groups = namedGroups.filter((one) => one.name === group);
        const both = await meet({
          client: { versions: [tls13], groups },
          wire: replaceShare(from, groups[0]?.id, point),
        });
        await refused(both, from === 'client' ? 'server' : 'client', 'illegal_parameter', 'illegal_parameter');
      }
    });
  }
}

for (const group of namedGroups.filter(({ name }) => name.startsWith('secp'))) {
  test(`TLS 1.3 ${group.name} with a point that is not on the curve is refused by client and server`, async () => {
    for (const from of ['client', 'server'] as const) {
      const wire = replaceShare(from, group.id, 'another y');
      const both = await meet({ client: { versions: [tls13], groups: [group] }, wire });
      await refused(both, from === 'client' ? 'server' : 'client', 'illegal_parameter', 'illegal_parameter');
    }
  });
}

test('TLS 1.2 a client key exchange of zeros is refused', async () => {
  const both = await meet({
    client: { versions: [tls12], groups: classical },
    wire(bytes, from) {
      // client_key_exchange: a handshake message of 33 bytes, whose first says how long the point is.
      const at = from === 'client' ? indexOf(bytes, Uint8Array.of(16, 0, 0, 33, 32)) : -1;
      return [at < 0 ? bytes : replaced(bytes, at + 5, new Uint8Array(32))];
    },
  });
  await refused(both, 'server', 'illegal_parameter', 'illegal_parameter');
});

/** Puts other bytes at the end of a side's key share, or changes its last bit. */
function replaceShare(from: 'client' | 'server', group: number | undefined, other: Uint8Array | 'another y'): Wire {
  return (bytes, sender) => {
    if (sender !== from || group === undefined) return [bytes];
    // The extension, its length, in a hello the length of the list, and then the entry.
    const entry = Uint8Array.of(group >> 8, group & 0xff);
    for (let at = indexOf(bytes, Uint8Array.of(0, 51)); at >= 0; at = indexOf(bytes, Uint8Array.of(0, 51), at + 1)) {
      const start = at + (from === 'client' ? 6 : 4);
      if (indexOf(bytes, entry, start) !== start) continue;
      const length = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
      const end = start + 4 + length;
      const point = other === 'another y' ? Uint8Array.of((bytes[end - 1] ?? 0) ^ 1) : other;
      return [replaced(bytes, end - point.length, point)];
    }
    return [bytes];
  };
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  for (let at = from; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function replaced(bytes: Uint8Array, at: number, others: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed.set(others, at);
  return changed;
}

/** One whose HMAC lies about the `which`-th input that has this label, and tells the truth otherwise. */
function lying(label: string, which: number): CryptoProvider {
  const wanted = encode(label);
  let seen = 0;
  return {
    ...fullWebProvider,
    hmac(hash, key) {
      const honest = fullWebProvider.hmac(hash, key);
      return (data) => {
        const mac = honest(data);
        if (indexOf(data, wanted) >= 0 && ++seen === which) mac.fill(0);
        return mac;
      };
    },
  };
}

for (const [name, finder, version, label, which] of [
  ["TLS 1.3 a server's", 'client', tls13, 'tls13 finished', 1],
  ["TLS 1.3 a client's", 'server', tls13, 'tls13 finished', 2],
  ["TLS 1.2 a server's", 'client', tls12, 'server finished', 2],
  ["TLS 1.2 a client's", 'server', tls12, 'client finished', 2],
] as const) {
  test(`${name} wrong Finished is refused`, async () => {
    const liar = { provider: lying(label, which), versions: [version] };
    const honest = { versions: [version] };
    const both = await meet({
      client: finder === 'client' ? honest : liar,
      server: finder === 'client' ? liar : honest,
    });
    await refused(both, finder, 'decrypt_error', 'decrypt_error');
  });
}

for (const version of [tls13, tls12]) {
  test(`${version.name} a handshake signature over something else is refused`, async () => {
    const { chain, signer } = await serverCredential(fullWebProvider);
    const forger = {
      ...signer,
      sign: (algorithm: Parameters<typeof signer.sign>[0]) => signer.sign(algorithm, encode('x')),
    };
    const both = await meet({ client: { versions: [version] }, server: { credentials: [{ chain, signer: forger }] } });
    await refused(both, 'client', 'decrypt_error', 'decrypt_error');
  });

  test(`${version.name} a transport that ends without close_notify is an error for whoever still reads`, async () => {
    const both = await meet({ client: { versions: [version] } });
    await stands(both);
    both.client.connection.receiveEnd();
    equal([both.client.error?.code, both.client.error?.alert], ['truncated', null], 'the error');
  });

  test(`${version.name} an abort on a connection that stands says nothing, and the peer sees a truncation`, async () => {
    const both = await meet({ client: { versions: [version] } });
    both.client.connection.abort();
    await carry(both);
    both.server.connection.receiveEnd();
    equal([both.client.error?.code, both.server.error?.code], ['aborted', 'truncated'], 'the errors');
  });
}

test('an abort in the handshake is told to the peer', async () => {
  const both = await begin();
  await settled(both.client);
  both.client.connection.abort('enough');
  await carry(both);
  equal([both.client.error?.code, both.client.error?.alert], ['aborted', 'user_canceled'], "the client's error");
  equal([both.server.error?.code, both.server.error?.alert], ['peer_alert', 'close_notify'], "the server's error");
});

test('a transport that ends in the handshake is an error', async () => {
  const both = await begin();
  await settled(both.client);
  both.client.connection.receiveEnd();
  equal([both.client.error?.code, both.client.error?.alert], ['truncated', null], 'the error');
});

test('an answer of another protocol is told from TLS', async () => {
  const both = await begin();
  await settled(both.client);
  both.client.connection.receive(encode('HTTP/1.1 400 Bad Request\r\n\r\n'));
  equal(both.client.error?.code, 'not_tls', 'the error');
});

test('versions without one in common are refused', async () => {
  const both = await meet({ client: { versions: [tls12] }, server: { versions: [tls13] } });
  const error = await refused(both, 'server', 'protocol_version', 'protocol_version');
  ok(error.hint, 'a hint');
});

test('groups without one in common are refused', async () => {
  const secp384r1 = namedGroups.filter(({ name }) => name === 'secp384r1');
  const both = await meet({ client: { versions: [tls13], groups: x25519 }, server: { groups: secp384r1 } });
  await refused(both, 'server', 'handshake_failure', 'handshake_failure');
});
