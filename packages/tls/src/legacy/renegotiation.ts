/**
 * Servers that know nothing of RFC 5746.
 *
 * @module
 */

import { type RenegotiationPolicy, renegotiationPolicy } from '../config.ts';

/**
 * For a client's `renegotiation`: takes servers that do not answer renegotiation_info. Somebody in between can put its own
 * words before ours in the server's ears (Ray and Dispensa 2009), and we cannot see it: for devices that cannot be brought
 * to RFC 5746 (2010). We ourselves still refuse to renegotiate.
 */
export const insecureServers: RenegotiationPolicy = /* @__PURE__ */ renegotiationPolicy({ insecureServers: true });
