/**
 * Issuing. What is to be signed is put down in a transaction of its own before the signer is asked, and the certificate after: a
 * process that ends at any point leaves a record of all that may have been signed, and nothing is handed out before its record is
 * on the disk.
 *
 * @module
 */

import { equalBytes, runSettling, type Signer, toHex } from '@handfast/crypto';
import { type Certificate, issueCertificate, verifySignature } from '@handfast/x509';
import { type AuditEntry, appendAudit } from '../audit.ts';
import type { Issued, IssueRequest } from '../authority.ts';
import { type CaContext, refuseClockBehind, type SigningIssuer } from '../context.ts';
import { CaError } from '../errors.ts';
import { tellLists } from '../revocation/revoke.ts';
import type { Sql } from '../store/database.ts';
import { optional, text } from '../store/rows.ts';
import { issuedUnder } from './issuers.ts';
import { refuseBlocked, spkiHash } from './keys.ts';
import { type Preview, previewOf } from './preview.ts';
import { type Intention, intentionOf } from './request.ts';

/** @throws CaError; what the signer or the database throws */
export async function issue(context: CaContext, request: IssueRequest): Promise<Issued> {
  const intention = intentionOf(context, request);
  const keyHash = spkiHash(context.provider, intention.publicKey.spki);
  const preview = await putDown(context, intention, keyHash);
  let certificate: Certificate;
  try {
    certificate = await sign(context, intention.issuer, preview);
  } catch (error) {
    // Where this fails too, it is told when the authority is opened again.
    await tellUnfinished(context, intention.issuer.id, preview.serial, 'the signer failed').catch(() => undefined);
    throw error;
  }
  const issued = issuedUnder(intention.issuer, certificate, intention.now);
  await record(context, intention, issued, keyHash);
  return issued;
}

/** A number of 128 random bits is taken by an earlier one's chance of 2^-64 at worst: a source that repeats itself is broken. */
const maxAttempts = 3;

/** A preview whose serial number nobody has, with its intent on the disk. */
async function putDown(context: CaContext, intention: Intention, keyHash: string): Promise<Preview> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const preview = await previewOf(context, intention);
    try {
      await context.database.transaction((sql) => insertIntent(sql, context, intention, preview, keyHash));
      return preview;
    } catch (error) {
      if (!(error instanceof SerialTaken)) throw error;
    }
  }
  throw new CaError('cannot_sign', 'the source of random numbers repeats itself');
}

class SerialTaken extends Error {}

async function insertIntent(
  sql: Sql,
  { provider, clockSkewMs }: CaContext,
  { profile, issuer, names, commonName, notBefore, notAfter, now, by, origin, replaces, within }: Intention,
  { serial, crlShard, tbs }: Preview,
  keyHash: string,
): Promise<void> {
  await within?.(sql);
  const places = names.map((_, index) => `($1, $${3 * index + 2}, $${3 * index + 3}, $${3 * index + 4})`);
  // All at once, for the sake of the way to the database and back: whichever fails takes the others with it.
  const [, , inserted] = await Promise.all([
    refuseClockBehind(sql, now, clockSkewMs),
    refuseBlocked(sql, keyHash),
    sql.run(
      `INSERT INTO certificates (serial, issuer_id, crl_shard, profile, state, tbs_hash, spki_hash, common_name,
         not_before, not_after, issued_at, issued_by, origin, replaces)
       VALUES ($1, $2, $3, $4, 'intended', $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (serial) DO NOTHING`,
      [
        ...[serial, issuer.id, crlShard ?? null, profile.name],
        ...[toHex(provider.digest('sha256', tbs)), keyHash, commonName ?? null],
        ...[notBefore.getTime(), notAfter.getTime(), now.getTime(), by, origin ?? null, replaces ?? null],
      ],
    ),
    names.length === 0
      ? 0
      : sql.run(
          `INSERT INTO certificate_names (serial, position, kind, name) VALUES ${places.join(', ')}
           ON CONFLICT (serial, position) DO NOTHING`,
          [serial, ...names.flatMap(({ kind, name }, position) => [position, kind, name])],
        ),
  ]);
  if (inserted === 0) throw new SerialTaken();
}

async function sign(
  { provider }: CaContext,
  { certificate: issuer, signer }: SigningIssuer,
  { template, tbs }: Preview,
): Promise<Certificate> {
  const certificate = await issueCertificate({
    ...template,
    issuer: { certificate: issuer, signer: only(signer, tbs) },
    unverifiable: true, // the preview was looked at
  });
  const { signatureAlgorithm: algorithm, signature } = certificate;
  const verified =
    algorithm !== undefined &&
    (await runSettling(verifySignature(provider, issuer.publicKey, algorithm, tbs, signature)));
  if (!verified) throw new Error('the signer made a signature that does not verify');
  return certificate;
}

/** Signs what was put down, and nothing else. */
function only(signer: Signer, tbs: Uint8Array): Signer {
  return {
    publicKey: signer.publicKey,
    algorithms: signer.algorithms,
    sign(algorithm, data) {
      if (!equalBytes(data, tbs)) throw new Error('what is to be signed is not what was put down');
      return signer.sign(algorithm, data);
    },
  };
}

async function record(
  { database, provider, clock }: CaContext,
  { issuer: { id: issuerId }, names, by, origin, recorded }: Intention,
  issued: Issued,
  keyHash: string,
): Promise<void> {
  const { certificate } = issued;
  const serial = certificate.serialNumberHex;
  const entry: AuditEntry = {
    actor: by,
    action: 'issue',
    subject: serial,
    issuerId,
    digest: toHex(provider.digest('sha256', certificate.raw)),
    note: [origin, ...names.map(({ kind, name }) => `${kind} ${name}`)].filter((part) => part !== undefined).join(', '),
  };
  const blocked = await database.transaction(async (sql) => {
    const now = clock();
    const [[row]] = await Promise.all([
      // The key may have been given up as lost while the signer was at work.
      sql.all(
        `UPDATE certificates SET state = 'issued', der = $2,
           revoked_at = (SELECT CAST($3 AS BIGINT) FROM blocked_keys WHERE spki_hash = $4),
           reason = (SELECT reason FROM blocked_keys WHERE spki_hash = $4)
         WHERE serial = $1 AND state <> 'issued' RETURNING reason`,
        [serial, certificate.raw, now.getTime(), keyHash],
      ),
      appendAudit(sql, now, entry),
    ]);
    if (row === undefined) throw new Error(`the intent of certificate ${serial} is gone`);
    const reason = optional(row, 'reason', text);
    if (reason === undefined) {
      await recorded?.(sql, issued);
      return false;
    }
    await tellLists(sql, 'serial = $1', serial);
    await appendAudit(sql, now, { actor: 'authority', action: 'revoke', subject: serial, issuerId, reason });
    return true;
  });
  if (blocked) throw new CaError('bad_key', 'the key became known as compromised while the certificate was made');
}

/** That a certificate was begun, and may have been signed, but is not known. */
async function tellUnfinished(
  { database, clock }: CaContext,
  issuerId: string,
  serial: string,
  why: string,
): Promise<void> {
  await database.transaction(async (sql) => {
    const changed = await sql.run(
      `UPDATE certificates SET state = 'unfinished' WHERE serial = $1 AND state = 'intended'`,
      [serial],
    );
    if (changed === 0) return;
    await appendAudit(sql, clock(), { actor: 'authority', action: 'unfinished', subject: serial, issuerId, note: why });
  });
}

/** Tells of every intent that a process left behind. Whoever is still at work on one finishes it all the same. */
export async function tellAllUnfinished({ database, clock }: CaContext): Promise<void> {
  const begun = `SELECT serial, issuer_id FROM certificates WHERE state = 'intended' ORDER BY serial`;
  if ((await database.all(begun)).length === 0) return;
  await database.transaction(async (sql) => {
    const rows = await sql.all(begun);
    await sql.run(`UPDATE certificates SET state = 'unfinished' WHERE state = 'intended'`);
    const entries = rows.map((row) => ({
      actor: 'authority',
      action: 'unfinished',
      subject: text(row, 'serial'),
      issuerId: text(row, 'issuer_id'),
      note: 'begun, and not finished by then: it may have been signed, and was not handed out',
    }));
    await appendAudit(sql, clock(), ...entries);
  });
}
