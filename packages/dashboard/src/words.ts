/** Dates, counts and codes in words. */

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });
const short = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const number = new Intl.NumberFormat('en');

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30.4 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

export function relativeTime(date: string, now: number): string {
  const away = Date.parse(date) - now;
  for (const [unit, ms] of units) {
    // A certificate's time is told in days.
    if (unit === 'month' && Math.abs(away) < 120 * 86_400_000) continue;
    if (Math.abs(away) >= ms) return relative.format(Math.trunc(away / ms), unit);
  }
  return 'now';
}

export function exactTime(date: string): string {
  return exact.format(new Date(date));
}

export function shortDay(day: string): string {
  return short.format(new Date(`${day}T00:00:00Z`));
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${number.format(value)} ${value === 1 ? one : many}`;
}

export function figure(value: number): string {
  return number.format(value);
}

export const reasonWords: ReadonlyMap<string, string> = new Map([
  ['unspecified', 'No reason given'],
  ['superseded', 'Replaced by another certificate'],
  ['cessationOfOperation', 'The service is no more'],
  ['affiliationChanged', 'The holder has left, or changed'],
  ['privilegeWithdrawn', 'The holder may have it no more'],
  ['keyCompromise', 'The private key was lost or seen'],
]);

export const problemWords: ReadonlyMap<string, string> = new Map([
  ['caa', 'CAA records forbid it'],
  ['connection', 'No connection to the host'],
  ['dns', 'The DNS look-up failed'],
  ['incorrectResponse', 'The host gave a wrong answer'],
  ['rejectedIdentifier', 'The name is not allowed'],
  ['badCSR', 'The request was not acceptable'],
  ['tls', 'TLS with the host failed'],
  ['unauthorized', 'Not proven'],
  ['serverInternal', 'An error of the CA’s own'],
  ['rateLimited', 'Too many requests'],
]);
