/**
 * `handfast ca audit`: what of the log of what was done is proven; checkpoints by hand; forgetting what is old.
 *
 * @module
 */

import {
  type AuditCheckpoint,
  type AuditVerdict,
  checkpointAudit,
  checkpointJson,
  pruneAudit,
  verifyAudit,
} from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { dayMs } from '../authority.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { auditPublicKeys, auditSigner } from './audit-key.ts';
import { checkpointsIn } from './audit-lines.ts';
import { coveredText, entriesText, verdictJson, verdictLines } from './audit-text.ts';
import type { FolderOptions } from './folder.ts';
import { type OpenCa, withCa } from './open.ts';
import { type OutputChoice, print, printJson, printLines } from './output.ts';

export interface AuditOptions extends FolderOptions, OutputChoice {
  /** A file with checkpoints that were kept elsewhere. */
  readonly checkpoint?: string;
  /** A file with the audit key's public half. */
  readonly key?: string;
}

export interface PruneOptions extends FolderOptions, OutputChoice {
  readonly days: string;
}

/** Exits with 1 where something does not hold. */
export async function verifyLog(options: AuditOptions, io: Io): Promise<ExitCode> {
  const { checkpoint: file, key } = options;
  const known = file === undefined ? [] : await checkpointsIn('--checkpoint', file);
  const given = key === undefined ? undefined : auditPublicKeys('--key', key);
  const verdict = await withCa(options, io, ({ database, paths }) => {
    const keys = given ?? auditPublicKeys('the audit key', paths.auditPublicKey);
    return verifyAudit({ database, provider, keys, known });
  });
  tellVerdict(verdict, file, options, io);
  return verdict.faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function tellVerdict(verdict: AuditVerdict, file: string | undefined, options: AuditOptions, io: Io): void {
  if (options.json === true) printJson(verdictJson(verdict), io);
  else printLines(verdictLines(verdict, file, colorsFor(io.stdout, io.env, options.color ?? true)), io);
}

/** With `--json` its line alone is printed, or none. */
export async function makeCheckpoint(options: FolderOptions & OutputChoice, io: Io): Promise<ExitCode> {
  const made = await withCa(options, io, async ({ database, paths }) =>
    checkpointAudit({ database, signer: await auditSigner(paths) }),
  );
  for (const checkpoint of made) tellCheckpoint(checkpoint, options, io);
  if (made.length === 0 && options.json !== true) printLines(['There is nothing new since the last checkpoint'], io);
  return exitCodes.ok;
}

function tellCheckpoint(checkpoint: AuditCheckpoint, options: OutputChoice, io: Io): void {
  const line = checkpointJson(checkpoint);
  if (options.json === true) {
    printJson(line, io);
    return;
  }
  const heading = `Checkpoint ${checkpoint.number} covers ${coveredText(checkpoint.heads)}. Keep this line elsewhere:`;
  printLines([heading, '', JSON.stringify(line)], io);
}

export async function pruneLog(options: PruneOptions, io: Io): Promise<ExitCode> {
  const days = Number(options.days);
  if (!Number.isSafeInteger(days) || days < 1) {
    throw usageError(`--days ${quote(options.days)} is no number of days`, 'write how long entries are kept: 730');
  }
  const checkpoints: AuditCheckpoint[] = [];
  const publish = (checkpoint: AuditCheckpoint): void => void checkpoints.push(checkpoint);
  const removed = await withCa(options, io, ({ database, paths }) => pruneAll({ database, paths }, days, publish));
  print(
    { removed, checkpoints: checkpoints.map(checkpointJson) },
    { heading: `${entriesText(removed)} of the audit log ${removed === 1 ? 'was' : 'were'} removed`, fields: [] },
    options,
    io,
  );
  return exitCodes.ok;
}

async function pruneAll(
  { database, paths }: Pick<OpenCa, 'database' | 'paths'>,
  days: number,
  publish: (checkpoint: AuditCheckpoint) => void,
): Promise<number> {
  const options = { database, signer: await auditSigner(paths), publish, auditKeptMs: days * dayMs };
  let removed = 0;
  for (;;) {
    const some = await pruneAudit(options);
    if (some === 0) return removed;
    removed += some;
  }
}
