/**
 * Two stacks behind one face: ours and Node's own. The same certificate, group, suite and sockets for both.
 *
 * @module
 */

import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import * as nodeTls from 'node:tls';
import { nodeProvider } from '@handfast/crypto/node';
import { memorySessionCache } from '@handfast/tls';
import * as handfast from '@handfast/tls/node';
import { issueRoot, issueServerCertificate, toPem } from '@handfast/x509';

export interface Contender {
  readonly name: string;
  /** A server on loopback that calls `handler` with each connection. */
  listen(handler: (socket: Duplex) => void): Promise<Running>;
}

export interface Running {
  /** A verified connection, by a full handshake. */
  connect(): Promise<Duplex>;
  /** One that goes on from an earlier one that was made so, where there has been one. */
  comeBack(): Promise<Comer>;
  close(): Promise<void>;
}

export interface Comer {
  readonly socket: Duplex;
  readonly resumed: boolean;
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

function running<S extends Duplex>(
  server: Server,
  connect: (port: number) => S,
  again: (port: number) => S,
  isResumed: (socket: S) => boolean,
): Promise<Running> {
  const secure = (socket: S): Promise<S> =>
    new Promise((connected, failed) => {
      socket.once('secureConnect', () => connected(socket));
      socket.once('error', failed);
    });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        connect: () => secure(connect(port)),
        async comeBack() {
          const socket = await secure(again(port));
          return { socket, resumed: isResumed(socket) };
        },
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
  const target = { host: '127.0.0.1', servername: 'localhost' } as const;
  const ofNode = { ...target, secureContext: nodeClient, ecdhCurve: 'X25519:P-256' } as const;
  return [
    {
      name: 'handfast',
      listen(handler) {
        const sessions = memorySessionCache({ perPeer: 64 });
        return running(
          handfast.createServer({ secureContext: ourServer }, handler),
          (port) => handfast.connect({ ...target, port, secureContext: ourClient }),
          (port) => handfast.connect({ ...target, port, secureContext: ourClient, sessions }),
          ({ negotiated }) => negotiated?.resumed === true,
        );
      },
    },
    {
      name: 'node:tls',
      listen(handler) {
        // The last one again and again, as node:https does it.
        let session: Buffer | undefined;
        return running(
          nodeTls.createServer({ cert, key, ...common, noDelay: true }, handler),
          (port) => nodeTls.connect({ ...ofNode, port }),
          (port) => {
            const socket = nodeTls.connect({ ...ofNode, port, ...(session && { session }) });
            return socket.on('session', (given: Buffer) => {
              session = given;
            });
          },
          (socket) => socket.isSessionReused(),
        );
      },
    },
  ];
}
