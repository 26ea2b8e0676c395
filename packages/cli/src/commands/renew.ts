/**
 * `handfast renew`: its options. What it does is in `enroll/`.
 *
 * @module
 */

import type { Command } from 'commander';
import type { RenewOptions } from '../enroll/renew.ts';
import { type ExitCode, exitCodesHelp } from '../exit.ts';
import type { Io } from '../io.ts';

/** Adds `renew` to the program. */
export function addRenew(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('renew')
    .description('renew a certificate of a handfast CA’s, by the certificate itself')
    .argument('[state]', 'NAME.renew.json, as handfast enroll has written it')
    .option('--cert <file>', 'without STATE: the certificate, then those that signed it, in PEM')
    .option('--key <file>', 'its private key (default: the one in the file of --cert)')
    .option('--url <url>', 'the CA: https://HOST:PORT')
    .option('--root <file>', 'its root')
    .option('--daemon', 'stay, and renew whenever it is due')
    .option('--hook <command>', 'after each renewal: run by sh, with HANDFAST_CERT and HANDFAST_KEY')
    .option('--force', 'renew now, due or not')
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
A renewal is due after two thirds of the certificate’s life, or as soon as the CA asks for it.
Certificate and key never mismatch for a reader: in two files the key stays, in one file both are replaced at once.
What has expired cannot renew itself: a new token does.
${exitCodesHelp}

Examples:
  handfast renew app.corp.example.renew.json
  handfast renew app.corp.example.renew.json --daemon --hook 'systemctl reload nginx'`,
    )
    .action(async (state: string | undefined, options: RenewOptions) => {
      const { renewCommand } = await import('../enroll/renew.ts');
      done(await renewCommand(state, options, io));
    });
}
