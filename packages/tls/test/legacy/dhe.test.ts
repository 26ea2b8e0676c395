/**
 * Diffie-Hellman in finite fields: which groups and numbers of a peer are refused and how, which group a server chooses,
 * and what becomes of the secret.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { getDiffieHellman } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Bytes, CryptoProvider, DhExchange, EphemeralKey } from '@handfast/crypto';
import { ffdhePrime } from '@handfast/crypto/legacy';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { forcedAsync } from '@handfast/crypto/testing';
import {
  type CipherSuite,
  type NamedGroup,
  namedGroups,
  type Tls12CipherSuite,
  tls12,
  type Version,
} from '../../src/index.ts';
import { stripped } from '../../src/legacy/dhe.ts';
import { anonymousCipherSuites, dheCipherSuites, dheCipherSuitesBy, ssl30, tls10 } from '../../src/legacy/index.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { connected, exchange, type PairOptions, pair } from '../support/pair.ts';
import { handshake, opaque16 } from '../support/wire.ts';
import { oldCredential } from './identities.ts';
import { bytesOf } from './reference.ts';
import { messagesIn, rewriting } from './rewriting.ts';

const legacy = nodeLegacyProvider.legacy ?? assert.fail('a legacy provider');
const realField = legacy.finiteField ?? assert.fail('finite fields');
const credentials = [await oldCredential('rsa')];
const serverKeyExchange = 12;
const clientKeyExchange = 16;

function suiteOf(rows: readonly Tls12CipherSuite[], name: string): Tls12CipherSuite {
  return rows.find((row) => row.name === name) ?? assert.fail(name);
}

const signedSuite = suiteOf(dheCipherSuites, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA');
const anonymous = suiteOf(anonymousCipherSuites, 'TLS_DH_anon_WITH_AES_128_CBC_SHA');

function groupsNamed(...names: readonly string[]): readonly NamedGroup[] {
  return names.map((name) => namedGroups.find((group) => group.name === name) ?? assert.fail(name));
}

const prime2048 = ffdhePrime(2048);
/** RFC 3526 group 14: a safe prime of 2,048 bits without a TLS name. */
const unnamed = Uint8Array.from(getDiffieHellman('modp14').getPrime());
const two = Uint8Array.of(2);

interface Setting {
  readonly suite?: CipherSuite;
  readonly version?: Version;
  readonly provider?: CryptoProvider;
  readonly clientProvider?: CryptoProvider;
  readonly clientGroups?: readonly NamedGroup[];
  readonly serverGroups?: readonly NamedGroup[];
  readonly clientSuites?: readonly CipherSuite[];
  readonly serverSuites?: readonly CipherSuite[];
}

function settingOf({ suite = signedSuite, version = tls12, ...setting }: Setting = {}): PairOptions {
  const { provider = nodeLegacyProvider, clientProvider = provider } = setting;
  const groups = groupsNamed('secp256r1', 'ffdhe2048');
  return {
    client: {
      ...{ provider: clientProvider, versions: [version], cipherSuites: setting.clientSuites ?? [suite] },
      groups: setting.clientGroups ?? groups,
    },
    server: {
      ...{ provider, versions: [version], cipherSuites: setting.serverSuites ?? [suite], credentials },
      groups: setting.serverGroups ?? groups,
    },
  };
}

/** One less than a number. */
function less(number: Uint8Array): Bytes {
  const out = Uint8Array.from(number);
  // Primes are odd: nothing is borrowed.
  out[out.length - 1] = (out.at(-1) as number) - 1;
  return out;
}

/** ServerDHParams (RFC 5246 §7.4.3). */
function dhParams(prime: Uint8Array, generator: Uint8Array, share: Uint8Array): Uint8Array {
  return Buffer.concat([opaque16(prime), opaque16(generator), opaque16(share)]);
}

/** A client's end where the server's ServerKeyExchange holds something else. */
async function clientRefusal(params: Uint8Array, suite: CipherSuite = anonymous): Promise<readonly unknown[]> {
  const both = pair(settingOf({ suite }));
  await exchange(
    both,
    rewriting((type) => (type === serverKeyExchange ? [handshake(type, params)] : undefined)),
  );
  const { error } = both.client;
  assert.equal(both.server.error?.origin, 'peer');
  return [error?.code, error?.alert, error?.message];
}

/** A server's end where the client's ClientKeyExchange holds something else. */
async function serverRefusal(params: Uint8Array, suite: CipherSuite = anonymous): Promise<readonly unknown[]> {
  const both = pair(settingOf({ suite }));
  await exchange(
    both,
    rewriting((type) => (type === clientKeyExchange ? [handshake(type, params)] : undefined)),
  );
  const { error } = both.server;
  return [error?.code, error?.alert, error?.message];
}

describe('DHE: groups that a client refuses', () => {
  const share = bytesOf(256).fill(1, 0, 1);

  it('a prime of 1,024 or of 2,047 bits: insufficient_security', async () => {
    const small = Uint8Array.from(prime2048);
    small[0] = 0x7f;
    for (const [prime, bits] of [
      [bytesOf(128).fill(0xff, 0, 1).fill(1, 127), 1024],
      [small, 2047],
      [Uint8Array.of(5), 3],
      [new Uint8Array(256), 0],
    ] as const) {
      const message = `ServerKeyExchange: a prime of ${bits} bits, where 2048 are the least`;
      for (const suite of [anonymous, signedSuite]) {
        assert.deepEqual(await clientRefusal(dhParams(prime, two, share), suite), [
          ...['insufficient_security', 'insufficient_security', message],
        ]);
      }
    }
  });

  it('a prime of 4,097 or 8,192 bits, of which it did not speak: illegal_parameter', async () => {
    const message = (bits: number): string => `ServerKeyExchange: a prime of ${bits} bits, where 4096 are the most`;
    for (const [prime, bits] of [
      [bytesOf(513).fill(1, 0, 1).fill(1, 512), 4097],
      [ffdhePrime(8192), 8192],
    ] as const) {
      assert.deepEqual(await clientRefusal(dhParams(prime, two, share)), [
        ...['illegal_parameter', 'illegal_parameter', message(bits)],
      ]);
    }
  });

  it('an even prime', async () => {
    assert.deepEqual(await clientRefusal(dhParams(less(prime2048), two, share)), [
      ...['illegal_parameter', 'illegal_parameter', 'ServerKeyExchange: a prime that is even'],
    ]);
  });

  it('a generator of 0, 1, p - 1, p or more', async () => {
    const longer = Buffer.concat([Uint8Array.of(1), prime2048]);
    for (const generator of [Uint8Array.of(0), Uint8Array.of(0, 1), less(prime2048), prime2048, longer]) {
      assert.deepEqual(await clientRefusal(dhParams(prime2048, generator, share)), [
        ...['illegal_parameter', 'illegal_parameter', 'ServerKeyExchange: a generator outside 1 < g < p - 1'],
      ]);
    }
  });

  it('parameters that end early, are empty, or go on', async () => {
    const right = dhParams(prime2048, two, share);
    const empty = new Uint8Array(0);
    for (const params of [
      empty,
      right.subarray(0, 1),
      right.subarray(0, -1),
      dhParams(empty, two, share),
      dhParams(prime2048, empty, share),
      dhParams(prime2048, two, empty),
      Buffer.concat([right, Uint8Array.of(0)]),
    ]) {
      const [code, alert] = await clientRefusal(params);
      assert.deepEqual([code, alert], ['decode_error', 'decode_error']);
    }
  });

  it('no number for not being prime: nobody looks, and nothing breaks', async () => {
    for (const prime of [bytesOf(256, 1), bytesOf(256, 2)].map((bytes) => bytes.fill(0xc0, 0, 1).fill(5, 255))) {
      const both = pair(settingOf({ suite: anonymous }));
      await exchange(
        both,
        rewriting((type) => (type === serverKeyExchange ? [handshake(type, dhParams(prime, two, share))] : undefined)),
      );
      // The two have agreed on nothing: the server finds out, and says so.
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['peer_alert', 'bad_record_mac']);
    }
  });

  it('a missing ServerKeyExchange', async () => {
    const both = pair(settingOf({ suite: anonymous }));
    await exchange(
      both,
      rewriting((type) => (type === serverKeyExchange ? [] : undefined)),
    );
    assert.equal(both.client.error?.code, 'unexpected_message');
    assert.equal(
      both.client.error?.message,
      'ServerKeyExchange is missing, and TLS_DH_anon_WITH_AES_128_CBC_SHA needs it',
    );
  });

  it('another number of the server than the one that was signed', async () => {
    for (const version of [tls12, tls10, ssl30]) {
      const both = pair(settingOf({ version }));
      await exchange(
        both,
        rewriting((type, message) => {
          if (type !== serverKeyExchange) return undefined;
          // In the middle of Ys, behind p and g.
          message[4 + 2 + 256 + 3 + 2 + 100] = (message[4 + 2 + 256 + 3 + 2 + 100] as number) ^ 1;
          return [message];
        }),
      );
      assert.equal(both.client.error?.code, 'decrypt_error');
      assert.match(both.client.error?.message ?? '', /^ServerKeyExchange: the signature is not by the key/);
    }
  });
});

describe("DHE: a peer's numbers", () => {
  const one = Uint8Array.of(1);
  const zero = Uint8Array.of(0);
  const padded = (number: Uint8Array): Uint8Array => Buffer.concat([new Uint8Array(256 - number.length), number]);
  const outside = [zero, one, padded(zero), padded(one), less(prime2048), prime2048, new Uint8Array(256).fill(0xff)];

  it('of 0, 1, p - 1, p and more are refused by the client', async () => {
    for (const share of outside) {
      const [code, alert, message] = await clientRefusal(dhParams(prime2048, two, share));
      assert.deepEqual([code, alert], ['illegal_parameter', 'illegal_parameter']);
      assert.match(String(message), /^ServerKeyExchange: the DHE share is invalid: .*outside 1 < Y < p - 1$/);
    }
  });

  it('of 0, 1, p - 1, p and more are refused by the server', async () => {
    for (const share of outside) {
      for (const suite of [anonymous, signedSuite]) {
        const [code, alert, message] = await serverRefusal(opaque16(share), suite);
        assert.deepEqual([code, alert], ['illegal_parameter', 'illegal_parameter']);
        assert.match(String(message), /^ClientKeyExchange: the DHE share is invalid: .*outside 1 < Y < p - 1$/);
      }
    }
  });

  it('longer than the prime are refused by both', async () => {
    const longer = Buffer.concat([Uint8Array.of(1), bytesOf(256)]);
    assert.deepEqual((await clientRefusal(dhParams(prime2048, two, longer))).slice(0, 2), [
      ...['illegal_parameter', 'illegal_parameter'],
    ]);
    assert.deepEqual((await serverRefusal(opaque16(longer))).slice(0, 2), ['illegal_parameter', 'illegal_parameter']);
  });

  it('in a ClientKeyExchange of another form are a decode_error', async () => {
    for (const params of [
      new Uint8Array(0),
      Uint8Array.of(0, 0),
      Uint8Array.of(1, 0, 7),
      Buffer.concat([opaque16(bytesOf(256)), zero]),
    ]) {
      assert.deepEqual((await serverRefusal(params)).slice(0, 2), ['decode_error', 'decode_error']);
    }
  });
});

describe("DHE: a server's own group", () => {
  it('is used, whether the client knows it by name or not; a known one is named', async () => {
    for (const [prime, name] of [
      [unnamed, undefined],
      [Buffer.concat([new Uint8Array(3), unnamed]), undefined],
      [prime2048, 'ffdhe2048'],
    ] as const) {
      const serverSuites = dheCipherSuitesBy({ prime, generator: two });
      for (const version of [tls12, tls10, ssl30]) {
        const { client, server } = await connected(
          settingOf({ version, serverSuites: [suiteOf(serverSuites, signedSuite.name)] }),
        );
        assert.deepEqual([client.error, server.error], [undefined, undefined]);
        assert.equal(client.connection.negotiated?.cipherSuite, signedSuite);
        assert.equal(client.connection.negotiated?.group?.name, name);
        assert.equal(server.connection.negotiated?.group, undefined);
      }
    }
  });

  it('is used for a client that names other groups', async () => {
    const serverSuites = [suiteOf(dheCipherSuitesBy({ prime: unnamed, generator: two }), signedSuite.name)];
    const clientGroups = groupsNamed('secp256r1', 'ffdhe3072');
    const { client, server } = await connected(settingOf({ clientGroups, serverSuites }));
    assert.deepEqual([client.error, server.error], [undefined, undefined]);
  });

  it('has the suites of dheCipherSuites, by name and number', () => {
    const own = dheCipherSuitesBy({ prime: unnamed, generator: two });
    assert.deepEqual(
      own.map(({ id, name }) => [id, name]),
      dheCipherSuites.map(({ id, name }) => [id, name]),
    );
  });

  const rangeErrors: readonly (readonly [string, Uint8Array, Uint8Array, RegExp])[] = [
    ['a prime of 1,024 bits', bytesOf(128).fill(0xff, 0, 1).fill(1, 127), two, /1024 bits, where 2048 are the least/],
    ['a prime of 2,047 bits', Uint8Array.from(prime2048).fill(0x7f, 0, 1), two, /2047 bits/],
    ['a prime of 6,144 bits', ffdhePrime(6144), two, /6144 bits, where 4096 are the most/],
    ['a prime of 8,192 bits', ffdhePrime(8192), two, /8192 bits, where 4096 are the most/],
    ['no prime', new Uint8Array(0), two, /0 bits/],
    ['a prime of 0', Uint8Array.of(0), two, /0 bits/],
    ['an even prime', less(unnamed), two, /even/],
    ['a generator of 0', unnamed, Uint8Array.of(0), /generator/],
    ['a generator of 1', unnamed, Uint8Array.of(1), /generator/],
    ['a generator of p - 1', unnamed, less(unnamed), /generator/],
    ['a generator of p', unnamed, unnamed, /generator/],
    ['no generator', unnamed, new Uint8Array(0), /generator/],
  ];
  for (const [name, prime, generator, message] of rangeErrors) {
    it(`${name} is a RangeError`, () => {
      assert.throws(
        () => dheCipherSuitesBy({ prime, generator }),
        (error) => error instanceof RangeError && message.test(error.message),
      );
    });
  }
});

describe('DHE: which named group', () => {
  const ecdheSuite = suiteOf(defaultCipherSuites12, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');

  it("is the server's first among the client's", async () => {
    const serverGroups = groupsNamed('ffdhe3072', 'secp256r1', 'ffdhe2048');
    for (const [clientGroups, expected] of [
      [groupsNamed('secp256r1', 'ffdhe2048', 'ffdhe3072'), 'ffdhe3072'],
      [groupsNamed('secp256r1', 'ffdhe4096', 'ffdhe2048'), 'ffdhe2048'],
      // A client that names none of the kind takes any (RFC 7919 §4).
      [groupsNamed('secp256r1'), 'ffdhe3072'],
    ] as const) {
      const { client, server } = await connected(settingOf({ clientGroups, serverGroups }));
      assert.equal(server.connection.negotiated?.group?.name, expected);
      const known = clientGroups.some(({ name }) => name === expected);
      assert.equal(client.connection.negotiated?.group?.name, known ? expected : undefined);
    }
  });

  it("in SSL 3.0, whose hello names none, is the server's first", async () => {
    const serverGroups = groupsNamed('secp256r1', 'ffdhe3072', 'ffdhe2048');
    const { server } = await connected(settingOf({ version: ssl30, serverGroups }));
    assert.equal(server.connection.negotiated?.group?.name, 'ffdhe3072');
  });

  it('with none in common and no other suite ends in insufficient_security', async () => {
    for (const version of [tls12, tls10]) {
      const { client, server } = await connected(
        settingOf({
          ...{ version, clientGroups: groupsNamed('secp256r1', 'ffdhe3072') },
          serverGroups: groupsNamed('secp256r1', 'ffdhe2048'),
        }),
      );
      assert.deepEqual(
        [server.error?.code, server.error?.alert, server.error?.message],
        [
          ...['insufficient_security', 'insufficient_security'],
          `no key exchange in common for ${version.name}: no finite-field group in common`,
        ],
      );
      assert.deepEqual([client.error?.code, client.error?.alert], ['peer_alert', 'insufficient_security']);
    }
  });

  it('with none in common leaves the suite to the others', async () => {
    for (const [clientGroups, expected] of [
      [groupsNamed('secp256r1', 'ffdhe3072'), ecdheSuite],
      [groupsNamed('secp256r1', 'ffdhe2048'), signedSuite],
    ] as const) {
      const suites = [signedSuite, ecdheSuite];
      const { server } = await connected(
        settingOf({
          ...{ clientGroups, serverGroups: groupsNamed('secp256r1', 'ffdhe2048') },
          ...{ clientSuites: suites, serverSuites: suites },
        }),
      );
      assert.equal(server.error, undefined);
      assert.equal(server.connection.negotiated?.cipherSuite, expected);
    }
  });

  it('a server whose config names none cannot be asked for one', async () => {
    const { server } = await connected(settingOf({ serverGroups: groupsNamed('secp256r1') }));
    assert.equal(server.error?.code, 'insufficient_security');
  });

  it('that a client offers it also takes, also of 6,144 bits', async () => {
    const groups = groupsNamed('ffdhe6144');
    const { client, server } = await connected(settingOf({ clientGroups: groups, serverGroups: groups }));
    assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined]);
  });
});

type Field = (prime: Uint8Array, generator: Uint8Array) => DhExchange;

/** The real exchange, and what `change` makes of its secrets. */
function fieldOf(change: (secret: Bytes) => Bytes, made: EphemeralKey[] = []): Field {
  return (prime, generator) => {
    const real = realField(prime, generator);
    return {
      async generate() {
        const key = await real.generate();
        const changed: EphemeralKey = {
          share: key.share,
          agree: async (share) => change(await key.agree(share)),
          dispose: () => key.dispose(),
        };
        made.push(changed);
        return changed;
      },
      async encapsulate(share) {
        const answer = await real.encapsulate(share);
        return { ...answer, secret: change(answer.secret) };
      },
    };
  };
}

function providerBy(finiteField: Field): CryptoProvider {
  return { ...nodeLegacyProvider, legacy: { ...legacy, finiteField } };
}

describe('DHE: the secret', () => {
  const zeros = (count: number): CryptoProvider => providerBy(fieldOf((secret) => secret.fill(0, 0, count)));
  const without = (count: number): CryptoProvider =>
    providerBy(fieldOf((secret) => Uint8Array.from(secret.subarray(count)).fill(7, 0, 1)));
  const zerosAnd7 = (count: number): CryptoProvider =>
    providerBy(fieldOf((secret) => secret.fill(0, 0, count).fill(7, count, count + 1)));

  it('loses its leading zeros, on either side', async () => {
    for (const version of [tls12, tls10, ssl30]) {
      for (const count of [1, 2]) {
        for (const [provider, clientProvider] of [
          [zerosAnd7(count), without(count)],
          [without(count), zerosAnd7(count)],
        ] as const) {
          const { client, server } = await connected(settingOf({ version, provider, clientProvider }));
          assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined]);
        }
      }
    }
  });

  it('of another number of zeros is another secret', async () => {
    const { server } = await connected(settingOf({ provider: zeros(1), clientProvider: without(2) }));
    assert.equal(server.error?.code, 'bad_record_mac');
  });

  it('keeps its other bytes, and one byte where all are zero', () => {
    assert.deepEqual(stripped(Uint8Array.of(0, 0, 1, 0)), Uint8Array.of(1, 0));
    assert.deepEqual(stripped(Uint8Array.of(1, 0)), Uint8Array.of(1, 0));
    assert.deepEqual(stripped(new Uint8Array(4)), Uint8Array.of(0));
    assert.deepEqual(stripped(new Uint8Array(0)), new Uint8Array(0));
  });
});

describe('DHE: keys', () => {
  it('are new for each connection, on both sides, with named groups and with own ones', async () => {
    const own = suiteOf(dheCipherSuitesBy({ prime: unnamed, generator: two }), signedSuite.name);
    for (const serverSuites of [[signedSuite], [own]]) {
      const shares = new Set<string>();
      const settings = settingOf({ serverSuites });
      for (let i = 0; i < 4; i++) {
        const both = pair(settings);
        await exchange(
          both,
          rewriting((type, message) => {
            if (type === serverKeyExchange) shares.add(message.subarray(4 + 2 + 256 + 3, 4 + 2 + 256 + 3 + 258).join());
            if (type === clientKeyExchange) shares.add(message.subarray(4).join());
            return undefined;
          }),
        );
        assert.equal(both.server.established, true);
      }
      assert.equal(shares.size, 8);
    }
  });

  it('are disposed of after the handshake, and after one that failed', async () => {
    for (const fails of [false, true]) {
      let disposed = 0;
      const made: EphemeralKey[] = [];
      const real = fieldOf((secret) => secret, made);
      const provider = providerBy((prime, generator) => {
        const field = real(prime, generator);
        return {
          ...field,
          async generate() {
            const key = await field.generate();
            return { ...key, dispose: () => void disposed++ };
          },
        };
      });
      const both = pair(settingOf({ provider, clientProvider: nodeLegacyProvider }));
      const wire = rewriting((type) =>
        fails && type === clientKeyExchange ? [handshake(type, Uint8Array.of(0, 1, 1))] : undefined,
      );
      await exchange(both, wire);
      assert.equal(both.server.error?.code, fails ? 'illegal_parameter' : undefined);
      assert.deepEqual([made.length, disposed], [1, 1]);
    }
  });

  it('work where everything is asynchronous', async () => {
    for (const suite of [signedSuite, anonymous]) {
      const { client, server } = await connected(settingOf({ suite, provider: forcedAsync(nodeLegacyProvider) }));
      assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined]);
      assert.equal(server.established, true);
    }
  });
});

describe('DHE: ServerKeyExchange', () => {
  it('is prime, generator and number, and without a certificate nothing behind them', async () => {
    const both = pair(settingOf({ suite: anonymous }));
    let seen: Bytes | undefined;
    await exchange(both, (bytes, from) => {
      if (from === 'server') seen ??= bytes;
      return [bytes];
    });
    const message = messagesIn((seen ?? assert.fail()).subarray(5)).find(([type]) => type === serverKeyExchange);
    const start = Buffer.concat([opaque16(prime2048), opaque16(two), Uint8Array.of(1, 0)]);
    assert.deepEqual(message?.subarray(4, 4 + start.length), Uint8Array.from(start));
    assert.equal(message?.length, 4 + start.length + 256);
  });
});
