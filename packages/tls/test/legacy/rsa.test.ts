/**
 * RSA key transport. Whatever stands in a ClientKeyExchange, the server does the same, and fails at Finished as it would
 * with a premaster secret that is merely another: Bleichenbacher's question gets no answer.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Bytes, CryptoError, type CryptoProvider, concat, type PublicKeyInfo } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { forcedAsync } from '@handfast/crypto/testing';
import type { Certificate, KeyUsage } from '@handfast/x509';
import { type CipherSuite, type Credential, type TlsError, tls12, tls13, type Version } from '../../src/index.ts';
import { pskCipherSuites, rsaCipherSuites, ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { makeCredential } from '../support/identities.ts';
import { exchange, type Pair, pair } from '../support/pair.ts';
import { handshake, opaque16 } from '../support/wire.ts';
import { type OldCredential, oldCredential } from './identities.ts';
import { bytesOf } from './reference.ts';
import { Listener, rewriting } from './rewriting.ts';

const credential: OldCredential = await oldCredential('rsa');
const modulusLength = credential.legacyKey.publicKey.bits / 8;
const legacy = nodeLegacyProvider.legacy ?? assert.fail('a legacy provider');
const clientKeyExchange = 16;
const serverKeyExchange = 12;

const preSharedKey = bytesOf(16);

function suite(name: string): CipherSuite {
  return [...rsaCipherSuites, ...pskCipherSuites].find((row) => row.name === name) ?? assert.fail(name);
}

/** What a client sends in place of its encrypted premaster secret, which it goes on with all the same. */
type Encrypt = (key: PublicKeyInfo, premaster: Uint8Array) => Bytes | Promise<Bytes>;

const right: Encrypt = legacy.rsaEncrypt ?? assert.fail('RSA encryption');

function encryptingBy(rsaEncrypt: Encrypt): CryptoProvider {
  return { ...nodeLegacyProvider, legacy: { ...legacy, rsaEncrypt } };
}

/** RSA without padding: a block as long as the modulus. */
function rawEncrypt({ spki }: PublicKeyInfo, block: Uint8Array): Bytes {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return Uint8Array.from(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block));
}

/** 00 02, padding, 00, and the message: of RFC 8017 §7.2.1, until it is changed. */
function blockOf(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padding = new Uint8Array(modulusLength - 3 - message.length).fill(0xaa);
  return concat(Uint8Array.of(0, 2), padding, Uint8Array.of(0), message);
}

/** A block of a premaster secret with one byte changed. */
function withByte(at: number, value: number): Encrypt {
  return (key, premaster) => {
    const block = blockOf(premaster);
    block[at] = value;
    return rawEncrypt(key, block);
  };
}

/** Another message in place of the premaster secret, right padding. */
function withMessage(change: (premaster: Uint8Array) => Uint8Array): Encrypt {
  return (key, premaster) => rawEncrypt(key, blockOf(change(premaster)));
}

/** The premaster secret with another version in front. */
function withVersion(major: number, minor: number): Encrypt {
  return withMessage((premaster) => concat(Uint8Array.of(major, minor), premaster.subarray(2)));
}

const separator = 256 - 49;

const faults: readonly (readonly [string, Encrypt])[] = [
  ['a first byte that is not 0', withByte(0, 1)],
  ['block type 1', withByte(1, 1)],
  ['block type 0', withByte(1, 0)],
  ['a zero as the first byte of padding', withByte(2, 0)],
  ['a zero as the eighth byte of padding', withByte(9, 0)],
  ['a zero in the middle of the padding', withByte(100, 0)],
  ['a zero as the last byte of padding', withByte(separator - 1, 0)],
  ['no zero after the padding', withByte(separator, 1)],
  ['a block of zeros', (key) => rawEncrypt(key, new Uint8Array(modulusLength))],
  ['a block of 1', (key) => rawEncrypt(key, new Uint8Array(modulusLength).fill(1, modulusLength - 1))],
  [
    'no zero anywhere behind the first byte',
    (key, premaster) =>
      rawEncrypt(
        key,
        blockOf(premaster).map((byte, i) => (i === 0 ? 0 : byte || 1)),
      ),
  ],
  ['a message of 47 bytes', withMessage((premaster) => premaster.subarray(0, 47))],
  ['a message of 49 bytes', withMessage((premaster) => concat(premaster, Uint8Array.of(0)))],
  ['a message of 47 bytes, without the first', withMessage((premaster) => premaster.subarray(1))],
  ['no message', withMessage(() => new Uint8Array(0))],
  ['a message as long as can be', withMessage(() => bytesOf(modulusLength - 11))],
  ['version 0.0', withVersion(0, 0)],
  ['a major version of 2', withVersion(2, 3)],
  ['a version one below', (key, premaster) => withVersion(3, (premaster[1] as number) - 1)(key, premaster)],
  ['a version one above', (key, premaster) => withVersion(3, (premaster[1] as number) + 1)(key, premaster)],
  ['nothing at all', () => new Uint8Array(0)],
  ['one byte', () => Uint8Array.of(7)],
  ['a ciphertext a byte too short', async (key, premaster) => (await right(key, premaster)).slice(1)],
  ['a ciphertext a byte too long', async (key, premaster) => concat(Uint8Array.of(0), await right(key, premaster))],
  ['a ciphertext of twice the length', async (key, premaster) => concat(await right(key, premaster), bytesOf(256))],
  ['a ciphertext of zeros', () => new Uint8Array(modulusLength)],
  ['a ciphertext that is not less than the modulus', () => new Uint8Array(modulusLength).fill(0xff)],
];

interface Case {
  readonly version: Version;
  readonly cipherSuite: CipherSuite;
}

const cases: readonly Case[] = [
  { version: tls12, cipherSuite: suite('TLS_RSA_WITH_AES_128_GCM_SHA256') },
  { version: tls12, cipherSuite: suite('TLS_RSA_WITH_AES_128_CBC_SHA') },
  { version: tls12, cipherSuite: suite('TLS_RSA_PSK_WITH_AES_128_GCM_SHA256') },
  { version: tls10, cipherSuite: suite('TLS_RSA_WITH_3DES_EDE_CBC_SHA') },
  { version: ssl30, cipherSuite: suite('TLS_RSA_WITH_RC4_128_MD5') },
  { version: ssl30, cipherSuite: suite('TLS_RSA_WITH_AES_128_CBC_SHA') },
];

interface Setting extends Partial<Case> {
  readonly encrypt?: Encrypt;
  readonly serverProvider?: CryptoProvider;
  readonly serverCredential?: Credential;
  readonly keyLog?: (line: string) => void;
  readonly offered?: readonly Version[];
}

function start(setting: Setting = {}): Pair {
  const { version = tls12, cipherSuite = suite('TLS_RSA_WITH_AES_128_GCM_SHA256'), encrypt = right } = setting;
  const { serverProvider = nodeLegacyProvider, serverCredential = credential, offered = [version], keyLog } = setting;
  return pair({
    client: {
      ...{ provider: encryptingBy(encrypt), versions: offered },
      ...{ cipherSuites: offered.includes(tls13) ? [cipherSuite, ...tls13.defaultCipherSuites] : [cipherSuite] },
      preSharedKey: () => ({ identity: Uint8Array.of(1), key: preSharedKey }),
    },
    server: {
      ...{ provider: serverProvider, versions: [version], cipherSuites: [cipherSuite] },
      ...{ credentials: [serverCredential], preSharedKey: () => preSharedKey },
      ...(keyLog && { keyLog }),
    },
  });
}

/** The server's key in another certificate. */
async function withKeyUsage(...keyUsage: readonly KeyUsage[]): Promise<Credential> {
  const { chain } = await makeCredential({ with: { publicKey: credential.signer.publicKey, keyUsage } });
  return { ...credential, chain };
}

/** What the server sent and what it says of it, for whom to tell apart? */
async function outcome(setting: Setting): Promise<unknown> {
  const both = start(setting);
  const listener = new Listener('server');
  await exchange(both, listener.wire);
  const { error } = both.server;
  assert.ok(error, 'it should have failed');
  const { code, message, alert, state, phase, origin, hint, cause } = error;
  return { records: listener.records, code, message, alert, state, phase, origin, hint, cause };
}

describe('RSA key transport', () => {
  for (const { version, cipherSuite } of cases) {
    describe(`${version.name}, ${cipherSuite.name}`, () => {
      it('a premaster secret of hand-made padding is taken', async () => {
        for (const encrypt of [right, withMessage((premaster) => premaster)]) {
          const both = start({ version, cipherSuite, encrypt });
          await exchange(both);
          assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
          assert.equal(both.server.connection.negotiated?.cipherSuite, cipherSuite);
        }
      });

      it(`each of ${faults.length} faults looks like another premaster secret: records, alert, code and message`, async () => {
        const other = withMessage((premaster) => premaster.map((byte, i) => (i === 47 ? byte ^ 1 : byte)));
        const expected = await outcome({ version, cipherSuite, encrypt: other });
        const { code, alert, message } = expected as TlsError;
        assert.deepEqual([code, alert], ['bad_record_mac', 'bad_record_mac']);
        assert.match(message, /^a record does not authenticate/);
        for (const [name, encrypt] of faults) {
          assert.deepEqual(await outcome({ version, cipherSuite, encrypt }), expected, name);
        }
      });
    });
  }

  it('each fault looks the same where everything is asynchronous', async () => {
    const late = forcedAsync(nodeLegacyProvider);
    const { decryptRaw } = credential.legacyKey;
    const legacyKey = {
      ...credential.legacyKey,
      decryptRaw: async (ciphertext: Uint8Array) => (await decryptRaw?.(ciphertext)) ?? assert.fail(),
    };
    const setting: Setting = { serverProvider: late, serverCredential: { ...credential, legacyKey } };
    const expected = await outcome({ ...setting, encrypt: withVersion(3, 1) });
    assert.equal((expected as TlsError).code, 'bad_record_mac');
    for (const [name, encrypt] of faults) assert.deepEqual(await outcome({ ...setting, encrypt }), expected, name);
  });

  it('each fault looks the same where the key throws what it likes', async () => {
    const expected = await outcome({ encrypt: withVersion(3, 1) });
    for (const thrown of [new CryptoError('failed', 'no'), new TypeError('no'), 'no', undefined]) {
      const decryptRaw = (): never => {
        throw thrown;
      };
      const serverCredential = { ...credential, legacyKey: { ...credential.legacyKey, decryptRaw } };
      assert.deepEqual(await outcome({ serverCredential }), expected);
    }
  });

  it('asks for 48 random bytes before it decrypts, and for nothing after, whatever comes', async () => {
    const logOf = async (encrypt: Encrypt): Promise<readonly string[]> => {
      const log: string[] = [];
      const serverProvider: CryptoProvider = {
        ...nodeLegacyProvider,
        random(length) {
          log.push(`random ${length}`);
          return nodeLegacyProvider.random(length);
        },
        hmac(hash, key) {
          const hmac = nodeLegacyProvider.hmac(hash, key);
          log.push(`hmac ${hash} ${key.length}`);
          return (data) => {
            log.push(`hmac of ${data.length}`);
            return hmac(data);
          };
        },
      };
      const decryptRaw: NonNullable<OldCredential['legacyKey']['decryptRaw']> = (ciphertext) => {
        log.push('decrypt');
        return credential.legacyKey.decryptRaw?.(ciphertext) ?? assert.fail();
      };
      await outcome({
        encrypt,
        serverProvider,
        serverCredential: { ...credential, legacyKey: { ...credential.legacyKey, decryptRaw } },
      });
      return log;
    };
    const expected = await logOf(withMessage(() => concat(Uint8Array.of(3, 3), bytesOf(46))));
    const at = expected.indexOf('decrypt');
    assert.deepEqual(expected.slice(at - 1, at + 2), ['random 48', 'decrypt', 'hmac sha256 48']);
    assert.equal(
      expected.slice(at).some((line) => line.startsWith('random')),
      false,
    );
    for (const [name, encrypt] of faults) assert.deepEqual(await logOf(encrypt), expected, name);
  });

  it('goes on with a secret that is another each time, and none of the decrypted bytes', async () => {
    const masters: string[] = [];
    const keyLog = (line: string): void => {
      masters.push(line.split(' ')[2] ?? '');
    };
    const fixed = rawEncrypt(credential.legacyKey.publicKey, blockOf(bytesOf(48)));
    for (let i = 0; i < 3; i++) await outcome({ encrypt: () => fixed, keyLog });
    assert.equal(new Set(masters).size, 3);
  });

  it('a ClientKeyExchange of a wrong form is a decode_error, whatever it holds', async () => {
    const forms: readonly (readonly [string, (params: Uint8Array) => Uint8Array])[] = [
      ['no body', () => new Uint8Array(0)],
      ['half a length', () => Uint8Array.of(1)],
      ['a length beyond the end', (params) => params.subarray(0, params.length - 1)],
      ['a byte behind the end', (params) => concat(params, Uint8Array.of(0))],
      ['no length', (params) => params.subarray(2)],
      ['a vector and another', (params) => concat(params, opaque16(Uint8Array.of(1)))],
    ];
    for (const [name, form] of forms) {
      const seen: unknown[] = [];
      for (const encrypt of [right, withByte(1, 1)]) {
        const both = start({ encrypt });
        await exchange(
          both,
          rewriting((type, message) =>
            type === clientKeyExchange ? [handshake(type, form(message.subarray(4)))] : undefined,
          ),
        );
        const { error } = both.server;
        assert.equal(error?.code, 'decode_error', name);
        assert.match(error.message, /^ClientKeyExchange: /, name);
        assert.doesNotMatch(error.message, /RSA|padding|premaster/i, name);
        seen.push(error.alert, error.state);
      }
      assert.deepEqual(seen.slice(0, 2), seen.slice(2), name);
    }
  });
});

describe('RSA key transport: the client', () => {
  /** What the server decrypts of a client that offers these versions. */
  async function decrypted(offered: readonly Version[], version: Version): Promise<Uint8Array> {
    let block: Uint8Array | undefined;
    const decryptRaw: NonNullable<OldCredential['legacyKey']['decryptRaw']> = async (ciphertext) => {
      const opened = (await credential.legacyKey.decryptRaw?.(ciphertext)) ?? assert.fail();
      block = opened.slice();
      return opened;
    };
    const serverCredential = { ...credential, legacyKey: { ...credential.legacyKey, decryptRaw } };
    const cipherSuite = suite('TLS_RSA_WITH_AES_128_CBC_SHA');
    const both = start({ offered, version, cipherSuite, serverCredential });
    await exchange(both);
    assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
    assert.equal(both.client.connection.negotiated?.version, version.name);
    return block ?? assert.fail('nothing was decrypted');
  }

  it('says in its premaster secret the best version that its hello offered, TLS 1.2 for TLS 1.3', async () => {
    const rows: readonly (readonly [readonly Version[], Version, readonly [number, number]])[] = [
      [[tls12], tls12, [3, 3]],
      [[tls13, tls12], tls12, [3, 3]],
      [[tls13, tls12, tls11, tls10, ssl30], tls10, [3, 3]],
      [[tls12, tls11, tls10], tls11, [3, 3]],
      [[tls11, tls10], tls10, [3, 2]],
      [[tls10, ssl30], ssl30, [3, 1]],
      [[ssl30], ssl30, [3, 0]],
    ];
    for (const [offered, version, expected] of rows) {
      const block = await decrypted(offered, version);
      assert.equal(block.length, modulusLength);
      assert.deepEqual([...block.subarray(0, 2)], [0, 2]);
      assert.equal(block.indexOf(0, 2), modulusLength - 49);
      assert.deepEqual([...block.subarray(-48, -46)], expected, offered.map(({ name }) => name).join());
    }
  });

  it('makes a new premaster secret for each connection', async () => {
    const secrets = new Set<string>();
    for (let i = 0; i < 4; i++) {
      secrets.add(Buffer.from((await decrypted([tls12], tls12)).subarray(-46)).toString('hex'));
    }
    assert.equal(secrets.size, 4);
  });

  it('whose premaster secret names the version that was agreed on, and not the one it offered, is refused', async () => {
    const cipherSuite = suite('TLS_RSA_WITH_AES_128_CBC_SHA');
    const both = start({ offered: [tls12, tls10], version: tls10, cipherSuite, encrypt: withVersion(3, 1) });
    await exchange(both);
    assert.equal(both.server.error?.code, 'bad_record_mac');
  });

  it('refuses a certificate whose key usage leaves out keyEncipherment', async () => {
    // The server does not look: it would choose another suite.
    const serverCredential = blindToKeyUsage(await withKeyUsage('digitalSignature'));
    for (const name of ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_PSK_WITH_AES_128_GCM_SHA256']) {
      const both = start({ cipherSuite: suite(name), serverCredential });
      await exchange(both);
      const { error } = both.client;
      assert.deepEqual([error?.code, error?.alert], ['certificate_refused', 'certificate_unknown'], name);
      assert.match(error?.message ?? '', /is not for keyEncipherment/);
    }
  });

  it('takes a certificate whose key usage is keyEncipherment alone', async () => {
    const both = start({ serverCredential: await withKeyUsage('keyEncipherment') });
    await exchange(both);
    assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
    assert.ok(both.client.connection.negotiated?.peer?.path);
  });

  it('refuses an RSASSA-PSS key, to which nothing can be encrypted', async () => {
    const pss = await makeCredential({
      type: 'rsa-pss',
      with: { keyUsage: ['digitalSignature', 'keyEncipherment'] },
    });
    const legacyKey = { ...credential.legacyKey, publicKey: pss.signer.publicKey };
    const both = start({ serverCredential: { ...pss, legacyKey } });
    await exchange(both);
    const { error } = both.client;
    assert.deepEqual([error?.code, error?.alert], ['illegal_parameter', 'illegal_parameter']);
    assert.equal(error?.message, "Certificate: nothing can be encrypted to the server's RSA key");
  });

  it('refuses a ServerKeyExchange, which this exchange has not', async () => {
    const both = start();
    await exchange(
      both,
      rewriting((type, message, from) =>
        from === 'server' && type === 14 ? [handshake(serverKeyExchange, opaque16(bytesOf(9))), message] : undefined,
      ),
    );
    const { error } = both.client;
    assert.equal(error?.code, 'unexpected_message');
    assert.equal(error.message, 'ServerKeyExchange came, and TLS_RSA_WITH_AES_128_GCM_SHA256 has none');
  });

  it('has no group and no signature in what was negotiated', async () => {
    const both = start();
    await exchange(both);
    for (const { connection } of [both.client, both.server]) {
      const { group, peerSignatureScheme, signatureScheme } = connection.negotiated ?? assert.fail();
      assert.deepEqual([group, peerSignatureScheme, signatureScheme], [undefined, undefined, undefined]);
    }
  });
});

describe('RSA key transport: the server', () => {
  it('picks by what its certificate is for, whichever suite stands first', async () => {
    const transport = suite('TLS_RSA_WITH_AES_128_GCM_SHA256');
    const signing = defaultCipherSuites12.find(({ name }) => name === 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
    assert.ok(signing);
    for (const [usage, expected] of [
      ['keyEncipherment', transport],
      ['digitalSignature', signing],
    ] as const) {
      for (const cipherSuites of [
        [signing, transport],
        [transport, signing],
      ]) {
        const common = { provider: nodeLegacyProvider, versions: [tls12], cipherSuites };
        const both = pair({ client: common, server: { ...common, credentials: [await withKeyUsage(usage)] } });
        await exchange(both);
        assert.equal(both.client.error?.message, undefined, usage);
        assert.equal(both.server.connection.negotiated?.cipherSuite, expected, usage);
      }
    }
  });

  it('without a key that decrypts has no certificate for it', async () => {
    const { legacyKey: _, ...serverCredential } = credential;
    const both = start({ serverCredential });
    await exchange(both);
    const { error } = both.server;
    assert.deepEqual([error?.code, error?.alert], ['handshake_failure', 'handshake_failure']);
    assert.equal(
      error?.message,
      'no key exchange in common for TLS 1.2: no credential has a legacyKey, by which RSA key exchange decrypts',
    );
  });
});

/** A credential whose leaf says nothing of its key usage to the server that sends it. */
function blindToKeyUsage({ chain, ...rest }: Credential): Credential {
  const leaf: Certificate = chain[0] ?? assert.fail();
  const get = (real: object, name: string | symbol): unknown =>
    name === 'keyUsage' ? undefined : Reflect.get(real, name, real);
  return { ...rest, chain: [new Proxy<Certificate>(leaf, { get })] };
}
