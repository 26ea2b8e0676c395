/**
 * What a rotation has left behind: issuers that sign lists alone, a root that some machines still trust alone; and until when.
 *
 * @module
 */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendAudit } from '@handfast/ca';
import { type Certificate, toPem } from '@handfast/x509';
import { type CaPaths, waitingFiles } from './folder.ts';
import { type Change, keyIn } from './issuing-key.ts';
import { type OpenCa, operator } from './open.ts';
import { retiredFiles, type StoredIssuer } from './stored-issuers.ts';

export interface Leftover {
  readonly certificate: Certificate;
  /** When the last certificate ends that needs it. */
  readonly neededUntil: Date | undefined;
  readonly needed: boolean;
}

export interface RetiredIssuer extends Leftover {
  readonly id: string;
}

export interface Leftovers {
  readonly retired: readonly RetiredIssuer[];
  readonly previousRoot: Leftover | undefined;
}

/** Servers take up what is new within a minute; and certificates are made while they do. */
const takenUpMs = 3_600_000;

export async function leftoversOf(ca: OpenCa, now: Date = new Date()): Promise<Leftovers> {
  const issuers = await ca.authority.issuers();
  const retired = issuers
    .filter(({ state, signs }) => state === 'retired' && signs)
    .map(({ id, certificate, lastEnd }) => ({ id, certificate, ...neededUntil(lastEnd, now) }));
  const [, previous] = ca.roots;
  if (previous === undefined) return { retired, previousRoot: undefined };
  return { retired, previousRoot: { certificate: previous, ...neededUntil(await lastUnder(ca), now) } };
}

/** The end of the last certificate that was handed out with the old root's chain alone. */
async function lastUnder({ database, paths }: OpenCa): Promise<Date | undefined> {
  // A folder that was copied or restored has later times: then it is needed for longer than it would be.
  const rotatedAt = statSync(paths.previousRoot).mtimeMs;
  const [row] = await database.all(
    `SELECT max(not_after) AS last FROM certificates WHERE issued_at < $1 AND state = 'issued' AND revoked_at IS NULL`,
    [Math.floor(rotatedAt) + takenUpMs],
  );
  return row?.last === undefined || row.last === null ? undefined : new Date(Number(row.last));
}

function neededUntil(end: Date | undefined, now: Date): Pick<Leftover, 'neededUntil' | 'needed'> {
  return { neededUntil: end, needed: end !== undefined && end >= now };
}

/** The request that waits for its certificate. */
export function waitingRequest({ waiting }: CaPaths): string | undefined {
  const file = join(waiting, waitingFiles.request);
  return existsSync(file) ? file : undefined;
}

/** That an issuer issues no more. */
export function retire({ id, chains: [chain = []], key }: StoredIssuer): Change['files'] {
  const pem = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  return [{ path: `issuers/${id}/${retiredFiles.chain}`, content: pem, mode: 0o644 }, keyIn(`issuers/${id}`, key)];
}

/** For the log, by whom. */
export async function noteRotation(ca: OpenCa, action: string, subject: string, note: string): Promise<void> {
  const entry = { actor: operator(), action, subject, note };
  await ca.database.transaction((sql) => appendAudit(sql, new Date(), entry));
}
