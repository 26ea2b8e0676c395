/**
 * `handfast ca rotate` and `ca import`: their options. What each does is in `ca/`.
 *
 * @module
 */

import type { Command } from 'commander';
import type { FolderOptions } from '../ca/folder.ts';
import type { ImportOptions } from '../ca/import.ts';
import type { OutputChoice } from '../ca/output.ts';
import type { RotateIntermediateOptions } from '../ca/rotate.ts';
import type { RotateRootOptions } from '../ca/rotate-root.ts';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

type Done = (code: ExitCode) => void;

/** Where a key is that does not lie in the folder. */
export function addSigner(command: Command): Command {
  return command
    .option('--signer <module>', 'the issuing key is elsewhere: a module, ./kms.js, or a pkcs11: URI')
    .option('--signer-setting <settings...>', 'NAME=VALUE, for that module');
}

/** Names that the next CA is confined to. */
function addNames(command: Command): Command {
  return command
    .option('--name <names...>', 'further names that it is good for, beside those that there are')
    .option('--confine-to <names...>', 'these names, in place of those that there are')
    .option('--unconstrained', 'confine it to no names: dangerous');
}

export function addRotation(ca: Command, io: Io, done: Done): void {
  const rotate = ca
    .command('rotate')
    .description('replace the intermediate or the root; what is left of the old ones')
    .addHelpText(
      'after',
      `
The old ones go on for as long as certificates need them: without a command this says for how long.

Examples:
  handfast ca rotate intermediate --root-key /media/stick/root-key.pem
  handfast ca rotate
  handfast ca rotate clean`,
    );

  rotate
    .command('status', { isDefault: true })
    .description('say what issues, what is needed still, and until when')
    .action(async (options: FolderOptions & OutputChoice) => {
      const { rotationStatus } = await import('../ca/rotate.ts');
      done(await rotationStatus(options, io));
    });

  addSigner(
    addNames(
      rotate
        .command('intermediate')
        .description('have the root sign another intermediate, which issues from now on')
        .option('--root-key <file>', 'the root’s key, as handfast ca init wrote it')
        .option('--passphrase-file <file>', 'a file whose first line is its passphrase (default: asked for)')
        .option('--csr', 'make a request instead, for a root whose key is elsewhere'),
    ),
  )
    .option('--no-signer', 'make the new key in the folder, where the old one is elsewhere')
    .addHelpText(
      'after',
      `
The old one signs its lists and OCSP answers until the last of its certificates has ended.
handfast ca serve takes the new one up by itself.
It is good for the names of the one before, unless told otherwise, and never for more than its root.

Examples:
  handfast ca rotate intermediate --root-key /media/stick/root-key.pem
  handfast ca rotate intermediate --csr
  handfast ca rotate intermediate --root-key root-key.pem --signer ./kms.js --signer-setting key=issuing-2`,
    )
    .action(async (options: RotateIntermediateOptions) => {
      const { rotateIntermediate } = await import('../ca/rotate.ts');
      done(await rotateIntermediate(options, io));
    });

  addNames(rotate.command('root').description('make another root, which the old one certifies'))
    .option('--root-key <file>', 'the old root’s key')
    .option('--passphrase-file <file>', 'a file whose first line is its passphrase (default: asked for)')
    .requiredOption('--new-root-key <file>', 'where the new root’s key is written: outside of the CA’s folder')
    .option(
      '--new-passphrase-file <file>',
      'a file whose first line is the passphrase of that key (default: asked for)',
    )
    .option('--no-passphrase', 'leave the new key unencrypted')
    .addHelpText(
      'after',
      `
Who trusts the old root alone, and who trusts the new one alone, both verify what is issued from now on.
Have machines trust the new one (handfast ca trust install); handfast ca rotate says when nobody needs the old one.
Root and intermediate are good for the names of those before, unless told otherwise. New names are valid for
machines that trust the new root, and for no others; "allow" in config.json says which of them are issued.

Examples:
  handfast ca rotate root --root-key /media/old/root-key.pem --new-root-key /media/new/root-key.pem
  handfast ca rotate root --root-key old.pem --new-root-key new.pem --name corp2.example 192.0.2.0/24`,
    )
    .action(async (options: RotateRootOptions) => {
      const { rotateRoot } = await import('../ca/rotate-root.ts');
      done(await rotateRoot(options, io));
    });

  rotate
    .command('clean')
    .description('remove keys of issuers, and the old root, that nothing needs any more')
    .action(async (options: FolderOptions & OutputChoice) => {
      const { cleanUp } = await import('../ca/rotate-clean.ts');
      done(await cleanUp(options, io));
    });

  ca.command('import')
    .description('take the certificate that was signed elsewhere for the CA’s request; or a root’s list')
    .argument('[chain]', 'PEM: the certificate, what stands above it, and the root, in any order')
    .option('--crl <file>', 'the root’s list of what it has revoked')
    .addHelpText(
      'after',
      `
The certificate is checked: key, extensions, names that it may issue for, the path to its root.

Examples:
  handfast ca import chain.pem --crl root.crl
  handfast ca import --crl root.crl`,
    )
    .action(async (chain: string | undefined, options: ImportOptions) => {
      const { importChain } = await import('../ca/import.ts');
      done(await importChain(chain, options, io));
    });
}
