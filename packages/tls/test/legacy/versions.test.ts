/**
 * Five versions in one hello: which is chosen, what a downgrade looks like, how a fallback is refused, and what SSL 3.0 says
 * in words of its own. And what a config must bring for versions that are out of use.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex, toHex } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type CipherSuite,
  type ClientOptions,
  clientConfig,
  namedGroups,
  type ServerOptions,
  serverConfig,
  type Tls12CipherSuite,
  TlsConfigError,
  tls12,
  tls13,
  type Version,
} from '../../src/index.ts';
import {
  allLegacyCipherSuites,
  insecureServers,
  legacyCipherSuites,
  ssl30,
  tls10,
  tls11,
} from '../../src/legacy/index.ts';
import { dialect11, dialect30 } from '../../src/legacy/messages.ts';
import { readClientHello } from '../../src/messages/client-hello.ts';
import { Reader } from '../../src/messages/reader.ts';
import { type AlertName, alerts } from '../../src/registry.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { otherPki, pki } from '../support/identities.ts';
import { connected, exchange, give, type Pair, pair, startServer } from '../support/pair.ts';
import { handshake, recordsIn, u16 } from '../support/wire.ts';
import { oldCredential } from './identities.ts';
import { bytesOf } from './reference.ts';
import { Listener, messagesIn, rewriting } from './rewriting.ts';
import { SecondHand } from './second-hand.ts';

const provider = nodeLegacyProvider;
const credentials = [await oldCredential('rsa')];
const clientCredentials = [await oldCredential('rsa', { purpose: 'clientAuth' })];
const all: readonly Version[] = [tls13, tls12, tls11, tls10, ssl30];

const clientHello = 1;
const certificate = 11;
const serverKeyExchange = 12;
const certificateRequest = 13;
const serverHelloDone = 14;
const clientKeyExchange = 16;

function suite(name: string): Tls12CipherSuite {
  const rows = [...defaultCipherSuites12, ...allLegacyCipherSuites];
  return rows.find((row) => row.name === `TLS_${name}`) ?? assert.fail(name);
}

/** Something for every version. */
const suites: readonly CipherSuite[] = [
  ...tls13.defaultCipherSuites,
  ...['ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE_RSA_WITH_AES_128_CBC_SHA'].map(suite),
  ...['DHE_RSA_WITH_AES_128_CBC_SHA', 'RSA_WITH_AES_128_CBC_SHA'].map(suite),
];
const groups = namedGroups.filter(({ name }) => ['x25519', 'secp256r1', 'ffdhe2048'].includes(name));

/** A version's own suites, for a config that must not leave it out. */
function suitesOf(versions: readonly Version[]): readonly CipherSuite[] {
  return suites.filter((row) => versions.some(({ uses }) => uses(row)));
}

interface Setting {
  readonly client: readonly Version[];
  readonly server: readonly Version[];
  readonly clientOptions?: Partial<ClientOptions>;
  readonly serverOptions?: Partial<ServerOptions>;
}

function start({ client, server, clientOptions = {}, serverOptions = {} }: Setting): Pair {
  return pair({
    client: { provider, versions: client, cipherSuites: suitesOf(client), groups, ...clientOptions },
    server: { provider, versions: server, cipherSuites: suitesOf(server), groups, credentials, ...serverOptions },
  });
}

async function ended(setting: Setting): Promise<Pair> {
  const both = start(setting);
  await exchange(both);
  return both;
}

function names(versions: readonly Version[]): string {
  return versions.map(({ name }) => name).join(', ');
}

describe('versions: the best that both speak', () => {
  for (const version of all) {
    it(`is ${version.name} between a side of all five and one of it alone, either way round`, async () => {
      for (const [client, server] of [
        [all, [version]],
        [[version], all],
      ] as const) {
        const both = await ended({ client, server });
        for (const side of [both.client, both.server]) {
          assert.equal(side.error?.message, undefined);
          assert.equal(side.connection.negotiated?.version, version.name);
        }
        both.client.connection.write(Buffer.from('ping'));
        both.server.connection.write(Buffer.from('pong'));
        await exchange(both);
        assert.deepEqual([both.client.text(), both.server.text()], ['pong', 'ping']);
      }
    });
  }

  it('is the best in common of any two ranges', async () => {
    const ranges = all.flatMap((_, best) => all.slice(best).map((_last, more) => all.slice(best, best + more + 1)));
    for (const [index, client] of ranges.entries()) {
      // A third of the pairs, each range among them.
      for (const server of ranges.filter((_, i) => (i + index) % 3 === 0)) {
        const best = all.find((version) => client.includes(version) && server.includes(version));
        const both = await ended({ client, server });
        assert.equal(both.client.connection.negotiated?.version, best?.name, `${names(client)} / ${names(server)}`);
        assert.equal(both.server.connection.negotiated?.version, best?.name);
        if (best === undefined) assert.notEqual(both.client.error, undefined);
      }
    }
  });

  it("is the server's first where its config puts a lesser one in front", async () => {
    const both = await ended({ client: [tls12, tls11, tls10], server: [tls10, tls12, tls11] });
    // A server of TLS 1.2 that chooses less marks its random, and a client of TLS 1.2 takes that for a downgrade.
    assert.equal(both.client.error?.code, 'illegal_parameter');
    const old = await ended({ client: [tls11, tls10], server: [tls10, tls11] });
    assert.equal(old.client.connection.negotiated?.version, 'TLS 1.0');
  });
});

describe('versions: none in common', () => {
  it('a server that only speaks better ones refuses with protocol_version', async () => {
    for (const [client, server] of [
      [[ssl30], [tls13, tls12, tls11, tls10]],
      [[tls10], [tls12, tls11]],
      [
        [tls11, tls10],
        [tls13, tls12],
      ],
    ] as const) {
      const both = await ended({ client, server });
      assert.deepEqual([both.server.error?.code, both.server.error?.alert], ['protocol_version', 'protocol_version']);
      assert.match(both.server.error?.message ?? '', /^no version in common: the client offers /);
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['peer_alert', 'protocol_version']);
    }
  });

  it('a client without supported_versions is answered with any version below its own, which it may refuse', async () => {
    for (const [client, server, chosen] of [
      [[tls12], [tls10], tls10],
      [[tls12, tls11], [ssl30], ssl30],
      [[tls12, tls10], [tls11], tls11],
    ] as const) {
      const both = await ended({ client, server });
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['protocol_version', 'protocol_version']);
      const ours = `${names(client)}${client.length === 1 ? ' alone' : ''}`;
      assert.equal(both.client.error?.message, `the server chose ${chosen.name}, and we offer ${ours}`);
    }
  });
});

describe('versions: in records', () => {
  it('each is said as it is from ServerHello on', async () => {
    for (const version of [tls12, tls11, tls10, ssl30]) {
      const both = start({ client: all, server: [version] });
      const seen = { client: new Set<string>(), server: new Set<string>() };
      await exchange(both, (bytes, from) => {
        for (const record of recordsIn(bytes)) seen[from].add(`${record[0]} ${record[1]}.${record[2]}`);
        return [bytes];
      });
      const own = `3.${version.id & 0xff}`;
      assert.deepEqual([...seen.server].sort(), [`20 ${own}`, `22 ${own}`]);
      // The hello goes before, in a record that says 3.1 for old servers' sake.
      assert.deepEqual([...seen.client].sort(), [...new Set([`20 ${own}`, `22 ${own}`, '22 3.1'])].sort());
    }
  });

  it('the hello of a client of SSL 3.0 alone says 3.0, since its servers know no other', async () => {
    const { client } = start({ client: [ssl30], server: [ssl30] });
    const [hello] = client.outbox;
    assert.deepEqual([...(hello?.subarray(0, 3) ?? [])], [22, 3, 0]);
    assert.deepEqual([...(hello?.subarray(9, 11) ?? [])], [3, 0], 'client_version');
  });

  it('a record of another version than was agreed on is refused', async () => {
    for (const version of [tls12, tls11, tls10, ssl30]) {
      const both = await ended({ client: [version], server: [version] });
      both.client.connection.write(Buffer.from('ping'));
      const record = both.client.outbox.shift() ?? assert.fail();
      record[2] = (version.id & 0xff) === 3 ? 2 : 3;
      await give(both.server, record);
      assert.equal(both.server.error?.code, 'protocol_version');
    }
  });

  it('a hello of SSL 3.0 has no extensions, and says RFC 5746 among its suites', async () => {
    const { client } = start({ client: [ssl30], server: [ssl30] });
    const hello = messagesIn((client.outbox[0] ?? assert.fail()).subarray(5))[0] ?? assert.fail();
    const [sessionIdAt, suitesAt] = [4 + 2 + 32, 4 + 2 + 32 + 1];
    assert.equal(hello[sessionIdAt], 0);
    const length = ((hello[suitesAt] as number) << 8) | (hello[suitesAt + 1] as number);
    const listed = toHex(hello.subarray(suitesAt + 2, suitesAt + 2 + length));
    assert.equal(listed, '0033002f00ff');
    assert.deepEqual([...hello.subarray(suitesAt + 2 + length)], [1, 0], 'null compression, and the end');
  });
});

describe('versions: downgrade sentinels', () => {
  const to12 = '444f574e47524401';
  const below = '444f574e47524400';

  /** The end of the random in the server's hello. */
  async function randomEnd({ client, server }: Setting): Promise<string> {
    const both = start({ client, server });
    let end = '';
    await exchange(
      both,
      rewriting((type, message, from) => {
        if (from === 'server' && type === 2) end = toHex(message.subarray(4 + 2 + 24, 4 + 2 + 32));
        return undefined;
      }),
    );
    return end;
  }

  it("stand in the random of a server that could have had better: TLS 1.3's for TLS 1.2, and one for all below", async () => {
    const rows: readonly (readonly [readonly Version[], Version, string | undefined])[] = [
      [all, tls12, to12],
      [all, tls11, below],
      [all, tls10, below],
      [all, ssl30, below],
      [[tls12, tls11, tls10, ssl30], tls11, below],
      [[tls12, tls11, tls10, ssl30], ssl30, below],
      [[tls12, tls10], tls12, undefined],
      [[tls11, tls10, ssl30], tls10, undefined],
      [[tls10, ssl30], ssl30, undefined],
    ];
    for (const [server, version, expected] of rows) {
      const end = await randomEnd({ client: [version], server });
      if (expected === undefined) assert.notEqual(end.slice(0, 14), to12.slice(0, 14));
      else assert.equal(end, expected, `${names(server)} → ${version.name}`);
    }
  });

  /** Makes a hello without extensions that says `version`. */
  function lesser(version: number): ReturnType<typeof rewriting> {
    return rewriting((type, message) => {
      if (type !== clientHello) return undefined;
      const body = Uint8Array.from(message.subarray(4));
      body.set(u16(version));
      const idEnd = 34 + 1 + (body[34] as number);
      const suitesEnd = idEnd + 2 + (((body[idEnd] as number) << 8) | (body[idEnd + 1] as number));
      const end = suitesEnd + 1 + (body[suitesEnd] as number);
      return [handshake(clientHello, body.subarray(0, end))];
    });
  }

  it('end the handshake of a client whose hello was changed on its way', async () => {
    for (const best of [
      [tls13, tls12, tls11, tls10, ssl30],
      [tls12, tls11, tls10, ssl30],
    ]) {
      for (const version of [tls11, tls10, ssl30]) {
        // No curves are named: what is left is DHE.
        const both = start({ client: best, server: best });
        await exchange(both, lesser(version.id));
        const { error } = both.client;
        assert.deepEqual([error?.code, error?.alert], ['illegal_parameter', 'illegal_parameter']);
        const [first] = best;
        assert.equal(
          error?.message,
          `ServerHello: a server that knows ${first?.name} was made to choose ${version.name}`,
        );
      }
    }
  });

  it('are passed by a client that offers nothing better than TLS 1.1, as it cannot know of them', async () => {
    const both = await ended({ client: [tls11, tls10], server: all });
    assert.equal(both.client.error, undefined);
    assert.equal(both.client.connection.negotiated?.version, 'TLS 1.1');
  });
});

describe('versions: TLS_FALLBACK_SCSV', () => {
  const fallback = { clientOptions: { fallback: true } } as const;

  it('is refused by a server that speaks better than the client now says', async () => {
    for (const [client, server] of [
      [[tls12], all],
      [
        [tls11, tls10],
        [tls12, tls11, tls10],
      ],
      [[tls10], [tls11, tls10]],
      [[ssl30], [tls10, ssl30]],
    ] as const) {
      const both = await ended({ client, server, ...fallback });
      const { error } = both.server;
      assert.deepEqual([error?.code, error?.alert], ['inappropriate_fallback', 'inappropriate_fallback']);
      const [chosen] = client;
      assert.equal(error?.message, `the client fell back to ${chosen?.name}, and we speak ${server[0]?.name}`);
      assert.deepEqual([both.client.error?.code, both.client.error?.alert], ['peer_alert', 'inappropriate_fallback']);
    }
  });

  it('is passed by a server that has nothing better', async () => {
    for (const version of [tls12, tls11, tls10, ssl30]) {
      const both = await ended({ client: [version], server: [version], ...fallback });
      assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
    }
    const both = await ended({ client: all, server: all, ...fallback });
    assert.equal(both.client.connection.negotiated?.version, 'TLS 1.3');
  });

  it('is said only where the config says so', async () => {
    for (const given of [undefined, false, true]) {
      const { client } = start({
        ...{ client: [tls10], server: all },
        clientOptions: given === undefined ? {} : { fallback: given },
      });
      const raw = (client.outbox[0] ?? assert.fail()).slice(5);
      const { cipherSuites } = readClientHello(new Reader(raw, 'ClientHello', 4), raw);
      assert.equal(cipherSuites.includes(0x5600), given === true);
    }
  });
});

describe('versions: SSL 2.0', () => {
  /** A hello in its format (RFC 5246 appendix E.2): version 3.1, one suite, a challenge. */
  const hello = concat(fromHex('801c01030100030000001000002f'), bytesOf(16));

  it('a hello in its format gets protocol_version from a server of any version', async () => {
    for (const versions of [[tls13], [tls12], all, [ssl30]]) {
      const server = startServer({ provider, versions, cipherSuites: suitesOf(versions), groups, credentials });
      await give(server, hello);
      assert.deepEqual([server.error?.code, server.error?.alert], ['protocol_version', 'protocol_version']);
      const sent = server.outbox.map((bytes) => [...bytes]);
      assert.deepEqual(
        sent.map((bytes) => [bytes[0], ...bytes.slice(3)]),
        [[21, 0, 2, 2, 70]],
      );
    }
  });

  it('gets the same where it comes byte by byte', async () => {
    const server = startServer({ provider, versions: [tls13] });
    for (const byte of hello) await give(server, Uint8Array.of(byte));
    assert.deepEqual([server.error?.code, server.error?.alert], ['protocol_version', 'protocol_version']);
  });
});

describe('SSL 3.0: alerts', () => {
  const known: readonly AlertName[] = [
    ...(['close_notify', 'unexpected_message', 'bad_record_mac', 'handshake_failure', 'no_certificate'] as const),
    ...(['bad_certificate', 'unsupported_certificate', 'certificate_revoked', 'certificate_expired'] as const),
    ...(['certificate_unknown', 'illegal_parameter'] as const),
  ];

  it('are of those that RFC 6101 knows, whatever is meant', () => {
    for (const alert of Object.keys(alerts) as readonly AlertName[]) {
      const said = dialect30.toWireAlert(alert);
      assert.ok(known.includes(said), `${alert} is said as ${said}`);
      if (known.includes(alert)) assert.equal(said, alert);
    }
  });

  it('stay what they are from TLS 1.0 on, but for what TLS 1.3 brought', () => {
    const newer: Readonly<Partial<Record<AlertName, AlertName>>> = {
      missing_extension: 'handshake_failure',
      certificate_required: 'handshake_failure',
      general_error: 'internal_error',
    };
    for (const alert of Object.keys(alerts) as readonly AlertName[]) {
      assert.equal(dialect11.toWireAlert(alert), newer[alert] ?? alert);
    }
  });

  interface Fault {
    readonly what: string;
    readonly by: 'client' | 'server';
    readonly code: string;
    readonly tls: AlertName;
    readonly ssl: AlertName;
    readonly setting?: Partial<Setting>;
    readonly type?: number;
    readonly body?: (body: Bytes) => Uint8Array;
  }

  const faults: readonly Fault[] = [
    {
      ...{ what: 'a Certificate that ends early', by: 'client', code: 'decode_error' },
      ...{ tls: 'decode_error', ssl: 'illegal_parameter', type: certificate, body: (body) => body.subarray(0, -1) },
    },
    {
      ...{ what: 'a signature that is wrong', by: 'client', code: 'decrypt_error', type: serverKeyExchange },
      ...{ tls: 'decrypt_error', ssl: 'handshake_failure' },
      body: (body) => body.with(body.length - 1, (body.at(-1) as number) ^ 1),
    },
    {
      ...{ what: 'a certificate that nobody knows', by: 'client', code: 'certificate_unknown_issuer' },
      ...{ tls: 'unknown_ca', ssl: 'bad_certificate', setting: { clientOptions: { trust: otherPki.trust } } },
    },
    {
      ...{ what: 'a ClientKeyExchange that is empty', by: 'server', code: 'decode_error', type: clientKeyExchange },
      ...{ tls: 'decode_error', ssl: 'illegal_parameter', body: () => new Uint8Array(0) },
    },
    {
      ...{ what: 'a ServerHelloDone that holds something', by: 'client', code: 'decode_error', type: serverHelloDone },
      ...{ tls: 'decode_error', ssl: 'illegal_parameter', body: () => Uint8Array.of(0) },
    },
  ];

  for (const { what, by, code, tls, ssl, setting, type, body } of faults) {
    it(`${what} is ${tls} in TLS 1.0, and ${ssl} in SSL 3.0, on the wire and in the error`, async () => {
      for (const [version, alert] of [
        [tls10, tls],
        [ssl30, ssl],
      ] as const) {
        const cipherSuites = [suite('DHE_RSA_WITH_AES_128_CBC_SHA')];
        const both = start({
          ...{ client: [version], server: [version] },
          clientOptions: { cipherSuites, ...setting?.clientOptions },
          serverOptions: { cipherSuites },
        });
        const listener = new Listener(by);
        const change = rewriting((messageType, message) =>
          messageType === type && body ? [handshake(type, body(message.slice(4)))] : undefined,
        );
        await exchange(both, (bytes, from) => {
          listener.wire(bytes, from);
          return change(bytes, from);
        });
        const { error } = both[by];
        assert.deepEqual([error?.code, error?.alert], [code, alert], version.name);
        assert.equal(listener.records.at(-1), `21 3.${version.id & 0xff} 2 2 ${alerts[alert]}`);
        const other = both[by === 'client' ? 'server' : 'client'];
        assert.deepEqual([other.error?.code, other.error?.alert], ['peer_alert', alert]);
      }
    });
  }

  it('a HelloRequest is answered by a warning where the version knows one, and the connection goes on', async () => {
    for (const [version, expected] of [
      [tls10, ['no_renegotiation', 1]],
      // It has no such warning, and a client may be silent (RFC 6101 §5.6.1.1).
      [ssl30, []],
    ] as const) {
      const sent: unknown[] = [];
      const bare = suite('RSA_WITH_NULL_MD5');
      const hand = new SecondHand(version, bare);
      const both = start({
        ...{ client: [version], server: [version] },
        clientOptions: {
          ...{ cipherSuites: [bare], keyLog: hand.keyLog },
          trace: (event) => {
            if (event.type === 'alert' && event.direction === 'out') sent.push(event.alert, event.level);
          },
        },
        serverOptions: { cipherSuites: [bare] },
      });
      await exchange(both, hand.wire);
      await give(both.client, await hand.record('server', 22, handshake(0, new Uint8Array(0))));
      await give(both.client, await hand.record('server', 23, Buffer.from('still here')));
      assert.equal(both.client.error?.message, undefined);
      assert.deepEqual(sent, expected, version.name);
      assert.equal(both.client.text(), 'still here');
    }
  });
});

describe('SSL 3.0: client certificates', () => {
  it('are refused by the warning no_certificate, and no Certificate is sent', async () => {
    const both = start({
      ...{ client: [ssl30], server: [ssl30] },
      clientOptions: { credentials: clientCredentials },
    });
    const listener = new Listener('client');
    // rsa_sign, and no authorities.
    const request = handshake(certificateRequest, concat(Uint8Array.of(1, 1), u16(0)));
    const change = rewriting((type, message) => (type === serverHelloDone ? [request, message] : undefined));
    const sentTypes: number[] = [];
    await exchange(both, (bytes, from) => {
      listener.wire(bytes, from);
      for (const record of recordsIn(bytes)) {
        if (from === 'client' && record[0] === 22) sentTypes.push(record[5] as number);
      }
      return change(bytes, from);
    });
    const warning = `21 3.0 2 1 ${alerts.no_certificate}`;
    assert.equal(listener.records.filter((record) => record === warning).length, 1);
    assert.equal(listener.records[1], warning, 'before ClientKeyExchange');
    assert.deepEqual(sentTypes.slice(0, 2), [clientHello, clientKeyExchange]);
    // The warning leaves the server standing: it falls over Finished, whose transcript has another request than it sent.
    assert.equal(both.server.error?.code, 'decrypt_error');
  });

  it('are not asked for: a server that requests them does without, one that requires them refuses', async () => {
    const trust = { trust: pki.trust };
    const requests = await ended({
      ...{ client: [ssl30], server: [ssl30] },
      ...{ clientOptions: { credentials: clientCredentials } },
      serverOptions: { ...trust, clientCertificate: 'request' },
    });
    assert.equal(requests.server.error, undefined);
    assert.equal(requests.server.connection.negotiated?.peer, undefined);
    const requires = await ended({
      ...{ client: [ssl30], server: [ssl30] },
      ...{ clientOptions: { credentials: clientCredentials } },
      serverOptions: { ...trust, clientCertificate: 'require' },
    });
    assert.deepEqual(
      [requires.server.error?.code, requires.server.error?.alert, requires.server.error?.message],
      [
        ...['handshake_failure', 'handshake_failure'],
        'a client certificate is required, and cannot be asked for in SSL 3.0',
      ],
    );
  });
});

describe('configs of what is out of use', () => {
  const refusal =
    (option: string, message: RegExp) =>
    (error: unknown): boolean =>
      error instanceof TlsConfigError && error.option === option && message.test(error.message);

  it('name the version that the provider has nothing for, and what has', () => {
    for (const bare of [nodeProvider, fullWebProvider]) {
      for (const version of [tls11, tls10, ssl30]) {
        const expected = refusal(
          'versions[1]',
          new RegExp(`has nothing for ${version.name}: .*@handfast/crypto/legacy`),
        );
        assert.throws(() => clientConfig({ provider: bare, versions: [tls12, version] }), expected);
        assert.throws(() => serverConfig({ provider: bare, versions: [tls12, version], credentials }), expected);
      }
    }
  });

  it('take such a version with a legacy provider of either kind', () => {
    const cipherSuites = [suite('ECDHE_RSA_WITH_AES_128_CBC_SHA')];
    for (const full of [nodeLegacyProvider, createWebLegacyProvider(fullWebProvider)]) {
      const { versions } = clientConfig({ provider: full, versions: [tls11, tls10], cipherSuites });
      assert.deepEqual(versions, [tls11, tls10]);
    }
  });

  it('name the suite that the provider has nothing for', () => {
    for (const row of [suite('RSA_WITH_AES_128_CBC_SHA'), suite('ECDHE_RSA_WITH_RC4_128_SHA')]) {
      assert.throws(
        () => clientConfig({ provider: nodeProvider, versions: [tls12], cipherSuites: [row] }),
        refusal('cipherSuites[0]', new RegExp(`the node provider has no ${row.name}$`)),
      );
    }
  });

  it('refuse a renegotiation that is a plain object, whatever it says', () => {
    for (const plain of [
      { ...insecureServers, most: 0 },
      { ...insecureServers, insecureServers: false, most: 9 },
      { ...insecureServers },
    ]) {
      const expected = refusal('renegotiation', /^renegotiation: it is no value of @handfast\/tls\/legacy$/);
      const options = { provider, versions: [tls12], renegotiation: plain };
      assert.throws(() => clientConfig(options), expected);
      assert.throws(() => serverConfig({ ...options, credentials }), expected);
    }
    assert.equal(
      clientConfig({ provider, versions: [tls12], renegotiation: insecureServers }).renegotiation,
      insecureServers,
    );
  });

  it('leave out a version that none of the suites is of', () => {
    const rows: readonly (readonly [readonly Version[], readonly string[], readonly Version[]])[] = [
      [all, ['ECDHE_RSA_WITH_AES_128_GCM_SHA256'], [tls12]],
      [all, ['ECDHE_RSA_WITH_AES_128_CBC_SHA'], [tls12, tls11, tls10]],
      [all, ['RSA_WITH_AES_128_CBC_SHA'], [tls12, tls11, tls10, ssl30]],
      [[tls10, ssl30], ['ECDHE_RSA_WITH_AES_128_CBC_SHA'], [tls10]],
    ];
    for (const [versions, named, expected] of rows) {
      const cipherSuites = named.map(suite);
      assert.deepEqual(clientConfig({ provider, versions, cipherSuites }).versions, expected);
      assert.deepEqual(serverConfig({ provider, versions, cipherSuites, credentials }).versions, expected);
    }
  });

  it('without a suite for any version are refused', () => {
    for (const [versions, named] of [
      [[ssl30], 'ECDHE_RSA_WITH_AES_128_CBC_SHA'],
      [[tls11, tls10], 'ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      [[tls13], 'RSA_WITH_AES_128_CBC_SHA'],
    ] as const) {
      assert.throws(
        () => clientConfig({ provider, versions, cipherSuites: [suite(named)] }),
        refusal('cipherSuites', new RegExp(`none of them is a suite of ${names(versions)}$`)),
      );
    }
  });

  it('without cipherSuites have none for versions before TLS 1.2, which are left out or refused', () => {
    assert.deepEqual(clientConfig({ provider, versions: all }).versions, [tls13, tls12]);
    assert.throws(() => clientConfig({ provider, versions: [tls10] }), refusal('cipherSuites', /TLS 1\.0/));
  });

  it("take the list of this module's head, as it stands there", () => {
    const config = clientConfig({
      ...{ provider, versions: [tls13, tls12, tls10] },
      cipherSuites: [...tls13.defaultCipherSuites, ...tls12.defaultCipherSuites, ...legacyCipherSuites],
    });
    assert.deepEqual(config.versions, [tls13, tls12, tls10]);
  });

  it("refuse a credential whose legacyKey is another certificate's", async () => {
    const [own] = credentials;
    const other = await oldCredential('rsa');
    assert.throws(
      () =>
        serverConfig({
          ...{ provider, versions: [tls10], cipherSuites: [suite('RSA_WITH_AES_128_CBC_SHA')] },
          credentials: [{ ...(own ?? assert.fail()), legacyKey: other.legacyKey }],
        }),
      refusal('credentials[0].legacyKey', /key/),
    );
  });

  it('a connection of SSL 3.0 has no key updates and exports nothing', async () => {
    const { client } = await connected({
      client: { provider, versions: [ssl30], cipherSuites: suitesOf([ssl30]), groups },
      server: { provider, versions: [ssl30], cipherSuites: suitesOf([ssl30]), groups, credentials },
    });
    assert.throws(() => client.connection.exportKeyingMaterial(16, 'a label'), {
      name: 'TlsError',
      code: 'not_supported',
    });
    assert.throws(() => client.connection.updateKeys(), { name: 'TlsError', code: 'not_supported' });
    assert.equal(client.error, undefined);
  });
});
