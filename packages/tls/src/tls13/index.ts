/**
 * TLS 1.3 (RFC 9846) as a value, whole or by role.
 *
 * @module
 */

import { defaultCipherSuites, TLS13 } from '../registry.ts';
import {
  type ClientVersion,
  clientOf,
  type ServerVersion,
  serverOf,
  type Version,
  type VersionRow,
  versionOf,
} from '../version.ts';
import { offer } from './client.ts';
import { clientKeys } from './client-keys.ts';
import { server } from './server.ts';
import { serverKeys } from './server-keys.ts';

const row: VersionRow = {
  id: TLS13,
  name: 'TLS 1.3',
  defaultCipherSuites,
  uses: ({ family }) => family === 'tls13',
};

const rowWithKeys: VersionRow = /* @__PURE__ */ Object.assign({ takesPreSharedKeys: true }, row);

const offerWithKeys: ClientVersion['offer'] = (parameters, host) => offer(parameters, host, clientKeys);
const serverWithKeys: ServerVersion['server'] = (host, config, hello) => server(host, config, hello, serverKeys);

/** For `clientConfig` alone: a bundle with it holds no server, and nothing of pre-shared keys but what a session cache brings. */
export const tls13Client: ClientVersion = /* @__PURE__ */ clientOf(row, offer);

/** The same for a client with `preSharedKey`. */
export const tls13PskClient: ClientVersion = /* @__PURE__ */ clientOf(rowWithKeys, offerWithKeys);

/** For `serverConfig` alone: with nothing of pre-shared keys but what ticket keys bring. */
export const tls13Server: ServerVersion = /* @__PURE__ */ serverOf(row, server);

/** The same for a server with `preSharedKey`. */
export const tls13PskServer: ServerVersion = /* @__PURE__ */ serverOf(rowWithKeys, serverWithKeys);

/** For either, with all that there is. */
export const tls13: Version = /* @__PURE__ */ versionOf(rowWithKeys, offerWithKeys, serverWithKeys);
