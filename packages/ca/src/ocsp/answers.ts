/**
 * OCSP answers (RFC 6960, in the light profile of RFC 5019): signed once for a certificate, kept until half their life is over, and
 * made anew when its status has changed. Since they are signed beforehand, the nonce of a request is not in them.
 *
 * A certificate is good where its record says that it was issued, by this issuer, and not revoked. Of any other serial number it
 * is said that it is unknown; such answers are not kept, so that nobody fills the database by asking.
 *
 * @module
 */

import { type Bytes, equalBytes, toHex } from '@handfast/crypto';
import {
  type CertId,
  type CertIdHash,
  CertificateError,
  issueOcspResponse,
  type OcspAnswer,
  type OcspErrorStatus,
  type OcspRequest,
  ocspErrorResponse,
  parseOcspRequest,
  type RevocationReason,
} from '@handfast/x509';
import { type CaContext, refuseClockBehind, type SigningIssuer, wholeSeconds } from '../context.ts';
import { lastEndOf } from '../issuing/issuers.ts';
import type { Sql, SqlRow } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';
import type { ResponderKeeper } from './responder.ts';

/** What is sent back, whatever was asked. */
export interface OcspReply {
  /** An OCSPResponse; errors are among them. */
  readonly der: Bytes;
  /** From when until when it holds, and when another will be signed. Absent: it is not to be kept. */
  readonly dates: OcspDates | undefined;
}

export interface OcspDates {
  readonly thisUpdate: Date;
  readonly renewedAt: Date;
  readonly nextUpdate: Date;
}

/** Certificates in a request: RFC 5019 §2.1.1 has one. */
const maxQuestions = 20;

/** An answer about what nobody knows is soon asked for again: it may be about to be issued. */
const unknownLifetimeMs = 5 * 60_000;

/** An issuer whose answers are signed, and by whom. */
export interface Answering {
  readonly context: CaContext;
  readonly issuer: SigningIssuer;
  readonly keeper: ResponderKeeper;
}

/** @throws what the database and the signer throw; CaError `cannot_sign` */
export async function answerOcsp(answering: Answering, request: Uint8Array): Promise<OcspReply> {
  const { context, issuer } = answering;
  const parsed = questionsOf(request);
  if (parsed === undefined) return errorReply('malformedRequest');
  const ids = parsed.requests.map(({ certId }) => certId);
  // Whoever asks after another CA's certificates, or by a hash that is not known, has the wrong responder.
  if (!ids.every((id) => isOwn(answering, id))) return errorReply('unauthorized');
  const now = context.clock();
  if (issuer.retired && (await hasEnded(context, issuer, now))) return errorReply('unauthorized');
  const found = await Promise.all(ids.map((id) => look(answering, id)));
  const [only] = found;
  return found.length === 1 && only !== undefined
    ? await answerOne(answering, only, now)
    : await signAnswer(answering, found, now);
}

/** What is kept does until half its life is over; and after that, as long as it is good, where no other can be signed. */
async function answerOne(answering: Answering, found: Finding, now: Date): Promise<OcspReply> {
  const { kept } = found;
  if (kept !== undefined && kept.dates.renewedAt > now) return kept;
  try {
    const reply = await signAnswer(answering, [found], now);
    await keepAnswer(answering.context.database, found, reply);
    return reply;
  } catch (error) {
    if (kept !== undefined && kept.dates.nextUpdate > now) return kept;
    throw error;
  }
}

function questionsOf(request: Uint8Array): OcspRequest | undefined {
  try {
    const parsed = parseOcspRequest(request);
    const taken = parsed.unknownCriticalExtensions.length === 0 && parsed.requests.length <= maxQuestions;
    return taken ? parsed : undefined;
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

function errorReply(status: OcspErrorStatus): OcspReply {
  return { der: ocspErrorResponse(status), dates: undefined };
}

/** Whether every certificate of an issuer's has ended. */
async function hasEnded({ database }: CaContext, { id }: SigningIssuer, now: Date): Promise<boolean> {
  const [row] = await database.all(lastEndOf('$1'), [id]);
  return row === undefined || integer(row, 'not_after') < now.getTime();
}

function isOwn({ context: { provider }, issuer }: Answering, { hash, issuerNameHash, issuerKeyHash }: CertId): boolean {
  const digest =
    hash === 'sha1' ? provider.legacyDigests?.sha1 : hash && ((data: Bytes) => provider.digest(hash, data));
  if (digest === undefined) return false;
  const { certificate } = issuer;
  return (
    equalBytes(digest(certificate.subject.raw), issuerNameHash) &&
    equalBytes(digest(certificate.publicKey.raw), issuerKeyHash)
  );
}

/** What is known of a certificate that is asked about. */
export interface Finding {
  readonly id: CertId;
  readonly serial: string;
  readonly status: Status;
  /** The answer that was signed for this status. */
  readonly kept: (OcspReply & { readonly dates: OcspDates }) | undefined;
}

type Status =
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason };

async function look({ context: { database }, issuer }: Answering, id: CertId): Promise<Finding> {
  const serial = toHex(id.serialNumber);
  const [row] = await database.all(
    `SELECT c.revoked_at, c.reason, a.this_update, a.renew_at, a.next_update, a.reason AS told, a.der
     FROM certificates c LEFT JOIN ocsp_answers a ON a.serial = c.serial AND a.hash = $3
     WHERE c.serial = $1 AND c.issuer_id = $2 AND c.state = 'issued'`,
    [serial, issuer.id, id.hash ?? ''],
  );
  if (row === undefined) return { id, serial, status: { status: 'unknown' }, kept: undefined };
  return { id, serial, status: statusOf(row), kept: keptOf(row) };
}

export function statusOf(row: SqlRow): Status {
  const revokedAt = optional(row, 'revoked_at', integer);
  if (revokedAt === undefined) return { status: 'good' };
  const reason = text(row, 'reason') as RevocationReason; // what `revoke` wrote
  return { status: 'revoked', revokedAt: new Date(revokedAt), reason };
}

function keptOf(row: SqlRow): Finding['kept'] {
  const der = optional(row, 'der', bytes);
  // Nothing is taken back: the reason alone tells whether it is what the answer says.
  if (der === undefined || row.told !== row.reason) return undefined;
  const dates = {
    thisUpdate: new Date(integer(row, 'this_update')),
    renewedAt: new Date(integer(row, 'renew_at')),
    nextUpdate: new Date(integer(row, 'next_update')),
  };
  return { der, dates };
}

/** A new answer, about one certificate or several. */
export async function signAnswer(
  { context, issuer, keeper }: Answering,
  found: readonly Pick<Finding, 'id' | 'status'>[],
  now: Date,
): Promise<OcspReply & { readonly dates: OcspDates }> {
  const { provider, database, ocspLifetimeMs, clockSkewMs } = context;
  await refuseClockBehind(database, now, clockSkewMs);
  const responder = await keeper.current();
  const known = found.every(({ status }) => status.status !== 'unknown');
  const lifetimeMs = known ? ocspLifetimeMs : Math.min(unknownLifetimeMs, ocspLifetimeMs);
  const thisUpdate = wholeSeconds(now.getTime());
  // An answer whose signer has ended is none.
  const end = Math.min(now.getTime() + lifetimeMs, responder.certificate.notAfter.getTime());
  const nextUpdate = wholeSeconds(end);
  const der = await issueOcspResponse({
    provider,
    responder,
    issuer: issuer.certificate,
    producedAt: thisUpdate,
    answers: found.map(({ id, status }): OcspAnswer => ({ subject: id, thisUpdate, nextUpdate, ...status })),
  });
  const renewedAt = new Date((thisUpdate.getTime() + nextUpdate.getTime()) / 2);
  return { der, dates: { thisUpdate, renewedAt, nextUpdate } };
}

/** What was answered about one, for whoever asks again. */
export async function keepAnswer(
  sql: Sql,
  { id, serial, status }: Omit<Finding, 'kept'>,
  { der, dates }: OcspReply & { readonly dates: OcspDates },
): Promise<void> {
  if (status.status === 'unknown') return;
  const { thisUpdate, renewedAt, nextUpdate } = dates;
  const hash: CertIdHash | '' = id.hash ?? '';
  const reason = status.status === 'revoked' ? status.reason : null;
  await sql.run(
    `INSERT INTO ocsp_answers (serial, hash, reason, this_update, renew_at, next_update, leased_until, der)
     VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
     ON CONFLICT (serial, hash) DO UPDATE SET reason = excluded.reason, this_update = excluded.this_update,
       renew_at = excluded.renew_at, next_update = excluded.next_update, leased_until = 0, der = excluded.der`,
    [serial, hash, reason, thisUpdate.getTime(), Math.floor(renewedAt.getTime()), nextUpdate.getTime(), der],
  );
}
