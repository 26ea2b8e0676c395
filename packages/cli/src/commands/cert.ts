/**
 * `handfast cert`: its commands and their options. What each does is in `cert/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { ChainOptions } from '../cert/chain.ts';
import { formats, profiles, usages } from '../cert/choices.ts';
import type { ConvertOptions } from '../cert/convert.ts';
import type { MatchOptions } from '../cert/match.ts';
import type { ShowOptions } from '../cert/show.ts';
import type { VerifyOptions } from '../cert/verify.ts';
import { type ExitCode, exitCodesHelp } from '../exit.ts';
import type { Io } from '../io.ts';

const filesHelp = `
FILE may be PEM with any number of blocks and text between, or DER; - is stdin. What it holds is found by its content.
After an option that takes several files, further words are files of that option: FILE comes first.`;

/** Adds `cert` to the program. */
export function addCertCommands(program: Command, io: Io, done: (code: ExitCode) => void): void {
  const cert = program.command('cert').description('look at certificates and keys, verify, order, convert, match them');

  withCommon(cert.command('show'))
    .description('show certificates, requests, CRLs, OCSP messages, keys, PKCS #12 and PKCS #7')
    .argument('<files...>', 'what to look at')
    .option('--time <time>', 'when it is, by RFC 3339 (default: now)')
    .addHelpText('after', filesHelp)
    .action(async (files: readonly string[], options: ShowOptions) => {
      const { show } = await import('../cert/show.ts');
      done(await show(files, options, io));
    });

  withCommon(cert.command('verify'))
    .description('verify a certificate: print the path, or every path tried and why it fell')
    .argument('<file>', 'the certificate; further ones in the file are intermediates')
    .option('--ca <files...>', 'trust the certificates of these files alone (default: the system’s)')
    .option('--intermediates <files...>', 'certificates that may help to reach one that is trusted')
    .option('--name <name>', 'the host name or address that the certificate must be for')
    .option('--crl <files...>', 'CRLs: with them, or --ocsp, each certificate must be known not to be revoked')
    .option('--ocsp <files...>', 'OCSP responses')
    .option('--time <time>', 'verify as of then, by RFC 3339 (default: now)')
    .addOption(new Option('--usage <usage>', 'what the certificate must be for').choices(usages).default('serverAuth'))
    .addOption(
      new Option('--profile <profile>', 'refuse what breaks these rules of form, too').choices(Object.keys(profiles)),
    )
    .addHelpText(
      'after',
      `${filesHelp}
${exitCodesHelp}

Examples:
  handfast cert verify chain.pem --name example.com
  handfast cert verify server.pem --ca root.pem --intermediates issuing.pem --time 2027-01-01T00:00:00Z`,
    )
    .action(async (file: string, options: VerifyOptions) => {
      const { verify } = await import('../cert/verify.ts');
      done(await verify(file, options, io));
    });

  withCommon(cert.command('chain'))
    .description('put a bundle in order, leaf first, and say what is missing, superfluous or expired')
    .argument('<files...>', 'the certificates, in any order')
    .option('--ca <files...>', 'what is trusted (default: the system’s)')
    .option('--with-root', 'keep the root, which servers need not send')
    .option('--out <file>', 'write the PEM there (default: stdout)')
    .option('--time <time>', 'when it is, by RFC 3339 (default: now)')
    .addHelpText('after', `${filesHelp}\nExits with 1 if something is missing or expired.`)
    .action(async (files: readonly string[], options: ChainOptions) => {
      const { chain } = await import('../cert/chain.ts');
      done(await chain(files, options, io));
    });

  withPassword(cert.command('convert'))
    .description('convert certificates and keys between formats')
    .argument('<files...>', 'what to convert')
    .addOption(new Option('--to <format>', 'what to write').choices(formats).makeOptionMandatory())
    .option('--key <file>', 'a private key to put in')
    .option('--out <file>', 'write there (default: stdout); for its owner alone, where a key is in it')
    .option('--force', 'replace a file, though a private key goes into it')
    .option('--encrypt', 'private keys under a password; always so in PKCS #12')
    .option('--new-password-file <file>', 'the password for what is written (default: that of --password-file)')
    .addHelpText(
      'after',
      `${filesHelp}

Examples:
  handfast cert convert chain.pem --key key.pem --to p12 --new-password-file password --out server.p12
  handfast cert convert server.p12 --password-file password --to pem --out server.pem`,
    )
    .action(async (files: readonly string[], options: ConvertOptions) => {
      const { convert } = await import('../cert/convert.ts');
      done(await convert(files, options, io));
    });

  withCommon(cert.command('match'))
    .description('say whether a key belongs to a certificate or a request')
    .argument('<cert>', 'a certificate or a request')
    .argument('<key>', 'a key; or another certificate or request')
    .addHelpText('after', `${filesHelp}\nExits with 1 if they do not belong together.`)
    .action(async (certificate: string, key: string, options: MatchOptions) => {
      const { match } = await import('../cert/match.ts');
      done(await match(certificate, key, options, io));
    });
}

/** A password is never an argument, which every process can read, and never in the environment. */
function withPassword(command: Command): Command {
  return command
    .option('--password-file <file>', 'a file whose first line is the password of what is encrypted')
    .option('--legacy', 'read what is encrypted by RC2, DES and 3DES, which are out of use');
}

function withCommon(command: Command): Command {
  return withPassword(command)
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colours; so does NO_COLOR');
}
