/**
 * Causes in a certificate's time: expired, not yet valid, or judged by a clock that is wrong.
 *
 * @module
 */

import type { Certificate } from '@handfast/x509';
import type { Evidence } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';
import { byRule, called, refusalBy } from './path-rules.ts';
import { wordsOf } from './words.ts';

const hourMs = 3_600_000;

/** The server's own clock, minus ours. */
function clockGapMs({ attempts, now }: Evidence): number | undefined {
  const date = attempts.find(({ answer }) => answer?.date)?.answer?.date;
  return date === undefined ? undefined : date.getTime() - now.getTime();
}

function validAt({ notBefore, notAfter }: Certificate, time: number): boolean {
  return time >= notBefore.getTime() && time <= notAfter.getTime();
}

/** Whether it is our clock that makes the certificate invalid, and how that shows. */
function wrongClock(evidence: Evidence): Found | undefined {
  const { chain, now } = evidence;
  const error = refusalBy(evidence, ['expired', 'not_yet_valid']);
  const [leaf, ...others] = chain?.sent ?? [];
  if (error === undefined || leaf === undefined || chain === undefined) return undefined;
  const gap = clockGapMs(evidence);
  if (gap !== undefined) {
    if (Math.abs(gap) < hourMs || !validAt(leaf, now.getTime() + gap)) return undefined;
    return {
      certainty: 'likely',
      says: `Our clock says ${now.toISOString()}, the server’s says ${new Date(now.getTime() + gap).toISOString()}; by the server’s, its certificate is valid, by ours it is not.`,
    };
  }
  if (validAt(leaf, now.getTime()) || others.length === 0) return undefined;
  const all = [leaf, ...others].every((certificate) => now < certificate.notBefore);
  return all
    ? {
        certainty: 'possible',
        says: `By our clock, ${now.toISOString()}, none of the ${others.length + 1} certificates is valid yet, from ${called(leaf)} up to its CA’s: machines whose clock has stopped see that.`,
      }
    : undefined;
}

export const validityCauses: readonly Cause[] = [
  {
    id: 'clock_wrong',
    title: 'Our clock is wrong',
    side: 'client',
    told: 'likely: the server’s clock (HTTP’s Date) differs by more than an hour, and by it the certificate is valid; possible: no certificate of the chain is valid yet',
    codes: ['certificate_expired'],
    rules: ['expired', 'not_yet_valid'],
    remedy: 'set this machine’s clock (timedatectl set-ntp true)',
    find: wrongClock,
  },
  {
    id: 'expired',
    ...wordsOf('expired'),
    told: 'certain: its notAfter is past; the server’s own clock, where it shows one, agrees',
    codes: ['certificate_expired'],
    ...byRule(['expired'], ({ certificate, message }, evidence, { sent }) =>
      certificate === sent[0] && wrongClock(evidence) === undefined
        ? {
            certainty: 'certain',
            says: `The server’s ${message.replace(' — the server must present a renewed one', '')}.`,
          }
        : undefined,
    ),
  },
  {
    id: 'not_yet_valid',
    ...wordsOf('not_yet_valid'),
    told: 'certain: its notBefore is still to come; the server’s own clock, where it shows one, agrees',
    codes: ['certificate_expired'],
    remedy: 'wait until then, or use the certificate that came before; look at the clock of the CA, and at ours',
    ...byRule(['not_yet_valid'], ({ certificate, message }, evidence, { sent }) =>
      certificate === sent[0] && wrongClock(evidence) === undefined
        ? { certainty: 'certain', says: `The server’s ${message}.` }
        : undefined,
    ),
  },
  {
    id: 'issuer_expired',
    title: 'A certificate above the server’s has expired',
    side: 'server',
    told: 'certain: the intermediate’s notAfter is past; where it is our trust anchor’s, it is ours to replace',
    codes: ['certificate_expired'],
    remedy:
      'have the server send the intermediate that its CA uses now, mostly with the same key; `handfast cert chain` puts a chain together',
    ...byRule(['expired', 'not_yet_valid'], ({ certificate, message }, evidence, { sent }) => {
      if (certificate === undefined || certificate === sent[0] || wrongClock(evidence) !== undefined) return undefined;
      const ours = !sent.includes(certificate);
      return {
        certainty: 'certain',
        says: `Above the server’s own, the ${message}.`,
        ...(ours && { side: 'client', remedy: 'bring this machine’s trust store (or the file of --ca) up to date' }),
      };
    }),
  },
];
