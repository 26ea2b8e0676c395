/**
 * What `config.json` says of ACME: how names are proven, which resolvers are asked, what CAA records mean, and how much one client
 * may ask for.
 *
 * @module
 */

import { type AcmeLimits, dnsBy } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { type ChallengeName, challengeNames } from './choices.ts';
import { choiceOf, Fields } from './fields.ts';
import { parseNameSpace } from './names.ts';

export interface AcmeConfig {
  /** All unless set. */
  readonly challenges?: readonly ChallengeName[];
  /** `10.0.0.53:53`: recursive resolvers. The system's unless set. */
  readonly resolvers?: readonly string[];
  /** Private addresses that validation connects to: all, none, or networks. All unless set. */
  readonly privateTargets?: boolean | readonly string[];
  /** Unless set: checked where there are `resolvers`. */
  readonly caa?: false | CaaConfig;
  readonly limits?: Partial<Pick<AcmeLimits, LimitName>>;
  readonly termsOfService?: string;
  readonly website?: string;
  /** Explains the limits to who has met one. */
  readonly rateLimitsUrl?: string;
}

export interface CaaConfig {
  /** What the CA is called in CAA records; the host of `baseUrl` unless set. */
  readonly identities?: readonly string[];
  /** Domains that are not looked up, with all below. */
  readonly except?: readonly string[];
}

const limitNames = [
  'accountsPerHour',
  'ordersPerHour',
  'failedValidationsPerHour',
  'openOrdersPerAccount',
  'identifiersPerOrder',
  'authorizationReuseMs',
  'validations',
  'waitingValidations',
] as const;
type LimitName = (typeof limitNames)[number];

const fieldNames = [
  'challenges',
  'resolvers',
  'privateTargets',
  'caa',
  'limits',
  'termsOfService',
  'website',
  'rateLimitsUrl',
] as const;

/** @throws CliError that says which field is wrong */
export function acmeConfigOf(where: string, value: unknown): AcmeConfig {
  const fields = new Fields(where, value, fieldNames);
  const challenges = fields.choices('challenges', challengeNames);
  if (challenges?.length === 0) throw usageError(`${fields.where('challenges')} is empty: nothing could be proven`);
  const resolvers = fields.texts('resolvers');
  const found = {
    challenges,
    resolvers: resolvers && parseResolvers(fields.where('resolvers'), resolvers),
    privateTargets: privateTargetsOf(fields),
    caa: caaOf(fields),
    limits: fields.has('limits') ? limitsOf(fields) : undefined,
    termsOfService: fields.url('termsOfService'),
    website: fields.url('website'),
    rateLimitsUrl: fields.url('rateLimitsUrl'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, each]) => each !== undefined));
}

/** @throws CliError */
export function parseChallenges(option: string, texts: readonly string[]): readonly ChallengeName[] {
  return texts.map((text) => choiceOf(option, text, challengeNames));
}

/** Addresses with or without a port. @throws CliError */
export function parseResolvers(option: string, texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    try {
      dnsBy({ resolvers: [text] });
    } catch {
      throw usageError(
        `${option} ${quote(text)} is no address of a resolver`,
        'write its address, and a port where it is not 53: 10.0.0.53, 10.0.0.53:5353, [fd00::53]:5353',
      );
    }
  }
  if (texts.length === 0) throw usageError(`${option} is empty`, 'leave it out to ask the system’s resolvers');
  return texts;
}

function privateTargetsOf(fields: Fields): AcmeConfig['privateTargets'] {
  const name = 'privateTargets';
  if (!Array.isArray(fields.get(name))) return fields.flag(name);
  const { domains, networks } = parseNameSpace(fields.where(name), fields.texts(name) ?? []);
  if (domains.length > 0) throw usageError(`${fields.where(name)} ${quote(domains[0] ?? '')} is no network`);
  return networks;
}

function caaOf(fields: Fields): AcmeConfig['caa'] {
  const value = fields.get('caa');
  if (value === undefined || value === false) return value;
  const caa = new Fields(fields.where('caa'), value, ['identities', 'except']);
  const [identities, except] = [caa.texts('identities'), caa.texts('except')];
  const domainsOf = (name: string, texts: readonly string[]): readonly string[] =>
    parseNameSpace(caa.where(name), texts).domains;
  return {
    ...(identities && { identities: domainsOf('identities', identities) }),
    ...(except && { except: domainsOf('except', except) }),
  };
}

function limitsOf(fields: Fields): NonNullable<AcmeConfig['limits']> {
  const limits = new Fields(fields.where('limits'), fields.get('limits'), limitNames);
  const mayBeNone = /PerHour$|Ms$/;
  const values = limitNames.map((name) => [name, limits.number(name, mayBeNone.test(name) ? 0 : 1)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}
