/**
 * `handfast doctor`: its options. What it does is in `doctor/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { DoctorOptions } from '../doctor/doctor.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { versionChoices } from '../negotiation.ts';
import { dialogues } from '../starttls/index.ts';

/** Adds `doctor` to the program. */
export function addDoctor(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description('find out why a TLS connection fails: what is wrong, whose fault it is, what to do')
    .argument('<host:port>', 'whom to look at; port 443, or the protocol’s own with --starttls, where left out')
    .option('--servername <name>', 'the name to ask for and to verify (default: the host)')
    .option('--ca <file>', 'trust the certificates of this PEM file alone (default: the system’s)')
    .option('--cert <file>', 'our certificate, then those that signed it, in PEM')
    .option('--key <file>', 'its private key, in PEM, unencrypted (default: the one in the file of --cert)')
    .option('--alpn <list>', 'application protocols, best first: h2,http/1.1')
    .addOption(new Option('--min-version <version>', 'the lowest version of TLS offered').choices(modern))
    .addOption(new Option('--max-version <version>', 'the highest').choices(modern))
    .option('--groups <list>', 'key exchange groups by IANA’s names, best first')
    .option('--ciphers <list>', 'cipher suites by IANA’s names, best first')
    .option('--signature-schemes <list>', 'signature schemes by IANA’s names, best first')
    .addOption(
      new Option('--starttls <protocol>', 'begin in plaintext, as this protocol does').choices([...dialogues.keys()]),
    )
    .option('--proxy <url>', 'go through http://, socks5:// or socks5h://[user:password@]host:port')
    .option('--connect-to <addr:port>', 'connect there in place of host:port; name and certificate stay the host’s')
    .addOption(new Option('-4, --ipv4', 'over IPv4 alone').conflicts('ipv6'))
    .option('-6, --ipv6', 'over IPv6 alone')
    .option('--timeout <seconds>', 'for connecting, and again for each handshake', '10')
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
