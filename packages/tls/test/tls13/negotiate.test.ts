/**
 * What client and server agree on: suites, groups, schemes, names, protocols, certificates.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import {
  type Credential,
  cipherSuites,
  namedGroups,
  serverConfig,
  signatureSchemes,
  type TraceEvent,
} from '../../src/index.ts';
import { readHandshake } from '../../src/messages/handshake.ts';
import { messages13 } from '../../src/tls13/messages.ts';
import { clientCredential, makeCredential, otherPki, pki, serverCredential } from '../support/identities.ts';
import { connected, exchange, pair, providers, serverDefaults, settled, startClient } from '../support/pair.ts';

const named = (...names: readonly string[]) =>
  names.flatMap((name) => namedGroups.find((group) => group.name === name) ?? []);
const keyTypes = [
  'secp256r1',
  'secp384r1',
  'secp521r1',
  'ed25519',
  'ed448',
  'rsa',
  'rsa-pss',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
] as const;
const schemeOfKey = {
  secp256r1: 'ecdsa_secp256r1_sha256',
  secp384r1: 'ecdsa_secp384r1_sha384',
  secp521r1: 'ecdsa_secp521r1_sha512',
  ed25519: 'ed25519',
  ed448: 'ed448',
  rsa: 'rsa_pss_rsae_sha256',
  'rsa-pss': 'rsa_pss_pss_sha256',
  'ml-dsa-44': 'mldsa44',
  'ml-dsa-65': 'mldsa65',
  'ml-dsa-87': 'mldsa87',
} as const;
const byKey = new Map<string, { server: Credential; client: Credential }>();
for (const type of keyTypes) {
  try {
    byKey.set(type, {
      server: await makeCredential({ type }),
      client: await makeCredential({ type, purpose: 'clientAuth' }),
    });
  } catch (error) {
    // Runtimes before Node 24.7 have no ML-DSA; everything else must be there.
    if (!type.startsWith('ml-dsa')) throw error;
  }
}

for (const provider of providers) {
  describe(`negotiation, provider ${provider.name}`, () => {
    const agreed = async (options: Parameters<typeof connected>[0]) => {
      const both = await connected({ provider, ...options });
      assert.equal(both.client.error ?? both.server.error, undefined);
      const { negotiated } = both.client.connection;
      const other = both.server.connection.negotiated;
      assert.ok(negotiated && other);
      for (const key of [
        'version',
        'cipherSuite',
        'group',
        'alpnProtocol',
        'serverName',
        'helloRetryRequest',
      ] as const) {
        assert.equal(negotiated[key], other[key], key);
      }
      assert.equal(negotiated.peerSignatureScheme, other.signatureScheme);
      assert.equal(negotiated.signatureScheme, other.peerSignatureScheme);
      both.client.connection.write(Buffer.from('ping'));
      both.server.connection.write(Buffer.from('pong'));
      await exchange(both);
      assert.equal(both.server.text() + both.client.text(), 'pingpong');
      return negotiated;
    };

    const suites = cipherSuites.filter(({ aead }) => provider.aeads[aead]);
    for (const suite of suites) {
      it(`suite ${suite.name}`, async () => {
        const { cipherSuite } = await agreed({ client: { cipherSuites: [suite] }, server: { cipherSuites: suites } });
        assert.equal(cipherSuite, suite);
      });
    }

    for (const group of namedGroups.filter(({ exchange: name }) => provider.groups[name])) {
      it(`group ${group.name}`, async () => {
        assert.equal((await agreed({ client: { groups: [group] }, server: { groups: [group] } })).group, group);
      });
      if (group.name === 'secp521r1') continue;
      it(`group ${group.name} after a HelloRetryRequest`, async () => {
        const groups = [...named('secp521r1'), group];
        const negotiated = await agreed({
          client: { groups, keyShares: groups.slice(0, 1) },
          server: { groups: [group], retryCookie: true },
        });
        assert.equal(negotiated.group, group);
        assert.equal(negotiated.helloRetryRequest, true);
      });
    }

    for (const [type, credentials] of byKey) {
      it(`both sides with a key of type ${type}`, async () => {
        const negotiated = await agreed({
          client: { credentials: [credentials.client] },
          server: { credentials: [credentials.server], clientCertificate: 'require', trust: pki.trust },
        });
        assert.equal(negotiated.peerSignatureScheme?.name, schemeOfKey[type as keyof typeof schemeOfKey]);
        assert.equal(negotiated.signatureScheme?.name, schemeOfKey[type as keyof typeof schemeOfKey]);
        assert.equal(negotiated.peer?.error, undefined);
        assert.equal(negotiated.peer?.path?.path.length, 2);
      });
    }

    describe('preferences', () => {
      const [aes128, aes256] = cipherSuites.slice(0, 2);
      if (!aes128 || !aes256) throw new TypeError('suites are missing');
      it('the server’s order of suites wins, or the client’s where asked', async () => {
        const client = { cipherSuites: [aes128, aes256] };
        const server = { cipherSuites: [aes256, aes128] };
        assert.equal((await agreed({ client, server })).cipherSuite, aes256);
        assert.equal((await agreed({ client, server: { ...server, preferClientOrder: true } })).cipherSuite, aes128);
      });
      it('a post-quantum group wins over the others, at the price of a round trip', async () => {
        const groups = named('x25519', 'SecP256r1MLKEM768');
        const negotiated = await agreed({
          client: { groups },
          server: { groups: named('SecP256r1MLKEM768', 'x25519') },
        });
        assert.equal(negotiated.group?.name, 'SecP256r1MLKEM768');
        assert.equal(negotiated.helloRetryRequest, true);
      });
      it('among groups of one kind, one whose share has come wins', async () => {
        const groups = named('x25519', 'secp256r1');
        const negotiated = await agreed({ client: { groups }, server: { groups: named('secp256r1', 'x25519') } });
        assert.equal(negotiated.group?.name, 'x25519');
        assert.equal(negotiated.helloRetryRequest, false);
      });
      it('our order of schemes wins', async () => {
        const schemes = [...signatureSchemes].sort(
          (a, b) => Number(b.name === 'rsa_pss_rsae_sha512') - Number(a.name === 'rsa_pss_rsae_sha512'),
        );
        const rsa = byKey.get('rsa');
        const negotiated = await agreed({
          server: { credentials: rsa ? [rsa.server] : [], signatureSchemes: schemes },
        });
        assert.equal(negotiated.peerSignatureScheme?.name, 'rsa_pss_rsae_sha512');
      });
    });

    describe('the client’s hello', () => {
      const helloOf = async (options: Parameters<typeof startClient>[0]) => {
        const client = startClient({ provider, ...options });
        await settled(client);
        const bytes = Buffer.concat(client.outbox);
        const message = readHandshake(messages13, new Uint8Array(bytes.subarray(5)), new Set());
        assert.equal(message.type, 'client_hello');
        return message.type === 'client_hello' ? message : assert.fail();
      };
      it('shares X25519MLKEM768 and x25519 by default, with one X25519 key', async () => {
        const { key_share: shares = [] } = (await helloOf({})).extensions;
        assert.deepEqual(
          shares.map(({ group }) => group),
          [0x11ec, 0x001d],
        );
        const [hybrid, classical] = shares;
        assert.equal(
          toHex(hybrid?.keyExchange.subarray(1184) ?? new Uint8Array(0)),
          toHex(classical?.keyExchange ?? new Uint8Array(1)),
        );
      });
      it('never has the same shares, random or session id twice', async () => {
        const seen = new Set<string>();
        for (let i = 0; i < 3; i++) {
          const hello = await helloOf({});
          for (const { keyExchange } of hello.extensions.key_share ?? []) seen.add(toHex(keyExchange));
          seen.add(toHex(hello.random)).add(toHex(hello.legacySessionId));
        }
        assert.equal(seen.size, 12);
      });
      it('has an empty session id without middlebox compatibility', async () => {
        assert.equal((await helloOf({ middleboxCompatibility: false })).legacySessionId.length, 0);
        await agreed({ client: { middleboxCompatibility: false } });
      });
      it('greases where asked to, also after a HelloRetryRequest', async () => {
        const hello = await helloOf({ grease: true });
        const isGrease = (id: number): boolean => (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff);
        assert.equal(isGrease(hello.cipherSuites[0] ?? 0), true);
        assert.equal(isGrease(hello.extensions.supported_groups?.[0] ?? 0), true);
        assert.equal(isGrease(hello.extensions.supported_versions?.[0] ?? 0), true);
        assert.equal(hello.extensionList.filter(({ type }) => isGrease(type)).length, 2);
        const groups = named('x25519', 'secp256r1');
        await agreed({ client: { grease: true } });
        await agreed({ client: { grease: true, groups }, server: { groups: named('secp256r1') } });
      });
      it('names the authorities it was told to', async () => {
        const { extensions } = await helloOf({ certificateAuthorities: [pki.root.subject.raw] });
        assert.deepEqual(extensions.certificate_authorities?.map(toHex), [toHex(pki.root.subject.raw)]);
      });
    });

    describe('the server’s certificate', () => {
      it('is chosen by name', async () => {
        const wild = await makeCredential({ names: ['*.example.org'] });
        const credentials = [serverCredential, wild];
        const negotiated = await agreed({ server: { credentials }, target: { serverName: 'www.example.org' } });
        assert.equal(negotiated.peer?.chain[0], negotiated.peer?.chain[0]);
        assert.deepEqual(negotiated.peer?.chain[0]?.raw, wild.chain[0]?.raw);
      });
      it('is chosen by the client’s schemes', async () => {
        const ed = byKey.get('ed25519');
        const credentials = [...(ed ? [ed.server] : []), serverCredential];
        const only = signatureSchemes.filter(({ name }) => name === 'ecdsa_secp256r1_sha256');
        const negotiated = await agreed({ client: { signatureSchemes: only }, server: { credentials } });
        assert.equal(negotiated.peerSignatureScheme?.name, 'ecdsa_secp256r1_sha256');
      });
      it('is sent though its chain does not fit, where no other is there', async () => {
        // The root signs with ECDSA P-256; a client that lists Ed25519 alone gets the chain all the same.
        const ed = byKey.get('ed25519');
        const only = signatureSchemes.filter(({ name }) => name === 'ed25519');
        const both = await connected({
          provider,
          client: { signatureSchemes: only },
          server: { credentials: ed ? [ed.server] : [] },
        });
        assert.equal(both.client.established, true);
      });
      it('is chosen by a callback that sees the hello, synchronous or not', async () => {
        for (const wrap of [(value: Credential) => value, async (value: Credential) => value]) {
          const seen: unknown[] = [];
          await agreed({
            server: {
              credentials: [],
              selectCredential: ({ serverName, clientHello, alpnProtocols }) => {
                seen.push(serverName, clientHello.type, alpnProtocols);
                return wrap(serverCredential);
              },
            },
            client: { alpnProtocols: ['h2'] },
          });
          assert.deepEqual(seen, ['localhost', 'client_hello', ['h2']]);
        }
      });
      it('comes with a whole config of its own, where a callback says so', async () => {
        const other = serverConfig({ ...serverDefaults(provider), alpnProtocols: ['special'] });
        const negotiated = await agreed({
          client: { alpnProtocols: ['special', 'h2'] },
          server: { alpnProtocols: ['h2'], selectConfig: async () => other },
        });
        assert.equal(negotiated.alpnProtocol, 'special');
      });
      it('may belong to a signer that answers later', async () => {
        const { chain, signer } = serverCredential;
        const kms = { ...signer, sign: async (...args: Parameters<typeof signer.sign>) => signer.sign(...args) };
        await agreed({ server: { credentials: [{ chain, signer: kms }] } });
      });
    });

    describe('the client’s certificate', () => {
      const request = { clientCertificate: 'request', trust: pki.trust } as const;
      it('is not asked for by default', async () => {
        const both = await connected({ provider, client: { credentials: [clientCredential] } });
        assert.equal(both.server.connection.negotiated?.peer, undefined);
      });
      it('may be absent where it is requested', async () => {
        assert.equal((await agreed({ server: request })).signatureScheme, undefined);
      });
      it('is verified where it is requested and sent', async () => {
        const both = await connected({ provider, client: { credentials: [clientCredential] }, server: request });
        assert.equal(both.server.connection.negotiated?.peer?.chain[0]?.subject.commonName, 'a client');
      });
      it('is chosen by a callback that sees the request', async () => {
        const seen: unknown[] = [];
        await agreed({
          client: {
            selectCredential: async ({ certificateAuthorities, signatureSchemes: schemes }) => {
              seen.push(certificateAuthorities.map(toHex), schemes.length > 5);
              return clientCredential;
            },
          },
          server: { ...request, clientCertificate: 'require' },
        });
        assert.deepEqual(seen, [[toHex(pki.root.subject.raw)], true]);
      });
      it('is not sent where the callback says null', async () => {
        const client = { credentials: [clientCredential], selectCredential: () => null };
        assert.equal((await agreed({ client, server: request })).signatureScheme, undefined);
      });
      it('is refused later than the client is connected: the alert reaches its reader', async () => {
        const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
        const both = pair({
          provider,
          client: { credentials: [stranger] },
          server: { ...request, clientCertificate: 'require' },
        });
        await exchange(both);
        assert.equal(both.client.established, true);
        assert.equal(both.client.error?.code, 'peer_alert');
        assert.equal(both.client.error?.alert, 'unknown_ca');
        assert.equal(both.client.error?.phase, 'connected');
        assert.match(both.client.error?.message ?? '', /does not trust the authority that signed our certificate/);
      });
    });

    describe('ALPN', () => {
      it('the server’s order wins', async () => {
        const negotiated = await agreed({
          client: { alpnProtocols: ['a', 'b'] },
          server: { alpnProtocols: ['b', 'a'] },
        });
        assert.equal(negotiated.alpnProtocol, 'b');
      });
      it('none, where either side has none', async () => {
        assert.equal((await agreed({ client: { alpnProtocols: ['a'] } })).alpnProtocol, undefined);
        assert.equal((await agreed({ server: { alpnProtocols: ['a'] } })).alpnProtocol, undefined);
      });
      it('a callback chooses', async () => {
        const negotiated = await agreed({
          client: { alpnProtocols: ['a', 'b'] },
          server: { selectAlpn: async ({ alpnProtocols }) => alpnProtocols.at(-1) },
        });
        assert.equal(negotiated.alpnProtocol, 'b');
      });
    });

    it('exporters agree, and differ by label, context and connection', async () => {
      const both = await connected({ provider });
      const [client, server] = [both.client.connection, both.server.connection];
      const context = Uint8Array.of(1, 2, 3);
      assert.deepEqual(
        client.exportKeyingMaterial(32, 'EXPORTER-test'),
        server.exportKeyingMaterial(32, 'EXPORTER-test'),
      );
      assert.deepEqual(
        client.exportKeyingMaterial(99, 'EXPORTER-test', context),
        server.exportKeyingMaterial(99, 'EXPORTER-test', context),
      );
      const other = (await connected({ provider })).client.connection;
      const values = [
        client.exportKeyingMaterial(32, 'EXPORTER-test'),
        client.exportKeyingMaterial(32, 'EXPORTER-other'),
        client.exportKeyingMaterial(32, 'EXPORTER-test', context),
        other.exportKeyingMaterial(32, 'EXPORTER-test'),
      ];
      assert.equal(new Set(values.map(toHex)).size, 4);
    });

    it('both key logs say the same, in SSLKEYLOGFILE’s format', async () => {
      const logs: Record<'client' | 'server', string[]> = { client: [], server: [] };
      await connected({
        provider,
        client: { keyLog: (line) => logs.client.push(line) },
        server: { keyLog: (line) => logs.server.push(line) },
      });
      assert.deepEqual(logs.client, logs.server);
      assert.deepEqual(
        logs.client.map((line) => line.split(' ')[0]),
        [
          'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
          'SERVER_HANDSHAKE_TRAFFIC_SECRET',
          'CLIENT_TRAFFIC_SECRET_0',
          'SERVER_TRAFFIC_SECRET_0',
          'EXPORTER_SECRET',
        ],
      );
      for (const line of logs.client) assert.match(line, /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64}$/);
    });

    it('the trace tells the story, in order', async () => {
      const events: TraceEvent[] = [];
      const both = await connected({ provider, client: { trace: (event) => events.push(event), clock: () => 5 } });
      both.client.connection.closeWrite();
      both.server.connection.closeWrite();
      await exchange(both);
      const story = events.flatMap((event) =>
        event.type === 'message'
          ? [`${event.direction} ${event.message.type}`]
          : event.type === 'key'
            ? [`key ${event.direction} ${event.level}`]
            : ['record', 'state', 'work'].includes(event.type)
              ? []
              : [event.type],
      );
      assert.deepEqual(story, [
        'out client_hello',
        'in server_hello',
        'key in handshake',
        'key out handshake',
        'in encrypted_extensions',
        'in certificate',
        'in certificate_verify',
        'certificate',
        'in finished',
        'key in application',
        'out finished',
        'key out application',
        'established',
        'alert',
        'alert',
        'closed',
      ]);
      assert.equal(
        events.every(({ at, role }) => at === 5 && role === 'client'),
        true,
      );
    });
  });
}
