/**
 * What the options of `handfast ca serve` come to; and what nobody should serve.
 *
 * @module
 */

import { isIP } from 'node:net';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { parsePort } from '../options.ts';
import type { Proving } from './acme.ts';
import { parseChallenges, parseResolvers } from './acme-config.ts';
import { type DashboardReach, defaultHttpPort } from './choices.ts';
import type { CaConfig } from './config.ts';
import type { FolderOptions } from './folder.ts';
import type { LogOptions } from './serving/report.ts';

export interface ServeOptions extends FolderOptions, LogOptions {
  readonly dev?: boolean;
  readonly host: string;
  readonly port: string;
  readonly httpPort?: string;
  readonly challenge?: readonly string[];
  readonly resolver?: readonly string[];
  readonly http01Port?: string;
  readonly tlsAlpn01Port?: string;
  readonly adminHost: string;
  readonly adminPort?: string;
  readonly dashboard: DashboardReach;
  /** Where the audit stream is written to. */
  readonly auditLog?: string;
}

/** Where certificates say that the lists are. */
export function httpPortOf({ baseUrl }: CaConfig): number {
  return baseUrl === undefined ? defaultHttpPort : Number(new URL(baseUrl).port || 80);
}

export function provingOf({ dev = false, challenge, resolver, http01Port, tlsAlpn01Port }: ServeOptions): Proving {
  if (!dev && http01Port !== undefined)
    throw usageError('--http-01-port without --dev', 'clients elsewhere prove a name at its port 80');
  if (!dev && tlsAlpn01Port !== undefined)
    throw usageError('--tls-alpn-01-port without --dev', 'clients elsewhere prove a name at its port 443');
  return {
    dev,
    challenges: challenge && parseChallenges('--challenge', challenge),
    resolvers: resolver && parseResolvers('--resolver', resolver),
    ports: {
      ...(http01Port !== undefined && { 'http-01': parsePort(http01Port) }),
      ...(tlsAlpn01Port !== undefined && { 'tls-alpn-01': parsePort(tlsAlpn01Port) }),
    },
  };
}

/** Where health and metrics are, if anywhere. */
export function adminOf({ adminHost, adminPort }: ServeOptions): HostAndPort | undefined {
  if (adminPort === undefined) return undefined;
  if (isIP(adminHost) === 0) throw usageError(`--admin-host is an address of this machine, not ${quote(adminHost)}`);
  return { host: adminHost, port: parsePort(adminPort, 0) };
}

/** What strangers can reach issues by rules, and never looks at what is on its own machine. */
export function refuseOpen({ host, dev = false }: ServeOptions, { allow, externalAccountRequired }: CaConfig): void {
  if (isLoopback(host)) return;
  if (dev) {
    throw usageError(
      `--dev at ${host}: others could have the CA send requests to this machine`,
      'leave --dev out, or listen at 127.0.0.1',
    );
  }
  if (allow.domains.length + allow.networks.length > 0 || externalAccountRequired === true) return;
  throw usageError(
    `at ${host} anybody may ask, and no name is allowed`,
    'list in config.json what may be issued for: "allow": ["corp.example"]; or require keys: "externalAccountRequired": true',
  );
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}
