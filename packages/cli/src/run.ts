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
import { addView } from './commands/view.ts';
import { CliError, type ExitCode, exitCodeOf, exitCodes, exitCodesHelp } from './exit.ts';
import { explain, explainJson } from './explain.ts';
import { colorsFor, type Io, widthOf } from './io.ts';
import { versionChoices } from './negotiation.ts';
import { reasonOf } from './options.ts';
import { addIdentity, addNegotiation, addReach } from './reach.ts';
import { version } from './version.ts';

const legacyText = 'also SSL 3.0, TLS 1.0, TLS 1.1 and weak suites, for old devices: insecure';

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
    tellFailure(error, argv, io);
    return exitCodeOf(error);
  }
}

/** Says on stderr what ends a command. */
export function tellFailure(error: unknown, argv: readonly string[], io: Io): void {
  if (argv.includes('--json')) io.stderr.write(`${JSON.stringify({ event: 'error', ...explainJson(error) })}\n`);
  else {
    const colors = colorsFor(io.stderr, io.env, !argv.includes('--no-color'));
    for (const line of explain(error, colors, widthOf(io.stderr))) io.stderr.write(`${line}\n`);
  }
}

/** Of what stdout or stderr does not take. */
export function unwrittenError(cause: Error): CliError {
  return new CliError(exitCodes.failed, `what there is to print cannot be written: ${reasonOf(cause)}`, {
    cause,
    hint: 'is the disk full that stdout, or stderr, goes to?',
  });
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

  addReach(
    program
      .command('connect')
      .description('open a verified TLS connection: stdin and stdout are the conversation, stderr tells about it')
      .argument('<host:port>', 'whom to connect to; port 443, or the protocol’s own with --starttls, where left out'),
    { versions: versionChoices, timeout: ['15', 'for connecting, and again for the handshake'] },
  )
    .option('--insecure', 'go on whatever the certificate is: anybody may be listening')
    .option('--legacy', legacyText)
    .option('--ignore-eof', 'keep our side open at the end of stdin, until the server closes')
    .option('--record <file>', 'keep the connection: .json, .pcapng for Wireshark, or .html for any browser')
    .option('--record-secrets', 'with its secrets and its data: whoever gets the file reads all of it')
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
  handfast connect example.com:443 --record handshake.html </dev/null
  handfast connect mail.example.com --starttls smtp --showcerts
  handfast connect '[::1]:8443' --ca root.pem --servername db.internal`,
    )
    .action(async (target: string, options: ConnectOptions) => {
      done(await connectCommand(target, options, io));
    });

  const serving = program
    .command('serve')
    .description(
      'accept TLS connections; without --echo or --http, stdout shows what clients send and stdin goes to them',
    )
    .argument('<port>', 'the port; 0 picks a free one')
    .option('--host <address>', 'the address to listen at; 0.0.0.0 or :: for all', '127.0.0.1');
  addNegotiation(addIdentity(serving), versionChoices)
    .option('--name <names...>', 'more names for the certificate that is made without --cert')
    .option('--client-ca <file>', 'ask clients for a certificate, signed by one of these')
    .option('--require-client-cert', 'refuse clients without one')
    .option('--alpn <list>', 'application protocols, best first (default: http/1.1 with --http)')
    .option('--legacy', legacyText)
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
  addView(program, io, done);
  addCertCommands(program, io, done);
  addTrustCommands(program, io, done);
  addCaCommands(program, io, done);
  addEnroll(program, io, done);
  addRenew(program, io, done);
  return program;
}
