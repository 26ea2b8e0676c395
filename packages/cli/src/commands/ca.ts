/**
 * `handfast ca`: its commands and their options. What each does is in `ca/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import { challengeNames, dashboardReaches, defaultHttpPort, defaultPort } from '../ca/choices.ts';
import type { InitOptions } from '../ca/init-plan.ts';
import type { ServeOptions } from '../ca/serve-options.ts';
import type { TrustAction, TrustOptions } from '../ca/trust/trust.ts';
import { type ExitCode, exitCodesHelp } from '../exit.ts';
import type { Io } from '../io.ts';
import { addAdmin } from './ca-admin.ts';
import { addEab, addTokens } from './ca-enrolment.ts';
import { addIssuing, addLists, addRecords } from './ca-issuing.ts';
import { addAudit, addBackup } from './ca-keeping.ts';
import { addRotation, addSigner } from './ca-rotate.ts';

type Done = (code: ExitCode) => void;

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
  addAudit(ca, io, done);
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
  ['install', 'have the system, Chromium, Firefox and Java trust the CA'],
  ['uninstall', 'have them trust it no longer'],
];

function addTrust(ca: Command, io: Io, done: Done): void {
  const trusting = ca.command('trust').description('whether this machine trusts the CA');
  for (const [action, description] of trustCommands) {
    const command = trusting.command(action).description(description);
    if (action === 'uninstall') command.option('--former', 'only roots that handfast ca rotate clean has dropped');
    command
      .addHelpText(
        'after',
        `
Asks sudo for what needs it: run it as yourself. Browsers need certutil (libnss3-tools), and a restart.
Java is that of JAVA_HOME, else the one whose keytool is on the path.
${action === 'uninstall' ? 'Roots that handfast ca rotate clean has dropped go, too.' : 'Prints what to tell programs that have a trust of their own.'}
Exits with 1 if ${action === 'status' ? 'one of them does not trust it' : 'one of them could not be told'}.`,
      )
      .action(async (options: TrustOptions) => {
        const { trust } = await import('../ca/trust/trust.ts');
        done(await trust(action, options, io));
      });
  }
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
