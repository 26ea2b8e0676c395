/**
 * Extensions and options over CBC, in TLS 1.0, 1.1 and 1.2: extended_master_secret, encrypt_then_mac, the sizes of records,
 * client certificates.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { forcedAsync } from '@handfast/crypto/testing';
import {
  type CipherSuite,
  type ClientOptions,
  type Credential,
  namedGroups,
  type ServerOptions,
  type Tls12CipherSuite,
  tls12,
  type Version,
} from '../../src/index.ts';
import { allLegacyCipherSuites, ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import { extensionType } from '../../src/registry.ts';
import { otherPki, pki } from '../support/identities.ts';
import { exchange, give, type Pair, pair, type Wire } from '../support/pair.ts';
import { extension, handshake, opaque16, recordsIn, u16 } from '../support/wire.ts';
import { type OldCredential, oldCredential } from './identities.ts';
import { bytesOf } from './reference.ts';
import { rewriting } from './rewriting.ts';
import { SecondHand } from './second-hand.ts';

const provider = nodeLegacyProvider;
const credentials: readonly Credential[] = [await oldCredential('rsa'), await oldCredential('secp256r1')];
const clientRsa: OldCredential = await oldCredential('rsa', { purpose: 'clientAuth' });
const clientEcdsa: OldCredential = await oldCredential('secp256r1', { purpose: 'clientAuth' });

const versions: readonly Version[] = [tls12, tls11, tls10];
const groups = namedGroups.filter(({ name }) => ['secp256r1', 'ffdhe2048'].includes(name));

const serverHello = 2;
const clientHello = 1;
const certificateRequest = 13;
const serverHelloDone = 14;
const certificateVerify = 15;

function suite(name: string): Tls12CipherSuite {
  return allLegacyCipherSuites.find((row) => row.name === `TLS_${name}`) ?? assert.fail(name);
}

const cbc = suite('RSA_WITH_AES_128_CBC_SHA');
const gcm = suite('RSA_WITH_AES_128_GCM_SHA256');
/** CBC with each kind of key exchange that has certificates. */
const cbcSuites = ['RSA', 'DHE_RSA', 'ECDHE_RSA', 'ECDHE_ECDSA'].map((name) => suite(`${name}_WITH_AES_128_CBC_SHA`));

interface Setting {
  readonly version?: Version;
  readonly suites?: readonly CipherSuite[];
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
}

function start({ version = tls12, suites = [cbc], client = {}, server = {} }: Setting = {}): Pair {
  const common = { provider, versions: [version], cipherSuites: suites, groups } as const;
  return pair({ client: { ...common, ...client }, server: { ...common, credentials, ...server } });
}

async function ended(setting: Setting, wire?: Wire): Promise<Pair> {
  const both = start(setting);
  await exchange(both, wire);
  return both;
}

function assertConnected({ client, server }: Pair, what?: string): void {
  assert.deepEqual([client.error?.message, server.error?.message], [undefined, undefined], what);
  assert.deepEqual([client.established, server.established], [true, true], what);
}

/** Sends so much both ways, and answers the lengths of the client's records on the wire. */
async function talk(both: Pair, length = 10): Promise<readonly number[]> {
  both.client.connection.write(bytesOf(length));
  both.server.connection.write(bytesOf(length));
  const lengths = both.client.outbox.flatMap((bytes) => recordsIn(bytes).map((record) => record.length - 5));
  await exchange(both);
  assertConnected(both);
  for (const side of [both.client, both.server]) {
    assert.deepEqual(Uint8Array.from(Buffer.concat(side.data)), bytesOf(length));
  }
  return lengths;
}

/** A hello's extension block: where it begins, behind its length. */
function extensionsAt(message: Uint8Array, type: number): number {
  const idEnd = 4 + 34 + 1 + (message[4 + 34] as number);
  if (type === serverHello) return idEnd + 3 + 2;
  const suitesEnd = idEnd + 2 + (((message[idEnd] as number) << 8) | (message[idEnd + 1] as number));
  return suitesEnd + 1 + (message[suitesEnd] as number) + 2;
}

/** Takes an extension out of a hello, and puts others in. */
function changingExtensions(of: number, without: number, ...added: readonly Uint8Array[]): Wire {
  return rewriting((type, message) => {
    if (type !== of) return undefined;
    const at = extensionsAt(message, type);
    const kept: Uint8Array[] = [];
    for (let from = at; from < message.length; ) {
      const end = from + 4 + (((message[from + 2] as number) << 8) | (message[from + 3] as number));
      const id = ((message[from] as number) << 8) | (message[from + 1] as number);
      if (id !== without) kept.push(message.subarray(from, end));
      from = end;
    }
    return [handshake(type, concat(message.subarray(4, at - 2), opaque16(concat(...kept, ...added))))];
  });
}

describe('extended_master_secret', () => {
  it('is agreed on in every version and with every key exchange, and never in SSL 3.0', async () => {
    for (const version of versions) {
      for (const one of cbcSuites) {
        const both = await ended({ version, suites: [one] });
        assertConnected(both, `${version.name}, ${one.name}`);
        assert.equal(both.client.connection.negotiated?.extendedMasterSecret, true);
        assert.equal(both.server.connection.negotiated?.extendedMasterSecret, true);
        await talk(both);
      }
    }
    const old = await ended({ version: ssl30 });
    assertConnected(old);
    assert.equal(old.client.connection.negotiated?.extendedMasterSecret, false);
    assert.equal(old.server.connection.negotiated?.extendedMasterSecret, false);
  });

  it('taken out of either hello on its way ends the handshake at Finished', async () => {
    for (const version of versions) {
      for (const hello of [clientHello, serverHello]) {
        const both = await ended({ version }, changingExtensions(hello, extensionType.extended_master_secret));
        const code = both.server.error?.code;
        // Both sides agree to do without where the client's hello lost it, and then differ in their transcripts.
        assert.equal(code, hello === clientHello ? 'decrypt_error' : 'bad_record_mac', `${version.name}, ${hello}`);
        assert.deepEqual([both.client.established, both.server.established], [false, false]);
      }
    }
  });

  it('where it is required, a peer without it is refused', async () => {
    for (const version of versions) {
      const withoutHello = await ended(
        { version, server: { requireExtendedMasterSecret: true } },
        changingExtensions(clientHello, extensionType.extended_master_secret),
      );
      assert.equal(withoutHello.server.error?.code, 'handshake_failure');
      assert.match(withoutHello.server.error?.message ?? '', /^the client does not know extended_master_secret/);
      const withoutAnswer = await ended(
        { version, client: { requireExtendedMasterSecret: true } },
        changingExtensions(serverHello, extensionType.extended_master_secret),
      );
      assert.equal(withoutAnswer.client.error?.code, 'handshake_failure');
      assert.match(withoutAnswer.client.error?.message ?? '', /^the server does not know extended_master_secret/);
    }
  });

  it('where it is required, SSL 3.0 is refused', async () => {
    const byServer = await ended({ version: ssl30, server: { requireExtendedMasterSecret: true } });
    assert.equal(byServer.server.error?.code, 'handshake_failure');
    const byClient = await ended({ version: ssl30, client: { requireExtendedMasterSecret: true } });
    assert.equal(byClient.client.error?.code, 'handshake_failure');
  });

  it('binds what is exported: the same on both sides, in every version', async () => {
    for (const version of versions) {
      const both = await ended({ version });
      for (const context of [undefined, new Uint8Array(0), bytesOf(5)]) {
        assert.deepEqual(
          both.client.connection.exportKeyingMaterial(40, 'EXPERIMENTAL a label', context),
          both.server.connection.exportKeyingMaterial(40, 'EXPERIMENTAL a label', context),
        );
      }
    }
  });
});

describe('encrypt_then_mac', () => {
  // 10 bytes of content: with the MAC last, a block and 20 bytes; with the MAC first, two blocks.
  const explicit = (version: Version): number => (version === tls10 ? 0 : 16);

  it('is agreed on for CBC in every version, and is seen in the length of records', async () => {
    for (const version of versions) {
      const both = await ended({ version });
      const lengths = await talk(both);
      const last = lengths.at(-1);
      assert.equal(last, explicit(version) + 16 + 20, version.name);
    }
  });

  it('is not for SSL 3.0, whose records have the MAC inside', async () => {
    const lengths = await talk(await ended({ version: ssl30 }));
    assert.deepEqual(lengths, [32, 32]);
  });

  it('is not answered where the suite has no use for it', async () => {
    for (const one of [gcm, suite('RSA_WITH_RC4_128_SHA'), suite('RSA_WITH_NULL_SHA')]) {
      let answered = false;
      const both = await ended(
        { suites: [one, cbc] },
        rewriting((type, message) => {
          if (type === serverHello) answered = hasExtension(message, extensionType.encrypt_then_mac);
          return undefined;
        }),
      );
      assertConnected(both);
      assert.equal(both.client.connection.negotiated?.cipherSuite, one);
      assert.equal(answered, false, one.name);
    }
  });

  function hasExtension(message: Uint8Array, wanted: number): boolean {
    for (let from = extensionsAt(message, serverHello); from < message.length; ) {
      if ((((message[from] as number) << 8) | (message[from + 1] as number)) === wanted) return true;
      from += 4 + (((message[from + 2] as number) << 8) | (message[from + 3] as number));
    }
    return false;
  }

  it('answered where the suite has no use for it is refused by the client', async () => {
    const answer = extension(extensionType.encrypt_then_mac);
    const both = await ended({ suites: [gcm, cbc] }, changingExtensions(serverHello, -1, answer));
    const { error } = both.client;
    assert.deepEqual([error?.code, error?.alert], ['illegal_parameter', 'illegal_parameter']);
    assert.equal(
      error?.message,
      'ServerHello: encrypt_then_mac, where TLS_RSA_WITH_AES_128_GCM_SHA256 has no use for it',
    );
  });

  it('answered where nobody asked is refused by the client', async () => {
    const answer = extension(extensionType.encrypt_then_mac);
    const both = await ended({ suites: [gcm] }, changingExtensions(serverHello, -1, answer));
    const { error } = both.client;
    assert.deepEqual([error?.code, error?.alert], ['unsupported_extension', 'unsupported_extension']);
  });

  it('taken out of either hello on its way ends the handshake', async () => {
    for (const version of versions) {
      for (const hello of [clientHello, serverHello]) {
        const both = await ended({ version }, changingExtensions(hello, extensionType.encrypt_then_mac));
        assert.ok(['bad_record_mac', 'decrypt_error'].includes(both.server.error?.code ?? ''), version.name);
        assert.deepEqual([both.client.established, both.server.established], [false, false]);
      }
    }
  });
});

describe('the sizes of records', () => {
  /** Of application data, as either side counts them. */
  async function sizes(
    version: Version,
    length: number,
    client: Partial<ClientOptions>,
    server: Partial<ServerOptions>,
  ) {
    const seen = { client: [] as number[], server: [] as number[] };
    const count =
      (side: 'client' | 'server'): NonNullable<ClientOptions['trace']> =>
      (event) => {
        if (event.type === 'record' && event.direction === 'out' && event.contentType === 23) {
          seen[side].push(event.length);
        }
      };
    const both = await ended({
      version,
      client: { ...client, trace: count('client') },
      server: { ...server, trace: count('server') },
    });
    assertConnected(both, version.name);
    await talk(both, length);
    return seen;
  }

  it('max_fragment_length holds both ways, in every version, and for the handshake', async () => {
    for (const version of versions) {
      for (const maxFragmentLength of [512, 1024, 2048, 4096] as const) {
        const { client, server } = await sizes(version, 10_000, { maxFragmentLength }, {});
        for (const lengths of [client, server]) {
          assert.equal(Math.max(...lengths), maxFragmentLength - (version === tls10 ? 1 : 0));
          assert.equal(
            lengths.reduce((sum, length) => sum + length, 0),
            10_000,
          );
        }
      }
    }
  });

  it('max_fragment_length keeps the records of the handshake small as well', async () => {
    for (const version of versions) {
      const both = start({ version, client: { maxFragmentLength: 512 } });
      const longest = { client: 0, server: 0 };
      await exchange(both, (bytes, from) => {
        for (const record of recordsIn(bytes)) {
          if (record[0] === 22) longest[from] = Math.max(longest[from], record.length - 5);
        }
        return [bytes];
      });
      assertConnected(both);
      // Its own flight is longer than 512 bytes: it has a certificate.
      assert.equal(longest.server, 512);
    }
  });

  it('a record longer than was agreed on is refused with record_overflow, one as long is taken', async () => {
    const bare = suite('RSA_WITH_NULL_SHA');
    const rows: readonly (readonly [Partial<ClientOptions>, Partial<ServerOptions>, 'client' | 'server', number])[] = [
      [{ maxFragmentLength: 512 }, {}, 'client', 512],
      [{ maxFragmentLength: 512 }, {}, 'server', 512],
      [{ recordSizeLimit: 100 }, { recordSizeLimit: 200 }, 'server', 100],
      [{ recordSizeLimit: 100 }, { recordSizeLimit: 200 }, 'client', 200],
      [{}, {}, 'client', 16_384],
      [{}, {}, 'server', 16_384],
    ];
    for (const version of versions) {
      for (const [client, server, from, most] of rows) {
        const hand = new SecondHand(version, bare);
        const both = start({ version, suites: [bare], client: { ...client, keyLog: hand.keyLog }, server });
        await exchange(both, hand.wire);
        assertConnected(both);
        const side = both[from === 'client' ? 'server' : 'client'];
        await give(side, await hand.record(from, 23, bytesOf(most)));
        assert.equal(side.data.at(-1)?.length, most);
        await give(side, await hand.record(from, 23, bytesOf(most + 1)));
        assert.deepEqual([side.error?.code, side.error?.alert], ['record_overflow', 'record_overflow'], version.name);
        assert.equal(side.error?.message, `a record holds ${most + 1} bytes, where ${most} are the most`);
      }
    }
  });

  it('record_size_limit holds in the direction of who said it, in every version', async () => {
    for (const version of versions) {
      const { client, server } = await sizes(version, 3000, { recordSizeLimit: 1000 }, { recordSizeLimit: 500 });
      assert.equal(Math.max(...server), 1000 - (version === tls10 ? 1 : 0));
      assert.equal(Math.max(...client), 500 - (version === tls10 ? 1 : 0));
    }
  });

  it('record_size_limit of less than 64 is refused, on either side', async () => {
    const tooSmall = extension(extensionType.record_size_limit, u16(63));
    for (const version of versions) {
      const limited = { version, client: { recordSizeLimit: 1000 } } as const;
      const byServer = await ended(limited, changingExtensions(clientHello, extensionType.record_size_limit, tooSmall));
      assert.deepEqual(
        [byServer.server.error?.code, byServer.server.error?.message],
        ['illegal_parameter', 'ClientHello: record_size_limit is 63, where 64 is the least'],
      );
      const byClient = await ended(limited, changingExtensions(serverHello, extensionType.record_size_limit, tooSmall));
      assert.deepEqual(
        [byClient.client.error?.code, byClient.client.error?.message],
        ['illegal_parameter', 'ServerHello: record_size_limit is 63, where 64 is the least'],
      );
    }
  });

  it('SSL 3.0 has neither, and sends whole records', async () => {
    const { client, server } = await sizes(ssl30, 3000, { maxFragmentLength: 512, recordSizeLimit: 100 }, {});
    assert.deepEqual(
      [client, server],
      [
        [1, 2999],
        [1, 2999],
      ],
    );
  });
});

describe('client certificates', () => {
  const asks = { trust: pki.trust, clientCertificate: 'require' } as const;

  it('are taken in every version, by RSA and by ECDSA, with every key exchange', async () => {
    const schemes = {
      rsa: ['rsa_pss_rsae_sha256', 'rsa_pkcs1_md5_sha1'],
      secp256r1: ['ecdsa_secp256r1_sha256', 'ecdsa_sha1'],
    } as const;
    for (const version of versions) {
      for (const one of cbcSuites) {
        for (const credential of [clientRsa, clientEcdsa]) {
          const both = await ended({
            ...{ version, suites: [one], client: { credentials: [credential] } },
            server: asks,
          });
          const what = `${version.name}, ${one.name}, ${credential.signer.publicKey.type}`;
          assertConnected(both, what);
          const { peer, peerSignatureScheme } = both.server.connection.negotiated ?? assert.fail();
          assert.equal(peer?.chain[0]?.subject.toString(), 'CN=a client');
          const type = credential === clientRsa ? 'rsa' : 'secp256r1';
          assert.equal(peerSignatureScheme?.name, schemes[type][version === tls12 ? 0 : 1], what);
          assert.equal(both.client.connection.negotiated?.signatureScheme?.name, peerSignatureScheme?.name);
          await talk(both);
        }
      }
    }
  });

  it('are taken where everything is asynchronous', async () => {
    const late = forcedAsync(provider);
    for (const version of versions) {
      const both = await ended({
        ...{ version, client: { provider: late, credentials: [clientRsa] } },
        server: { ...asks, provider: late },
      });
      assertConnected(both, version.name);
      assert.equal(both.server.connection.negotiated?.peer?.chain.length, 1);
    }
  });

  it('are not needed where they are only asked for', async () => {
    for (const version of versions) {
      const both = await ended({ version, server: { ...asks, clientCertificate: 'request' } });
      assertConnected(both, version.name);
      assert.equal(both.server.connection.negotiated?.peer, undefined);
    }
  });

  it('that are missing where they are required end it with certificate_required, as handshake_failure on the wire', async () => {
    for (const version of versions) {
      const both = await ended({ version, server: asks });
      const { error } = both.server;
      assert.deepEqual([error?.code, error?.alert], ['certificate_required', 'handshake_failure'], version.name);
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['peer_alert', 'handshake_failure']);
    }
  });

  it('of a key without a legacyKey are kept back before TLS 1.2', async () => {
    const { legacyKey: _, ...young } = clientRsa;
    for (const version of versions) {
      const both = await ended({ version, client: { credentials: [young] }, server: asks });
      if (version === tls12) assertConnected(both);
      else assert.equal(both.server.error?.code, 'certificate_required', version.name);
    }
  });

  it('of another authority are refused', async () => {
    for (const version of versions) {
      const both = await ended({
        ...{ version, client: { credentials: [clientRsa] } },
        server: { ...asks, trust: otherPki.trust },
      });
      assert.deepEqual(
        [both.server.error?.code, both.server.error?.alert],
        ['certificate_unknown_issuer', 'unknown_ca'],
      );
    }
  });

  it('whose CertificateVerify is by another key, or of other bytes, are refused with decrypt_error', async () => {
    for (const version of versions) {
      for (const credential of [clientRsa, clientEcdsa]) {
        const both = await ended(
          { version, client: { credentials: [credential] }, server: asks },
          rewriting((type, message) => {
            if (type !== certificateVerify) return undefined;
            return [message.with(message.length - 1, (message.at(-1) as number) ^ 1)];
          }),
        );
        assert.deepEqual([both.server.error?.code, both.server.error?.alert], ['decrypt_error', 'decrypt_error']);
        assert.match(both.server.error?.message ?? '', /^CertificateVerify: the signature is not by the key/);
      }
    }
  });

  it('whose CertificateVerify is missing, comes twice or without a certificate are refused', async () => {
    for (const version of versions) {
      const missing = await ended(
        { version, client: { credentials: [clientRsa] }, server: asks },
        rewriting((type) => (type === certificateVerify ? [] : undefined)),
      );
      assert.equal(missing.server.error?.code, 'unexpected_message', version.name);
      const twice = await ended(
        { version, client: { credentials: [clientRsa] }, server: asks },
        rewriting((type, message) => (type === certificateVerify ? [message, message] : undefined)),
      );
      assert.equal(twice.server.error?.code, 'unexpected_message', version.name);
      const alone = await ended(
        { version },
        rewriting((type, message) =>
          type === 16 ? [message, handshake(certificateVerify, opaque16(bytesOf(256)))] : undefined,
        ),
      );
      assert.equal(alone.server.error?.code, 'unexpected_message', version.name);
    }
  });

  it('are not asked for by a server without one of its own; where they are required it refuses', async () => {
    for (const version of versions) {
      for (const one of [suite('DH_anon_WITH_AES_128_CBC_SHA'), suite('ECDH_anon_WITH_AES_128_CBC_SHA')]) {
        const own = { version, suites: [one], client: { credentials: [clientRsa] } };
        const requests = await ended({ ...own, server: { ...asks, clientCertificate: 'request' } });
        assertConnected(requests, one.name);
        assert.equal(requests.server.connection.negotiated?.peer, undefined);
        const { error } = (await ended({ ...own, server: asks })).server;
        assert.deepEqual([error?.code, error?.alert], ['handshake_failure', 'handshake_failure']);
        assert.match(error?.message ?? '', /cannot be asked for without a certificate of our own$/);
      }
    }
  });

  it('asked for by a server without one of its own are refused by the client', async () => {
    for (const version of versions) {
      // rsa_sign; in TLS 1.2 rsa_pkcs1_sha256; no authorities.
      const schemes = version === tls12 ? opaque16(u16(0x0401)) : new Uint8Array(0);
      const request = handshake(certificateRequest, concat(Uint8Array.of(1, 1), schemes, u16(0)));
      const both = await ended(
        { version, suites: [suite('DH_anon_WITH_AES_128_CBC_SHA')], client: { credentials: [clientRsa] } },
        rewriting((type, message) => (type === serverHelloDone ? [request, message] : undefined)),
      );
      const { error } = both.client;
      assert.deepEqual([error?.code, error?.alert], ['handshake_failure', 'handshake_failure']);
      assert.equal(error?.message, 'CertificateRequest: a server without a certificate asks for ours');
    }
  });

  it('signatures before TLS 1.2 name no scheme; in TLS 1.2 they do', async () => {
    for (const version of versions) {
      let body: Uint8Array | undefined;
      await ended(
        { version, client: { credentials: [clientRsa] }, server: asks },
        rewriting((type, message) => {
          if (type === certificateVerify) body = message.subarray(4);
          return undefined;
        }),
      );
      assert.equal(body?.length, (version === tls12 ? 2 : 0) + 2 + 256, version.name);
    }
  });
});
