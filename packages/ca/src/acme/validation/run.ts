/**
 * Validations: one challenge looked at, and what came of it written down. Each is leased in the database; one whose process died
 * is taken up by whoever finds its lease over.
 *
 * @module
 */

import { performance } from 'node:perf_hooks';
import { text } from '../../store/rows.ts';
import { type Account, findAccount } from '../accounts.ts';
import { type Authorization, type ChallengeRow, challengeOf, findAuthorization, settle } from '../authorizations.ts';
import { type ProblemDocument, problemDocument } from '../problems.ts';
import type { Service } from '../settings.ts';
import { caaCheck, caaValidForMs } from './caa.ts';
import { ValidationFailure } from './challenge.ts';

/** What comes to its turn so late is looked up once more: it may be decided by then. */
const staleMs = 1000;

/**
 * Looks at one challenge when its turn comes, with the thumbprint of its account's key, and settles it. Throws only where the database
 * does, or the server stops.
 */
export function validation(
  service: Service,
  row: ChallengeRow,
  authorization: Authorization,
  thumbprint: string,
): () => Promise<void> {
  const asked = service.now();
  return async () => {
    if (service.now() - asked < staleMs || (await isOpen(service, row))) {
      await validate(service, row, authorization, thumbprint);
    }
  };
}

/** Whether there is anything to look at still; a challenge whose authorization was decided without it is settled. */
async function isOpen(service: Service, row: ChallengeRow): Promise<boolean> {
  const { database, held } = service;
  const [found] = await database.all(
    `SELECT a.status FROM acme_challenges c JOIN acme_authorizations a ON a.id = c.authorization_id
     WHERE c.id = $1 AND c.status = 'processing'`,
    [row.id],
  );
  if (found !== undefined && text(found, 'status') === 'pending') return true;
  if (found !== undefined) {
    const decided = problemDocument('unauthorized', 'the authorization was decided without this challenge');
    await database.transaction(async (sql) => await settle(service, sql, row, decided));
  }
  held.delete(row.id);
  return false;
}

async function validate(
  service: Service,
  row: ChallengeRow,
  authorization: Authorization,
  thumbprint: string,
): Promise<void> {
  const { identifier } = authorization;
  const started = performance.now();
  const failure = await failureOf(service, row, authorization, thumbprint);
  const ms = performance.now() - started;
  // Somebody else will look again: what was cut short proves nothing, either way.
  if (service.signal.aborted) return;
  await service.database.transaction(async (sql) => await settle(service, sql, row, failure && documentOf(failure)));
  service.held.delete(row.id);
  service.log({ event: 'validation', type: row.type, identifier, ms, ...(failure && { failure }) });
}

type Held = Pick<Service, 'database' | 'held' | 'now'>;

/** As many as a statement names at a time. */
const idsAtOnce = 500;

/** Sets until when this process has what it holds: others take it up from then on. */
async function leaseHeld({ database, held }: Held, until: number): Promise<void> {
  const ids = [...held];
  for (let at = 0; at < ids.length; at += idsAtOnce) {
    const some = ids.slice(at, at + idsAtOnce);
    const places = some.map((_, index) => `$${index + 2}`).join(', ');
    const lease = `UPDATE acme_challenges SET leased_until = $1 WHERE status = 'processing' AND id IN (${places})`;
    await database.run(lease, [until, ...some]);
  }
}

/** What waits here for its turn is nobody else's meanwhile. */
export async function holdValidations(service: Service): Promise<void> {
  await leaseHeld(service, service.now() + service.limits.leaseMs);
}

/** Takes up what others left: challenges in work whose lease is over. How many. */
export async function resumeValidations(service: Service, limit: number): Promise<number> {
  const now = service.now();
  const rows = await service.database.all(
    `UPDATE acme_challenges SET leased_until = $2 WHERE status = 'processing' AND id IN
       (SELECT id FROM acme_challenges WHERE status = 'processing' AND leased_until <= $1 ORDER BY leased_until LIMIT $3)
       AND leased_until <= $1
     RETURNING *, (SELECT account_id FROM acme_authorizations a WHERE a.id = authorization_id) AS account_id`,
    [now, now + service.limits.leaseMs, limit],
  );
  for (const found of rows) {
    const row = challengeOf(found);
    if (service.held.has(row.id)) continue;
    service.held.add(row.id);
    service.background(text(found, 'account_id'), async () => {
      const authorization = await findAuthorization(service.database, row.authorizationId);
      const account = authorization && (await findAccount(service.database, authorization.accountId));
      if (authorization === undefined || account === undefined) service.held.delete(row.id);
      else if (await isOpen(service, row)) await validate(service, row, authorization, account.thumbprint);
    });
  }
  return rows.length;
}

/**
 * Looks once more at the CAA records of names that were looked at too long ago, or never.
 *
 * @throws ValidationFailure `caa`
 */
export async function recheckCaa(
  { options, database, links, signal, now }: Service,
  account: Account,
  authorizations: readonly Authorization[],
): Promise<void> {
  const { caa } = options;
  if (caa === undefined) return;
  const before = now() - (caa.validForMs ?? caaValidForMs);
  const due = authorizations.filter(
    ({ identifier, caaCheckedAt }) => identifier.type === 'dns' && (caaCheckedAt ?? 0) <= before,
  );
  const check = caaCheck(caa);
  await Promise.all(
    due.map(async ({ id, identifier, wildcard }) => {
      const [row] = await database.all(
        "SELECT type FROM acme_challenges WHERE authorization_id = $1 AND status = 'valid'",
        [id],
      );
      const method = row === undefined ? '' : text(row, 'type');
      const accountUri = links.to('account', account.id);
      await check.ask({ name: identifier.value, wildcard, accountUri, method }, signal);
      await database.run('UPDATE acme_authorizations SET caa_checked_at = $2 WHERE id = $1', [id, now()]);
    }),
  );
}

/** What a server that stops has not settled is anybody's from now on. */
export async function releaseValidations(service: Held): Promise<void> {
  await leaseHeld(service, service.now());
  service.held.clear();
}

async function failureOf(
  service: Service,
  { type, token }: ChallengeRow,
  { identifier, wildcard, accountId }: Authorization,
  thumbprint: string,
): Promise<Error | undefined> {
  const { challenges, signal, links, options } = service;
  const challenge = challenges.find((candidate) => candidate.type === type);
  try {
    if (challenge === undefined) throw new Error(`challenges of type ${type} are no longer served`);
    await challenge.validate({
      identifier,
      token,
      keyAuthorization: `${token}.${thumbprint}`,
      signal,
    });
    if (options.caa !== undefined && identifier.type === 'dns') {
      const accountUri = links.to('account', accountId);
      await caaCheck(options.caa).ask({ name: identifier.value, wildcard, accountUri, method: type }, signal);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('a validation failed', { cause: error });
  }
}

function documentOf(failure: Error): ProblemDocument {
  return failure instanceof ValidationFailure
    ? problemDocument(failure.type, failure.detail)
    : problemDocument('serverInternal');
}
