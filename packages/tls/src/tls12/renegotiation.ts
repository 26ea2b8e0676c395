/**
 * A client's renegotiation (RFC 5746 §3.5). A policy of `@handfast/tls/legacy` brings it: without one nothing of it is loaded.
 *
 * @module
 */

import type { ClientConfig } from '../config.ts';
import type { Flow, FlowHost } from '../flow.ts';
import { sendHello } from '../hello.ts';
import { extensionType } from '../registry.ts';
import type { ClientParameters } from '../version.ts';
import { handshake, offer12 } from './client.ts';
import type { Standing } from './connected.ts';
import { expectServer } from './expect.ts';
import type { Family } from './family.ts';
import { suites12 } from './negotiate.ts';

/**
 * Another handshake under the keys of this one (RFC 5746 §3.5), beside which data may pass until the keys change. Undefined:
 * the server would rather not, and all stays as it was.
 */
export function* renegotiateClient(
  family: Family,
  host: FlowHost,
  parameters: ClientParameters,
  previous: Standing,
): Flow<Standing | undefined> {
  host.renegotiating = true;
  try {
    const again = { ...parameters, config: sameAgain(parameters.config, family), resumable: undefined };
    const offer = yield* offer12(family, again);
    const extensions = { ...offer.extensions, renegotiation_info: previous.verifyData.client };
    const sent = sendHello(host, again, [{ ...offer, extensions }]);
    // TLS 1.3's ServerHello is read whatever it answers, to be refused for its version.
    host.offered = new Set([...host.offered, extensionType.supported_versions, extensionType.key_share]);
    const answer = yield* expectServer('WAIT_SH_AGAIN_12', ...afterHelloAgain);
    if (answer.type === 'no_renegotiation') return undefined;
    return yield* handshake(family, host, sent, answer, previous);
  } finally {
    host.renegotiating = false;
  }
}

/** What a renegotiation offers: neither version nor application protocol is chosen anew. */
function sameAgain(config: ClientConfig, { id }: Family): ClientConfig {
  return {
    ...config,
    versions: config.versions.filter((version) => version.id === id),
    cipherSuites: suites12(config.cipherSuites, id),
    alpnProtocols: [],
    fallback: false,
    sessions: undefined,
  };
}

/** What may answer a hello in a renegotiation. */
const afterHelloAgain = ['server_hello', 'hello_retry_request', 'legacy_server_hello', 'no_renegotiation'] as const;
