/**
 * Two stacks behind one face: ours and Node's own. The same certificate, group, suite and sockets for both.
 *
 * @module
 */

import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import * as nodeTls from 'node:tls';
import { nodeProvider } from '@handfast/crypto/node';
import * as handfast from '@handfast/tls/node';
import { issueRoot, issueServerCertificate, toPem } from '@handfast/x509';

export interface Contender {
  readonly name: string;
  /** A server on loopback that calls `handler` with each connection. */
  listen(handler: (socket: Duplex) => void): Promise<Running>;
}

export interface Running {
  /** A verified connection. */
  connect(): Promise<Duplex>;
  close(): Promise<void>;
}

const notBefore = new Date(Date.now() - 3_600_000);
const notAfter = new Date(Date.now() + 86_400_000);

async function certificates(): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const provider = nodeProvider;
  const authority = await provider.generateKeyPair('secp256r1');
  const root = await issueRoot({
    provider,
    subject: { commonName: 'Bench CA' },
    signer: authority.signer,
    notBefore,
    notAfter,
  });
  const server = await provider.generateKeyPair('secp256r1');
  const leaf = await issueServerCertificate({
    provider,
    subject: { commonName: 'localhost' },
    issuer: { certificate: root, signer: authority.signer },
    publicKey: server.signer.publicKey,
    names: ['localhost'],
    notBefore,
    notAfter,
  });
  return {
    ca: toPem('CERTIFICATE', root.raw),
    cert: toPem('CERTIFICATE', leaf.raw),
    key: toPem('PRIVATE KEY', server.pkcs8),
  };
}

function running(server: Server, connect: (port: number) => Duplex): Promise<Running> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        connect: () =>
          new Promise((connected, failed) => {
            const socket = connect(port);
            socket.once('secureConnect', () => connected(socket));
            socket.once('error', failed);
          }),
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}

/** What both are told to speak, each in its own words. */
export interface Setting {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** IANA's name, and OpenSSL's. */
  readonly suite: string;
  readonly openssl: string;
}

export const tls13: Setting = {
  version: 'TLSv1.3',
  suite: 'TLS_AES_128_GCM_SHA256',
  openssl: 'TLS_AES_128_GCM_SHA256',
};

export const tls12: Setting = {
  version: 'TLSv1.2',
  suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  openssl: 'ECDHE-ECDSA-AES128-GCM-SHA256',
};

/** Both, with what they need prepared once. */
export async function contenders({ version, suite, openssl }: Setting): Promise<readonly [Contender, Contender]> {
  const { ca, cert, key } = await certificates();
  // TLS 1.2 wants the certificate's curve among the groups.
  const ours = {
    groups: ['x25519', 'secp256r1'],
    cipherSuites: [suite],
    minVersion: version,
    maxVersion: version,
  } as const;
  const ourServer = handfast.createSecureContext({ cert, key, ...ours });
  const ourClient = handfast.createSecureContext({ ca, ...ours });
  const common = { minVersion: version, maxVersion: version, ecdhCurve: 'X25519:P-256', ciphers: openssl } as const;
  const nodeClient = nodeTls.createSecureContext({ ca, ...common });
  return [
    {
      name: 'handfast',
      listen: (handler) =>
        running(handfast.createServer({ secureContext: ourServer }, handler), (port) =>
          handfast.connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext: ourClient }),
        ),
    },
    {
      name: 'node:tls',
      listen: (handler) =>
        running(nodeTls.createServer({ cert, key, ...common, noDelay: true }, handler), (port) =>
          nodeTls.connect({
            host: '127.0.0.1',
            port,
            servername: 'localhost',
            secureContext: nodeClient,
            ecdhCurve: 'X25519:P-256',
          }),
        ),
    },
  ];
}
