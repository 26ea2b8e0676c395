/**
 * TLS 1.1 (RFC 4346), TLS 1.0 (RFC 2246) and SSL 3.0 (RFC 6101) as values. RFC 7568 and RFC 8996 forbid them.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import { offer12 } from '../tls12/client.ts';
import type { Family } from '../tls12/family.ts';
import { rowOf } from '../tls12/index.ts';
import { scheduleOf } from '../tls12/prf.ts';
import { server12 } from '../tls12/server.ts';
import type { Version } from '../version.ts';
import { dialect11, dialect30 } from './messages.ts';
import { prf10 } from './prf10.ts';
import { legacyOf } from './provider.ts';
import { signing11 } from './signing11.ts';
import { schedule30 } from './ssl30.ts';

/** What the three have in common: MD5 and SHA-1 side by side. */
const old: Pick<Family, 'signing' | 'hashes'> = {
  signing: signing11,
  hashes: (provider) => [legacyOf(provider).createHash('md5'), legacyOf(provider).createHash('sha1')],
};

const tls1: Pick<Family, 'dialect' | 'signing' | 'hashes' | 'schedule'> = {
  ...old,
  dialect: dialect11,
  schedule: (provider) => scheduleOf(prf10(provider)),
};

function version(family: Family): Version {
  return {
    ...rowOf(family, []),
    supportedBy: ({ legacy }: Cryptography) => legacy !== undefined,
    offer: (parameters) => offer12(family, parameters),
    server: (host, config, hello) => server12(family, host, config, hello),
  };
}

/** TLS 1.1, which violates RFC 8996 on purpose. Its suites are all in `legacyCipherSuites`. */
export const tls11: Version = /* @__PURE__ */ version({ ...tls1, id: 0x0302, name: 'TLS 1.1', knowsExtensions: true });

/** TLS 1.0, which violates RFC 8996 on purpose. Its suites are all in `legacyCipherSuites`. */
export const tls10: Version = /* @__PURE__ */ version({ ...tls1, id: 0x0301, name: 'TLS 1.0', knowsExtensions: true });

/**
 * SSL 3.0, which violates RFC 7568 on purpose. It has no extensions (no server name, no ALPN, no extended master secret) and no
 * curves, and clients are not asked for certificates.
 */
export const ssl30: Version = /* @__PURE__ */ version({
  ...old,
  id: 0x0300,
  name: 'SSL 3.0',
  dialect: dialect30,
  schedule: schedule30,
  knowsExtensions: false,
});
