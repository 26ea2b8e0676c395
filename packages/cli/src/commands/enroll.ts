/**
 * `handfast enroll`: its options. What it does is in `enroll/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import { keyTypeNames } from '../ca/choices.ts';
import type { EnrollOptions } from '../enroll/enroll.ts';
import { type ExitCode, exitCodesHelp } from '../exit.ts';
import type { Io } from '../io.ts';

/** Adds `enroll` to the program. */
export function addEnroll(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('enroll')
    .description('get a certificate from a handfast CA, by a token of its operator’s')
    .argument('<url>', 'the CA: https://HOST:PORT')
    .argument('[names...]', 'what the certificate must be for; without them whatever the token is for')
    .requiredOption('--fingerprint <sha256>', 'of the CA’s root, as handfast ca token prints it')
    .option('--token-file <file>', 'a file whose first line is the token; - for stdin (default: asked for)')
    .option('--token <token>', 'the token itself: others on this machine can read it')
    .option('--out <folder>', 'where files are written', '.')
    .addOption(new Option('--key-type <type>', 'of the key, which is made here (default: p256)').choices(keyTypeNames))
    .option('--bundle', 'certificate and key in one file, so that renewals bring a new key each time')
    .option('--hook <command>', 'what handfast renew has a shell run after each renewal')
    .option('--force', 'replace files that are there')
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
Writes NAME.pem, NAME-key.pem (which only you can read), NAME-root.pem, and NAME.renew.json for handfast renew.
The token is sent only on a connection that verifies under the root with that fingerprint.
${exitCodesHelp}

Examples:
  handfast enroll https://ca.corp.example:8555 --fingerprint 9f86d0… --token-file -
  handfast enroll https://ca.corp.example:8555 --fingerprint 9f86d0… --token-file token --hook 'systemctl reload nginx'`,
    )
    .action(async (url: string, names: readonly string[], options: EnrollOptions) => {
      const { enroll } = await import('../enroll/enroll.ts');
      done(await enroll(url, names, options, io));
    });
}
