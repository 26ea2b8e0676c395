/**
 * Redeeming a token. It is used up in the transaction that puts the certificate's intent down, so that of two who come at once, to
 * one process or to two, one has it. It is bound to the key then: whoever lost the answer asks again with the same request, and is
 * given the same certificate; where the process died before there was one, it is issued when the lease is over.
 *
 * @module
 */

import { appendAudit } from '../audit.ts';
import type { Issued } from '../authority.ts';
import { spkiHash } from '../issuing/keys.ts';
import type { Sql } from '../store/database.ts';
import { readCsr } from './csr.ts';
import { EnrolmentProblem } from './problems.ts';
import { asRequested, type EnrolmentService, enrolled } from './service.ts';
import { findToken, type KnownToken } from './tokens.ts';

/** How long a process may be at work on a certificate before another takes it up. */
const leaseMs = 60_000;

/** @throws EnrolmentProblem, CaError */
export async function redeem(service: EnrolmentService, secret: string, csr: string): Promise<Issued> {
  const { authority, database, provider, clock } = service;
  const token = await findToken(database, secret, clock());
  if (token === undefined) throw new EnrolmentProblem('token_unknown');
  // The policy may have changed since the token was made.
  const asked = {
    ...asRequested(token.names),
    profile: token.profile,
    ...(token.commonName !== undefined && { commonName: token.commonName }),
  };
  const request = await readCsr(provider, csr, authority.checkRequest(asked));
  const keyHash = spkiHash(provider, request.spki);
  const origin = originOf(token);
  const before = await known(service, token, keyHash);
  if (before !== undefined) return before;
  const claim = { id: token.id, keyHash, origin, leasedUntil: clock().getTime() + leaseMs };
  try {
    return await authority.issue({
      ...asked,
      publicKey: request.publicKey,
      by: origin,
      origin,
      within: (sql) => take(sql, claim, clock()),
    });
  } catch (error) {
    if (!(error instanceof NotTaken)) {
      // The intent may be on the disk, and the signer have failed: the same key may come again at once.
      await database.run(
        'UPDATE enrolment_tokens SET leased_until = 0 WHERE id = $1 AND key_hash = $2 AND leased_until = $3',
        [claim.id, keyHash, claim.leasedUntil],
      );
      throw error;
    }
    const since = (await findToken(database, secret, clock())) ?? token;
    const issued = await known(service, since, keyHash);
    if (issued !== undefined) return issued;
    if ((since.leasedUntil ?? 0) > clock().getTime())
      throw new EnrolmentProblem('busy', { headers: { 'retry-after': '5' } });
    throw new EnrolmentProblem('token_used', { detail: 'the token was used, and its certificate revoked since' });
  }
}

/** How the authority's records name a token. */
function originOf({ id }: KnownToken): string {
  return `${enrolled}token ${id}`;
}

/** What was issued for the token and this key; `undefined` where it may be redeemed. */
async function known(
  { authority, clock }: EnrolmentService,
  token: KnownToken,
  keyHash: string,
): Promise<Issued | undefined> {
  if (token.keyHash !== undefined && token.keyHash !== keyHash) throw new EnrolmentProblem('token_used');
  const issued = token.keyHash === undefined ? undefined : await authority.findByOrigin(originOf(token));
  if (issued !== undefined) return issued;
  if (token.revokedAt !== undefined) throw new EnrolmentProblem('token_revoked');
  if (token.expiresAt <= clock()) throw new EnrolmentProblem('token_expired');
  return undefined;
}

interface Claim {
  readonly id: string;
  readonly keyHash: string;
  readonly origin: string;
  readonly leasedUntil: number;
}

class NotTaken extends Error {}

/** A certificate that was revoked since is issued too: its token is used. */
async function take(sql: Sql, { id, keyHash, origin, leasedUntil }: Claim, now: Date): Promise<void> {
  const taken = await sql.all(
    `UPDATE enrolment_tokens SET key_hash = $2, used_at = $3, leased_until = $4
     WHERE id = $1 AND revoked_at IS NULL AND expires_at > $3
       AND (key_hash IS NULL OR (key_hash = $2 AND leased_until <= $3))
       AND NOT EXISTS (SELECT 1 FROM certificates WHERE origin = $5 AND state = 'issued')
     RETURNING id`,
    [id, keyHash, now.getTime(), leasedUntil, origin],
  );
  if (taken.length === 0) throw new NotTaken();
  await appendAudit(sql, now, { actor: origin, action: 'use token', subject: id });
}
