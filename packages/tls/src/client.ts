/**
 * The client: one hello for every version that the config offers, then the chosen version's own flow.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import type { ClientConfig } from './config.ts';
import { isConfig, ownOf } from './config.ts';
import { Connection } from './connection.ts';
import type { ConnectionHandlers } from './connection-options.ts';
import { refuseVersion } from './downgrade.ts';
import { TlsConfigError, TlsError } from './errors.ts';
import { expect, type FlowHost, type HandshakeFlow } from './flow.ts';
import { sendHello } from './hello.ts';
import { TLS12 } from './registry.ts';
import type { ClientOffer, ClientParameters, ClientVersion, FirstAnswer } from './version.ts';

/** Whom a client connects to. */
export interface ClientTarget {
  /** Sent as server_name: a DNS name. Absent for an address (RFC 6066 §3 allows none). */
  readonly serverName?: string;
  /**
   * What the certificate must be for: a DNS name or an IP address. Default: `serverName`. `null`: anything, which `verifyPeer`
   * must then decide about.
   */
  readonly verifyName?: string | null;
  /** What the session cache is to know the server by: its host and port, say. Default: `verifyName`. */
  readonly sessionKey?: string;
}

/**
 * A client without I/O: give it what the transport receives, send what it hands to `handlers.send`.
 *
 * @example
 * ```ts
 * const connection = tlsClient(config, { serverName: 'example.com' }, { send: (chunks) => chunks.forEach(write) });
 * connection.start();
 * ```
 * @throws TlsConfigError where there is no name to verify and no `verifyPeer` to decide without.
 */
export function tlsClient(config: ClientConfig, target: ClientTarget, handlers: ConnectionHandlers): Connection {
  if (!isConfig(config, 'client')) throw new TlsConfigError('config', 'it was not made by clientConfig()');
  const { serverName, verifyName: named = serverName, sessionKey = named ?? '' } = ownOf(target);
  const verifyName = named ?? undefined;
  if (verifyName === undefined && config.verifyPeer === undefined) {
    throw new TlsConfigError(
      'serverName',
      'a name (or verifyName) is needed: whose certificate is the server to have?',
    );
  }
  return new Connection({
    role: 'client',
    provider: config.provider,
    limits: config.limits,
    handlers,
    padding: config.padding,
    trace: config.trace,
    traceDetails: config.traceDetails,
    keyLog: config.keyLog,
    clock: config.clock,
    // Servers before TLS 1.3 warn, of a name they do not know for one, and go on.
    passesWarnings: config.versions.some(({ id }) => id <= TLS12),
    flow: (host) => connect(host, { config, serverName, verifyName, sessionKey }),
  });
}

/** One hello for all versions; the flow of the one that the server chooses goes on from its answer. */
function* connect(host: FlowHost, given: ClientParameters): HandshakeFlow {
  const { config } = given;
  const { sessions } = config;
  const resumable = sessions && (yield* sessions.resumption.takeSession(host, sessions, given));
  const parameters = { ...given, resumable };
  const offers = new Map<ClientVersion, ClientOffer>();
  try {
    for (const version of config.versions) offers.set(version, yield* version.offer(parameters, host));
    const sent = sendHello(host, parameters, [...offers.values()]);
    for (const { earlyData } of offers.values()) earlyData?.begin(host, sent);
    const answer = yield* expect('WAIT_SH', 'server_hello', 'hello_retry_request', 'legacy_server_hello');
    return yield* chosenOffer(host, answer, offers, config).proceed(host, sent, answer);
  } finally {
    for (const offer of offers.values()) offer.dispose();
    // Whoever went on with the session has taken what it needs.
    wipe(parameters.resumable?.session.secret);
  }
}

function chosenOffer(
  host: FlowHost,
  answer: FirstAnswer,
  offers: ReadonlyMap<ClientVersion, ClientOffer>,
  config: ClientConfig,
): ClientOffer {
  const legacy = answer.type === 'legacy_server_hello';
  for (const { earlyData } of offers.values()) {
    if (legacy && earlyData) throw earlyData.refuseOlder(host, answer.legacyVersion);
  }
  for (const [{ id }, offer] of offers) {
    // TLS 1.3 says so in supported_versions alone, which its own flow looks at; no other version may stand there.
    if (legacy ? id === answer.legacyVersion && id <= TLS12 : id > TLS12) return offer;
  }
  if (legacy) throw refuseVersion(answer, config);
  throw new TlsError('unsupported_extension', 'ServerHello: supported_versions answers nothing that was offered');
}
