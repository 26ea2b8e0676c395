/**
 * `handfast ca restore`, and `handfast ca audit reenter` for a database that was put back by other means: what was done after the
 * backup is entered again from the audit stream, and what cannot be is told of.
 *
 * @module
 */

import { type AuditFault, appendAudit, listAudit, type Reentered, reenterAudit, verifyAudit } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Field, timeText } from '../cert/layout.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { auditPublicKeys } from './audit-key.ts';
import { linesOf } from './audit-lines.ts';
import { entriesText } from './audit-text.ts';
import { type BackupOptions, unpack } from './backup.ts';
import { caDirectory } from './folder.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import { print } from './output.ts';

export interface RestoreOptions extends BackupOptions {
  /** The file of `ca serve --audit-log`. */
  readonly audit?: string;
}

/** What became of what the backup does not know. */
interface Aftermath {
  /** When the last entry was made that it knows. */
  readonly since: Date | undefined;
  readonly reentered: Reentered;
  /** What the log should have, by checkpoints in the stream, and has not. */
  readonly faults: readonly AuditFault[];
}

/** Exits with 1 where something is missing that the stream tells of; the folder is there all the same. */
export async function restore(file: string, options: RestoreOptions, io: Io): Promise<ExitCode> {
  const folder = caDirectory(options, io);
  let after: Aftermath | undefined;
  await unpack(file, folder, options, io, async (ca) => {
    after = await reenterInto(ca, options.audit);
  });
  tell(`The CA is in ${folder}`, { folder }, after, options, io);
  return exitCodeFor(after);
}

/** Exits with 1 where something is missing still. */
export async function reenter(file: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const { folder, after } = await withCa(options, io, async (ca) => ({
    folder: ca.paths.folder,
    after: await reenterInto(ca, file),
  }));
  tell(`The CA in ${folder} has what ${file} tells of`, { folder }, after, { ...options, audit: file }, io);
  return exitCodeFor(after);
}

function exitCodeFor(after: Aftermath | undefined): ExitCode {
  if (after === undefined) return exitCodes.ok;
  const { refused, unknown, notRevoked } = after.reentered;
  return refused + unknown.length + notRevoked.length + after.faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function reenterInto({ database, paths }: OpenCa, file: string | undefined): Promise<Aftermath> {
  // The newest is about this very command, where opening had something to tell.
  const since = (await listAudit(database)).find(({ writer }) => writer !== database.writer)?.at;
  const keys = auditPublicKeys('the audit key', paths.auditPublicKey);
  const lines = file === undefined ? [] : linesOf('--audit', file);
  const reentered = await reenterAudit({ database, provider, keys, lines });
  const { faults } = await verifyAudit({ database, provider, keys, known: reentered.known });
  const note = `as of ${since === undefined ? 'its beginning' : timeText(since)}; ${entriesText(reentered.entries)} entered again`;
  const entry = { actor: operator(), action: 'restore', subject: 'database', note };
  await database.transaction((sql) => appendAudit(sql, new Date(), entry));
  return { since, reentered, faults };
}

function tell(heading: string, head: object, after: Aftermath | undefined, options: RestoreOptions, io: Io): void {
  if (after === undefined) return;
  const { since, reentered, faults } = after;
  const { entries, issued, revoked, blocked, checkpoints, unknown, notRevoked, refused, torn, notDone } = reentered;
  const value = {
    ...head,
    since: since === undefined ? null : timeText(since),
    reentered: { entries, issued, revoked, blocked, checkpoints },
    notDone: Object.fromEntries(notDone),
    unknown,
    notRevoked,
    refused,
    torn,
    missing: faults.flatMap(missingOf),
    faults: faults.map(({ why }) => why),
  };
  const fields = options.audit === undefined ? unknownFields(since) : knownFields(after);
  print(value, { heading, fields }, options, io);
}

function missingOf({ writer, seq, missingTo }: AuditFault): object[] {
  return missingTo === undefined || seq === undefined ? [] : [{ writer, first: seq, last: missingTo }];
}

function unknownFields(since: Date | undefined): readonly Field[] {
  const time = since === undefined ? 'the backup' : timeText(since);
  return [
    [
      'Since then',
      [
        `what was issued and revoked after ${time} is not in it: handfast ca list shows what is`,
        'handfast ca audit reenter FILE enters it again, with the lines of handfast ca serve --audit-log',
      ],
    ],
  ];
}

function knownFields({ since, reentered, faults }: Aftermath): readonly Field[] {
  const { entries, issued, revoked, blocked, unknown, notRevoked, refused, torn, notDone } = reentered;
  const done = [
    `${entriesText(entries)} after ${since === undefined ? 'the backup' : timeText(since)}`,
    `${issued} issued, ${revoked} revoked, ${blocked} keys blocked`,
  ];
  const left = [...notDone].map(([action, count]) => `${action}: ${count}`);
  const flaws = [
    ...(refused === 0 ? [] : [`${entriesText(refused)} do not follow from what is there, or were changed`]),
    ...(torn === 0 ? [] : [`${torn} lines are torn`]),
    ...faults.map(({ why }) => why),
  ];
  return [
    ['Entered', done],
    ...(left.length === 0 ? [] : [['Not done', [...left, 'do these again by hand, where they matter']] as const]),
    ...(unknown.length === 0 ? [] : [['Unknown', ['issued, and not in it:', ...unknown]] as const]),
    ...(notRevoked.length === 0
      ? []
      : [['Not revoked', ['revoked, and not by what is in it:', ...notRevoked]] as const]),
    ...(flaws.length === 0 ? [] : [['Missing', flaws] as const]),
  ];
}
