import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Credential,
  memoryKeyRing,
  namedGroups,
  TLS_AES_256_GCM_SHA384,
  ticketKeys,
  tls12,
  tls13,
} from '@handfast/tls';
import { allLegacyCipherSuites, tls10, tls11 } from '@handfast/tls/legacy';
import type { TlsServerOptions } from '@handfast/tls/node';
import { issueCertificate, trustStore } from '@handfast/x509';
import type { DoctorOptions } from '../../src/doctor/doctor.ts';
import type { DoctorWorld } from '../../src/doctor/world.ts';
import { tcpServer, tlsServer } from '../support/net.ts';
import {
  alertRecord,
  answering,
  assertTold,
  authorities,
  type Ca,
  days,
  diagnosisOf,
  type Expected,
  host,
  impatient,
  type Listener,
  makeCa,
  makeServer,
  relay,
  type Scratch,
  type Spoiling,
} from './support.ts';

let files: Scratch;
let root: Ca;
let good: Credential;
let ca: string;
let rsa: Credential;
let ownIdentity: Pick<DoctorOptions, 'cert' | 'key'>;
before(async () => {
  ({ files, root, good, ca } = await authorities());
  const pair = await provider.generateKeyPair('rsa');
  const leaf = await issueCertificate({
    provider,
    subject: { commonName: 'an RSA server' },
    publicKey: pair.signer.publicKey,
    issuer: root,
    names: [host],
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['serverAuth'],
    notBefore: days(-30),
    notAfter: days(300),
  });
  const legacyKey = await nodeLegacyProvider.legacy?.importPrivateKey(pair.pkcs8);
  rsa = { chain: [leaf], signer: pair.signer, ...(legacyKey && { legacyKey }) };
  const own = await provider.generateKeyPair('secp256r1');
  const stranger = await makeCa('A stranger');
  const client = await issueCertificate({
    provider,
    subject: { commonName: 'a client' },
    publicKey: own.signer.publicKey,
    issuer: stranger,
    extendedKeyUsage: ['clientAuth'],
    notBefore: days(-1),
    notAfter: days(30),
  });
  ownIdentity = { cert: files.file('client.pem', client), key: files.key('client-key.pem', own.pkcs8) };
});
after(() => files.remove());

interface Row extends Expected {
  readonly server: () => Promise<Listener>;
  readonly options?: () => Partial<DoctorOptions>;
  readonly world?: Partial<DoctorWorld>;
}

const ours = (options: TlsServerOptions = {}): Promise<Listener> => tlsServer({ credentials: [good], ...options });
const behind = async (spoiling: Spoiling, options?: TlsServerOptions): Promise<Listener> =>
  relay(await ours(options), spoiling);
const clientCa = (): TlsServerOptions => ({
  trust: trustStore([root.certificate]),
  requestCert: true,
  rejectUnauthorized: true,
});

const supportedVersions = Buffer.from([0x00, 0x2b]);
const x25519mlkem768 = Buffer.from([0x11, 0xec]);
const preSharedKey = Buffer.from([0x00, 0x29]);
/** The extension's number, and not by chance among random bytes: with its length behind it. */
const offersTls13 = (hello: Buffer): boolean => hello.includes(Buffer.concat([supportedVersions, Buffer.from([0])]));
/** Another last byte. */
function flipped(chunk: Buffer): Buffer {
  return Buffer.concat([chunk.subarray(0, -1), Buffer.from([0xff ^ (chunk.at(-1) ?? 0)])]);
}
const hangUp = (_: Buffer, socket: Socket): null => {
  socket.end();
  return null;
};
const refusal =
  (description: number): NonNullable<Spoiling['hello']> =>
  (_, socket) => {
    socket.end(alertRecord(description));
    return null;
  };

function old(versions: TlsServerOptions['versions'], names: readonly string[]): () => Promise<Listener> {
  return () =>
    tlsServer({
      provider: nodeLegacyProvider,
      credentials: [rsa],
      ...(versions && { versions }),
      groups: namedGroups.filter(({ postQuantum }) => !postQuantum),
      cipherSuites: allLegacyCipherSuites.filter(({ name }) => names.includes(name)),
    });
}

/** Answers HTTP, by the answer as it stands. */
const http = (answer: string, options: TlsServerOptions = {}): Promise<Listener> =>
  tlsServer({ credentials: [good], ...options }, (socket) => {
    socket.once('data', () => socket.end(answer));
  });

const rows: readonly Row[] = [
  {
    is: 'a firewall that reads the first packet alone',
    cause: 'large_hello',
    side: 'network',
    certainty: 'likely',
    server: () =>
      behind({
        hello: (hello, socket) => {
          if (hello.length <= 1400) return hello;
          socket.resetAndDestroy();
          return null;
        },
      }),
  },
  {
    is: 'a server that refuses post-quantum groups by an alert',
    cause: 'post_quantum_broken',
    side: 'server',
    certainty: 'likely',
    server: () =>
      behind({
        hello: (hello, socket, count) => (hello.includes(x25519mlkem768) ? refusal(80)(hello, socket, count) : hello),
      }),
  },
  {
    is: 'a server that does not bear TLS 1.3',
    cause: 'version_intolerant',
    side: 'server',
    certainty: 'likely',
    server: () =>
      behind({ hello: (hello, socket) => (offersTls13(hello) ? hangUp(hello, socket) : hello) }, { versions: [tls12] }),
  },
  {
    is: 'a server whose TLS 1.3 is broken',
    cause: 'tls13_broken',
    side: 'server',
    certainty: 'likely',
    server: () =>
      behind({
        server: (chunk, _, hello) => (offersTls13(hello) ? flipped(chunk) : chunk),
      }),
  },
  {
    is: 'a server that fails the first time',
    cause: 'intermittent',
    side: 'server',
    certainty: 'possible',
    server: () => behind({ hello: (hello, socket, count) => (count === 1 ? hangUp(hello, socket) : hello) }),
  },
  {
    is: 'options that leave out what the server speaks',
    cause: 'options_too_narrow',
    side: 'client',
    certainty: 'certain',
    server: () => ours({ versions: [tls13] }),
    options: () => ({ maxVersion: '1.2' }),
  },
  {
    is: 'a suite that the server does not have',
    cause: 'options_too_narrow',
    side: 'client',
    certainty: 'certain',
    server: () => ours({ cipherSuites: [TLS_AES_256_GCM_SHA384], versions: [tls13] }),
    options: () => ({ ciphers: 'TLS_AES_128_GCM_SHA256' }),
  },
  {
    is: 'a server with unusual groups alone',
    cause: 'no_common_group',
    side: 'server',
    certainty: 'certain',
    server: () => ours({ versions: [tls13], groups: namedGroups.filter(({ name }) => name === 'ffdhe2048') }),
  },
  {
    is: 'a server that does not serve the name',
    cause: 'unknown_name',
    side: 'server',
    certainty: 'certain',
    server: async () =>
      ours({ credentials: [await makeServer(root, { names: ['other.doctor-test.net'] })], strictServerName: true }),
  },
  {
    is: 'a server that hangs up on a name',
    cause: 'unknown_name',
    side: 'server',
    certainty: 'likely',
    server: () => behind({ hello: (hello, socket) => (hello.includes(host) ? hangUp(hello, socket) : hello) }),
  },
  {
    is: 'a server with other application protocols',
    cause: 'alpn_refused',
    side: 'client',
    certainty: 'certain',
    server: () => ours({ ALPNProtocols: ['h2'] }),
    options: () => ({ alpn: 'imap' }),
  },
  {
    is: 'a server of TLS 1.1',
    cause: 'old_version',
    side: 'server',
    certainty: 'certain',
    server: old([tls11], ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA']),
  },
  {
    is: 'a server of TLS 1.0',
    cause: 'old_version',
    side: 'server',
    certainty: 'certain',
    server: old([tls10], ['TLS_RSA_WITH_AES_128_CBC_SHA']),
  },
  {
    is: 'a server with RSA key exchange alone',
    cause: 'old_suites',
    side: 'server',
    certainty: 'certain',
    server: old([tls12], ['TLS_RSA_WITH_AES_128_GCM_SHA256']),
  },
  {
    is: 'a server with finite-field Diffie–Hellman alone',
    cause: 'old_suites',
    side: 'server',
    certainty: 'certain',
    server: old([tls12], ['TLS_DHE_RSA_WITH_AES_128_GCM_SHA256']),
  },
  {
    is: 'a server with CBC alone',
    cause: 'old_suites',
    side: 'server',
    certainty: 'certain',
    server: old([tls12], ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256']),
  },
  {
    is: 'a server from before RFC 5746',
    cause: 'insecure_renegotiation',
    side: 'server',
    certainty: 'certain',
    server: () =>
      answering(
        Buffer.concat([
          Buffer.from([22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3]),
          Buffer.alloc(32, 7),
          Buffer.from([0, 0xc0, 0x2b, 0]),
        ]),
      ),
  },
  {
    is: 'something in between that lowers the version',
    cause: 'downgraded',
    side: 'network',
    certainty: 'likely',
    server: () =>
      behind({
        hello: (hello) => {
          const at = hello.indexOf(Buffer.concat([supportedVersions, Buffer.from([0])]));
          if (at >= 0) hello.writeUInt16BE(0xfaf0, at);
          return hello;
        },
      }),
  },
  {
    is: 'a server with another key than its certificate’s',
    cause: 'wrong_key',
    side: 'server',
    certainty: 'certain',
    server: async () => {
      const other = await makeServer(root);
      const { publicKey, algorithms } = good.signer;
      return ours({
        credentials: [
          { chain: good.chain, signer: { publicKey, algorithms, sign: (...input) => other.signer.sign(...input) } },
        ],
      });
    },
  },
  {
    is: 'something in between that changes bytes',
    cause: 'corrupted',
    side: 'network',
    certainty: 'likely',
    server: () =>
      behind({
        server: flipped,
      }),
  },
  {
    is: 'a server that finds our bytes changed',
    cause: 'corrupted',
    side: 'network',
    certainty: 'possible',
    server: () => answering(alertRecord(20)),
  },
  {
    is: 'a server that breaks the protocol',
    cause: 'protocol_violation',
    side: 'server',
    certainty: 'likely',
    server: () => answering(Uint8Array.of(22, 3, 3, 0, 4, 2, 0, 0, 0)),
  },
  {
    is: 'a server with seventeen certificates',
    cause: 'too_many_certificates',
    side: 'server',
    certainty: 'certain',
    server: () => ours({ credentials: [{ ...good, chain: [...good.chain, ...Array(16).fill(root.certificate)] }] }),
  },
  {
    is: 'a server that has no version of ours',
    cause: 'no_common_version',
    side: 'server',
    certainty: 'certain',
    server: () => answering(alertRecord(70)),
  },
  {
    is: 'a server that finds nothing in common',
    cause: 'no_common_parameters',
    side: 'server',
    certainty: 'likely',
    server: () => answering(alertRecord(40)),
  },
  {
    is: 'a server that fails',
    cause: 'server_internal',
    side: 'server',
    certainty: 'certain',
    server: () => answering(alertRecord(80)),
  },
  {
    is: 'a server that denies access',
    cause: 'access_denied',
    side: 'server',
    certainty: 'certain',
    server: () => answering(alertRecord(49)),
  },
  {
    is: 'a server with an alert that says little',
    cause: 'refused_by_alert',
    side: 'server',
    certainty: 'possible',
    server: () => answering(alertRecord(47)),
  },
  {
    is: 'a port that accepts and stays silent',
    cause: 'hello_timeout',
    side: 'server',
    certainty: 'likely',
    server: () => tcpServer((socket) => socket.resume()),
    world: impatient,
  },
  {
    is: 'a path on which large packets are lost',
    cause: 'handshake_timeout',
    side: 'network',
    certainty: 'possible',
    server: () => behind({ server: (chunk) => chunk.subarray(0, 200) }),
    world: { patience: () => 800 },
  },
  {
    is: 'a server that falls silent after our Finished',
    cause: 'finished_timeout',
    side: 'server',
    certainty: 'likely',
    server: () => behind({ client: () => null }, { versions: [tls12] }),
    world: { patience: () => 800 },
  },
  {
    is: 'a firewall that resets hellos',
    cause: 'hello_reset',
    side: 'network',
    certainty: 'possible',
    server: () => tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  },
  {
    is: 'a load balancer without a server behind it',
    cause: 'hello_closed',
    side: 'server',
    certainty: 'likely',
    server: () => tcpServer((socket) => socket.once('data', () => socket.end())),
  },
  {
    is: 'a server that crashes in the handshake',
    cause: 'handshake_closed',
    side: 'server',
    certainty: 'likely',
    server: () =>
      behind({
        server: (chunk, socket) => {
          socket.end(chunk.subarray(0, 200));
          return null;
        },
      }),
  },
  {
    is: 'a server of TLS 1.3 that demands a client certificate',
    cause: 'client_certificate_demanded',
    side: 'client',
    certainty: 'certain',
    server: () => ours(clientCa()),
  },
  {
    is: 'a server of TLS 1.2 that demands a client certificate',
    cause: 'client_certificate_demanded',
    side: 'client',
    certainty: 'likely',
    server: () => ours({ ...clientCa(), versions: [tls12] }),
  },
  {
    is: 'a web server that demands a client certificate in HTTP',
    cause: 'client_certificate_demanded',
    side: 'client',
    certainty: 'likely',
    server: () =>
      http('HTTP/1.1 400 No required SSL certificate was sent\r\n\r\n', { ...clientCa(), rejectUnauthorized: false }),
  },
  {
    is: 'a server that does not trust our certificate',
    cause: 'client_certificate_untrusted',
    side: 'client',
    certainty: 'certain',
    server: () => ours(clientCa()),
    options: () => ownIdentity,
  },
  ...(
    [
      ['certificate_expired', 'client_certificate_expired'],
      ['certificate_revoked', 'client_certificate_revoked'],
      ['certificate_unknown', 'client_certificate_refused'],
    ] as const
  ).map(
    ([alert, cause]): Row => ({
      is: `a server that refuses our certificate by ${alert}`,
      cause,
      side: 'client',
      certainty: 'certain',
      server: () =>
        ours({ ...clientCa(), verifyPeer: () => ({ accepted: false, reason: 'it does not like it', alert }) }),
      options: () => ownIdentity,
    }),
  ),
  {
    is: 'a server that ends without close_notify',
    cause: 'truncated',
    side: 'server',
    certainty: 'likely',
    server: async () => {
      const server = await tlsServer({ credentials: [good] }, (socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n', () => setImmediate(() => raw?.destroy())));
      });
      let raw: { destroy(): void } | undefined;
      server.server.on('connection', (socket) => {
        raw = socket;
      });
      return server;
    },
  },
  {
    is: 'servers that do not share their ticket keys, and fail',
    cause: 'resumption_broken',
    side: 'server',
    certainty: 'likely',
    server: () =>
      behind(
        {
          hello: (hello, socket, count) =>
            count > 1 && hello.includes(preSharedKey) && hello.length > 1600
              ? refusal(51)(hello, socket, count)
              : hello,
        },
        { tickets: { keys: ticketKeys({ provider, ring: memoryKeyRing({ provider }) }) } },
      ),
  },
  {
    is: 'a network that changes bytes once the connection stands',
    cause: 'broken_after',
    side: 'network',
    certainty: 'likely',
    server: () => {
      let done = false;
      return behind({
        client: (chunk) => {
          done = true;
          return chunk;
        },
        server: (chunk) => (done ? flipped(chunk) : chunk),
      });
    },
  },
];

describe('the doctor tells of a handshake:', () => {
  for (const { is, cause, side, certainty, server, options, world } of rows) {
    test(`${is}: ${cause}`, async () => {
      const broken = await server();
      try {
        const told = await diagnosisOf(broken.port, { ca, ...options?.() }, world);
        assertTold(told, cause, side, certainty);
      } finally {
        broken.close();
      }
    });
  }

  test('an address where a name is wanted: sni_needed', async () => {
    const broken = await answering(alertRecord(112));
    try {
      assertTold(await diagnosisOf(broken.port, {}, {}, '127.0.0.1'), 'sni_needed', 'client', 'certain');
    } finally {
      broken.close();
    }
  });
});
