/**
 * Profiles of one's own in `config.json`: kinds of certificate beside `server` and `client`, or in their place.
 *
 * @module
 */

import { defaultProfiles, type Profile } from '@handfast/ca';
import type { KeyType } from '@handfast/crypto';
import { quote } from '@handfast/tls';
import { dayMs } from '../authority.ts';
import { usageError } from '../exit.ts';
import { type KeyTypeName, keyTypeNames } from './choices.ts';
import { Fields } from './fields.ts';

export interface ProfileConfig {
  readonly name: string;
  /** What ACME clients are told of it. */
  readonly description?: string;
  /** `serverAuth` unless set. */
  readonly usages?: readonly Usage[];
  /** Kinds of keys; of RSA the smallest counts. All unless set. */
  readonly keyTypes?: readonly KeyTypeName[];
  /** How long it is good: 90 unless set. */
  readonly days?: number;
  /** How long at the most: 398, or `days` where that is more, unless set. */
  readonly maxDays?: number;
  /** The id of the issuer that signs it; the CA's newest unless set. */
  readonly issuer?: string;
}

const usages = ['serverAuth', 'clientAuth'] as const;
type Usage = (typeof usages)[number];

/** A quarter of an hour: clients renew at two thirds of it. */
const leastDays = 0.01;

const fieldNames = ['name', 'description', 'usages', 'keyTypes', 'days', 'maxDays', 'issuer'];

/** @throws CliError that says which field is wrong */
export function profileConfigsOf(where: string, value: unknown): readonly ProfileConfig[] {
  if (!Array.isArray(value))
    throw usageError(`${where} is no list`, 'write "profiles": [{ "name": "short", "days": 7 }]');
  const profiles = value.map((each, index) => profileConfigOf(`${where}[${index}]`, each));
  const names = profiles.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usageError(`${where}: ${quote(twice)} is there twice`);
  return profiles;
}

/** All that a CA has: the usual two, unless one is replaced, and its own. The first is what a request without a profile gets. */
export function profilesOf(own: readonly ProfileConfig[] = []): readonly Profile[] {
  const made = own.map(profileOf);
  const usual = defaultProfiles.map((profile) => made.find(({ name }) => name === profile.name) ?? profile);
  return [...usual, ...made.filter(({ name }) => !usual.some((profile) => profile.name === name))];
}

/**
 * What ACME clients may choose, and what to say of each: what is for servers alone. A client's certificate is for an operator, or
 * who has a token, to have.
 */
export function acmeProfiles(
  profiles: readonly Profile[],
  own: readonly ProfileConfig[] = [],
): Readonly<Record<string, string>> {
  const offered = profiles.filter(({ extendedKeyUsage }) => extendedKeyUsage.every((usage) => usage === 'serverAuth'));
  return Object.fromEntries(
    offered.map(({ name, lifetimeMs }) => {
      const described = own.find((profile) => profile.name === name)?.description;
      return [name, described ?? `for TLS servers, ${Math.round((10 * lifetimeMs) / dayMs) / 10} days`];
    }),
  );
}

function profileConfigOf(where: string, value: unknown): ProfileConfig {
  const fields = new Fields(where, value, fieldNames);
  const name = fields.text('name');
  if (name === undefined || !/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name)) {
    throw usageError(`${fields.where('name')} is no name of a profile`, 'letters, digits, and . _ - between them');
  }
  const chosen = fields.choices('usages', usages);
  const keyTypes = fields.choices('keyTypes', keyTypeNames);
  if (chosen?.length === 0 || keyTypes?.length === 0) throw usageError(`${where}: a list is empty`);
  const [days, maxDays] = [fields.number('days', leastDays, false), fields.number('maxDays', leastDays, false)];
  if (days !== undefined && maxDays !== undefined && days > maxDays)
    throw usageError(`${where}: days is more than maxDays`);
  const description = fields.text('description');
  const issuer = fields.text('issuer');
  return {
    name,
    ...(description !== undefined && { description }),
    ...(chosen && { usages: chosen }),
    ...(keyTypes && { keyTypes }),
    ...(days !== undefined && { days }),
    ...(maxDays !== undefined && { maxDays }),
    ...(issuer !== undefined && { issuer }),
  };
}

function profileOf(own: ProfileConfig): Profile {
  const { name, usages: chosen = ['serverAuth'], keyTypes = keyTypeNames, days = 90, issuer } = own;
  const maxDays = own.maxDays ?? Math.max(days, 398);
  const forClients = chosen.includes('clientAuth');
  const bits = keyTypes.flatMap((type) => (type.startsWith('rsa') ? [Number(type.slice(3))] : []));
  return {
    name,
    extendedKeyUsage: chosen,
    lifetimeMs: days * dayMs,
    maxLifetimeMs: maxDays * dayMs,
    keyTypes: [...new Set(keyTypes.map((type) => keyTypesOf[type]))],
    minRsaBits: Math.min(...(bits.length === 0 ? [2048] : bits)),
    commonName: forClients ? 'identity' : 'names',
    emails: forClients,
    ...(issuer !== undefined && { issuer }),
  };
}

const keyTypesOf: Readonly<Record<KeyTypeName, KeyType>> = {
  p256: 'secp256r1',
  p384: 'secp384r1',
  ed25519: 'ed25519',
  rsa2048: 'rsa',
  rsa3072: 'rsa',
  rsa4096: 'rsa',
};
