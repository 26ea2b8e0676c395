/**
 * Validations: one challenge looked at, and what came of it written down. Each is leased in the database; one whose process died
 * is taken up by whoever finds its lease over.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import { findAccount } from '../accounts.ts';
import { type Authorization, type ChallengeRow, challengeOf, findAuthorization, settle } from '../authorizations.ts';
import { thumbprint } from '../jwk.ts';
import { type ProblemDocument, problemDocument } from '../problems.ts';
import type { Service } from '../settings.ts';
import { ValidationFailure } from './challenge.ts';

/** Looks at one challenge, and settles it. Throws only where the database does, or the server stops. */
export async function validate(
  service: Service,
  row: ChallengeRow,
  authorization: Authorization,
  accountKey: PublicKeyInfo,
): Promise<void> {
  const { identifier } = authorization;
  const failure = await failureOf(service, row, authorization, accountKey);
  // Somebody else will look again: what was cut short proves nothing, either way.
  if (service.signal.aborted) return;
  await service.database.transaction(async (sql) => await settle(service, sql, row, failure && documentOf(failure)));
  service.log({ event: 'validation', type: row.type, identifier, ...(failure && { failure }) });
}

/** Takes up what others left: challenges in work whose lease is over. How many. */
export async function resumeValidations(service: Service, limit: number): Promise<number> {
  const now = service.now();
  const rows = await service.database.all(
    `UPDATE acme_challenges SET leased_until = $2 WHERE status = 'processing' AND id IN
       (SELECT id FROM acme_challenges WHERE status = 'processing' AND leased_until <= $1 ORDER BY leased_until LIMIT $3)
       AND leased_until <= $1 RETURNING *`,
    [now, now + service.limits.leaseMs, limit],
  );
  for (const row of rows.map(challengeOf)) {
    service.background(async () => {
      const authorization = await findAuthorization(service.database, row.authorizationId);
      const account = authorization && (await findAccount(service.database, authorization.accountId));
      if (authorization !== undefined && account !== undefined)
        await validate(service, row, authorization, account.key);
    });
  }
  return rows.length;
}

async function failureOf(
  { challenges, provider, signal }: Service,
  { type, token }: ChallengeRow,
  { identifier }: Authorization,
  accountKey: PublicKeyInfo,
): Promise<Error | undefined> {
  const challenge = challenges.find((candidate) => candidate.type === type);
  try {
    if (challenge === undefined) throw new Error(`challenges of type ${type} are no longer served`);
    await challenge.validate({
      identifier,
      token,
      keyAuthorization: `${token}.${thumbprint(provider, accountKey)}`,
      signal,
    });
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
