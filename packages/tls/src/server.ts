/**
 * The server: reads the first hello, lets the user choose a config by it, chooses the version, and goes on in that
 * version's own flow.
 *
 * @module
 */

import { type HelloInfo, isConfig, type ServerConfig } from './config.ts';
import { Connection, type ConnectionHandlers } from './connection.ts';
import { TlsConfigError, TlsError } from './errors.ts';
import { callUser, expect, type Flow, type FlowHost } from './flow.ts';
import type { ClientHello } from './messages/client-hello.ts';
import { versionName } from './registry.ts';

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
    keyLog: config.keyLog,
    clock: config.clock,
    flow: (host) => serve(host, config),
  });
}

function* serve(host: FlowHost, base: ServerConfig): Flow<never> {
  const hello = yield* expect('START', 'client_hello');
  host.changeCipherSpecAllowed = true;
  const info = helloInfo(host, hello);
  const config = yield* selectConfig(base, info);
  // A hello without supported_versions is one of TLS 1.2 or earlier.
  const offered = hello.extensions.supported_versions ?? [hello.legacyVersion];
  const version = config.versions.find(({ id }) => offered.includes(id));
  if (version === undefined) {
    const theirs = offered.slice(0, 8).map(versionName).join(', ');
    const ours = config.versions.map(({ name }) => name).join(', ');
    throw new TlsError('protocol_version', `no version in common: the client offers ${theirs}, we speak ${ours}`, {
      hint: 'the client must be brought to TLS 1.3',
    });
  }
  return yield* version.server(host, config, info);
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
