/**
 * `error.code` beside that of `node:tls`: each failure is provoked twice over real sockets, with Node's own side and with
 * ours, against the same peer. Where the two differ on purpose, the row says what ours answers, and why.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import tls from 'node:tls';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type IssueOptions,
  issueCertificate,
  issueCrl,
  parseCertificate,
  toPem,
  trustStore,
} from '@handfast/x509';
import { TlsError } from '../../src/index.ts';
import { authorizationErrorOf, type NodeErrorContext, NodeTlsError, nodeErrorOf } from '../../src/node/error-codes.ts';
import { type ConnectOptions, connect, createServer, type TlsServerOptions } from '../../src/node/index.ts';

const open: { destroy?(): unknown; close?(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    one.destroy?.();
    one.close?.();
  }
});

// ---- certificates, by a clock that nobody can choose for Node

const notBefore = new Date('2020-01-01T00:00:00Z');
const notAfter = new Date('2049-12-31T00:00:00Z');
const names = ['localhost'];

interface Identity {
  readonly certificate: Certificate;
  readonly signer: IssueOptions['issuer']['signer'];
  readonly pkcs8: Uint8Array;
}

async function make(commonName: string, issuer?: Identity, options: Partial<IssueOptions> = {}): Promise<Identity> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const certificate = await issueCertificate({
    ...{ provider: nodeProvider, subject: { commonName }, publicKey: signer.publicKey, notBefore, notAfter },
    ...{ issuer: issuer ?? { signer }, unverifiable: true },
    ...options,
  });
  return { certificate, signer, pkcs8 };
}

function forged(identity: Identity): Identity {
  const raw = Uint8Array.from(identity.certificate.raw);
  raw[raw.length - 1] = (raw.at(-1) ?? 0) ^ 1;
  return { ...identity, certificate: parseCertificate(raw) };
}

/** Changed bytes of a certificate under `issuer`, with a signature that is good again: of the same length by luck, so try on. */
async function resigned(raw: Uint8Array, { signer }: Identity): Promise<Certificate> {
  const { tbs, signature } = parseCertificate(raw);
  for (;;) {
    const fresh = await signer.sign('ecdsa-sha256', tbs);
    if (fresh.length !== signature.length) continue;
    const whole = Uint8Array.from(raw);
    whole.set(fresh, raw.length - fresh.length);
    return parseCertificate(whole);
  }
}

async function weak(issuer: Identity): Promise<Identity> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('rsa', { modulusBits: 1024 });
  return { ...(await make('weak', issuer, { names, publicKey: signer.publicKey })), signer, pkcs8 };
}

const root = await make('Root', undefined, { ca: true });
const stranger = await make('Stranger', undefined, { ca: true });
const between = await make('Between', root, { ca: { pathLength: 0 } });
const below = await make('below', between, { names });
const good = await make('good', root, { names });
const alone = await make('alone', undefined, { names });

type Chain = readonly [Identity, ...Identity[]];

const pemOf = (identities: readonly Identity[]): string =>
  identities.map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)).join('');
const shown = ([leaf, ...others]: Chain): { readonly key: string; readonly cert: string } => ({
  key: toPem('PRIVATE KEY', leaf.pkcs8),
  cert: pemOf([leaf, ...others]),
});

// ---- both sides, Node's and ours

/** A server of Node's on a port of the system's choice. */
async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return (server.address() as AddressInfo).port;
}

interface Failure extends Error {
  readonly code?: string;
  readonly library?: string;
  readonly reason?: string;
}

/** The error that a socket ends with; undefined: none. */
function failureOf(socket: Duplex): Promise<Failure | undefined> {
  open.push(socket);
  socket.resume();
  return new Promise((resolve) => {
    socket.once('error', resolve);
    socket.once('close', () => resolve(undefined));
  });
}

function refusalOf(server: Server): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    server.once('tlsClientError', resolve);
    server.once('secureConnection', (socket: Duplex) => {
      open.push(socket);
      resolve(undefined);
    });
  });
}

/** As `node:tls` would tell of it; `connect` and `createServer` may do so themselves. */
function told(error: Failure | undefined, context: NodeErrorContext): Failure | undefined {
  return error instanceof TlsError ? nodeErrorOf(error, context) : error;
}

interface ClientCase {
  readonly node: tls.ConnectionOptions;
  readonly ours: ConnectOptions;
}

/** What a client of Node's and one of ours say of the same server. */
async function asClients(port: number, { node, ours }: ClientCase): Promise<readonly (Failure | undefined)[]> {
  const target = { host: '127.0.0.1', port, servername: 'localhost' };
  const theirs = await failureOf(tls.connect({ ...target, ...node }));
  const own = await failureOf(connect({ ...target, ...ours }));
  return [theirs, told(own, { role: 'client', serverName: ours.servername ?? 'localhost' })];
}

interface ServerCase {
  readonly node: tls.TlsOptions;
  readonly ours: TlsServerOptions;
}

/** What a server of Node's and one of ours say of the same client. */
async function asServers(
  { node, ours }: ServerCase,
  client: (port: number) => Duplex,
): Promise<readonly (Failure | undefined)[]> {
  const answers: (Failure | undefined)[] = [];
  for (const server of [tls.createServer(node), createServer(ours)]) {
    const refused = refusalOf(server);
    const port = await listening(server);
    const socket = client(port);
    open.push(socket);
    socket.on('error', () => undefined).resume();
    answers.push(told(await refused, { role: 'server' }));
  }
  return answers;
}

function assertCodes(
  answers: readonly (Failure | undefined)[],
  node: string | undefined,
  [ours]: readonly [code: string | undefined, why?: string] = [node],
): void {
  assert.deepEqual(
    answers.map((error) => error?.code),
    [node, ours],
  );
  const [theirs, own] = answers;
  if (node !== ours) return;
  assert.equal(own?.library, theirs?.library);
  if (node !== 'ERR_TLS_CERT_ALTNAME_INVALID') assert.equal(own?.reason, theirs?.reason);
}

// ---- a client that refuses a server's certificate

interface Refused {
  readonly chain: Chain;
  readonly ca?: readonly Identity[];
  readonly servername?: string;
  /** Node's code. */
  readonly code: string | undefined;
  /** Ours, where it is not Node's, and why. */
  readonly ours?: readonly [code: string | undefined, why: string];
}

const refused: Readonly<Record<string, () => Promise<Refused> | Refused>> = {
  'signed by itself': () => ({ chain: [alone], code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
  'under a root that was sent and is not trusted': () => ({
    chain: [good, root],
    ca: [stranger],
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  }),
  'under an intermediate and a root that were sent': () => ({
    chain: [below, between, root],
    ca: [stranger],
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  }),
  'under nobody that was sent or is trusted': () => ({
    chain: [good],
    ca: [stranger],
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  }),
  'without its intermediate': () => ({ chain: [below], code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
  'with an intermediate under nobody': () => ({
    chain: [below, between],
    ca: [stranger],
    code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  }),
  'where nobody is trusted': () => ({ chain: [good], ca: [], code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
  'under an intermediate that is trusted, and no root': () => ({
    chain: [below, between],
    ca: [between],
    code: 'UNABLE_TO_GET_ISSUER_CERT',
    ours: [undefined, 'whoever is in the trust store is an anchor, as with allowPartialTrustChain'],
  }),
  'of the past': async () => ({
    chain: [await make('old', root, { names, notAfter: new Date('2021-01-01T00:00:00Z') })],
    code: 'CERT_HAS_EXPIRED',
  }),
  'of the future': async () => ({
    chain: [await make('new', root, { names, notBefore: new Date('2048-01-01T00:00:00Z') })],
    code: 'CERT_NOT_YET_VALID',
  }),
  'of the past, under nobody': async () => ({
    chain: [await make('old', root, { names, notAfter: new Date('2021-01-01T00:00:00Z') })],
    ca: [stranger],
    code: 'CERT_HAS_EXPIRED',
  }),
  'with a signature that does not verify': () => ({ chain: [forged(good)], code: 'CERT_SIGNATURE_FAILURE' }),
  'below more intermediates than may be': async () => {
    const more = await make('More', between, { ca: { pathLength: 0 } });
    return { chain: [await make('deep', more, { names }), more, between], code: 'PATH_LENGTH_EXCEEDED' };
  },
  'below one that is no CA': async () => ({
    chain: [await make('under', good, { names }), good],
    code: 'UNSPECIFIED',
  }),
  'for clients': async () => ({
    chain: [await make('client', root, { names, extendedKeyUsage: ['clientAuth'] })],
    code: 'INVALID_PURPOSE',
  }),
  'whose key may sign lists alone': async () => ({
    chain: [await make('lists', root, { names, keyUsage: ['cRLSign'] })],
    code: 'INVALID_PURPOSE',
  }),
  'below one that is no CA, and does not say what its key may do': async () => {
    const odd = await make('Odd', root);
    const changed = Buffer.from(odd.certificate.raw);
    // keyUsage and its criticality: an extension that nobody knows, and that is not critical.
    const at = changed.indexOf(Buffer.from('0603551d0f0101ff', 'hex'));
    changed.set([0x06, 0x06, 0x2a, 3, 4, 5, 6, 7], at);
    const quiet = { ...odd, certificate: await resigned(changed, root) };
    return { chain: [await make('under', quiet, { names }), quiet], code: 'INVALID_PURPOSE' };
  },
  'below one whose key may not sign certificates': async () => {
    const odd = await make('Odd', root, { ca: true });
    const changed = Buffer.from(odd.certificate.raw);
    const at = changed.indexOf(Buffer.from('03020106', 'hex'));
    changed.set([0x01, 0x02], at + 2);
    const unfit = { ...odd, certificate: await resigned(changed, root) };
    return { chain: [await make('under', odd, { names }), unfit], code: 'UNSPECIFIED' };
  },
  'outside its issuer’s name space': async () => {
    const narrow = await make('Narrow', root, { ca: true, nameConstraints: { permitted: { dns: ['x.test'] } } });
    return { chain: [await make('under', narrow, { names }), narrow], code: 'UNSPECIFIED' };
  },
  'with a critical extension that nobody knows': async () => {
    const extensions = [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }] as const;
    return { chain: [await make('odd', root, { names, extensions })], code: 'UNSPECIFIED' };
  },
  'with a key that is too weak': async () => ({ chain: [await weak(root)], code: 'UNSPECIFIED' }),
  'for another host': async () => ({
    chain: [await make('other', root, { names: ['other.test'] })],
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  }),
  'for another host, and of the past': async () => ({
    chain: [await make('other', root, { names: ['other.test'], notAfter: new Date('2021-01-01T00:00:00Z') })],
    code: 'CERT_HAS_EXPIRED',
  }),
  'for no host but a common name': async () => ({
    chain: [await make('localhost', root)],
    code: undefined,
    ours: ['ERR_TLS_CERT_ALTNAME_INVALID', 'a common name is no name of a host here (RFC 9525)'],
  }),
  'that is good': () => ({ chain: [good], code: undefined }),
};

/** Ends what went well. */
function endAtOnce(server: tls.Server): tls.Server {
  return server.on('tlsClientError', () => undefined).on('secureConnection', (socket) => socket.end());
}

describe('a server’s certificate', () => {
  for (const [what, make] of Object.entries(refused)) {
    it(`has Node’s code: one ${what}`, async () => {
      const { chain, ca = [root], servername = 'localhost', code, ours } = await make();
      const port = await listening(endAtOnce(tls.createServer({ ...shown(chain), ciphers: 'DEFAULT@SECLEVEL=0' })));
      const answers = await asClients(port, {
        // Node 22 still takes keys of 1024 bits.
        node: { ca: ca.map((one) => pemOf([one])), servername, ciphers: 'DEFAULT@SECLEVEL=2' },
        ours: { trust: trustStore(ca.map(({ certificate }) => certificate)), servername },
      });
      assertCodes(answers, code, ours);
    });
  }

  it('for another host has Node’s properties too', async () => {
    const other = await make('other', root, { names: ['other.test', '192.0.2.1'] });
    const port = await listening(endAtOnce(tls.createServer(shown([other]))));
    const [theirs, own] = await asClients(port, {
      node: { ca: pemOf([root]) },
      ours: { trust: trustStore([root.certificate]) },
    });
    for (const name of ['code', 'reason', 'host', 'cert']) {
      const [expected, actual] = [theirs, own].map((error) => (error as unknown as Record<string, unknown>)[name]);
      if (name === 'cert')
        assert.equal((actual as tls.PeerCertificate).fingerprint256, (expected as tls.PeerCertificate).fingerprint256);
      else assert.equal(actual, expected);
    }
    assert.equal(own instanceof NodeTlsError && own.tlsCode, 'certificate_name_mismatch');
  });

  for (const [what, code] of [
    ['revoked', 'CERT_REVOKED'],
    ['of another issuer', 'UNABLE_TO_GET_CRL'],
    ['out of date', 'CRL_HAS_EXPIRED'],
    ['not yet due', 'CRL_NOT_YET_VALID'],
  ] as const) {
    it(`has Node’s code with a list that is, or says, ${what}`, async () => {
      const issuer = what === 'of another issuer' ? stranger : root;
      const [from, to] = what === 'out of date' ? [2020, 2021] : what === 'not yet due' ? [2048, 2049] : [2020, 2049];
      const crl = await issueCrl({
        ...{ provider: nodeProvider, issuer, number: 1n },
        ...{ thisUpdate: new Date(`${from}-01-01T00:00:00Z`), nextUpdate: new Date(`${to}-06-01T00:00:00Z`) },
        revoked: what === 'revoked' ? [{ serialNumber: good.certificate.serialNumber, revokedAt: notBefore }] : [],
      });
      const port = await listening(endAtOnce(tls.createServer(shown([good]))));
      const options = { ca: pemOf([root]), crl: toPem('X509 CRL', crl.raw) };
      const target = { host: '127.0.0.1', port, servername: 'localhost' };
      const theirs = await failureOf(tls.connect({ ...target, ...options }));
      const own = await failureOf(connect({ ...target, ...options }));
      assertCodes([theirs, own], code);
    });
  }

  it('that was refused and accepted all the same has Node’s authorizationError', async () => {
    for (const chain of [[alone], [good, root], [below], [below, between]] as const) {
      const port = await listening(endAtOnce(tls.createServer(shown(chain))));
      const target = { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false };
      const theirs = tls.connect({ ...target, ca: pemOf([stranger]) });
      open.push(theirs);
      await once(theirs, 'secureConnect');
      const own = connect({ ...target, trust: trustStore([stranger.certificate]) });
      open.push(own);
      await once(own, 'secureConnect');
      const error: unknown = own.negotiated?.peer?.error;
      assert.ok(error instanceof CertificateError);
      assert.equal(
        authorizationErrorOf(error, { chain: chain.map(({ certificate }) => certificate) }),
        theirs.authorizationError,
      );
      assert.equal(authorizationErrorOf(error), theirs.authorizationError);
    }
  });
});

// ---- parameters that do not meet

const clientOptions: ClientCase = { node: { ca: pemOf([root]) }, ours: { trust: trustStore([root.certificate]) } };
const serverOptions: ServerCase = { node: shown([good]), ours: shown([good]) };

interface Unmet {
  readonly version?: tls.SecureVersion;
  /** Of the side that is asked, by Node's options and ours. */
  readonly node: tls.TlsOptions & tls.ConnectionOptions;
  readonly ours: Omit<TlsServerOptions & ConnectOptions, 'preSharedKey'>;
  /** Of its peer, which is Node's. */
  readonly peer?: tls.TlsOptions & tls.ConnectionOptions;
  readonly code: string;
  readonly oursIs?: readonly [code: string, why: string];
}

const older = Number(/^\d+\.\d+/.exec(process.versions.openssl)) < 3.2;
const alert = (name: string): string => `ERR_SSL_${older ? 'SSLV3' : 'SSL/TLS'}_ALERT_${name}`;

const unmetByServers: Readonly<Record<string, Unmet>> = {
  'no version (the server’s is newer)': {
    node: { minVersion: 'TLSv1.3' },
    ours: { minVersion: 'TLSv1.3' },
    peer: { maxVersion: 'TLSv1.2' },
    code: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  },
  'no version (the client’s is newer)': {
    node: { maxVersion: 'TLSv1.2' },
    ours: { maxVersion: 'TLSv1.2' },
    peer: { minVersion: 'TLSv1.3' },
    code: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  },
  'no suite of TLS 1.3': {
    version: 'TLSv1.3',
    node: { ciphers: 'TLS_AES_256_GCM_SHA384' },
    ours: { cipherSuites: ['TLS_AES_256_GCM_SHA384'] },
    peer: { ciphers: 'TLS_AES_128_GCM_SHA256' },
    code: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  'no suite of TLS 1.2': {
    version: 'TLSv1.2',
    node: { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    ours: { cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] },
    peer: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    code: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  'no group of TLS 1.3': {
    version: 'TLSv1.3',
    node: { ecdhCurve: 'P-384' },
    ours: { groups: ['secp384r1'] },
    peer: { ecdhCurve: 'P-256' },
    code: 'ERR_SSL_NO_SUITABLE_KEY_SHARE',
  },
  'no curve of TLS 1.2': {
    version: 'TLSv1.2',
    node: { ecdhCurve: 'P-384' },
    ours: { groups: ['secp384r1'] },
    peer: { ecdhCurve: 'P-256' },
    code: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  'no signature scheme of TLS 1.3': {
    version: 'TLSv1.3',
    node: {},
    ours: {},
    peer: { sigalgs: 'rsa_pss_rsae_sha256' },
    code: 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  },
  'no signature scheme of TLS 1.2': {
    version: 'TLSv1.2',
    node: {},
    ours: {},
    peer: { sigalgs: 'rsa_pss_rsae_sha256' },
    code: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  'no application protocol': {
    node: { ALPNProtocols: ['h2'] },
    ours: { ALPNProtocols: ['h2'] },
    peer: { ALPNProtocols: ['http/1.1'] },
    code: 'ERR_SSL_NO_APPLICATION_PROTOCOL',
  },
  'no client certificate, in TLS 1.3': {
    version: 'TLSv1.3',
    node: { requestCert: true, ca: pemOf([root]) },
    ours: { requestCert: true, ca: pemOf([root]) },
    code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
  },
  'no client certificate, in TLS 1.2': {
    version: 'TLSv1.2',
    node: { requestCert: true, ca: pemOf([root]) },
    ours: { requestCert: true, ca: pemOf([root]) },
    code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
  },
  'a client certificate that is not trusted': {
    node: { requestCert: true, ca: pemOf([root]) },
    ours: { requestCert: true, ca: pemOf([root]) },
    peer: shown([alone]),
    code: 'ECONNRESET',
    oursIs: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'why, where Node says only that it went away'],
  },
  'a client that refuses our certificate': {
    node: {},
    ours: {},
    peer: { ca: pemOf([stranger]), rejectUnauthorized: true },
    code: 'ECONNRESET',
  },
};

const unmetByClients: Readonly<Record<string, Unmet>> = {
  'no version': {
    node: { minVersion: 'TLSv1.3' },
    ours: { minVersion: 'TLSv1.3' },
    peer: { maxVersion: 'TLSv1.2' },
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  },
  'no suite': {
    version: 'TLSv1.3',
    node: { ciphers: 'TLS_AES_256_GCM_SHA384' },
    ours: { cipherSuites: ['TLS_AES_256_GCM_SHA384'] },
    peer: { ciphers: 'TLS_AES_128_GCM_SHA256' },
    code: alert('HANDSHAKE_FAILURE'),
  },
  'no application protocol': {
    node: { ALPNProtocols: ['h2'] },
    ours: { ALPNProtocols: ['h2'] },
    peer: { ALPNProtocols: ['http/1.1'] },
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  },
  'no client certificate, in TLS 1.3': {
    version: 'TLSv1.3',
    node: {},
    ours: {},
    peer: { requestCert: true, ca: pemOf([root]) },
    code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  },
  'no client certificate, in TLS 1.2': {
    version: 'TLSv1.2',
    node: {},
    ours: {},
    peer: { requestCert: true, ca: pemOf([root]) },
    code: alert('HANDSHAKE_FAILURE'),
  },
  'a server without any certificate': {
    node: {},
    ours: {},
    peer: { key: undefined, cert: undefined },
    code: alert('HANDSHAKE_FAILURE'),
  },
};

function versions(version: tls.SecureVersion | undefined): {
  minVersion?: tls.SecureVersion;
  maxVersion?: tls.SecureVersion;
} {
  return version === undefined ? {} : { minVersion: version, maxVersion: version };
}

describe('parameters that do not meet', () => {
  for (const [what, { version, node, ours, peer, code, oursIs }] of Object.entries(unmetByServers)) {
    it(`have Node’s code on a server: ${what}`, async () => {
      const answers = await asServers(
        { node: { ...serverOptions.node, ...versions(version), ...node }, ours: { ...serverOptions.ours, ...ours } },
        (port) =>
          tls.connect({ ...{ port, host: '127.0.0.1', rejectUnauthorized: false }, ...versions(version), ...peer }),
      );
      assertCodes(answers, code, oursIs);
    });
  }

  for (const [what, { version, node, ours, peer, code }] of Object.entries(unmetByClients)) {
    it(`have Node’s code on a client: ${what}`, async () => {
      const server = tls.createServer({ ...shown([good]), ...versions(version), ...peer } as tls.TlsOptions);
      const port = await listening(endAtOnce(server));
      const answers = await asClients(port, {
        node: { ...clientOptions.node, ...node },
        ours: { ...clientOptions.ours, ...ours },
      });
      assertCodes(answers, code);
    });
  }
});

// ---- bytes that are not due

function record(type: number, ...payload: readonly number[]): Buffer {
  return Buffer.from([type, 3, 3, payload.length >> 8, payload.length & 0xff, ...payload]);
}

/** A server that answers a ClientHello so; null: it is cut off. */
function answering(answer: Buffer | null): Server {
  return createTcpServer((socket: Socket) => {
    open.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => (answer === null ? socket.resetAndDestroy() : socket.end(answer)));
  });
}

/** A proxy that changes the last byte of the next chunk, when it is told to. */
function changing(port: number, told: () => boolean): Server {
  return createTcpServer((client) => {
    const server = connectTcp({ port, host: '127.0.0.1' });
    open.push(client, server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => undefined).on('end', () => to.end());
      from.on('data', (chunk: Buffer) => {
        if (told()) chunk[chunk.length - 1] = (chunk.at(-1) ?? 0) ^ 1;
        to.write(chunk);
      });
    }
  });
}

const answersToClients: Readonly<Record<string, readonly [bytes: Buffer | null, code: string]>> = {
  'an HTTP response': [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  'an SSH banner': [Buffer.from('SSH-2.0-x\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  'an SMTP greeting': [Buffer.from('220 mail ESMTP\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  zeros: [Buffer.alloc(20), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  'a record that is too long': [Buffer.from([22, 3, 3, 0xff, 0xff, 1, 2, 3]), 'ERR_SSL_DATA_LENGTH_TOO_LONG'],
  'application data': [record(23, ...Array(30).fill(1)), 'ERR_SSL_UNEXPECTED_MESSAGE'],
  'another message': [record(22, 14, 0, 0, 0), 'ERR_SSL_UNEXPECTED_MESSAGE'],
  'a hello that is cut short': [record(22, 2, 0, 0, 1, 9), 'ERR_SSL_LENGTH_MISMATCH'],
  'the end': [Buffer.alloc(0), 'ECONNRESET'],
  'a close_notify': [record(21, 1, 0), 'ECONNRESET'],
  'a reset': [null, 'ECONNRESET'],
};

const sentToServers: Readonly<Record<string, readonly [bytes: Buffer | null, code: string, ours?: string]>> = {
  'an HTTP request': [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'ERR_SSL_HTTP_REQUEST'],
  'another HTTP request': [Buffer.from('POST / HTTP/1.1\r\nHost: x\r\n\r\n'), 'ERR_SSL_HTTP_REQUEST'],
  // Ours has no word of its own for a proxy's.
  'a request to a proxy': [
    Buffer.from('CONNECT x:443 HTTP/1.1\r\n\r\n'),
    'ERR_SSL_HTTPS_PROXY_REQUEST',
    'ERR_SSL_HTTP_REQUEST',
  ],
  'an SSH banner': [Buffer.from('SSH-2.0-x\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  'a record that is too long': [Buffer.from([22, 3, 1, 0xff, 0xff, 1, 2, 3]), 'ERR_SSL_DATA_LENGTH_TOO_LONG'],
  'application data': [record(23, ...Array(30).fill(1)), 'ERR_SSL_UNEXPECTED_MESSAGE'],
  'another message': [record(22, 14, 0, 0, 0), 'ERR_SSL_UNEXPECTED_MESSAGE'],
  // OpenSSL has a word for each field that is short.
  'a hello that is cut short': [record(22, 1, 0, 0, 1, 9), 'ERR_SSL_LENGTH_TOO_SHORT', 'ERR_SSL_LENGTH_MISMATCH'],
  'the end': [Buffer.alloc(0), 'ECONNRESET'],
  'a reset': [null, 'ECONNRESET'],
};

describe('bytes that are not due', () => {
  for (const [what, [bytes, code]] of Object.entries(answersToClients)) {
    it(`have Node’s code on a client: ${what}`, async () => {
      assertCodes(await asClients(await listening(answering(bytes)), clientOptions), code);
    });
  }

  for (const [what, [bytes, code, ours]] of Object.entries(sentToServers)) {
    it(`have Node’s code on a server: ${what}`, async () => {
      const answers = await asServers(serverOptions, (port) => {
        const socket = connectTcp({ port, host: '127.0.0.1' });
        socket.once('connect', () => {
          if (bytes === null) socket.resetAndDestroy();
          else if (bytes.length === 0) socket.end();
          else socket.write(bytes);
        });
        return socket;
      });
      assertCodes(answers, code, [ours ?? code]);
    });
  }

  it('have Node’s code: each alert', async () => {
    let number = 0;
    const server = createTcpServer((socket) => {
      open.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(record(21, 2, number)));
    });
    const port = await listening(server);
    const target = { host: '127.0.0.1', port };
    const ownSide = new Map<number, string | undefined>();
    const nodeSide = new Map<number, string | undefined>();
    // Node has no word for any beyond.
    for (; number < 126; number++) {
      nodeSide.set(number, ((await failureOf(tls.connect(target))) as Failure).code);
      const own = await failureOf(connect({ ...target, ...clientOptions.ours }));
      ownSide.set(number, told(own, { role: 'client' })?.code);
    }
    // RFC 9846 §6.1: a user_canceled is followed by a close_notify, and ends nothing itself.
    assert.equal(ownSide.get(90), 'ECONNRESET');
    assert.deepEqual(ownSide.set(90, 'ERR_SSL_TLSV1_ALERT_USER_CANCELLED'), nodeSide);
    assert.equal([...nodeSide.values()].filter((code) => code !== 'ECONNRESET').length, 33);
  });

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    it(`have Node’s code on both sides: a record of ${version} that was changed on its way`, async () => {
      const codes: (string | undefined)[] = [];
      const target = { host: '127.0.0.1', servername: 'localhost' };
      for (const { server, client } of [
        {
          server: tls.createServer({ ...shown([good]), ...versions(version) }),
          client: (port: number) => tls.connect({ ...target, ...clientOptions.node, port }),
        },
        {
          server: createServer({ ...shown([good]), ...versions(version) }),
          client: (port: number) => connect({ ...target, ...clientOptions.ours, port }),
        },
      ]) {
        for (const way of ['up', 'down'] as const) {
          let change = false;
          const accepted = once(server, 'secureConnection') as Promise<[Duplex]>;
          const isDue = (): boolean => {
            const now = change;
            change = false;
            return now;
          };
          const port = server.listening ? (server.address() as AddressInfo).port : await listening(server);
          const near = client(await listening(changing(port, isDue)));
          const failed = failureOf(near);
          const [far] = await accepted;
          const refused = failureOf(far);
          // Now both have finished: what is written next is a record alone.
          near.once('data', () => {
            change = true;
            (way === 'up' ? near : far).write('hello');
          });
          far.write('ready');
          codes.push(told(await failed, { role: 'client' })?.code, told(await refused, { role: 'server' })?.code);
        }
      }
      const [changed, alerted] = ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', alert('BAD_RECORD_MAC')];
      // Of an AEAD in TLS 1.2 OpenSSL 3.5 says no more than that something did not work.
      const nodes = version === 'TLSv1.2' && !older ? 'ERR_SSL_CIPHER_OPERATION_FAILED' : changed;
      assert.deepEqual(codes, [alerted, nodes, nodes, alerted, alerted, changed, changed, alerted]);
    });
  }

  it('have Node’s code: none at all, for too long', async () => {
    const limit = { handshakeTimeout: 20 };
    const answers = await asServers(
      { node: { ...serverOptions.node, ...limit }, ours: { ...serverOptions.ours, ...limit } },
      (port) => connectTcp({ port, host: '127.0.0.1' }),
    );
    assertCodes(answers, 'ERR_TLS_HANDSHAKE_TIMEOUT');
  });

  it('tell a client where it was to go, as Node does', async () => {
    const port = await listening(answering(Buffer.alloc(0)));
    const target = { host: '127.0.0.1', port, servername: 'localhost' };
    const theirs = await failureOf(tls.connect(target));
    const own = await failureOf(connect({ ...target, ...clientOptions.ours }));
    assert.ok(own instanceof TlsError && theirs !== undefined);
    const error = nodeErrorOf(own, { role: 'client', ...target });
    const of = (one: object): unknown => {
      const { code, path, host, port, localAddress } = one as Record<string, unknown>;
      return { code, path, host, port, localAddress };
    };
    assert.deepEqual(of(error), of(theirs));
  });
});

describe('NodeTlsError', () => {
  const cause = new CertificateError('expired', 'it expired');
  const error = new TlsError('certificate_expired', 'certificate for "x" expired', { cause, hint: 'renew it' });
  error.phase = 'connected';
  error.state = 'CONNECTED';
  const view = nodeErrorOf(error, { role: 'client' });

  it('keeps all that the error says, and its stack', () => {
    assert.equal(view.code, 'CERT_HAS_EXPIRED');
    assert.equal(view.tlsCode, 'certificate_expired');
    assert.equal(view.message, error.message);
    assert.equal(view.stack, error.stack);
    assert.equal(view.cause, cause);
    assert.deepEqual(
      [view.name, view.alert, view.origin, view.hint, view.phase, view.state],
      ['TlsError', 'certificate_expired', 'local', 'renew it', 'connected', 'CONNECTED'],
    );
    assert.equal(error.code, 'certificate_expired');
  });

  it('is a TlsError, an Error, and its own view', () => {
    assert.equal(view instanceof TlsError, true);
    assert.equal(view instanceof Error, true);
    assert.equal(nodeErrorOf(view, { role: 'server' }), view);
  });

  it('has our code where Node has none', () => {
    for (const code of ['callback_failed', 'illegal_parameter', 'aborted', 'signing_failed'] as const) {
      const own = nodeErrorOf(new TlsError(code, 'why'), { role: 'client' });
      assert.deepEqual([own.code, own.tlsCode, 'library' in own, 'reason' in own], [code, code, false, false]);
    }
  });

  it('has our code for a callback that failed, whatever it threw', () => {
    const failed = new TlsError('callback_failed', 'the verifyPeer callback failed', { cause });
    assert.equal(nodeErrorOf(failed, { role: 'client' }).code, 'callback_failed');
  });

  it('has the transport’s code for what the transport failed of', () => {
    const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const failed = (options: ErrorOptions): string =>
      nodeErrorOf(new TlsError('transport_failed', 'the transport failed', options), { role: 'client' }).code;
    assert.equal(failed({ cause: broken }), 'EPIPE');
    assert.equal(failed({}), 'ECONNRESET');
  });

  it('has words of OpenSSL’s for what a peer does against the rules', () => {
    const codes = {
      bad_record_mac: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
      unsupported_extension: 'ERR_SSL_UNSOLICITED_EXTENSION',
      too_many_key_updates: 'ERR_SSL_TOO_MANY_KEY_UPDATES',
      too_many_alerts: 'ERR_SSL_TOO_MANY_WARN_ALERTS',
      message_too_large: 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE',
      inappropriate_fallback: 'ERR_SSL_INAPPROPRIATE_FALLBACK',
      internal: 'ERR_SSL_INTERNAL_ERROR',
    } as const;
    for (const [code, expected] of Object.entries(codes)) {
      const { code: node, library } = nodeErrorOf(new TlsError(code as keyof typeof codes, 'why'), { role: 'client' });
      assert.deepEqual([node, library], [expected, 'SSL routines']);
    }
    const finished = new TlsError('decrypt_error', 'Finished: the server saw another handshake than we did');
    assert.equal(nodeErrorOf(finished, { role: 'client' }).code, 'ERR_SSL_DIGEST_CHECK_FAILED');
  });
});
