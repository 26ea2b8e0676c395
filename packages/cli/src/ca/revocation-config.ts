/**
 * `revocation` in `config.json`: how often lists of what is revoked are made, how long they are good, among how many certificates are
 * spread, and how long an ended certificate is remembered.
 *
 * @module
 */

import type { AuthorityOptions } from '@handfast/ca';
import { dayMs } from '../authority.ts';
import { usageError } from '../exit.ts';
import { Fields } from './fields.ts';

export interface RevocationConfig {
  /** 16 unless set; 0: certificates name the complete list. */
  readonly crlShards?: number;
  /** From a list to the next, where nothing is revoked in between: 24 unless set. */
  readonly crlHours?: number;
  /** How long a list is good: 7 unless set. */
  readonly crlDays?: number;
  /** After its end: 365 unless set. */
  readonly keptDays?: number;
}

const fields = ['crlShards', 'crlHours', 'crlDays', 'keptDays'] as const;
const maxShards = 1024;
const hourMs = dayMs / 24;

/** @throws CliError that says which field is wrong, and how */
export function revocationConfigOf(where: string, value: unknown): RevocationConfig {
  const given = new Fields(where, value, fields);
  const [crlShards, keptDays] = [given.number('crlShards', 0), given.number('keptDays', 0)];
  const [crlHours, crlDays] = [given.number('crlHours', 1), given.number('crlDays', 1)];
  if (crlShards !== undefined && crlShards > maxShards) {
    throw usageError(`${given.where('crlShards')} is above ${maxShards}`);
  }
  // Whoever has the old list needs the new one before the old one ends.
  if ((crlHours ?? 24) * hourMs >= (crlDays ?? 7) * dayMs) {
    throw usageError(`${where}: a list is over before the next is made`, 'raise crlDays, or lower crlHours');
  }
  return {
    ...(crlShards !== undefined && { crlShards }),
    ...(crlHours !== undefined && { crlHours }),
    ...(crlDays !== undefined && { crlDays }),
    ...(keptDays !== undefined && { keptDays }),
  };
}

export function revocationOptions({
  crlShards,
  crlHours,
  crlDays,
  keptDays,
}: RevocationConfig = {}): Partial<Pick<AuthorityOptions, 'crlShards' | 'crlIntervalMs' | 'crlLifetimeMs' | 'keptMs'>> {
  return {
    ...(crlShards !== undefined && { crlShards }),
    ...(crlHours !== undefined && { crlIntervalMs: crlHours * hourMs }),
    ...(crlDays !== undefined && { crlLifetimeMs: crlDays * dayMs }),
    ...(keptDays !== undefined && { keptMs: keptDays * dayMs }),
  };
}
