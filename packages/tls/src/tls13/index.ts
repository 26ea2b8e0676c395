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
import { server } from './server.ts';

const row: VersionRow = {
  id: TLS13,
  name: 'TLS 1.3',
  defaultCipherSuites,
  uses: ({ family }) => family === 'tls13',
};

/** For `clientConfig` alone: a bundle with it holds no server. */
export const tls13Client: ClientVersion = /* @__PURE__ */ clientOf(row, offer);

/** For `serverConfig` alone. */
export const tls13Server: ServerVersion = /* @__PURE__ */ serverOf(row, server);

/** For either. */
export const tls13: Version = /* @__PURE__ */ versionOf(row, offer, server);
