/**
 * `handfast ca`: its commands and their options. What each does is in `ca/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { AuditOptions, PruneOptions } from '../ca/audit.ts';
import type { BackupOptions } from '../ca/backup.ts';
import {
  challengeNames,
  dashboardReaches,
  defaultHttpPort,
  defaultPort,
  keyTypeNames,
  reasons,
  statuses,
} from '../ca/choices.ts';
import type { ExportOptions, RootCrlOptions } from '../ca/crl.ts';
import type { InitOptions } from '../ca/init.ts';
import type { IssueOptions, RenewOptions } from '../ca/issue.ts';
import type { ListOptions, RevokeOptions, ShowOptions } from '../ca/list.ts';
import type { RestoreOptions } from '../ca/restore.ts';
import type { ServeOptions } from '../ca/serve.ts';
import type { TrustAction, TrustOptions } from '../ca/trust/trust.ts';
import { type ExitCode, exitCodesHelp } from '../exit.ts';
import type { Io } from '../io.ts';
import { addAdmin } from './ca-admin.ts';
import { addEab, addTokens } from './ca-enrolment.ts';
import { addRotation, addSigner } from './ca-rotate.ts';

type Done = (code: ExitCode) => void;

const serialHelp = `
SERIAL is a serial number as handfast ca list shows it, or the certificate’s file.`;

/** Adds `ca` to the program. */
export function addCaCommands(program: Command, io: Io, done: Done): void {
  const ca = program
    .command('ca')
    .description('be a certificate authority: for this machine, or for a team')
    .addHelpText(
      'after',
      `
The CA lives in a folder: --dir, or $XDG_DATA_HOME/handfast/ca (~/.local/share/handfast/ca).

From nothing to a certificate that browsers here believe:
  handfast ca init --dev
  handfast ca trust install
  handfast ca issue app.test`,
    );
  addInit(ca, io, done);
  addIssuing(ca, io, done);
  addRecords(ca, io, done);
  addLists(ca, io, done);
  addTokens(ca, io, done);
  addEab(ca, io, done);
  addAdmin(ca, io, done);
  addServe(ca, io, done);
  addTrust(ca, io, done);
  addRotation(ca, io, done);
  addBackup(ca, io, done);
  addCommon(ca);
}

function addInit(ca: Command, io: Io, done: Done): void {
  const command = ca
    .command('init')
    .description('make a CA: a root, and an intermediate that issues')
    .option('--dev', 'for this machine: test, localhost, internal, home.arpa, private and loopback addresses')
    .option('--name <names...>', 'further names that root and intermediate are good for')
    .option('--allow <names...>', 'what may be issued for: domains with all below, addresses, networks')
    .option('--unconstrained', 'do not confine root and intermediate to these names: dangerous')
    .option('--no-wildcards', 'issue for no wildcard')
    .option('--title <text>', 'what the CA is called')
    .option('--base-url <url>', 'where clients fetch root and CRLs: http://ca.corp.example')
    .option('--ocsp', 'certificates name the CA’s OCSP responder, below the base URL')
    .option('--require-eab', 'ACME accounts are made only with an external account key, by handfast ca eab')
    .option(
      '--database <url>',
      'keep the records on a PostgreSQL server: postgres://USER@HOST/DATABASE (default: in a file)',
    )
    .option('--root-key <file>', 'where the root’s key is written: outside of the CA’s folder')
    .option('--passphrase-file <file>', 'a file whose first line is the passphrase of that key (default: asked for)')
    .option('--no-passphrase', 'leave that key unencrypted')
    .option('--root-csr', 'make no root, but a request for one that there is: handfast ca import takes the certificate')
    .option('--encrypt-key', 'put the issuing key under a passphrase, too: of --key-passphrase-file, or asked for')
    .addHelpText(
      'after',
      `
With --dev and without --root-key the root’s key is thrown away as soon as it has signed the intermediate.
Names of --allow count for --name as well; with --dev both add to those that are there.

Examples:
  handfast ca init --dev
  handfast ca init --dev --name staging.example.com
  handfast ca init --allow corp.example 10.0.0.0/8 --base-url http://ca.corp.example --root-key /media/stick/root-key.pem
  handfast ca init --allow corp.example --root-csr
  handfast ca init --dev --signer ./kms.js --signer-setting key=issuing`,
    )
    .action(async (options: InitOptions) => {
      const { init } = await import('../ca/init.ts');
      done(await init(options, io));
    });
  addSigner(command);
}

function addIssuing(ca: Command, io: Io, done: Done): void {
  const issuing = ca
    .command('issue')
    .description('issue a certificate: for servers, or for a client')
    .argument('[names...]', 'host names (*.app.test too) and addresses; for a client who it is')
    .option('--client', 'for a client; where NAME is a host that the CA may issue for, it is for that host, too')
    .option('--email <mailboxes...>', 'for a client, its mailboxes')
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

function addRecords(ca: Command, io: Io, done: Done): void {
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

function addLists(ca: Command, io: Io, done: Done): void {
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

function addServe(ca: Command, io: Io, done: Done): void {
  ca.command('serve')
    .description('issue to ACME clients, such as certbot; serve root and CRLs')
    .option('--dev', 'validate at loopback and at any port: for a CA on this machine')
    .option('--host <address>', 'the address to listen at; 0.0.0.0 or :: for all', '127.0.0.1')
    .option('--port <port>', 'of ACME, over TLS; 0 picks a free one', String(defaultPort))
    .option(
      '--http-port <port>',
      `of root and CRLs, over plain HTTP; 0 picks a free one (default: the base URL’s, else ${defaultHttpPort})`,
    )
    .option('--challenge <types...>', `how names are proven: ${challengeNames.join(', ')} (default: all of them)`)
    .option('--resolver <addresses...>', 'ask these DNS servers: 10.0.0.53, 10.0.0.53:5353 (default: the system’s)')
    .option('--http-01-port <port>', 'with --dev: look at http-01 there (default: 80)')
    .option('--tls-alpn-01-port <port>', 'with --dev: look at tls-alpn-01 there (default: 443)')
    .option('--admin-port <port>', 'serve /healthz, /readyz and /metrics there, over plain HTTP; 0 picks a free one')
    .option('--admin-host <address>', 'the address for that', '127.0.0.1')
    .addOption(
      new Option('--dashboard <reach>', 'who reaches the dashboard: this machine, the network, nobody')
        .choices(dashboardReaches)
        .default('machine'),
    )
    .option('--audit-log <file>', 'append the audit stream there, with all that is issued; SIGHUP opens it anew')
    .addOption(new Option('--log <form>', 'json: log to stdout, too, a JSON object a line').choices(['text', 'json']))
    .option('-q, --quiet', 'say nothing on stderr but errors and where the CA listens')
    .addHelpText('after', exitCodesHelp)
    .action(async (options: ServeOptions) => {
      const { serve } = await import('../ca/serve.ts');
      done(await serve(options, io));
    });
}

const trustCommands: readonly (readonly [TrustAction, string])[] = [
  ['status', 'say who on this machine trusts the CA'],
  ['install', 'have the system, Chromium and Firefox trust the CA'],
  ['uninstall', 'have them trust it no longer'],
];

function addTrust(ca: Command, io: Io, done: Done): void {
  const trusting = ca.command('trust').description('whether this machine trusts the CA');
  for (const [action, description] of trustCommands) {
    trusting
      .command(action)
      .description(description)
      .addHelpText(
        'after',
        `
Asks sudo for what needs it: run it as yourself. Browsers need certutil (libnss3-tools), and a restart.
Prints what to tell programs that have a trust of their own.
Exits with 1 if ${action === 'status' ? 'one of them does not trust it' : 'one of them could not be told'}.`,
      )
      .action(async (options: TrustOptions) => {
        const { trust } = await import('../ca/trust/trust.ts');
        done(await trust(action, options, io));
      });
  }
}

function addBackup(ca: Command, io: Io, done: Done): void {
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

/** Options of every command that does something, behind its own. */
function addCommon(command: Command): void {
  for (const one of command.commands) addCommon(one);
  if (command.commands.length > 0 && command.registeredArguments.length === 0) return;
  command
    .option('--dir <folder>', 'the CA’s folder (default: $XDG_DATA_HOME/handfast/ca)')
    .option(
      '--key-passphrase-file <file>',
      'a file whose first line is the passphrase of the issuing key, where that has one (default: asked for)',
    )
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colours; so does NO_COLOR');
}
