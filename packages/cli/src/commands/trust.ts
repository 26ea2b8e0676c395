/**
 * `handfast trust`: its commands and their options. What each does is in `trust/`.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { trustFormats } from '../trust/choices.ts';
import type { ExportOptions } from '../trust/export.ts';
import type { ListOptions } from '../trust/list.ts';

const sourcesHelp = `
SOURCE is a file of any format (- is stdin), or a folder of certificates. What is in several sources is there once. With
--subject and --fingerprint, each of which may take several, whoever fits one of them is taken; one that fits nobody is
an error. After an option that takes several, further words are that option's: SOURCE comes first.`;

/** Adds `trust` to the program. */
export function addTrustCommands(program: Command, io: Io, done: (code: ExitCode) => void): void {
  const trust = program.command('trust').description('look at lists of trusted certificates, and take some along');

  withSources(trust.command('export'))
    .description('write trusted certificates as a module for a bundle, as PEM, PKCS #7, DER or JSON')
    .addOption(
      new Option('--format <format>', 'what to write (default: by the ending of --out, else pem)').choices(
        trustFormats,
      ),
    )
    .option('--out <file>', 'write there (default: stdout); a module named .ts has types')
    .addHelpText(
      'after',
      `${sourcesHelp}

A module has a constant for each certificate, so that a bundler leaves out what is not imported; all of them, roots; and
edition, which says when they were taken and from where. It imports nothing:
  import { roots } from './roots.js';
  const trust = trustStore(roots);

Dates and names by which a store trusts a root only in part are not exported: neither PEM nor Node has them.

Examples:
  handfast trust export root.pem --out roots.ts
  handfast trust export --mozilla --subject ISRG 'GTS Root' --out roots.js
  handfast trust export --system --out roots.pem`,
    )
    .action(async (sources: readonly string[], options: ExportOptions) => {
      const { exportTrust } = await import('../trust/export.ts');
      done(await exportTrust(sources, options, io));
    });

  withSources(trust.command('list'))
    .description('list trusted certificates: SHA-256 fingerprint, end, subject')
    .option('--json', 'print JSON lines')
    .option('--no-color', 'print without colours; so does NO_COLOR')
    .addHelpText('after', `${sourcesHelp}\n\nExample:\n  handfast trust list --mozilla | grep ISRG`)
    .action(async (sources: readonly string[], options: ListOptions) => {
      const { listTrust } = await import('../trust/list.ts');
      done(await listTrust(sources, options, io));
    });
}

function withSources(command: Command): Command {
  return command
    .argument('[sources...]', 'where they are')
    .option('--system', 'from the system’s store')
    .option('--mozilla', 'from Mozilla’s roots, as they come with handfast')
    .option('--subject <text...>', 'only those with this in their subject, in any case')
    .option('--fingerprint <sha256...>', 'only those with this SHA-256 fingerprint');
}
