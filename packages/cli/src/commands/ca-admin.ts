/**
 * `handfast ca admin`: its options. What it does is in `ca/admin.ts`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { AdminListOptions, AdminTokenOptions } from '../ca/admin.ts';
import { dashboardRoles } from '../ca/choices.ts';
import type { FolderOptions } from '../ca/folder.ts';
import type { OutputChoice } from '../ca/output.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

type Done = (code: ExitCode) => void;

export function addAdmin(ca: Command, io: Io, done: Done): void {
  const admin = ca.command('admin').description('who may sign in at the dashboard of handfast ca serve');
  admin
    .command('token')
    .description('make a token for somebody')
    .argument('<who>', 'whose it is: the audit log names him')
    .addOption(new Option('--role <role>', 'what he may').choices(dashboardRoles).default('viewer'))
    .option('--ttl <time>', 'how long it is good: 8h, 30d', '30d')
    .addHelpText(
      'after',
      `
Viewers see; issuers and revokers do that, too; admins do all, and make tokens. The token is printed once; the CA keeps a hash.
A client certificate can sign in as well: "dashboard" in config.json gives names a role.

Example:
  handfast ca admin token alice --role revoker --ttl 7d`,
    )
    .action(async (who: string, options: AdminTokenOptions) => {
      const { adminToken } = await import('../ca/admin.ts');
      done(await adminToken(who, options, io));
    });
  admin
    .command('list')
    .description('list tokens, newest first')
    .option('--limit <count>', 'so many at the most', '100')
    .addHelpText('after', '\nWith --json a line is a token.')
    .action(async (options: AdminListOptions) => {
      const { listAdmins } = await import('../ca/admin.ts');
      done(await listAdmins(options, io));
    });
  admin
    .command('revoke')
    .description('take a token back; who has signed in with it is out')
    .argument('<id>', 'which, as list shows it')
    .action(async (id: string, options: FolderOptions & OutputChoice) => {
      const { revokeAdmin } = await import('../ca/admin.ts');
      done(await revokeAdmin(id, options, io));
    });
}
