/**
 * `handfast ca token` and `handfast ca eab`: their options. What they do is in `ca/`.
 *
 * @module
 */

import type { Command } from 'commander';
import { defaultPort } from '../ca/choices.ts';
import type { EabOptions } from '../ca/eab.ts';
import type { TokenListOptions, TokenOptions } from '../ca/token.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

type Done = (code: ExitCode) => void;

const urlHelp = `where the CA is reached (default: https://HOST:${defaultPort}, by its base URL)`;

export function addTokens(ca: Command, io: Io, done: Done): void {
  const tokens = ca
    .command('token')
    .description('make a token that gets one certificate by handfast enroll')
    .argument('[names...]', 'what it is for: host names and addresses; for a client who it is, and mailboxes')
    .option('--profile <profile>', 'of the certificate: server, client, or one of your own', 'server')
    .option('--ttl <time>', 'how long it is good: 30m, 1h, 7d', '1h')
    .option('--url <url>', urlHelp)
    .addHelpText(
      'after',
      `
The token is printed once, with the command that uses it; the CA keeps a hash of it.

Examples:
  handfast ca token db.corp.example 10.0.0.7
  handfast ca token alice alice@corp.example --profile client --ttl 1d`,
    )
    .action(async (names: readonly string[], options: TokenOptions) => {
      const { token } = await import('../ca/token.ts');
      done(await token(names, options, io));
    });
  // Options that `token` has as well are read by it, wherever they stand: its commands look there, too.
  tokens
    .command('list')
    .description('list tokens, newest first')
    .option('--limit <count>', 'so many at the most', '100')
    .addHelpText('after', '\nWith --json a line is a token.')
    .action(async (_: TokenListOptions, command: Command) => {
      const { listTokens } = await import('../ca/token.ts');
      done(await listTokens(command.optsWithGlobals(), io));
    });
  tokens
    .command('revoke')
    .description('take a token back that was not used')
    .argument('<id>', 'which, as list shows it')
    .action(async (id: string, _: TokenListOptions, command: Command) => {
      const { revokeToken } = await import('../ca/token.ts');
      done(await revokeToken(id, command.optsWithGlobals(), io));
    });
}

export function addEab(ca: Command, io: Io, done: Done): void {
  const eab = ca.command('eab').description('external account keys: who may make an ACME account');
  eab
    .command('create')
    .description('make one, and print what its owner types')
    .argument('[label]', 'whose it is')
    .option('--url <url>', urlHelp)
    .action(async (label: string | undefined, options: EabOptions) => {
      const { createEab } = await import('../ca/eab.ts');
      done(await createEab(label, options, io));
    });
  eab
    .command('list')
    .description('list them')
    .addHelpText('after', '\nWith --json a line is a key.')
    .action(async (options: EabOptions) => {
      const { listEab } = await import('../ca/eab.ts');
      done(await listEab(options, io));
    });
  eab
    .command('revoke')
    .description('take one back: it binds no new account')
    .argument('<id>', 'which, as list shows it')
    .action(async (id: string, options: EabOptions) => {
      const { revokeEab } = await import('../ca/eab.ts');
      done(await revokeEab(id, options, io));
    });
}
