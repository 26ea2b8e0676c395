/**
 * `handfast ca audit`, `backup` and `restore`: what is proven of the past, and how it is had back. What each does is in `ca/`.
 *
 * @module
 */

import type { Command } from 'commander';
import type { AuditOptions, PruneOptions } from '../ca/audit.ts';
import type { BackupOptions } from '../ca/backup.ts';
import type { RestoreOptions } from '../ca/restore.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

type Done = (code: ExitCode) => void;

export function addAudit(ca: Command, io: Io, done: Done): void {
  const audit = ca.command('audit').description('the log of what was done, and by whom');
  audit
    .command('verify')
    .description('say what of it is proven: which entries are as they were')
    .option('--checkpoint <file>', 'checkpoints that were kept elsewhere: lines of a log, one or many')
    .option('--key <file>', 'the audit key’s public half, or its certificate (default: audit.pem in the CA’s folder)')
    .addHelpText('after', '\nExits with 1 if something is not as it was.')
    .action(async (options: AuditOptions) => {
      const { verifyLog } = await import('../ca/audit.ts');
      done(await verifyLog(options, io));
    });
  audit
    .command('checkpoint')
    .description('sign how far it reaches; handfast ca serve does so every 5 minutes')
    .addHelpText('after', '\nWith --json the line to keep elsewhere is printed alone.')
    .action(async (options: AuditOptions) => {
      const { makeCheckpoint } = await import('../ca/audit.ts');
      done(await makeCheckpoint(options, io));
    });
  audit
    .command('prune')
    .description('remove entries for their age, up to a checkpoint')
    .requiredOption('--days <days>', 'how long they are kept; those of certificates that have not expired stay')
    .action(async (options: PruneOptions) => {
      const { pruneLog } = await import('../ca/audit.ts');
      done(await pruneLog(options, io));
    });
  audit
    .command('reenter')
    .description('after a database was put back: enter again what was done since')
    .argument('<file>', 'as handfast ca serve --audit-log wrote it')
    .action(async (file: string, options: BackupOptions) => {
      const { reenter } = await import('../ca/restore.ts');
      done(await reenter(file, options, io));
    });
}

export function addBackup(ca: Command, io: Io, done: Done): void {
  ca.command('backup')
    .description('write all of the CA into one file, while it runs or not')
    .argument('<file>', 'a new one, which only you can read: the CA’s keys are in it')
    .action(async (file: string, options: BackupOptions) => {
      const { backUp } = await import('../ca/backup.ts');
      done(await backUp(file, options, io));
    });
  ca.command('restore')
    .description('make the CA’s folder anew out of such a file')
    .argument('<file>', 'as handfast ca backup wrote it')
    .option('--audit <file>', 'enter again what was done since: the file of handfast ca serve --audit-log')
    .addHelpText(
      'after',
      `
Without --audit, what was issued after the backup is not known to the CA, and cannot be revoked by it:
handfast ca audit reenter does it later.`,
    )
    .action(async (file: string, options: RestoreOptions) => {
      const { restore } = await import('../ca/restore.ts');
      done(await restore(file, options, io));
    });
}
