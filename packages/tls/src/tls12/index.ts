/**
 * TLS 1.2 (RFC 5246, as amended by 5746, 7627, 7905, 8422, 9325) as a value, whole or by role.
 *
 * @module
 */

import {
  type ClientVersion,
  clientOf,
  type ServerVersion,
  serverOf,
  type Version,
  type VersionRow,
  versionOf,
} from '../version.ts';
import { offer12 } from './client.ts';
import { type Family, tls12Family } from './family.ts';
import { server12 } from './server.ts';
import { defaultCipherSuites12, type Tls12CipherSuite } from './suites.ts';

/** What a version before TLS 1.3 says of itself. */
export function rowOf({ id, name }: Family, defaultCipherSuites: readonly Tls12CipherSuite[]): VersionRow {
  return {
    id,
    name,
    defaultCipherSuites,
    uses: (suite) => suite.family === 'tls12' && suite.minVersion <= id,
  };
}

const row: VersionRow = /* @__PURE__ */ rowOf(tls12Family, defaultCipherSuites12);

const offer: ClientVersion['offer'] = (parameters) => offer12(tls12Family, parameters);
const server: ServerVersion['server'] = (host, config, hello) => server12(tls12Family, host, config, hello);

/** For `clientConfig` alone: a bundle with it holds no server. */
export const tls12Client: ClientVersion = /* @__PURE__ */ clientOf(row, offer);

/** For `serverConfig` alone. */
export const tls12Server: ServerVersion = /* @__PURE__ */ serverOf(row, server);

/** For either. */
export const tls12: Version = /* @__PURE__ */ versionOf(row, offer, server);
