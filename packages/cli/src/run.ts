/**
 * The commands and their options: what `--help` says, and which function does the work.
 *
 * @module
 */

import { Command, CommanderError, Option } from 'commander';
import { addCaCommands } from './commands/ca.ts';
import { addCertCommands } from './commands/cert.ts';
import { type ConnectOptions, connectCommand } from './commands/connect.ts';
import { type DemoOptions, demo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnroll } from './commands/enroll.ts';
import { addRenew } from './commands/renew.ts';
import { type ServeOptions, serve } from './commands/serve.ts';
import { addTrustCommands } from './commands/trust.ts';
import { type ExitCode, exitCodeOf, exitCodes, exitCodesHelp } from './exit.ts';
import { explain, explainJson } from './explain.ts';
import { colorsFor, type Io, widthOf } from './io.ts';
import { versionChoices } from './negotiation.ts';
import { dialogues } from './starttls/index.ts';
import { version } from './version.ts';

/**
 * Runs a command.
 * @param argv what follows the program's name.
 * @returns the exit code; whatever there is to say of a failure has been said on stderr.
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = makeProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (argv.includes('--json')) io.stderr.write(`${JSON.stringify({ event: 'error', ...explainJson(error) })}\n`);
    else {
      const colors = colorsFor(io.stderr, io.env, !argv.includes('--no-color'));
      for (const line of explain(error, colors, widthOf(io.stderr))) io.stderr.write(`${line}\n`);
    }
    return exitCodeOf(error);
  }
}

function makeProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('handfast')
    .description('TLS for TypeScript: see, make and serve TLS 1.3 connections, and their certificates')
    .version(version(), '-V, --version')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride()
    .showHelpAfterError('(handfast --help says more)')
    .addHelpText('after', exitCodesHelp);

  program
    .command('demo')
    .description('play a verified conversation between a client and a server of our own, and a refused one')
    .option('--json', 'print JSON lines')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText('after', '\nExits with 0 only if every check held, else with 1.')
    .action(async (options: Partial<DemoOptions>) => {
      done(await demo(io, { json: options.json ?? false, color: options.color ?? true }));
    });

  program
    .command('connect')
    .description('open a verified TLS connection: stdin and stdout are the conversation, stderr tells about it')
    .argument('<host:port>', 'whom to connect to; port 443, or the protocol’s own with --starttls, where left out')
    .option('--servername <name>', 'the name to ask for and to verify (default: the host)')
    .option('--ca <file>', 'trust the certificates of this PEM file alone (default: the system’s)')
    .option('--cert <file>', 'our certificate, then those that signed it, in PEM')
    .option('--key <file>', 'its private key, in PEM, unencrypted (default: the one in the file of --cert)')
    .option('--insecure', 'go on whatever the certificate is: anybody may be listening')
    .option('--alpn <list>', 'application protocols, best first: h2,http/1.1')
    .option('--legacy', 'also SSL 3.0, TLS 1.0, TLS 1.1 and weak suites, for old devices: insecure')
    .addOption(new Option('--min-version <version>', 'the lowest version of TLS spoken').choices(versionChoices))
    .addOption(new Option('--max-version <version>', 'the highest').choices(versionChoices))
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
    .option('--timeout <seconds>', 'for connecting, and again for the handshake', '15')
    .option('--ignore-eof', 'keep our side open at the end of stdin, until the server closes')
    .option('--keylog <file>', 'append the secrets, for Wireshark (default: SSLKEYLOGFILE)')
    .option('--trace', 'draw the connection on stderr')
    .option('--explain', 'tell on stderr what every message says, what it is for, and why a failure is one')
    .option('--showcerts', 'print the server’s certificates on stderr')
    .option('--json', 'tell everything on stderr as JSON lines')
    .option('-q, --quiet', 'say nothing but errors')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
At the end of stdin our side is closed (close_notify); what the server still sends is printed until it closes, too.
${exitCodesHelp}

Examples:
  handfast connect example.com:443 --trace </dev/null
  handfast connect example.com:443 --explain </dev/null
  handfast connect mail.example.com --starttls smtp --showcerts
  handfast connect '[::1]:8443' --ca root.pem --servername db.internal`,
    )
    .action(async (target: string, options: ConnectOptions) => {
      done(await connectCommand(target, options, io));
    });

  program
    .command('serve')
    .description(
      'accept TLS connections; without --echo or --http, stdout shows what clients send and stdin goes to them',
    )
    .argument('<port>', 'the port; 0 picks a free one')
    .option('--host <address>', 'the address to listen at; 0.0.0.0 or :: for all', '127.0.0.1')
    .option('--cert <file>', 'our certificate, then those that signed it, in PEM')
    .option('--key <file>', 'its private key, in PEM, unencrypted (default: the one in the file of --cert)')
    .option('--name <names...>', 'more names for the certificate that is made without --cert')
    .option('--client-ca <file>', 'ask clients for a certificate, signed by one of these')
    .option('--require-client-cert', 'refuse clients without one')
    .option('--alpn <list>', 'application protocols, best first (default: http/1.1 with --http)')
    .option('--legacy', 'also SSL 3.0, TLS 1.0, TLS 1.1 and weak suites, for old devices: insecure')
    .addOption(new Option('--min-version <version>', 'the lowest version of TLS spoken').choices(versionChoices))
    .addOption(new Option('--max-version <version>', 'the highest').choices(versionChoices))
    .option('--groups <list>', 'key exchange groups by IANA’s names, best first')
    .option('--ciphers <list>', 'cipher suites by IANA’s names, best first')
    .option('--signature-schemes <list>', 'signature schemes by IANA’s names, best first')
    .addOption(new Option('--echo', 'send everything back').conflicts('http'))
    .option('--http', 'answer HTTP with a page that tells what was negotiated')
    .option('--keylog <file>', 'append the secrets, for Wireshark (default: SSLKEYLOGFILE)')
    .option('--trace', 'draw every connection on stderr')
    .option('--explain', 'tell on stderr what every message says, what it is for, and why a failure is one')
    .option('--json', 'tell everything on stderr as JSON lines')
    .option('-q, --quiet', 'say nothing but errors and where the server listens')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText(
      'after',
      `
Without --cert the certificate is made at each start, for localhost, 127.0.0.1, ::1 and every --name, under a
development CA of your own. That CA is made once and kept in $XDG_DATA_HOME/handfast/dev-ca (or ~/.local/share/…);
whoever trusts it trusts you alone. How to make curl, Debian, browsers and Node trust it is printed at the start.
The end of stdin ends nothing: Ctrl-C does.

Examples:
  handfast serve 8443 --http
  handfast serve 8443 --echo --client-ca clients.pem --require-client-cert`,
    )
    .action(async (port: string, options: ServeOptions) => {
      done(await serve(port, options, io));
    });

  addDoctor(program, io, done);
  addCertCommands(program, io, done);
  addTrustCommands(program, io, done);
  addCaCommands(program, io, done);
  addEnroll(program, io, done);
  addRenew(program, io, done);
  return program;
}
