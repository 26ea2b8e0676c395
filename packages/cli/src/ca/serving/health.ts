/**
 * Whether `ca serve` can do its work: the database answers, and takes what is written, the issuer's key signs, its list of what is
 * revoked is good, and the clock is not behind what was signed.
 *
 * @module
 */

import { utf8 } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { parseCrl } from '@handfast/x509';
import { reasonOf } from '../../options.ts';
import type { OpenCa } from '../open.ts';

export interface Readiness {
  readonly ready: boolean;
  /** `ok`, or what is wrong: of each thing that was looked at. */
  readonly checks: Readonly<Record<string, string>>;
}

/** Everything together takes no longer; what has not answered then is not ready. */
const patienceMs = 5000;
/** A key may be far away, and each use of it cost something; so does a write. */
const tryEveryMs = 60_000;
/** As far behind as the authority itself takes. */
const skewMs = 10 * 60_000;

type Ca = Pick<OpenCa, 'authority' | 'database' | 'signer'>;

export function readiness(ca: Ca, now: () => number = Date.now, waitMs: number = patienceMs): () => Promise<Readiness> {
  const { authority, database } = ca;
  /** Does not try again what went well a moment ago. */
  const nowAndThen = (attempt: () => Promise<void>): (() => Promise<void>) => {
    let wentWellAt = Number.NEGATIVE_INFINITY;
    return async () => {
      if (now() - wentWellAt < tryEveryMs) return;
      await attempt();
      wentWellAt = now();
    };
  };
  const checks: Readonly<Record<string, () => Promise<void>>> = {
    database: async () => void (await database.all('SELECT 1')),
    // A disk that is full, or a database that only reads, answers all the same.
    writes: nowAndThen(async () => {
      await database.run(
        `INSERT INTO leases (name, leased_until) VALUES ('readiness', $1)
         ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until`,
        [now()],
      );
    }),
    key: nowAndThen(() => tryKey(ca.signer)),
    async crl() {
      const { nextUpdate } = parseCrl(await authority.crl(authority.issuerId));
      if (nextUpdate !== undefined && nextUpdate.getTime() > now()) return;
      throw new Error(`the list of what is revoked ended at ${nextUpdate?.toISOString() ?? 'no time'}`);
    },
    async clock() {
      const [row] = await database.all('SELECT max(issued_at) AS newest FROM certificates');
      if (Number(row?.newest ?? 0) - now() <= skewMs) return;
      throw new Error('the clock is behind what was signed');
    },
  };
  return async () => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check, waitMs)] as const),
    );
    return { ready: results.every(([, outcome]) => outcome === 'ok'), checks: Object.fromEntries(results) };
  };
}

async function outcomeOf(check: () => Promise<void>, waitMs: number): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${waitMs} ms`)), waitMs);
  try {
    await Promise.race([check(), promise]);
    return 'ok';
  } catch (error) {
    return reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing that a certificate, a list or an answer could begin with. */
const phrase = utf8('handfast ca: does this key sign?');

async function tryKey(signer: Ca['signer']): Promise<void> {
  const [algorithm] = signer.algorithms;
  const verifier = algorithm && provider.signatures[algorithm];
  if (algorithm === undefined || verifier === undefined) throw new Error('the issuer’s key has no algorithm');
  const signature = await signer.sign(algorithm, phrase);
  if (await verifier.verify(signer.publicKey, phrase, signature)) return;
  throw new Error('what the issuer’s key signed does not verify');
}
