/**
 * A rotation while `ca serve` runs: the folder is looked at each minute, and at SIGHUP, and what issues from then on is what lies there.
 * No request is refused meanwhile. What rotations have left behind is told of when nothing needs it any more.
 *
 * @module
 */

import { dayMs } from '../../authority.ts';
import type { Report } from '../../report.ts';
import type { OpenCa } from '../open.ts';
import { leftoversOf } from '../rotation.ts';

export interface IssuerWatch {
  /** Looks now. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export interface IssuerWatchOptions {
  /** Other issuers, or another root, are in use. */
  readonly changed: () => void;
  readonly report: Report;
  readonly everyMs?: number;
  readonly now?: () => Date;
}

const minuteMs = 60_000;

export function watchIssuers(ca: OpenCa, options: IssuerWatchOptions): IssuerWatch {
  const { report, changed, everyMs = minuteMs, now = () => new Date() } = options;
  let failing = false;
  let toldAt = Number.NEGATIVE_INFINITY;
  let last: Promise<void> = Promise.resolve();
  const once = async (): Promise<void> => {
    if (await ca.refresh()) {
      changed();
      toldAt = Number.NEGATIVE_INFINITY;
      const { authority, intermediate } = ca;
      const name = intermediate.subject.toString();
      report.news(`issues by ${name} from now on`, 'issuer', { issuer: authority.issuerId, name });
    }
    const time = now();
    if (time.getTime() - toldAt < dayMs) return;
    await tellLeftovers(ca, report, time);
    toldAt = time.getTime();
  };
  /** One after the other. What fails is told once, until something goes well; what was in use stays so. */
  const look = (): Promise<void> => {
    last = last.then(once).then(
      () => {
        failing = false;
      },
      (error: unknown) => {
        if (!failing) report.error(error);
        failing = true;
      },
    );
    return last;
  };
  const lookSoon = (): void => void look();
  const timer = setInterval(lookSoon, everyMs);
  process.on('SIGHUP', lookSoon);
  lookSoon();
  return {
    look,
    async close() {
      clearInterval(timer);
      process.off('SIGHUP', lookSoon);
      await last;
    },
  };
}

async function tellLeftovers(ca: OpenCa, report: Report, now: Date): Promise<void> {
  const { retired, previousRoot } = await leftoversOf(ca, now);
  const all = [...retired, ...(previousRoot === undefined ? [] : [previousRoot])];
  const names = all.filter(({ needed }) => !needed).map(({ certificate }) => certificate.subject.toString());
  if (names.length === 0) return;
  report.warning(`no longer needed: ${names.join('; ')}: handfast ca rotate clean removes what is left of them`);
}
