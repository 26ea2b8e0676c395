/**
 * TLS 1.2 (RFC 5246, as amended by 5746, 7627, 7905, 8422, 9325) as a value, whole or by role.
 *
 * @module
 */

import { TlsConfigError } from '../errors.ts';
import { TLS12 } from '../registry.ts';
import {
  type CheckedLists,
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
    checkLists: checkOldLists,
    uses: (suite) => suite.family === 'tls12' && suite.minVersion <= id,
  };
}

/** Before TLS 1.3 neither hybrid groups nor ML-DSA exist: a list of nothing else would be empty on the wire. */
function checkOldLists({ versions, groups, signatureSchemes }: CheckedLists): void {
  if (versions.some(({ id }) => id > TLS12)) return;
  const none = `none of them is of ${versions.map(({ name }) => name).join(', ')}`;
  if (groups.every(({ postQuantum }) => postQuantum)) throw new TlsConfigError('groups', none);
  if (versions.some(({ id }) => id === TLS12) && signatureSchemes.every(({ keyTypes12 }) => keyTypes12.length === 0)) {
    throw new TlsConfigError('signatureSchemes', none);
  }
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
