/**
 * `handfast doctor`: its options. What it does is in `doctor/`.
 *
 * @module
 */

import type { Command } from 'commander';
import type { DoctorOptions } from '../doctor/doctor.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { versionChoices } from '../negotiation.ts';
import { addReach } from '../reach.ts';

/** Adds `doctor` to the program. */
export function addDoctor(program: Command, io: Io, done: (code: ExitCode) => void): void {
  addReach(
    program
      .command('doctor')
      .description('find out why a TLS connection fails: what is wrong, whose fault it is, what to do')
      .argument('<host:port>', 'whom to look at; port 443, or the protocol’s own with --starttls, where left out'),
    { versions: modern, timeout: ['10', 'for connecting, and again for each handshake'] },
  )
    .option('--no-fetch', 'fetch nothing that certificates point to (missing issuers, revocation lists)')
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
It connects as your options say, and then in other ways, until the difference tells the reason. Where the connection
stands it asks HTTP’s HEAD /, for the server’s clock; nothing else is sent. docs/errors.md lists every cause.

Exit codes:
  0    nothing is wrong
  1    something is
  2    usage: an option or a file that cannot be used
  130  interrupted

Examples:
  handfast doctor example.com
  handfast doctor mail.example.com --starttls smtp
  handfast doctor 10.1.2.3:8443 --servername db.internal --ca root.pem`,
    )
    .action(async (target: string, options: DoctorOptions) => {
      const { doctor } = await import('../doctor/doctor.ts');
      done(await doctor(target, options, io));
    });
}

/** What is older is tried without being asked for. */
const modern: readonly string[] = versionChoices.filter((version) => version === '1.2' || version === '1.3');
