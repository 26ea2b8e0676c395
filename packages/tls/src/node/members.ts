/**
 * The members of `node:tls` in one object, for `import tls from` and for `require`: its `DEFAULT_…` can be set, as there.
 *
 * @module
 */

import { convertALPNProtocols } from './alpn.ts';
import { getCACertificates, rootCertificates, setDefaultCACertificates } from './ca-certificates.ts';
import { checkServerIdentity } from './check-server-identity.ts';
import { connect } from './connect.ts';
import { defaults, type TlsDefaults } from './defaults.ts';
import { createSecureContext, getCiphers, SecureContext } from './secure-context.ts';
import { createServer, Server } from './server.ts';
import { TLSSocket } from './typed-socket.ts';

export interface TlsMembers extends TlsDefaults {
  readonly checkServerIdentity: typeof checkServerIdentity;
  readonly connect: typeof connect;
  readonly convertALPNProtocols: typeof convertALPNProtocols;
  readonly createSecureContext: typeof createSecureContext;
  readonly createServer: typeof createServer;
  readonly getCACertificates: typeof getCACertificates;
  readonly getCiphers: typeof getCiphers;
  readonly rootCertificates: typeof rootCertificates;
  readonly SecureContext: typeof SecureContext;
  readonly Server: typeof Server;
  readonly setDefaultCACertificates: typeof setDefaultCACertificates;
  readonly TLSSocket: typeof TLSSocket;
}

const functions = {
  ...{ checkServerIdentity, connect, convertALPNProtocols, createSecureContext, createServer, getCACertificates },
  ...{ getCiphers, rootCertificates, SecureContext, Server, setDefaultCACertificates, TLSSocket },
};

export const tls: TlsMembers = /* @__PURE__ */ Object.defineProperties(
  functions,
  Object.getOwnPropertyDescriptors(defaults),
) as typeof functions & TlsDefaults;
