/**
 * Configs: what is wrong in one is said when it is made, by the option's name; what is right in one cannot be changed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { isConfig } from '../src/config.ts';
import {
  type ClientOptions,
  cipherSuites,
  clientConfig,
  defaultCipherSuites,
  defaultGroups,
  defaultLimits,
  memoryReplayCache,
  memorySessionCache,
  namedGroups,
  type ServerOptions,
  serverConfig,
  signatureSchemes,
  TlsConfigError,
  ticketKeys,
  tls13,
  tlsClient,
  tlsServer,
} from '../src/index.ts';
import { makeCredential, pki, serverCredential } from './support/identities.ts';
import { clientDefaults, connected, serverDefaults } from './support/pair.ts';

const at =
  (option: string, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TlsConfigError &&
    error instanceof TypeError &&
    error.option === option &&
    error.code === 'ERR_TLS_CONFIG' &&
    error.name === 'TlsConfigError' &&
    error.message.startsWith(`${option}: `) &&
    message.test(error.message);

const client = (options: Partial<ClientOptions> = {}) => clientConfig({ ...clientDefaults(), ...options });
const server = (options: Partial<ServerOptions> = {}) => serverConfig({ ...serverDefaults(), ...options });
/** An option that the types do not know. */
const unknown = (options: object): Partial<ClientOptions & ServerOptions> => options;

const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
const p256 = namedGroups.filter(({ name }) => name === 'secp256r1');
const without = (kind: 'aeads' | 'groups' | 'signatures', name: string): CryptoProvider => ({
  ...nodeProvider,
  name: 'lesser',
  [kind]: Object.fromEntries(Object.entries(nodeProvider[kind]).filter(([key]) => key !== name)),
});

for (const [role, make] of [
  ['client', client],
  ['server', server],
] as const) {
  describe(`a ${role}'s config`, () => {
    it('has safe defaults', () => {
      const config = make();
      assert.deepEqual(config.cipherSuites, defaultCipherSuites);
      assert.deepEqual(
        config.groups,
        defaultGroups.filter(({ exchange }) => nodeProvider.groups[exchange]),
      );
      assert.deepEqual(config.alpnProtocols, []);
      assert.deepEqual(config.limits, defaultLimits);
      assert.equal(config.kind, role);
      assert.equal(
        config.cipherSuites.some(({ name }) => name.includes('CCM')),
        false,
      );
      assert.equal(
        config.groups.some(({ name }) => name.startsWith('ffdhe')),
        false,
      );
    });

    it('refuses options that it does not know, by name', () => {
      assert.throws(() => make(unknown({ ciphers: 'ALL' })), at('"ciphers"', /there is no such option/));
      assert.throws(() => make(unknown({ rejectUnauthorized: false })), at('"rejectUnauthorized"', /no such option/));
      assert.throws(() => make(unknown(JSON.parse('{"__proto__":{}}') as object)), at('"__proto__"', /no such option/));
      assert.throws(
        () => make(unknown({ ['a\n'.repeat(300)]: 1 })),
        (error: unknown) => {
          return error instanceof TlsConfigError && error.message.length < 400 && !error.message.includes('\n');
        },
      );
    });

    it('refuses empty lists', () => {
      assert.throws(() => make({ versions: [] }), at('versions', /at least one version/));
      assert.throws(() => make({ cipherSuites: [] }), at('cipherSuites', /at least one/));
      assert.throws(() => make({ groups: [] }), at('groups', /at least one/));
      assert.throws(() => make({ signatureSchemes: [] }), at('signatureSchemes', /at least one/));
    });

    it('refuses a row that the provider lacks where it is named, and leaves it out of a default', () => {
      const cases = [
        ['cipherSuites', without('aeads', 'aes-256-gcm'), cipherSuites.slice(0, 2), 'TLS_AES_256_GCM_SHA384'],
        ['groups', without('groups', 'secp256r1'), [...x25519, ...p256], 'secp256r1'],
        [
          'signatureSchemes',
          without('signatures', 'ecdsa-sha384'),
          signatureSchemes.slice(0, 2),
          'ecdsa_secp384r1_sha384',
        ],
      ] as const;
      for (const [option, provider, named, row] of cases) {
        assert.throws(
          () => make({ provider, [option]: named }),
          at(`${option}[1]`, new RegExp(`the lesser provider has no ${row}$`)),
        );
        const rows: readonly { readonly name: string }[] = make({ provider })[option];
        assert.equal(
          rows.some(({ name }) => name === row),
          false,
        );
        assert.ok(rows.length > 0);
      }
    });

    it('refuses ALPN names that are no 1 to 255 bytes', () => {
      for (const name of ['', 'x'.repeat(256), 'ā', '\u{1f600}']) {
        assert.throws(
          () => make({ alpnProtocols: ['h2', name] }),
          at('alpnProtocols[1]', /is not 1 to 255 bytes long/),
        );
      }
      assert.deepEqual(make({ alpnProtocols: ['ÿ', 'x'.repeat(255)] }).alpnProtocols.length, 2);
    });

    it('refuses a record size limit that is none', () => {
      for (const recordSizeLimit of [63, 0, -1, 16_386, 64.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.throws(
          () => make({ recordSizeLimit }),
          at('recordSizeLimit', /is not a whole number from 64 to 16,385/),
        );
      }
      assert.equal(make({ recordSizeLimit: 64 }).recordSizeLimit, 64);
      assert.equal(make({ recordSizeLimit: 16_385 }).recordSizeLimit, 16_385);
    });

    it('refuses a key that is not the certificate’s, and a credential without a certificate', async () => {
      const other = await makeCredential();
      const mixed = { chain: serverCredential.chain, signer: other.signer };
      assert.throws(
        () => make({ credentials: [serverCredential, mixed] }),
        at('credentials[1].signer', /its key is not the one in the certificate for "CN=localhost"/),
      );
      assert.throws(
        () => make({ credentials: [{ chain: [], signer: other.signer }] }),
        at('credentials[0].chain', /holds no certificate/),
      );
    });

    it('sets some limits, and keeps the others', () => {
      assert.deepEqual(make({ limits: { certificates: 3 } }).limits, { ...defaultLimits, certificates: 3 });
    });

    it('is frozen, without a prototype, and takes copies of lists of rows', () => {
      const groups = [...x25519];
      const config = make({ groups });
      groups.pop();
      assert.deepEqual(config.groups, x25519);
      assert.equal(Object.getPrototypeOf(config), null);
      assert.ok(Object.isFrozen(config) && Object.isFrozen(config.groups));
      assert.throws(() => Object.assign(config, { groups: [] }), TypeError);
    });

    it('takes nothing from a polluted Object.prototype', () => {
      const polluted: Readonly<Record<string, unknown>> = {
        trust: pki.trust,
        time: () => new Date(0),
        verifyPeer: () => ({ accepted: true }),
        cipherSuites: cipherSuites.slice(4),
        groups: p256,
        keyShares: p256,
        signatureSchemes: [],
        credentials: [],
        alpnProtocols: ['evil'],
        recordSizeLimit: 64,
        limits: { certificates: 0 },
        certificates: 0,
        earlyData: 9,
        padding: () => 9,
        clientCertificate: 'request',
        selectConfig: () => undefined,
        selectCredential: () => null,
        selectAlpn: () => 'evil',
        trace: () => undefined,
        keyLog: () => undefined,
      };
      const { provider, credentials } = serverDefaults();
      const right = { provider, versions: [tls13], ...(role === 'server' ? { credentials } : {}) };
      const plain = make === client ? clientConfig(right) : serverConfig(right);
      for (const [name, value] of Object.entries(polluted)) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true });
      }
      let config: object;
      try {
        config = make === client ? clientConfig(right) : serverConfig(right);
      } finally {
        for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
      }
      const comparable = (one: object): object => ({ ...one, time: undefined, trust: undefined });
      assert.deepEqual(comparable(config), comparable(plain));
      assert.deepEqual((config as typeof plain).trust.anchors, []);
      assert.ok((config as typeof plain).time().getTime() > 0);
      assert.equal(Object.getPrototypeOf(config), null);
    });

    it('is known by its making: a look-alike is refused', () => {
      const config = make();
      const lookAlike = { ...config };
      assert.equal(isConfig(config, role), true);
      assert.equal(isConfig(config, role === 'client' ? 'server' : 'client'), false);
      assert.equal(isConfig(lookAlike, role), false);
      for (const value of [undefined, null, 1, 'config', {}]) assert.equal(isConfig(value, role), false);
      const handlers = { send: () => undefined };
      const start = (given: unknown): unknown =>
        role === 'client'
          ? tlsClient(given as never, { serverName: 'localhost' }, handlers)
          : tlsServer(given as never, handlers);
      assert.throws(() => start(lookAlike), at('config', new RegExp(`not made by ${role}Config`)));
      assert.throws(() => start(undefined), at('config', /not made by/));
    });
  });
}

describe("a client's config", () => {
  it('sends a share of the first group, and of a hybrid’s classical part', () => {
    const [hybrid] = namedGroups;
    assert.ok(hybrid);
    assert.deepEqual(client({ groups: [hybrid, ...x25519, ...p256] }).keyShares, [hybrid, ...x25519]);
    assert.deepEqual(client({ groups: [...p256, ...x25519] }).keyShares, p256);
    assert.deepEqual(client({ groups: [hybrid, ...p256] }).keyShares, [hybrid]);
  });

  it('refuses a share of a group that it does not offer', () => {
    assert.throws(
      () => client({ groups: x25519, keyShares: p256 }),
      at('keyShares[0]', /secp256r1 is not among the groups/),
    );
    assert.deepEqual(client({ groups: x25519, keyShares: [] }).keyShares, []);
  });

  it('needs a name to verify, or somebody who decides without', () => {
    const handlers = { send: () => undefined };
    assert.throws(() => tlsClient(client(), {}, handlers), at('serverName', /a name \(or verifyName\) is needed/));
    assert.ok(tlsClient(client(), { verifyName: '127.0.0.1' }, handlers));
    assert.ok(tlsClient(client({ verifyPeer: () => ({ accepted: true }) }), {}, handlers));
  });

  it('refuses early data of no whole number of bytes, and without sessions to send it in', () => {
    const sessions = memorySessionCache();
    for (const earlyData of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => client({ sessions, earlyData }),
        at('earlyData', new RegExp(`^earlyData: ${earlyData} is not a whole number of bytes$`)),
      );
    }
    for (const value of ['100', null, {}, true, 1n]) {
      assert.throws(
        () => client({ sessions, earlyData: value as never }),
        at('earlyData', /is not a whole number of bytes$/),
      );
    }
    assert.throws(() => client({ earlyData: 1 }), at('earlyData', /^earlyData: it goes with sessions alone$/));
    assert.equal(client({ earlyData: 0 }).earlyData, 0);
    assert.equal(client({ sessions, earlyData: 100 }).earlyData, 100);
    assert.equal(client({ sessions }).earlyData, undefined);
  });

  it('refuses what is a server’s', () => {
    for (const option of [
      'selectConfig',
      'selectAlpn',
      'clientCertificate',
      'retryCookie',
      'strictServerName',
      'preferClientOrder',
    ]) {
      assert.throws(() => client(unknown({ [option]: undefined })), at(`"${option}"`, /no such option/));
    }
  });

  it('trusts nobody by default', async () => {
    const { client: side } = await connected({ client: { trust: undefined as never } });
    assert.equal(side.error?.code, 'certificate_unknown_issuer');
  });
});

describe("a server's config", () => {
  it('needs a certificate, or a callback for one', () => {
    assert.throws(() => server({ credentials: [] }), at('credentials', /a server needs a certificate/));
    assert.ok(server({ credentials: [], selectCredential: () => serverCredential }));
    assert.ok(server({ credentials: [], selectConfig: () => server() }));
  });

  it('that asks for client certificates needs somebody to trust', () => {
    for (const clientCertificate of ['request', 'require'] as const) {
      assert.throws(() => server({ clientCertificate }), at('trust', /nobody is trusted to have signed them/));
      assert.ok(server({ clientCertificate, trust: pki.trust }));
      assert.ok(server({ clientCertificate, verifyPeer: () => ({ accepted: true }) }));
    }
  });

  it('refuses early data of no size, and without tickets or what it lets each in once by', () => {
    const tickets = { keys: ticketKeys({ provider: nodeProvider }) };
    const replay = memoryReplayCache();
    for (const limit of [
      0,
      -1,
      0.5,
      2 ** 24 + 1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '100' as never,
      null as never,
    ]) {
      assert.throws(
        () => server({ tickets, earlyData: { replay, limit } }),
        at('earlyData.limit', / is not a whole number of bytes from 1 to 16,777,216$/),
      );
    }
    const { window } = replay;
    const claim = (): boolean => true;
    for (const wrong of [
      undefined,
      null,
      {},
      { window },
      { claim },
      { claim, window: 1 },
      { claim, window: Number.NaN },
    ]) {
      assert.throws(
        () => server({ tickets, earlyData: { replay: wrong as never } }),
        at('earlyData.replay', /^earlyData\.replay: it is no replay cache: memoryReplayCache\(\) makes one$/),
      );
    }
    assert.throws(() => server({ earlyData: { replay } }), at('earlyData', /^earlyData: it goes with tickets alone$/));
    assert.deepEqual(server({ tickets, earlyData: { replay } }).earlyData, { replay, limit: 16_384 });
    for (const limit of [1, 2 ** 24]) {
      assert.equal(server({ tickets, earlyData: { replay, limit } }).earlyData?.limit, limit);
    }
    assert.equal(server({ tickets }).earlyData, undefined);
  });

  it('refuses what is a client’s', () => {
    for (const option of ['keyShares', 'grease', 'middleboxCompatibility']) {
      assert.throws(() => server(unknown({ [option]: undefined })), at(`"${option}"`, /no such option/));
    }
  });
});
