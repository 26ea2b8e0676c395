/**
 * `--time`: another moment than now, by RFC 3339.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)([Zz]|[+-]\d{2}:\d{2})$/;

/** The moment meant; now, without one. A date alone is its beginning, in UTC. */
export function parseTime(text: string | undefined): Date {
  if (text === undefined) return new Date();
  const [, date = '', time = '', zone = ''] =
    rfc3339.exec(text) ?? (/^\d{4}-\d{2}-\d{2}$/.test(text) ? ['', text, '00:00:00', 'Z'] : []);
  const parsed = new Date(`${date}T${time}${zone.toUpperCase()}`);
  // What the calendar does not have (30 February) is rolled over by Date: the day then is another one.
  const day = new Date(`${date}T00:00:00Z`);
  if (date === '' || Number.isNaN(parsed.getTime()) || day.toISOString().slice(0, 10) !== date)
    throw usageError(`--time ${quote(text)} is no time`, 'write RFC 3339: 2026-11-18T12:00:00Z, or 2026-11-18');
  return parsed;
}
