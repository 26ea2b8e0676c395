/**
 * The client: a connection whose flow is the version's own.
 *
 * @module
 */

import type { ClientConfig } from './config.ts';
import { isConfig, ownOf } from './config.ts';
import { Connection, type ConnectionHandlers } from './connection.ts';
import { TlsConfigError } from './errors.ts';

/** Whom a client connects to. */
export interface ClientTarget {
  /** Sent as server_name: a DNS name. Absent for an address (RFC 6066 §3 allows none). */
  readonly serverName?: string;
  /** What the certificate must be for: a DNS name or an IP address. Default: `serverName`. */
  readonly verifyName?: string;
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
  const { serverName, verifyName = serverName } = ownOf(target);
  if (verifyName === undefined && config.verifyPeer === undefined) {
    throw new TlsConfigError(
      'serverName',
      'a name (or verifyName) is needed: whose certificate is the server to have?',
    );
  }
  const [version] = config.versions;
  if (version === undefined) throw new TlsConfigError('versions', 'at least one version is needed');
  return new Connection({
    role: 'client',
    provider: config.provider,
    limits: config.limits,
    handlers,
    padding: config.padding,
    trace: config.trace,
    keyLog: config.keyLog,
    clock: config.clock,
    flow: (host) => version.client(host, { config, serverName, verifyName }),
  });
}
