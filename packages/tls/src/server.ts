/**
 * The server: reads the first hello, lets the user choose a config by it, chooses the version, and goes on in that
 * version's own flow.
 *
 * @module
 */

import { type HelloInfo, isConfig, type ServerConfig } from './config.ts';
import { Connection } from './connection.ts';
import type { ConnectionHandlers } from './connection-options.ts';
import { checkFallback } from './downgrade.ts';
import { TlsConfigError, TlsError } from './errors.ts';
import { callUser, expect, type Flow, type FlowHost, type HandshakeFlow } from './flow.ts';
import { bestVersion } from './hello.ts';
import type { ClientHello } from './messages/client-hello.ts';
import { TLS12, versionName } from './registry.ts';
import type { ServerVersion } from './version.ts';

/**
 * A server's side of one connection, without I/O: give it what the transport receives, send what it hands to
 * `handlers.send`.
 *
 * @example
 * ```ts
 * const connection = tlsServer(config, { send: (chunks) => chunks.forEach(write), data: handle });
 * connection.start();
 * ```
 */
export function tlsServer(config: ServerConfig, handlers: ConnectionHandlers): Connection {
  if (!isConfig(config, 'server')) throw new TlsConfigError('config', 'it was not made by serverConfig()');
  return new Connection({
    role: 'server',
    provider: config.provider,
    limits: config.limits,
    handlers,
    padding: config.padding,
    trace: config.trace,
    traceDetails: config.traceDetails,
    keyLog: config.keyLog,
    clock: config.clock,
    passesWarnings: config.versions.some(({ id }) => id <= TLS12),
    flow: (host) => serve(host, config),
  });
}

function* serve(host: FlowHost, base: ServerConfig): HandshakeFlow {
  const hello = yield* expect('START', 'client_hello');
  host.changeCipherSpecAllowed = true;
  host.heard(hello);
  const info = helloInfo(host, hello);
  const config = yield* selectConfig(base, info);
  return yield* chooseVersion(hello, config).server(host, config, info);
}

function chooseVersion(hello: ClientHello, { versions }: ServerConfig): ServerVersion {
  const offered = hello.extensions.supported_versions;
  // Without supported_versions a hello is of TLS 1.2 or earlier, and takes every version up to its own (RFC 9846 §4.3.1).
  const takes = ({ id }: ServerVersion): boolean =>
    offered === undefined ? id <= Math.min(hello.legacyVersion, TLS12) : offered.includes(id);
  const version = versions.find(takes);
  if (version === undefined) {
    const theirs = (offered ?? [hello.legacyVersion]).slice(0, 8).map(versionName).join(', ');
    const ours = versions.map(({ name }) => name).join(', ');
    throw new TlsError('protocol_version', `no version in common: the client offers ${theirs}, we speak ${ours}`, {
      hint: `the client must be brought to ${versionName(bestVersion({ versions }))}`,
    });
  }
  checkFallback(hello, bestVersion({ versions }), version.id);
  return version;
}

function* selectConfig(base: ServerConfig, info: HelloInfo): Flow<ServerConfig> {
  const { selectConfig: select } = base;
  if (select === undefined) return base;
  const config = yield* callUser('selectConfig', () => select(info));
  if (!isConfig(config, 'server')) {
    throw new TlsError('callback_failed', 'the selectConfig callback answered no config made by serverConfig()');
  }
  return config;
}

/** What callbacks are told of a hello. */
function helloInfo(host: FlowHost, clientHello: ClientHello): HelloInfo {
  return {
    clientHello,
    serverName: clientHello.extensions.server_name,
    alpnProtocols: clientHello.extensions.application_layer_protocol_negotiation ?? [],
    get signal() {
      return host.signal;
    },
  };
}
