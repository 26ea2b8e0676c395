/**
 * Types: what compiles with the declarations of `node:tls` (`@types/node`) compiles with ours. Most of it is held by the compiler,
 * which `npm run types` asks; what is in those declarations, and not in ours, does not compile here, or is named as absent.
 *
 * Meant differences: callbacks may answer promises, and get more than Node's declarations say; options are `readonly`, and take
 * more (`ConnectOptions`, `TlsServerOptions`, `ContextOptions`), but for those under Node's names, which are Node's with ours beside;
 * a socket's `authorizationError` is a string as well, which it is in Node too, whose declarations say otherwise.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as net from 'node:net';
import { describe, it } from 'node:test';
import type * as node from 'node:tls';
import type * as ours from '../../src/node/index.ts';

/** Compiles where the second can be given for the first. */
type Takes<To, From extends To> = From;

/** Whether two types are one, `any` being none but itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type True<T extends true> = T;

/** Compiles where both are one type. */
function same<A, B>(..._proof: Same<A, B> extends true ? [] : [never]): void {}

// ---- what the functions take

export type OptionsOfNode = [
  Takes<ours.ConnectOptions, node.ConnectionOptions>,
  Takes<ours.TlsServerOptions, node.TlsOptions>,
  Takes<ours.ContextOptions, node.SecureContextOptions>,
  Takes<ConstructorParameters<typeof ours.TLSSocket>[1], node.TLSSocketOptions>,
  Takes<NonNullable<ours.ConnectOptions['pskCallback']>, NonNullable<node.ConnectionOptions['pskCallback']>>,
  Takes<NonNullable<ours.TlsServerOptions['pskCallback']>, NonNullable<node.TlsOptions['pskCallback']>>,
  Takes<NonNullable<ours.TlsServerOptions['SNICallback']>, NonNullable<node.TlsOptions['SNICallback']>>,
  Takes<NonNullable<ours.TlsServerOptions['ALPNCallback']>, NonNullable<node.TlsOptions['ALPNCallback']>>,
  Takes<NonNullable<ours.ConnectOptions['checkServerIdentity']>, typeof node.checkServerIdentity>,
  Takes<NonNullable<ours.ConnectOptions['secureContext']>, node.SecureContext>,
];

/** Each option, since an object with an unknown one is refused where it is written down. */
type Unknown<Node, Ours> = Exclude<keyof Node, keyof Ours>;

export type EachOption = [
  True<Same<Unknown<node.ConnectionOptions, ours.ConnectOptions>, never>>,
  True<Same<Unknown<node.TlsOptions, ours.TlsServerOptions>, never>>,
  True<Same<Unknown<node.SecureContextOptions, ours.ContextOptions>, never>>,
  True<Same<Unknown<node.TLSSocketOptions, ours.TLSSocketOptions>, never>>,
  True<Same<Unknown<node.CommonConnectionOptions, ours.ConnectOptions>, never>>,
  True<Same<Unknown<node.CommonConnectionOptions, ours.TlsServerOptions>, never>>,
];

// ---- what there is

/** Values that Node has and we have not: docs/node-tls.md says why. */
type Absent = 'getCertificateCompressionAlgorithms';

export type Values = [
  True<Same<Exclude<keyof typeof node, keyof typeof ours>, Absent>>,
  // Each function and class, for Node's.
  Takes<Omit<typeof node, Absent>, typeof ours>,
  Takes<Omit<typeof node, Absent>, typeof ours.default>,
];

export type Instances = [
  Takes<node.TLSSocket, ours.TLSSocket>,
  Takes<node.Server, ours.Server>,
  Takes<node.SecureContext, ours.SecureContext>,
  Takes<net.Socket, ours.TLSSocket>,
  Takes<net.Server, ours.Server>,
  True<Same<Unknown<node.TLSSocket, ours.TLSSocket>, never>>,
  True<Same<Unknown<node.Server, ours.Server>, never>>,
];

/** The types that Node's declarations name: each for the other, unless it is said. A test looks that none is left out. */
export type Names = [
  Takes<node.Certificate, ours.Certificate>,
  Takes<ours.Certificate, node.Certificate>,
  Takes<node.PeerCertificate, ours.PeerCertificate>,
  Takes<ours.PeerCertificate, node.PeerCertificate>,
  Takes<node.DetailedPeerCertificate, ours.DetailedPeerCertificate>,
  Takes<ours.DetailedPeerCertificate, node.DetailedPeerCertificate>,
  Takes<node.CipherNameAndProtocol, ours.CipherNameAndProtocol>,
  Takes<ours.CipherNameAndProtocol, node.CipherNameAndProtocol>,
  Takes<node.EphemeralKeyInfo, ours.EphemeralKeyInfo>,
  Takes<ours.EphemeralKeyInfo, node.EphemeralKeyInfo>,
  Takes<node.KeyObject, ours.KeyObject>,
  Takes<ours.KeyObject, node.KeyObject>,
  Takes<node.PxfObject, ours.PxfObject>,
  Takes<ours.PxfObject, node.PxfObject>,
  Takes<node.PSKCallbackNegotation, ours.PSKCallbackNegotation>,
  Takes<ours.PSKCallbackNegotation, node.PSKCallbackNegotation>,
  Takes<node.SecureVersion, ours.SecureVersion>,
  Takes<ours.SecureVersion, node.SecureVersion>,
  Takes<node.CertificateCompressionAlgorithm, ours.CertificateCompressionAlgorithm>,
  Takes<ours.CertificateCompressionAlgorithm, node.CertificateCompressionAlgorithm>,
  Takes<node.CommonConnectionOptions, ours.CommonConnectionOptions>,
  Takes<ours.CommonConnectionOptions, node.CommonConnectionOptions>,
  Takes<node.ConnectionOptions, ours.ConnectionOptions>,
  Takes<ours.ConnectionOptions, node.ConnectionOptions>,
  Takes<node.TlsOptions, ours.TlsOptions>,
  Takes<ours.TlsOptions, node.TlsOptions>,
  Takes<node.SecureContextOptions, ours.SecureContextOptions>,
  Takes<ours.SecureContextOptions, node.SecureContextOptions>,
  Takes<node.TLSSocketOptions, ours.TLSSocketOptions>,
  Takes<ours.TLSSocketOptions, node.TLSSocketOptions>,
  // Ours alone for Node's: there is more in them.
  Takes<node.SecureContext, ours.SecureContext>,
  Takes<node.TLSSocket, ours.TLSSocket>,
  Takes<node.Server, ours.Server>,
  // And what they lead to.
  Takes<ours.ConnectOptions, ours.ConnectionOptions>,
  Takes<ours.TlsServerOptions, ours.TlsOptions>,
  Takes<ours.ContextOptions, ours.SecureContextOptions>,
];

// ---- programs, as they are written for Node

type OwnBuffer = Buffer<ArrayBuffer>;

/** What listeners are given is known by the event's name, whichever way they are put on. */
export function listening(tls: typeof ours, socket: ours.TLSSocket): ours.Server {
  const server = tls.createServer({ key: '', cert: '' }, (one) => {
    same<typeof one, ours.TLSSocket>();
    one.setNoDelay().on('data', (data) => same<typeof data, OwnBuffer>());
  });
  server
    .on('secureConnection', (one) => same<typeof one, ours.TLSSocket>())
    .once('tlsClientError', (error, one) => {
      same<typeof error, Error>();
      same<typeof one, ours.TLSSocket>();
    })
    .addListener('keylog', (line, one) => {
      same<typeof line, OwnBuffer>();
      same<typeof one, ours.TLSSocket>();
    })
    .prependListener('newSession', (id, data, callback) => {
      same<typeof id, OwnBuffer>();
      same<typeof data, OwnBuffer>();
      callback();
    })
    .prependOnceListener('resumeSession', (id, callback) => {
      same<typeof id, OwnBuffer>();
      callback(null, Buffer.alloc(0));
      callback(null, null);
    })
    .on('OCSPRequest', (certificate, issuer, callback) => {
      same<typeof certificate, OwnBuffer>();
      same<typeof issuer, OwnBuffer>();
      callback(null, null);
    })
    .on('earlyConnection', (one) => same<typeof one, ours.TLSSocket>())
    .on('connection', (one) => same<typeof one, net.Socket>())
    // A listener with types of its own, and an event of the program's.
    .on('error', (error: NodeJS.ErrnoException) => error.code)
    .on('mine', (what: { readonly a: 1 }) => what.a)
    .listen(0)
    .addContext('a.example', tls.createSecureContext());
  socket
    .on('secureConnect', () => undefined)
    .once('session', (session) => same<typeof session, OwnBuffer>())
    .addListener('OCSPResponse', (response) => same<typeof response, OwnBuffer>())
    .prependListener('keylog', (line) => same<typeof line, OwnBuffer>())
    .prependOnceListener('secure', () => undefined)
    .on('close', (hadError) => same<typeof hadError, boolean>())
    .on('error', (error) => same<typeof error, Error>())
    .on('data', (text: string) => text.length)
    .on(Symbol('mine'), (what: { readonly a: 1 }) => what.a);
  return server;
}

/** Options that are filled step by step; sockets, contexts and errors for who knows Node's alone. */
export function program(tls: typeof ours, ca: string | undefined): node.TLSSocket {
  const options: ours.ConnectionOptions = { host: 'a.example', port: 443 };
  if (ca !== undefined) options.ca = ca;
  options.ALPNProtocols = ['h2'];
  options.earlyData = 100;
  const forNode: node.ConnectionOptions = options;
  const context: node.SecureContext = tls.createSecureContext({ minVersion: 'TLSv1.2', dhparam: 'auto' });
  const ofServer: ours.TlsOptions = { requestCert: true, ticketKeys: Buffer.alloc(48) };
  ofServer.SNICallback = (_name, done) => done(null, context);
  tls.createServer(ofServer).setSecureContext({ key: '', cert: '' });
  new tls.Server(ofServer, (one: node.TLSSocket) => one.end());
  const socket = tls.connect({ ...forNode, secureContext: context });
  const cipher: node.CipherNameAndProtocol = socket.getCipher();
  const peer: node.PeerCertificate = socket.getPeerCertificate();
  const detailed: node.DetailedPeerCertificate = socket.getPeerCertificate(true);
  if (String(socket.authorizationError) !== cipher.name && socket.authorizationError === 'CERT_HAS_EXPIRED') {
    socket.destroy(tls.checkServerIdentity(peer.subjectaltname ?? '', detailed.issuerCertificate));
  }
  return socket;
}

/** Ours beside: promises, and values that were parsed. */
export function beside(tls: typeof ours): void {
  tls.createServer({
    async ALPNCallback({ protocols }) {
      this.setKeyCert({ key: '', cert: '' });
      return protocols[0];
    },
    pskCallback: (socket, identity) => (socket.encrypted ? Buffer.from(identity) : null),
  });
  class Own extends tls.TLSSocket {
    override setKeyCert(): void {}
  }
  class OwnServer extends tls.Server {
    constructor() {
      super({ requestCert: true });
      this.on('secureConnection', (socket) => same<typeof socket, ours.TLSSocket>());
    }
  }
  new OwnServer().emit('connection', new Own({} as net.Socket, { isServer: true }));
}

describe('types', () => {
  it('by each name that the declarations of node:tls have are held to ours', () => {
    const path = createRequire(import.meta.url)
      .resolve('@types/node/package.json')
      .replace('package.json', 'tls.d.ts');
    const declared = [...readFileSync(path, 'utf8').matchAll(/^ {4}(?:interface|type|class) (\w+)/gm)];
    assert.ok(declared.length > 15);
    const here = readFileSync(new URL(import.meta.url), 'utf8');
    const missing = declared.flatMap(([, name]) =>
      here.includes(`Takes<node.${name}, ours.${name}>`) ? [] : [String(name)],
    );
    assert.deepEqual(missing, []);
  });
});
