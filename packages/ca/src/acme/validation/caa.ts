/**
 * Certification Authority Authorization (RFC 8659) with the parameters of ACME (RFC 8657): whether the holder of a domain lets this
 * CA issue, for this account, by this method.
 *
 * The records that count are those of the name, or of its nearest parent that has any. Where they cannot be had nothing is issued.
 * The client sees a fixed sentence; what stood in the records is for the log.
 *
 * @module
 */

import { type Challenge, ValidationFailure } from './challenge.ts';
import type { CaaRecord, Dns } from './dns.ts';
import { unlessAborted, withinTime } from './within-time.ts';

export interface CaaOptions {
  /** What this CA is called in records, such as `ca.corp.example`. With none of them any `issue` record refuses. */
  readonly identities: readonly string[];
  readonly dns: Pick<Dns, 'caa'>;
  /** Domains that are not looked at, nor any name below them: those that no resolver knows. */
  readonly except?: readonly string[];
  /** For all look-ups of one name: 10 seconds unless set. */
  readonly timeoutMs?: number;
  /** How long a look-up stands before it is made again, when an order is finalized: 8 hours unless set (BR §3.2.2.8). */
  readonly validForMs?: number;
}

export interface CaaQuestion {
  /** Of a DNS identifier, without `*.`. */
  readonly name: string;
  readonly wildcard: boolean;
  /** The account's URL. */
  readonly accountUri: string;
  readonly method: Challenge['type'];
}

/** Several questions that share their parents' answers. */
export interface CaaCheck {
  /** @throws ValidationFailure `caa` */
  ask(question: CaaQuestion, signal: AbortSignal): Promise<void>;
}

const details = {
  forbidden: 'CAA records forbid this CA to issue for the identifier',
  unknown: 'the CAA records of the identifier could not be looked up',
} as const;

/** BR §3.2.2.8. */
export const caaValidForMs: number = 8 * 3_600_000;

export function caaCheck(options: CaaOptions): CaaCheck {
  const { dns, except = [], timeoutMs = 10_000 } = options;
  const identities = new Set(options.identities.map((identity) => identity.toLowerCase()));
  const looked = new Map<string, Promise<readonly CaaRecord[]>>();
  const lookUp = (name: string, signal: AbortSignal): Promise<readonly CaaRecord[]> => {
    const known = looked.get(name) ?? dns.caa(name, signal);
    looked.set(name, known);
    return known;
  };
  return {
    async ask(question, signal) {
      const { name } = question;
      if (except.some((domain) => name === domain || name.endsWith(`.${domain}`))) return;
      const relevant = await withinTime(timeoutMs, signal, async (bounded) => {
        for (const domain of upwards(name)) {
          const records = await unlessAborted(lookUp(domain, bounded), bounded);
          if (records.length > 0) return { domain, records };
        }
        return undefined;
      }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new ValidationFailure('caa', details.unknown, `the CAA records of ${name}: the query failed`, { cause });
      });
      if (relevant === undefined || permits(relevant.records, question, identities)) return;
      throw new ValidationFailure('caa', details.forbidden, `the CAA records of ${relevant.domain} do not permit it`);
    },
  };
}

/** RFC 8659 §3: a name and its parents, the top level last. */
function upwards(name: string): readonly string[] {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
}

/** `iodef` says where to complain: nobody is told here, and nothing is issued for it. */
const knownTags = ['issue', 'issuewild', 'iodef'];

function permits(records: readonly CaaRecord[], question: CaaQuestion, identities: ReadonlySet<string>): boolean {
  if (records.some(({ critical, tag }) => critical && !knownTags.includes(tag))) return false;
  const tagged = (wanted: string): readonly CaaRecord[] => records.filter(({ tag }) => tag === wanted);
  // RFC 8659 §4.3: for a wildcard `issuewild` counts alone, where there is one.
  const wild = question.wildcard ? tagged('issuewild') : [];
  const rules = wild.length > 0 ? wild : tagged('issue');
  return rules.length === 0 || rules.some(({ value }) => grants(value, question, identities));
}

/** More than anybody has to say. */
const maxValueLength = 4096;

/** RFC 8659 §4.2: who, and under which conditions. What is malformed names nobody. */
function grants(value: string, { accountUri, method }: CaaQuestion, identities: ReadonlySet<string>): boolean {
  if (value.length > maxValueLength || !/^[\t\x20-\x7e]*$/.test(value)) return false;
  const [issuer = '', ...rest] = value.split(';').map((part) => part.trim());
  if (!identities.has(issuer.toLowerCase())) return false;
  const parameters = new Map<string, string>();
  // One semicolon may stand at the end of all.
  for (const part of rest.at(-1) === '' ? rest.slice(0, -1) : rest) {
    const [, tag, text] = /^([a-z0-9][a-z0-9-]*)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)$/i.exec(part) ?? [];
    // RFC 8657 §3, §4: a parameter that stands twice cannot be satisfied.
    if (tag === undefined || text === undefined || parameters.has(tag.toLowerCase())) return false;
    parameters.set(tag.toLowerCase(), text);
  }
  const account = parameters.get('accounturi');
  const methods = parameters.get('validationmethods')?.split(',');
  return (account === undefined || account === accountUri) && (methods === undefined || methods.includes(method));
}
