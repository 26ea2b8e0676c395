/**
 * The ACME server of `@handfast/ca`, as `handfast ca serve` runs it: how names are proven, what it may connect to, its chores, its
 * log.
 *
 * @module
 */

import type { RequestListener } from 'node:http';
import {
  type AcmeEvent,
  type CaaOptions,
  type Challenge,
  createAcme,
  type Dns,
  dns01,
  dnsBy,
  type Endpoint,
  http01,
  type TargetPolicy,
  tlsAlpn01,
} from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { escapeText } from '@handfast/x509';
import type { Report } from '../report.ts';
import { causesOf } from './causes.ts';
import { type ChallengeName, challengeNames } from './choices.ts';
import type { CaConfig } from './config.ts';
import { contains } from './names.ts';
import type { OpenCa } from './open.ts';
import { acmeProfiles } from './profiles-config.ts';

export interface AcmeSetup {
  readonly ca: OpenCa;
  /** What clients are told, without a path. */
  readonly url: string;
  readonly proving: Proving;
  /** Where the CA itself listens. */
  readonly listeners: () => readonly Endpoint[];
  readonly report: Report;
  /** Told of everything, before the log. */
  readonly count: (event: AcmeEvent) => void;
}

/** How names are proven: the configuration's word, unless an option has another. */
export interface Proving {
  readonly dev: boolean;
  readonly challenges: readonly ChallengeName[] | undefined;
  readonly resolvers: readonly string[] | undefined;
  /** Where challenges are looked at, with `dev`. */
  readonly ports: Readonly<Partial<Record<ChallengeName, number>>>;
}

export interface AcmeService {
  readonly directory: string;
  readonly listener: RequestListener;
  close(): Promise<void>;
}

const maintenanceMs = 60_000;

export async function acmeService(setup: AcmeSetup): Promise<AcmeService> {
  const { ca, url, report, count } = setup;
  const { authority, database, config } = ca;
  const { termsOfService, website, rateLimitsUrl, limits } = config.acme ?? {};
  const resolvers = setup.proving.resolvers ?? config.acme?.resolvers;
  const dns = resolvers && dnsBy({ resolvers });
  const caa = caaOptions(config, dns);
  const acme = await createAcme({
    authority,
    database,
    provider,
    baseUrl: url,
    challenges: challengesOf(setup, dns),
    allowsName: (name) => authority.nameRefusal(name) === undefined,
    profiles: acmeProfiles(authority.profiles, config.profiles),
    externalAccountRequired: config.externalAccountRequired === true,
    ...(caa && { caa }),
    ...(termsOfService !== undefined && { termsOfService }),
    ...(website !== undefined && { website }),
    ...(rateLimitsUrl !== undefined && { rateLimitsUrl }),
    ...(limits && { limits }),
    log(event) {
      count(event);
      tell(event, report);
    },
  });
  const maintain = (): void => {
    acme.maintain().catch((error: unknown) => report.error(error));
  };
  const timer = setInterval(maintain, maintenanceMs);
  maintain();
  return {
    directory: `${url}/acme/directory`,
    listener: acme.listener,
    async close() {
      clearInterval(timer);
      await acme.close();
    },
  };
}

function challengesOf({ ca, proving, listeners }: AcmeSetup, dns: Dns | undefined): readonly Challenge[] {
  const { dev, ports } = proving;
  const { acme = {} } = ca.config;
  const { privateTargets = true } = acme;
  const targets: TargetPolicy = {
    dev,
    listeners,
    allowPrivate:
      typeof privateTargets === 'boolean'
        ? privateTargets
        : (address) => contains({ domains: [], networks: privateTargets }, address),
    ...(dns && { resolve: dns.addresses }),
  };
  const portOf = (type: ChallengeName): { readonly port?: number } =>
    ports[type] === undefined ? {} : { port: ports[type] };
  const makers: Readonly<Record<ChallengeName, () => Challenge>> = {
    'http-01': () => http01({ targets, ...portOf('http-01') }),
    'dns-01': () => dns01({ provider, ...(dns && { resolveTxt: dns.txt }) }),
    'tls-alpn-01': () => tlsAlpn01({ provider, targets, ...portOf('tls-alpn-01') }),
  };
  return (proving.challenges ?? acme.challenges ?? challengeNames).map((type) => makers[type]());
}

/** Where the configuration says nothing of CAA it is checked by the resolvers that are named. The system's may know no domain of ours. */
function caaOptions({ acme, baseUrl }: CaConfig, dns: Dns | undefined): CaaOptions | undefined {
  const { caa } = acme ?? {};
  if (caa === false || (caa === undefined && dns === undefined)) return undefined;
  const named = baseUrl === undefined ? [] : [new URL(baseUrl).hostname];
  return { identities: caa?.identities ?? named, except: caa?.except ?? [], dns: dns ?? dnsBy() };
}

/** What a line of a request does not tell. */
function tell(event: AcmeEvent, report: Report): void {
  const { green, red } = report.colors;
  switch (event.event) {
    case 'account': {
      const { accountId, change } = event;
      report.news(`  account ${accountId} ${change}`, 'account', { accountId, change });
      break;
    }
    case 'validation': {
      const { type, identifier } = event;
      const ms = Math.round(event.ms);
      const what = `${type} for ${escapeText(identifier.value)}`;
      const failure = causesOf(event.failure);
      const line = event.failure === undefined ? `${green('✓')} ${what}` : `${red('✗')} ${what}${because(failure)}`;
      report.news(`  ${line}`, 'validation', { type, identifier, ms, failure });
      break;
    }
    case 'new order': {
      const { orderId, accountId, names } = event;
      report.news(`  order ${orderId}: ${names} ${names === 1 ? 'name' : 'names'}`, 'new order', {
        orderId,
        accountId,
        names,
      });
      break;
    }
    case 'order': {
      const { orderId, status, profile = null, serial = null } = event;
      const failure = causesOf(event.failure);
      report.news(`  order ${orderId} is ${status}${because(failure)}`, 'order', {
        orderId,
        status,
        profile,
        serial,
        failure,
      });
      break;
    }
    case 'refused': {
      const { url, problem } = event;
      const cause = causesOf(event.cause);
      const line = `refused: ${escapeText(problem)}${cause === null ? '' : ` (${escapeText(cause)})`}`;
      report.news(`  ${line}`, 'refused', { url, problem, cause });
      break;
    }
    case 'revoked': {
      const { serial, reason } = event;
      report.news(`  ${serial} is revoked: ${reason}`, 'revoked', { serial, reason });
      break;
    }
    case 'error':
      report.error(event.error, { url: event.url ?? null });
      break;
  }
}

function because(why: string | null): string {
  return why === null ? '' : `: ${escapeText(why)}`;
}
