/**
 * `handfast ca issue`, `renew`, `list`, `show`, `revoke` and `crl`: certificates, from their making to the lists of those that were taken
 * back. What each does is in `ca/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import { keyTypeNames, reasons, statuses } from '../ca/choices.ts';
import type { ExportOptions, RootCrlOptions } from '../ca/crl.ts';
import type { IssueOptions, RenewOptions } from '../ca/issue.ts';
import type { ListOptions, RevokeOptions, ShowOptions } from '../ca/list.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

type Done = (code: ExitCode) => void;

const serialHelp = `
SERIAL is a serial number as handfast ca list shows it, or the certificate’s file.`;

export function addIssuing(ca: Command, io: Io, done: Done): void {
  const issuing = ca
    .command('issue')
    .description('issue a certificate: for servers, or for a client')
    .argument('[names...]', 'host names (*.app.test too) and addresses; for a client who it is')
    .option('--client', 'for a client; where NAME is a host that the CA may issue for, it is for that host, too')
    .option('--email <mailbox>', 'for a client, its mailbox; once for each', further)
    .option('--csr <file>', 'sign this request; without NAME for the names in it')
    .addHelpText(
      'after',
      `
Writes NAME.pem, the certificate and the intermediate behind it, and NAME-key.pem, which only you can read.

Examples:
  handfast ca issue app.test '*.app.test' 127.0.0.1
  handfast ca issue alice --client --email alice@corp.internal --p12 --password-file password
  handfast ca issue --csr db.csr --days 30`,
    )
    .action(async (names: readonly string[], options: IssueOptions) => {
      const { issue } = await import('../ca/issue.ts');
      done(await issue(names, options, io));
    });

  const renewing = ca
    .command('renew')
    .description('issue the same certificate once more, over a new key')
    .argument('<serial>', 'which')
    .option('--same-key', 'over the key that it has: a certificate alone is written')
    .addHelpText('after', serialHelp)
    .action(async (serial: string, options: RenewOptions) => {
      const { renew } = await import('../ca/issue.ts');
      done(await renew(serial, options, io));
    });

  for (const command of [issuing, renewing]) addFiles(command);
}

/** Of an option that may be given several times: one that takes several would take NAME as well. */
function further(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** What `issue` and `renew` write. */
function addFiles(command: Command): void {
  command
    .addOption(new Option('--key-type <type>', 'of the new key (default: p256)').choices(keyTypeNames))
    .option('--days <days>', 'how long it is good (default: 90; at most 398)')
    .option('--p12', 'write one PKCS #12 file instead, for browsers and Java')
    .option('--password-file <file>', 'a file whose first line is the password of that')
    .option('--out <folder>', 'where files are written', '.')
    .option('--force', 'replace files that are there');
}

export function addRecords(ca: Command, io: Io, done: Done): void {
  ca.command('list')
    .description('list what was issued, newest first')
    .addOption(new Option('--status <status>', 'those alone that are').choices(statuses))
    .option('--search <text>', 'those with it in a name')
    .option('--expiring <days>', 'those that end within so many days')
    .option('--limit <count>', 'so many at the most', '100')
    .addHelpText('after', '\nWith --json a line is a certificate.')
    .action(async (options: ListOptions) => {
      const { list } = await import('../ca/list.ts');
      done(await list(options, io));
    });

  ca.command('show')
    .description('show one certificate that was issued')
    .argument('<serial>', 'which')
    .option('--pem', 'print the certificate itself')
    .addHelpText('after', serialHelp)
    .action(async (serial: string, options: ShowOptions) => {
      const { show } = await import('../ca/list.ts');
      done(await show(serial, options, io));
    });

  ca.command('revoke')
    .description('take a certificate back, for ever')
    .argument('<serial>', 'which')
    .addOption(new Option('--reason <reason>', 'why, for the CRL; keyCompromise blocks the key, too').choices(reasons))
    .addHelpText('after', serialHelp)
    .action(async (serial: string, options: RevokeOptions) => {
      const { revoke } = await import('../ca/list.ts');
      done(await revoke(serial, options, io));
    });
}

export function addLists(ca: Command, io: Io, done: Done): void {
  const crl = ca.command('crl').description('lists of what is revoked');
  crl
    .command('export')
    .description('write the complete lists of intermediate and root as one PEM')
    .option('--out <file>', 'there (default: stdout)')
    .addHelpText(
      'after',
      '\nFor curl --crlfile, nginx’s ssl_crl, HAProxy’s crl-file and PostgreSQL’s ssl_crl_file. Node’s crl takes one list a text:\ncrl: pem.split(/(?=^-----BEGIN)/m)',
    )
    .action(async (options: ExportOptions) => {
      const { exportCrls } = await import('../ca/crl.ts');
      done(await exportCrls(options, io));
    });
  crl
    .command('root')
    .description('have the root sign its list anew, once a year')
    .requiredOption('--root-key <file>', 'the root’s key, as handfast ca init wrote it')
    .option('--passphrase-file <file>', 'a file whose first line is its passphrase (default: asked for)')
    .action(async (options: RootCrlOptions) => {
      const { renewRootCrl } = await import('../ca/crl.ts');
      done(await renewRootCrl(options, io));
    });
}
