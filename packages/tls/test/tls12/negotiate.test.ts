/**
 * What client and server agree on where TLS 1.2 is among their versions: versions, suites, groups, schemes, certificates, names,
 * protocols, sizes of records; and what a connection of TLS 1.2 then has to say of itself.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex, toHex } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type CipherSuite,
  type ClientOptions,
  type Credential,
  defaultCipherSuites,
  type NamedGroup,
  type Negotiated,
  namedGroups,
  type ServerOptions,
  type SignatureScheme,
  signatureSchemes,
  type Tls12CipherSuite,
  type TlsErrorCode,
  type TraceEvent,
  tls12,
  tls13,
  type Version,
} from '../../src/index.ts';
import { legacyCipherSuites, tls10, tls11 } from '../../src/legacy/index.ts';
import type { ClientHello } from '../../src/messages/client-hello.ts';
import type { ServerHello12Extensions } from '../../src/messages/extensions.ts';
import { readHandshake } from '../../src/messages/handshake.ts';
import { extensionType } from '../../src/registry.ts';
import { messages12 } from '../../src/tls12/messages.ts';
import { prf12, scheduleOf } from '../../src/tls12/prf.ts';
import { oldCredential } from '../legacy/identities.ts';
import { makeCredential, pki, serverCredential } from '../support/identities.ts';
import {
  connected,
  exchange,
  type Pair,
  type PairOptions,
  pair,
  providers,
  settled,
  startClient,
  startServer,
} from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';
import { opaque16, recordsIn } from '../support/wire.ts';

const groupsNamed = (...names: readonly string[]): readonly NamedGroup[] =>
  names.map((name) => namedGroups.find((group) => group.name === name) ?? assert.fail(name));
const schemesNamed = (...names: readonly string[]): readonly SignatureScheme[] =>
  names.map((name) => signatureSchemes.find((scheme) => scheme.name === name) ?? assert.fail(name));
const suites12: readonly Tls12CipherSuite[] = tls12.defaultCipherSuites as readonly Tls12CipherSuite[];
const suitesOf = (name: 'ECDSA' | 'RSA'): readonly CipherSuite[] =>
  suites12.filter(({ authentication }) => authentication?.name === name);

const credentials = {
  secp256r1: serverCredential,
  secp384r1: await makeCredential({ type: 'secp384r1' }),
  secp521r1: await makeCredential({ type: 'secp521r1' }),
  ed25519: await makeCredential({ type: 'ed25519' }),
  ed448: await makeCredential({ type: 'ed448' }),
  rsa: await makeCredential({ type: 'rsa' }),
  'rsa-pss': await makeCredential({ type: 'rsa-pss' }),
} as const;
type Key = keyof typeof credentials;

const sentinels = { to12: '444f574e47524401', below: '444f574e47524400' } as const;

/** Hellos and what else passed in the clear, as a side's trace has it. */
function messagesOf(events: readonly TraceEvent[]): readonly (TraceEvent & { readonly type: 'message' })[] {
  return events.filter((event) => event.type === 'message');
}

for (const provider of providers) {
  const has = ({ supportedBy }: CipherSuite): boolean => supportedBy(provider);

  /** A handshake that goes well: both sides say the same, and data goes both ways. */
  const agreed = async (options: PairOptions = {}): Promise<Negotiated & { readonly both: Pair }> => {
    const both = await connected({ provider, ...options });
    assert.equal(both.client.error?.message ?? both.server.error?.message, undefined);
    const { negotiated } = both.client.connection;
    const theirs = both.server.connection.negotiated;
    assert.ok(negotiated && theirs);
    const same = [
      ...(['version', 'cipherSuite', 'group', 'alpnProtocol', 'serverName', 'helloRetryRequest'] as const),
      'extendedMasterSecret' as const,
    ];
    for (const key of same) assert.equal(negotiated[key], theirs[key], key);
    assert.equal(negotiated.peerSignatureScheme, theirs.signatureScheme);
    assert.equal(negotiated.signatureScheme, theirs.peerSignatureScheme);
    both.client.connection.write(Buffer.from('ping'));
    both.server.connection.write(Buffer.from('pong'));
    await exchange(both);
    assert.equal(both.server.text() + both.client.text(), 'pingpong');
    return { ...negotiated, both };
  };

  const agreed12 = ({ client, server, ...rest }: PairOptions = {}) =>
    agreed({ client: { versions: [tls12], ...client }, server: { versions: [tls12], ...server }, ...rest });

  /** A handshake that does not: what each side ended with. */
  const refused = async (
    options: PairOptions,
    side: 'client' | 'server',
    code: TlsErrorCode,
    message: RegExp,
  ): Promise<void> => {
    const both = await connected({ provider, ...options });
    const { error } = both[side];
    assert.equal(error?.code, code, error?.message);
    assert.match(error.message, message);
    assert.equal(both[side === 'client' ? 'server' : 'client'].error?.code, 'peer_alert');
  };

  const helloOf = async (options: Partial<ClientOptions>, serverName = 'localhost'): Promise<ClientHello> => {
    const client = startClient({ provider, ...options }, { serverName });
    await settled(client);
    const [first = assert.fail()] = client.outbox;
    const message = readHandshake(messages12, first.slice(5), new Set());
    return message.type === 'client_hello' ? message : assert.fail();
  };

  describe(`versions, provider ${provider.name}`, () => {
    const lists: readonly (readonly Version[])[] = [[tls13], [tls12], [tls13, tls12]];
    const named = (versions: readonly Version[]): string => versions.map(({ name }) => name).join(' and ');
    for (const client of lists) {
      for (const server of lists) {
        const expected = [tls13, tls12].find((version) => client.includes(version) && server.includes(version));
        it(`${named(client)} with ${named(server)}: ${expected?.name ?? 'none'}`, async () => {
          const options = { client: { versions: client }, server: { versions: server } };
          if (expected !== undefined) {
            assert.equal((await agreed(options)).version, expected.name);
            return;
          }
          const theirs = client.map(({ name }) => name).join(', ');
          await refused(
            options,
            'server',
            'protocol_version',
            new RegExp(`^no version in common: the client offers ${theirs}, we speak ${server[0]?.name}$`),
          );
        });
      }
    }

    it('a server that prefers TLS 1.2 gets a client of TLS 1.2 alone: others see a downgrade', async () => {
      const server = { versions: [tls12, tls13] };
      assert.equal((await agreed({ client: { versions: [tls12] }, server })).version, 'TLS 1.2');
      assert.equal((await agreed({ client: { versions: [tls13] }, server })).version, 'TLS 1.3');
      await refused(
        { client: { versions: [tls13, tls12] }, server },
        'client',
        'illegal_parameter',
        /^ServerHello: a server that knows TLS 1\.3 was made to choose TLS 1\.2$/,
      );
    });

    it('a client’s order is nothing to the server', async () => {
      const options = { client: { versions: [tls12, tls13] }, server: { versions: [tls13, tls12] } };
      assert.equal((await agreed(options)).version, 'TLS 1.3');
    });

    it('a version whose suites the config leaves out is not offered, nor taken', async () => {
      const versions = [tls13, tls12];
      const only12 = { versions, cipherSuites: suites12.filter(has) };
      const only13 = { versions, cipherSuites: defaultCipherSuites.filter(has) };
      assert.equal((await agreed({ client: only12, server: { versions } })).version, 'TLS 1.2');
      assert.equal((await agreed({ client: { versions: [tls12] }, server: only12 })).version, 'TLS 1.2');
      assert.equal((await agreed({ client: only13, server: { versions } })).version, 'TLS 1.3');
      const message = /^no version in common: the client offers TLS 1\.2, we speak TLS 1\.3$/;
      await refused({ client: only12, server: only13 }, 'server', 'protocol_version', message);
    });

    const randomOf = async (options: PairOptions): Promise<string> => {
      const events: TraceEvent[] = [];
      await connected({ provider, ...options, client: { ...options.client, trace: (event) => events.push(event) } });
      const [, answer] = messagesOf(events);
      return answer?.message.type === 'legacy_server_hello' ? toHex(answer.message.random) : assert.fail();
    };
    it('a server of TLS 1.3 that chooses TLS 1.2 says so in its random', async () => {
      const client = { versions: [tls12] };
      for (const versions of [
        [tls13, tls12],
        [tls12, tls13],
      ]) {
        assert.equal((await randomOf({ client, server: { versions } })).slice(48), sentinels.to12);
      }
    });
    it('a server of TLS 1.2 does not, and its randoms are all different', async () => {
      const seen = new Set<string>();
      for (const versions of [[tls12], [tls13, tls12]]) {
        const random = await randomOf({ client: { versions }, server: { versions: [tls12] } });
        assert.equal(random.length, 64);
        assert.notEqual(random.slice(48, 62), sentinels.to12.slice(0, 14));
        seen.add(random.slice(0, 48)).add(random.slice(48));
      }
      assert.equal(seen.size, 4);
    });
    it('a client that fell back is told, where the server knows better; not where it does not', async () => {
      const client = { versions: [tls12], fallback: true };
      await refused(
        { client, server: { versions: [tls13, tls12] } },
        'server',
        'inappropriate_fallback',
        /^the client fell back to TLS 1\.2, and we speak TLS 1\.3$/,
      );
      assert.equal((await agreed12({ client })).version, 'TLS 1.2');
    });
  });

  describe(`the client’s hello, provider ${provider.name}`, () => {
    const modern = [extensionType.supported_versions, extensionType.key_share, extensionType.psk_key_exchange_modes];
    const old = [
      ...[extensionType.extended_master_secret, extensionType.renegotiation_info, extensionType.ec_point_formats],
    ];
    const typesOf = ({ extensionList }: ClientHello): readonly number[] => extensionList.map(({ type }) => type);

    it('of TLS 1.2 alone has nothing of TLS 1.3', async () => {
      const hello = await helloOf({ versions: [tls12] });
      const types = typesOf(hello);
      for (const type of modern) assert.equal(types.includes(type), false, `${type}`);
      for (const type of old) assert.equal(types.includes(type), true, `${type}`);
      assert.equal(new Set(types).size, types.length);
      assert.equal(hello.legacyVersion, 0x0303);
      assert.equal(hello.legacySessionId.length, 0);
      assert.deepEqual([...hello.legacyCompressionMethods], [0]);
      assert.deepEqual(
        hello.cipherSuites,
        suites12.filter(has).map(({ id }) => id),
      );
      assert.equal(hello.extensions.renegotiation_info?.length, 0);
      assert.deepEqual(hello.extensions.ec_point_formats, [0]);
      assert.equal(hello.extensions.server_name, 'localhost');
      assert.equal(hello.extensions.status_request, 'ocsp');
      assert.equal(hello.extensions.signed_certificate_timestamp, true);
    });

    it('of TLS 1.2 alone names curves and schemes of TLS 1.2 alone', async () => {
      const groups = namedGroups.filter(({ exchange: name }) => provider.groups[name]);
      const hello = await helloOf({ versions: [tls12], groups: groups.filter((one) => !one.name.startsWith('ffdhe')) });
      const curves = ['x25519', 'secp256r1', 'x448', 'secp384r1', 'secp521r1'];
      assert.deepEqual(
        hello.extensions.supported_groups,
        groups.filter(({ name }) => curves.includes(name)).map(({ id }) => id),
      );
      assert.deepEqual(
        (await helloOf({ versions: [tls12] })).extensions.supported_groups,
        hello.extensions.supported_groups,
      );
      const schemes = hello.extensions.signature_algorithms ?? [];
      assert.deepEqual(
        schemes,
        signatureSchemes
          .filter(({ name, algorithm }) => !name.startsWith('mldsa') && provider.signatures[algorithm])
          .map(({ id }) => id),
      );
      assert.equal(schemes.includes(0x0401), true);
    });

    it('of TLS 1.2 alone never holds an empty list: where no group or scheme is of TLS 1.2, the config says so', () => {
      const versions = [tls12];
      assert.throws(() => startClient({ provider, versions, groups: groupsNamed('X25519MLKEM768') }), {
        name: 'TlsConfigError',
        option: 'groups',
      });
      const [scheme] = schemesNamed('mldsa44');
      if (scheme === undefined || !provider.signatures[scheme.algorithm]) return;
      assert.throws(() => startClient({ provider, versions, signatureSchemes: [scheme] }), {
        name: 'TlsConfigError',
        option: 'signatureSchemes',
      });
    });

    it('of TLS 1.3 alone has nothing of TLS 1.2', async () => {
      const hello = await helloOf({ versions: [tls13] });
      const types = typesOf(hello);
      assert.deepEqual(hello.extensions.supported_versions, [0x0304]);
      for (const type of [...old, extensionType.encrypt_then_mac]) assert.equal(types.includes(type), false, `${type}`);
      assert.deepEqual(
        hello.cipherSuites,
        defaultCipherSuites.filter(has).map(({ id }) => id),
      );
    });

    it('of both has both, once each', async () => {
      const hello = await helloOf({ versions: [tls13, tls12] });
      const types = typesOf(hello);
      assert.deepEqual(hello.extensions.supported_versions, [0x0304, 0x0303]);
      for (const type of [extensionType.key_share, ...old]) assert.equal(types.includes(type), true, `${type}`);
      assert.equal(new Set(types).size, types.length);
      assert.equal(hello.legacyVersion, 0x0303);
      assert.equal(hello.legacySessionId.length, 32);
      assert.deepEqual(
        hello.cipherSuites,
        [...defaultCipherSuites, ...suites12].filter(has).map(({ id }) => id),
      );
      assert.equal(hello.extensions.supported_groups?.[0], 0x11ec);
    });

    it('goes out in a record of TLS 1.0’s number, whatever it offers', async () => {
      for (const versions of [[tls12], [tls13], [tls13, tls12]]) {
        const client = startClient({ provider, versions });
        await settled(client);
        assert.deepEqual([...(client.outbox[0] ?? assert.fail()).subarray(0, 3)], [22, 3, 1]);
      }
    });

    it('of TLS 1.2 greases without a share', async () => {
      const hello = await helloOf({ versions: [tls12], grease: true });
      const isGrease = (id: number | undefined): boolean =>
        id !== undefined && (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff);
      assert.equal(isGrease(hello.cipherSuites[0]), true);
      assert.equal(isGrease(hello.extensions.supported_groups?.[0]), true);
      assert.equal(isGrease(hello.extensions.signature_algorithms?.[0]), true);
      assert.equal(typesOf(hello).filter(isGrease).length, 2);
      assert.equal(hello.extensions.key_share, undefined);
      assert.equal(hello.extensions.supported_versions, undefined);
      await agreed12({ client: { grease: true } });
    });
  });

  describe(`suites and groups, provider ${provider.name}`, () => {
    const everyKey = { credentials: [credentials.secp256r1, credentials.rsa] };
    for (const suite of suites12.filter(has)) {
      it(`${suite.name}, wherever it is the only one`, async () => {
        for (const [client, server] of [
          [{ cipherSuites: [suite] }, {}],
          [{}, { cipherSuites: [suite] }],
        ]) {
          const one = await agreed12({ client: { ...client }, server: { ...everyKey, ...server } });
          assert.equal(one.cipherSuite, suite);
          assert.equal(one.extendedMasterSecret, true);
        }
      });
    }
    for (const group of namedGroups.filter(
      ({ name, exchange: key }) => provider.groups[key] && /^(x25519|x448|secp...r1)$/.test(name),
    )) {
      it(`${group.name}, wherever it is the only one`, async () => {
        // The certificate's key must be on a curve that the client lists: an RSA key is on none.
        const options = { credentials: [credentials.rsa] };
        assert.equal((await agreed12({ client: { groups: [group] }, server: options })).group, group);
        assert.equal((await agreed12({ server: { ...options, groups: [group] } })).group, group);
      });
    }
    it('the server’s order wins in both, or the client’s where asked', async () => {
      const [first, second] = suitesOf('ECDSA').filter(has);
      const [one, other] = groupsNamed('secp256r1', 'x25519');
      assert.ok(first && second && one && other);
      const client = { cipherSuites: [first, second], groups: [one, other] };
      const server = { cipherSuites: [second, first], groups: [other, one] };
      const ours = await agreed12({ client, server });
      assert.deepEqual([ours.cipherSuite, ours.group], [second, other]);
      const theirs = await agreed12({ client, server: { ...server, preferClientOrder: true } });
      assert.deepEqual([theirs.cipherSuite, theirs.group], [first, one]);
    });
    it('a hybrid is never chosen, though both list it', async () => {
      const versions = [tls13, tls12];
      const groups = groupsNamed('X25519MLKEM768', 'x25519', 'secp256r1');
      const negotiated = await agreed({ client: { versions, groups }, server: { versions: [tls12], groups } });
      assert.equal(negotiated.group?.name, 'x25519');
      await refused(
        {
          client: { versions, groups: groups.slice(0, 1) },
          server: { versions: [tls12], groups, credentials: [credentials.rsa] },
        },
        'server',
        'handshake_failure',
        /^no key exchange in common for TLS 1\.2: no curve in common$/,
      );
    });
    it('none in common', async () => {
      const [one, other] = suitesOf('ECDSA').filter(has);
      assert.ok(one && other);
      await refused(
        {
          client: { versions: [tls12], cipherSuites: [one] },
          server: { versions: [tls12], cipherSuites: [other] },
        },
        'server',
        'handshake_failure',
        /^no cipher suite in common for TLS 1\.2: the client offers 0xC02B$/,
      );
    });
  });

  describe(`the server’s certificate, provider ${provider.name}`, () => {
    const schemeOf: Readonly<Record<Key, string>> = {
      secp256r1: 'ecdsa_secp256r1_sha256',
      secp384r1: 'ecdsa_secp256r1_sha256',
      secp521r1: 'ecdsa_secp256r1_sha256',
      ed25519: 'ed25519',
      ed448: 'ed448',
      rsa: 'rsa_pss_rsae_sha256',
      'rsa-pss': 'rsa_pss_pss_sha256',
    };
    const keys = Object.keys(credentials) as Key[];
    const all = Object.values(credentials);
    const keyOf = ({ peer }: Negotiated): string | undefined => peer?.chain[0]?.publicKey.type;

    for (const key of keys) {
      it(`with a key of type ${key}, on both sides`, async () => {
        const client = await makeCredential({ type: key, purpose: 'clientAuth' });
        const negotiated = await agreed12({
          client: { credentials: [client] },
          server: { credentials: [credentials[key]], clientCertificate: 'require', trust: pki.trust },
        });
        assert.equal(keyOf(negotiated), key);
        assert.equal(negotiated.peerSignatureScheme?.name, schemeOf[key]);
        assert.equal(negotiated.signatureScheme?.name, schemeOf[key]);
        assert.equal(negotiated.both.server.connection.negotiated?.peer?.chain[0]?.publicKey.type, key);
      });
    }

    it('signs by any of our schemes that it can', async () => {
      for (const [key, ...names] of [
        ['secp256r1', 'ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512'],
        ['secp521r1', 'ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512'],
        ['rsa', 'rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
        ['rsa', 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'],
        ['rsa-pss', 'rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'],
      ] as const) {
        for (const name of names) {
          const server = { credentials: [credentials[key]] };
          // What may sign the chain stands behind it.
          const listed = schemesNamed(name, ...(name === 'ecdsa_secp256r1_sha256' ? [] : ['ecdsa_secp256r1_sha256']));
          const negotiated = await agreed12({ client: { signatureSchemes: schemesNamed(name) }, server });
          assert.equal(negotiated.peerSignatureScheme?.name, name);
          const other = await agreed12({ server: { ...server, signatureSchemes: listed } });
          assert.equal(other.peerSignatureScheme?.name, name);
        }
      }
    });

    it('an ECDSA scheme binds the curve in TLS 1.3 alone', async () => {
      const options = {
        client: { versions: [tls13, tls12], signatureSchemes: schemesNamed('ecdsa_secp384r1_sha384') },
        server: { credentials: [credentials.secp256r1] },
      };
      assert.equal((await agreed({ ...options, server: { ...options.server, versions: [tls12] } })).version, 'TLS 1.2');
      await refused(
        { ...options, server: { ...options.server, versions: [tls13] } },
        'server',
        'handshake_failure',
        /^no signature scheme in common: our keys are secp256r1; the client takes ecdsa_secp384r1_sha384$/,
      );
    });

    it('is chosen by the suites that the client has', async () => {
      const server = { credentials: [credentials.secp256r1, credentials.rsa] };
      assert.equal(keyOf(await agreed12({ client: { cipherSuites: suitesOf('RSA').filter(has) }, server })), 'rsa');
      assert.equal(
        keyOf(await agreed12({ client: { cipherSuites: suitesOf('ECDSA').filter(has) }, server })),
        'secp256r1',
      );
    });

    it('is chosen by the curves that the client lists', async () => {
      const curves = ['secp256r1', 'secp384r1', 'secp521r1'] as const;
      for (const curve of curves) {
        const groups = groupsNamed('x25519', curve);
        assert.equal(keyOf(await agreed12({ client: { groups }, server: { credentials: all } })), curve);
      }
      const groups = groupsNamed('x25519');
      const server = { credentials: [credentials.secp256r1, credentials.ed25519] };
      assert.equal(keyOf(await agreed12({ client: { groups }, server })), 'ed25519');
      await refused(
        {
          client: { versions: [tls12], groups },
          server: { versions: [tls12], credentials: [credentials.secp256r1, credentials.secp384r1] },
        },
        'server',
        'handshake_failure',
        /^no signature scheme in common: our keys are secp256r1, secp384r1; .*, on the curves x25519$/,
      );
    });

    it('is chosen by the schemes that the client takes', async () => {
      for (const [name, key] of [
        ['ed25519', 'ed25519'],
        ['ed448', 'ed448'],
        ['rsa_pss_rsae_sha384', 'rsa'],
        ['rsa_pkcs1_sha256', 'rsa'],
        ['rsa_pss_pss_sha512', 'rsa-pss'],
      ] as const) {
        const negotiated = await agreed12({
          client: { signatureSchemes: schemesNamed(name) },
          server: { credentials: all },
        });
        assert.equal(keyOf(negotiated), key);
        assert.equal(negotiated.peerSignatureScheme?.name, name);
      }
    });

    it('is chosen by name before order', async () => {
      const wild = await makeCredential({ type: 'rsa-pss', names: ['*.example.org'] });
      const negotiated = await agreed12({
        server: { credentials: [serverCredential, wild] },
        target: { serverName: 'www.example.org' },
      });
      assert.equal(keyOf(negotiated), 'rsa-pss');
    });

    it('one for each version: ML-DSA has none in TLS 1.2', async () => {
      const [scheme] = schemesNamed('mldsa44');
      if (scheme === undefined || !provider.signatures[scheme.algorithm]) return;
      const mldsa = await makeCredential({ type: 'ml-dsa-44' });
      const server = { versions: [tls13, tls12], credentials: [mldsa, serverCredential] };
      assert.equal(keyOf(await agreed({ client: { versions: [tls13, tls12] }, server })), 'ml-dsa-44');
      assert.equal(keyOf(await agreed({ client: { versions: [tls12] }, server })), 'secp256r1');
      await refused(
        { client: { versions: [tls12] }, server: { versions: [tls12], credentials: [mldsa] } },
        'server',
        'handshake_failure',
        /^no signature scheme in common: our keys are ml-dsa-44; /,
      );
    });
  });

  describe(`what ServerHello answers, provider ${provider.name}`, () => {
    const answersOf = async (options: PairOptions = {}): Promise<ServerHello12Extensions> => {
      const events: TraceEvent[] = [];
      await agreed12({ ...options, client: { ...options.client, trace: (event) => events.push(event) } });
      const [, answer] = messagesOf(events);
      return answer?.message.type === 'legacy_server_hello' ? answer.message.extensions : assert.fail();
    };

    it('by default: renegotiation_info, extended_master_secret, point formats, the name', async () => {
      assert.deepEqual(
        { ...(await answersOf()) },
        {
          renegotiation_info: new Uint8Array(0),
          ...{ server_name: true, extended_master_secret: true, ec_point_formats: [0] },
        },
      );
    });
    it('the name, where the certificate is for it', async () => {
      const accept = { verifyPeer: () => ({ accepted: true }) as const };
      assert.equal((await answersOf()).server_name, true);
      const other = { serverName: 'other.example' };
      assert.equal((await answersOf({ client: accept, target: other })).server_name, undefined);
      assert.equal((await answersOf({ target: { verifyName: 'localhost' } })).server_name, undefined);
    });
    it('the application protocol', async () => {
      const options = { client: { alpnProtocols: ['a', 'b'] }, server: { alpnProtocols: ['b', 'a'] } };
      assert.equal((await answersOf(options)).application_layer_protocol_negotiation, 'b');
      assert.equal((await agreed12(options)).alpnProtocol, 'b');
      const byCallback = { ...options, server: { selectAlpn: async () => 'a' } };
      assert.equal((await agreed12(byCallback)).alpnProtocol, 'a');
      assert.equal((await agreed12({ client: options.client })).alpnProtocol, undefined);
      assert.equal((await agreed12({ server: options.server })).alpnProtocol, undefined);
      await refused(
        {
          client: { versions: [tls12], alpnProtocols: ['c'] },
          server: { versions: [tls12], alpnProtocols: ['a'] },
        },
        'server',
        'no_application_protocol',
        /^no application protocol in common: the client offers "c"$/,
      );
    });
    it('nothing about a staple, where there is none or nobody asks', async () => {
      const stapled: Credential = { ...serverCredential, ocspResponse: () => Uint8Array.of(0x30, 0) };
      assert.equal((await answersOf()).status_request, undefined);
      assert.equal((await answersOf({ server: { credentials: [stapled] } })).status_request, true);
      const quiet = { certificateStatus: false };
      assert.equal((await answersOf({ client: quiet, server: { credentials: [stapled] } })).status_request, undefined);
    });
  });

  describe(`beside the server’s certificate, provider ${provider.name}`, () => {
    const response = Uint8Array.of(0x30, 3, 0x0a, 1, 6);
    const timestamps = opaque16(opaque16(Uint8Array.of(1, 2, 3)));
    const seen = async (beside: Partial<Credential>, client: Partial<ClientOptions> = {}) => {
      const { peer } = await agreed12({ client, server: { credentials: [{ ...serverCredential, ...beside }] } });
      return [peer?.ocspResponse, peer?.signedCertificateTimestamps];
    };
    const both = { ocspResponse: () => response, signedCertificateTimestamps: () => timestamps };

    it('the OCSP response and the timestamps reach the client', async () => {
      assert.deepEqual(await seen(both), [response, timestamps]);
    });
    it('either alone, and later', async () => {
      assert.deepEqual(await seen({ ocspResponse: async () => response }), [response, undefined]);
      assert.deepEqual(await seen({ signedCertificateTimestamps: async () => timestamps }), [undefined, timestamps]);
    });
    it('nothing, where the sources have nothing at the moment', async () => {
      const nothing = { ocspResponse: () => undefined, signedCertificateTimestamps: async () => undefined };
      assert.deepEqual(await seen(nothing), [undefined, undefined]);
    });
    it('nothing to a client that does not ask, and the sources are not asked', async () => {
      const asked: string[] = [];
      const sources = {
        ocspResponse: () => {
          asked.push('response');
          return response;
        },
        signedCertificateTimestamps: () => {
          asked.push('timestamps');
          return timestamps;
        },
      };
      assert.deepEqual(await seen(sources, { certificateStatus: false }), [undefined, undefined]);
      assert.deepEqual(asked, []);
    });
    it('verifyPeer sees both', async () => {
      const told: unknown[] = [];
      const verifyPeer: ClientOptions['verifyPeer'] = ({ ocspResponse, signedCertificateTimestamps }) => {
        told.push(ocspResponse, signedCertificateTimestamps);
        return { accepted: true };
      };
      await seen(both, { verifyPeer });
      assert.deepEqual(told, [response, timestamps]);
    });
  });

  describe(`the size of records, provider ${provider.name}`, () => {
    type Sizes = Readonly<Record<'client' | 'server', readonly number[]>>;

    /** The lengths of what each side's records hold, protected or not; the type byte of TLS 1.3 counted in. */
    const sizesOf = async (
      version: Version,
      client: Partial<ClientOptions>,
      server: Partial<ServerOptions>,
      bytes = 2500,
    ): Promise<{ readonly inTheClear: Sizes; readonly sealed: Sizes }> => {
      const cipherSuites = [version.defaultCipherSuites[0] ?? assert.fail()];
      const common = { versions: [version], cipherSuites };
      const inTheClear = { client: [] as number[], server: [] as number[] };
      const sealed = { client: [] as number[], server: [] as number[] };
      const hidden = { client: false, server: false };
      const both = pair({ provider, client: { ...common, ...client }, server: { ...common, ...server } });
      const watch = (chunk: Bytes, from: 'client' | 'server'): readonly Bytes[] => {
        for (const record of recordsIn(chunk)) {
          const [type] = record;
          const length = record.length - 5;
          const isSealed = version === tls13 ? type === 23 : hidden[from];
          // AES-GCM: a tag, and before TLS 1.3 a nonce.
          if (isSealed) sealed[from].push(length - (version === tls13 ? 16 : 24));
          else if (type !== 20) inTheClear[from].push(length);
          if (type === 20) hidden[from] = true;
        }
        return [chunk];
      };
      await exchange(both, watch);
      assert.equal(both.client.error?.message ?? both.server.error?.message, undefined);
      both.client.connection.write(Buffer.alloc(bytes, '>'));
      both.server.connection.write(Buffer.alloc(bytes, '<'));
      await exchange(both, watch);
      assert.deepEqual([both.server.text(), both.client.text()], ['>'.repeat(bytes), '<'.repeat(bytes)]);
      return { inTheClear, sealed };
    };
    const most = (lengths: readonly number[]): number => Math.max(...lengths);

    for (const version of [tls12, tls13]) {
      it(`is what record_size_limit says, each way its own: ${version.name}`, async () => {
        const { sealed } = await sizesOf(version, { recordSizeLimit: 100 }, { recordSizeLimit: 300 });
        assert.deepEqual([most(sealed.client), most(sealed.server)], [300, 100]);
      });
      it(`is bounded by record_size_limit for what is sent to who asked: ${version.name}`, async () => {
        const { sealed } = await sizesOf(version, { recordSizeLimit: 64 }, {}, 17_000);
        const type = version === tls13 ? 1 : 0;
        assert.deepEqual([most(sealed.client), most(sealed.server)], [16_384 + type, 64]);
      });
      it(`is not bounded where the client did not ask: ${version.name}`, async () => {
        const { sealed } = await sizesOf(version, {}, { recordSizeLimit: 64 }, 17_000);
        const type = version === tls13 ? 1 : 0;
        assert.deepEqual([most(sealed.client), most(sealed.server)], [16_384 + type, 16_384 + type]);
      });
      for (const maxFragmentLength of [512, 1024, 2048, 4096] as const) {
        it(`is what max_fragment_length ${maxFragmentLength} says, both ways: ${version.name}`, async () => {
          const { sealed, inTheClear } = await sizesOf(version, { maxFragmentLength }, {}, 5000);
          const type = version === tls13 ? 1 : 0;
          assert.deepEqual(
            [most(sealed.client), most(sealed.server)],
            [maxFragmentLength + type, maxFragmentLength + type],
          );
          // In TLS 1.3 the answer comes after ServerHello, which nothing bounds yet.
          if (version === tls12) assert.ok(most(inTheClear.server) <= maxFragmentLength);
        });
      }
      it(`is record_size_limit’s, where both are asked for: ${version.name}`, async () => {
        const { sealed } = await sizesOf(
          ...([version, { maxFragmentLength: 512, recordSizeLimit: 1000 }, { recordSizeLimit: 2000 }] as const),
        );
        assert.deepEqual([most(sealed.client), most(sealed.server)], [2000, 1000]);
      });
    }

    it('counts for a handshake in the clear by max_fragment_length alone: TLS 1.2', async () => {
      const chain = { credentials: [{ ...serverCredential, chain: [...serverCredential.chain, pki.root] }] };
      const byFragment = await sizesOf(tls12, { maxFragmentLength: 512 }, chain);
      assert.equal(most(byFragment.inTheClear.server), 512);
      const byLimit = await sizesOf(tls12, { recordSizeLimit: 64 }, { ...chain, recordSizeLimit: 64 });
      assert.ok(most(byLimit.inTheClear.server) > 512);
    });

    it('larger than was agreed on is refused: TLS 1.2', async () => {
      const groups = groupsNamed('x25519', 'secp256r1');
      for (const [limits, message] of [
        [{ recordSizeLimit: 100 }, /^a record holds 101 bytes, where 100 are the most$/],
        [{}, undefined],
      ] as const) {
        const puppet = new PuppetClient12(startServer({ provider, groups, versions: [tls12], ...limits }));
        await puppet.sendHello({ extensions: { record_size_limit: 16_384 } });
        await puppet.readFlight();
        puppet.messages.length = 0;
        await puppet.flight();
        await puppet.finish();
        await puppet.sendData('x'.repeat(100));
        assert.equal(puppet.side.text(), 'x'.repeat(100));
        await puppet.sendData('x'.repeat(101));
        assert.equal(puppet.side.error?.code, message && 'record_overflow');
        if (message) assert.match(puppet.side.error?.message ?? '', message);
      }
    });
  });

  describe(`a connection of TLS 1.2, provider ${provider.name}`, () => {
    const groups = groupsNamed('x25519', 'secp256r1');
    const label = 'EXPORTER-test';
    const context = Uint8Array.of(1, 2, 3);

    it('exports the same on both sides; no context is something else than an empty one', async () => {
      const { both } = await agreed12();
      const values = [undefined, new Uint8Array(0), context, new Uint8Array(65_535)].map((given) => {
        const ours = both.client.connection.exportKeyingMaterial(48, label, given);
        assert.deepEqual(ours, both.server.connection.exportKeyingMaterial(48, label, given));
        assert.equal(ours.length, 48);
        return toHex(ours);
      });
      values.push(toHex(both.client.connection.exportKeyingMaterial(48, `${label}2`)));
      assert.equal(new Set(values).size, 5);
      const longer = toHex(both.client.connection.exportKeyingMaterial(100, label));
      // The PRF's output is a stream: the length is not part of it (RFC 5705 §4).
      assert.equal(longer.slice(0, 96), values[0]);
      assert.equal(both.client.connection.exportKeyingMaterial(0, label).length, 0);
    });

    it('exports nothing under the protocol’s own labels', async () => {
      const { both } = await agreed12();
      for (const own of [
        ...['client finished', 'server finished', 'master secret', 'extended master secret', 'key expansion'],
      ]) {
        for (const { connection } of [both.client, both.server]) {
          assert.throws(() => connection.exportKeyingMaterial(32, own), {
            name: 'RangeError',
            message: `the label ${own} is the protocol's own`,
          });
        }
      }
    });

    it('exports after data and after its own close_notify, and not after the end', async () => {
      const { both } = await agreed12();
      const before = both.client.connection.exportKeyingMaterial(32, label);
      both.client.connection.abort();
      assert.throws(() => both.client.connection.exportKeyingMaterial(32, label), { code: 'closed' });
      assert.equal(before.length, 32);
    });

    it('writes one line into each key log: CLIENT_RANDOM, the random and the master secret', async () => {
      for (const suite of suitesOf('ECDSA').filter(has)) {
        const logs: Record<'client' | 'server', string[]> = { client: [], server: [] };
        const events: TraceEvent[] = [];
        const { both } = await agreed12({
          client: {
            cipherSuites: [suite],
            keyLog: (line) => logs.client.push(line),
            trace: (event) => events.push(event),
          },
          server: { keyLog: (line) => logs.server.push(line) },
        });
        assert.deepEqual(logs.client, logs.server);
        assert.equal(logs.client.length, 1);
        const [name, random = '', secret = ''] = (logs.client[0] ?? '').split(' ');
        assert.equal(name, 'CLIENT_RANDOM');
        assert.match(secret, /^[0-9a-f]{96}$/);
        const [hello, answer] = messagesOf(events).map(({ message }) => message);
        assert.ok(hello?.type === 'client_hello' && answer?.type === 'legacy_server_hello');
        assert.equal(random, toHex(hello.random));
        // It is the secret: what is exported comes of it.
        const schedule = scheduleOf(prf12(nodeProvider, suite.hash));
        const seed = concat(hello.random, answer.random);
        assert.deepEqual(
          both.client.connection.exportKeyingMaterial(32, label),
          schedule.exporter(fromHex(secret), label, seed, 32),
        );
      }
    });

    it('has no key updates', async () => {
      const { both } = await agreed12();
      for (const { connection } of [both.client, both.server]) {
        for (const requestPeer of [false, true]) {
          assert.throws(() => connection.updateKeys({ requestPeer }), {
            name: 'TlsError',
            code: 'not_supported',
            message: 'TLS 1.2 has no key updates: TLS 1.3 brought them',
          });
        }
      }
      both.client.connection.write(Buffer.from('!'));
      await exchange(both);
      assert.equal(both.server.text(), 'ping!');
    });

    it('the trace tells the story, in order', async () => {
      const events: TraceEvent[] = [];
      const { both } = await agreed12({ client: { trace: (event) => events.push(event) } });
      both.client.connection.closeWrite();
      await exchange(both);
      const story = events.flatMap((event) => {
        if (event.type === 'message') return [`${event.direction} ${event.message.type}`];
        if (event.type === 'key') return [`key ${event.direction} ${event.level} ${event.generation}`];
        if (event.type === 'alert') return [`${event.direction} ${event.alert}`];
        return ['record', 'state', 'work'].includes(event.type) ? [] : [event.type];
      });
      assert.deepEqual(story, [
        'out client_hello',
        'in legacy_server_hello',
        'in certificate_12',
        'in server_key_exchange',
        'in server_hello_done',
        'certificate',
        'out client_key_exchange',
        'key out application 0',
        'out finished',
        'key in application 0',
        'in finished',
        'established',
        'out close_notify',
        'in close_notify',
        'closed',
      ]);
    });

    describe('with a peer that does not know extended_master_secret', () => {
      const server = async (options: Partial<ClientOptions> = {}) => {
        const puppet = new PuppetServer12(startClient({ provider, groups, versions: [tls12], ...options }));
        const absent: object = { extended_master_secret: undefined };
        await puppet.flight({}, { extensions: absent });
        await puppet.receive();
        if (puppet.side.error === undefined) await puppet.finish();
        return puppet;
      };
      const client = async (options: Partial<ServerOptions> = {}) => {
        const puppet = new PuppetClient12(startServer({ provider, groups, versions: [tls12], ...options }));
        const absent: object = { extended_master_secret: undefined };
        await puppet.sendHello({ extensions: absent });
        await puppet.receive();
        if (puppet.side.error !== undefined) return puppet;
        await puppet.readFlight();
        puppet.messages.length = 0;
        await puppet.flight();
        await puppet.finish();
        return puppet;
      };
      for (const [role, start] of [
        ['client', server],
        ['server', client],
      ] as const) {
        it(`a ${role} goes on, and exports nothing`, async () => {
          const puppet = await start();
          const { side } = puppet;
          assert.equal(side.error?.message, undefined);
          assert.equal(side.connection.negotiated?.extendedMasterSecret, false);
          await puppet.sendData('hello');
          assert.equal(side.text(), 'hello');
          assert.throws(() => side.connection.exportKeyingMaterial(32, label), {
            name: 'TlsError',
            code: 'not_supported',
            message: 'exported keys are not bound to a connection without extended_master_secret',
          });
          await puppet.sendData(' again');
          assert.equal(side.text(), 'hello again');
        });
        it(`a ${role} that requires it refuses`, async () => {
          const puppet = await start({ requireExtendedMasterSecret: true });
          const peer = role === 'client' ? 'server' : 'client';
          assert.equal(puppet.side.error?.code, 'handshake_failure');
          assert.equal(
            puppet.side.error.message,
            `the ${peer} does not know extended_master_secret, and it is required`,
          );
        });
      }
      it('two of ours that require it agree', async () => {
        const required = { requireExtendedMasterSecret: true };
        assert.equal((await agreed12({ client: required, server: required })).extendedMasterSecret, true);
        assert.equal((await agreed({ client: required, server: required })).extendedMasterSecret, true);
      });
    });
  });
}

describe('the random of a server that chooses less than TLS 1.2', () => {
  it('says so, where it knows TLS 1.2 or more', async () => {
    const provider = nodeLegacyProvider;
    const credential = await oldCredential('secp256r1');
    const cipherSuites = [...tls13.defaultCipherSuites, ...suites12, ...legacyCipherSuites];
    for (const [versions, chosen, sentinel] of [
      [[tls13, tls12, tls11, tls10], tls10, sentinels.below],
      [[tls12, tls11, tls10], tls11, sentinels.below],
      [[tls11, tls10], tls10, undefined],
    ] as const) {
      const events: TraceEvent[] = [];
      const usable = cipherSuites.filter((suite) => suite.supportedBy(provider));
      const common = { provider, cipherSuites: usable };
      const both = await connected({
        provider,
        client: { ...common, versions: [chosen], trace: (event) => events.push(event) },
        server: { ...common, versions, credentials: [credential] },
      });
      const [, answer] = messagesOf(events).map(({ message }) => message);
      assert.ok(answer?.type === 'legacy_server_hello');
      assert.equal(answer.legacyVersion, chosen.id);
      const end = toHex(answer.random.subarray(24));
      if (sentinel === undefined) assert.notEqual(end.slice(0, 14), sentinels.below.slice(0, 14));
      else assert.equal(end, sentinel);
      // A client that knows no better than what was chosen is not downgraded.
      assert.equal(both.client.error?.message, undefined);
      assert.equal(both.client.connection.negotiated?.version, chosen.name);
    }
  });
});
