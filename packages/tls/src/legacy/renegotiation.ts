/**
 * Renegotiation before TLS 1.3 (RFC 5746): another handshake on a connection that stands. It has been a hole twice (Ray and
 * Dispensa 2009, the triple handshake 2014); RFC 9325 §3.5 wants it off. For servers that ask for a client certificate late.
 *
 * @module
 */

import { type RenegotiationPolicy, renegotiationPolicy } from '../config.ts';
import { renegotiateClient } from '../tls12/renegotiation.ts';

/**
 * For a client's `renegotiation`: takes servers that do not answer renegotiation_info. Somebody in between can put its own
 * words before ours in the server's ears, and we cannot see it: for devices that cannot be brought to RFC 5746 (2010). We
 * ourselves still refuse to renegotiate.
 */
export const insecureServers: RenegotiationPolicy = /* @__PURE__ */ renegotiationPolicy({
  insecureServers: true,
  most: 0,
  client: renegotiateClient,
});

/**
 * For `renegotiation`: does what peers of RFC 5746 ask for, and lets `Connection.renegotiate` ask them, up to `most` times a
 * connection. Version, extended_master_secret and the server's certificate stay what they were; ALPN and `selectConfig` are
 * not asked again. After each the `negotiated` of the connection is the new handshake's.
 * @throws RangeError where `most` is not 1 to 100.
 */
export function secureRenegotiation({ most }: { readonly most: number }): RenegotiationPolicy {
  if (!Number.isInteger(most) || most < 1 || most > 100) throw new RangeError(`most: ${most} is not 1 to 100`);
  return renegotiationPolicy({ insecureServers: false, most, client: renegotiateClient });
}
