/**
 * `handfast ca rotate root`: another root, and the same intermediate below it.
 *
 * The new root has a certificate by the old one, so that one chain serves all: leaf, intermediate, the new root by the old. Who trusts
 * the new root alone stops there; who trusts the old one alone goes on to that. The old root gets none by the new one: no server would
 * send it, and whoever gets at the old key some day would have a CA below the new root.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, type Crl, fingerprintOf, toPem } from '@handfast/x509';
import { digestLines } from '../cert/keys.ts';
import { timeText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import { checkChains } from './chains.ts';
import { type CaFolder, caDirectory, type FolderOptions, readFolder } from './folder.ts';
import { type CaSigner, crossSign, type Making, makeIntermediate, makeRoot, makeRootCrl } from './hierarchy.ts';
import { inWords, operator, withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { changeFolder } from './pending.ts';
import { type NewKey, newKeyAt, rootKeyFile, withRootKey, withWrittenKey } from './root-key.ts';
import { hintFor, serversText } from './rotate.ts';
import {
  type Confinement,
  confinementAfter,
  crossLimits,
  type NameOptions,
  namesFields,
  namesJson,
  warnOfNames,
} from './rotate-names.ts';
import { leftoversOf, noteRotation } from './rotation.ts';
import { certificatesOf } from './stored-issuers.ts';

export interface RotateRootOptions extends FolderOptions, OutputChoice, NameOptions {
  readonly rootKey?: string;
  readonly passphraseFile?: string;
  readonly newRootKey: string;
  readonly newPassphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase: boolean;
}

/** What the certificates of a rotation are confined to. */
interface Confinements {
  readonly root: Confinement;
  readonly cross: Confinement['limits'];
  readonly intermediate: Confinement;
}

interface Made {
  readonly root: Certificate;
  readonly cross: Certificate;
  readonly intermediate: Certificate;
  readonly rootCrl: Crl;
}

export async function rotateRoot(options: RotateRootOptions, io: Io): Promise<ExitCode> {
  const directory = caDirectory(options, io);
  await inWords(directory, async () => {
    const folder = await readFolder(directory);
    const { rootKey, passphraseFile } = options;
    if (rootKey === undefined) {
      throw usageError('who is to certify the new root?', hintFor(folder, '--root-key FILE is the old root’s key'));
    }
    refuseUnfit(folder);
    const confinements = confinementsOf(folder, options);
    const key = await newKeyAt(directory, newKeyFile(options), io);
    const report = new Report(io, options);
    if (key.passphrase === undefined) {
      report.warning(`the new root’s key is not encrypted: whoever reads ${key.file} is the CA`);
    }
    const { root } = folder.issuers;
    const from = rootKeyFile({ rootKey, ...(passphraseFile !== undefined && { passphraseFile }) });
    const made = await withRootKey(from, [root], io, (old) => makeAll(folder, old, key, confinements));
    warnOfNames(made.root, confinements.root, report);
    await tell(made, { key, old: root, confinement: confinements.root }, options, io);
  });
  return exitCodes.ok;
}

function newKeyFile({ newRootKey: file, newPassphraseFile: passphraseFile, passphrase: encrypted }: RotateRootOptions) {
  const [option, passphraseOption] = ['--new-root-key', '--new-passphrase-file'];
  return { option, file, passphraseOption, passphraseFile, encrypted };
}

function refuseUnfit({ issuers: { root, previousRoot, between } }: CaFolder): void {
  if (previousRoot !== undefined) {
    throw usageError(
      'two roots are in use already: this one, and the one before',
      'handfast ca rotate says when nobody needs the old one; then handfast ca rotate clean removes it',
    );
  }
  if (between.length > 0) {
    throw usageError(
      'the intermediate is not signed by the root itself, but by a CA between them',
      'whoever runs that CA rotates its root; handfast ca rotate intermediate --csr has a certificate signed by it',
    );
  }
  const room = root.basicConstraints?.pathLength ?? 2;
  if (room >= 2) return;
  throw usageError(
    `the root’s path length of ${room} leaves no room for another root below it`,
    'handfast ca init makes another CA; machines that trust its root, too, verify both',
  );
}

function confinementsOf({ config, issuers }: CaFolder, options: NameOptions): Confinements {
  const root = confinementAfter(issuers.root, options, config);
  const intermediate = confinementAfter(issuers.current.certificate, options, config);
  return { root, cross: crossLimits(issuers.root, root), intermediate };
}

/** The key is on the disk before anything is signed with it, and is taken back where nothing comes of it. */
async function makeAll(
  { paths, config, issuers, version }: CaFolder,
  old: CaSigner,
  key: NewKey,
  confinements: Confinements,
): Promise<Made> {
  const pair = await provider.generateKeyPair('secp256r1');
  const { current } = issuers;
  const making: Making = {
    config,
    limits: confinements.root.limits,
    now: new Date(),
    others: certificatesOf(issuers),
  };
  try {
    return await withWrittenKey('--new-root-key', key, pair.pkcs8, async () => {
      const root = await makeRoot(making, pair.signer);
      const byNew = { certificate: root, signer: pair.signer };
      const cross = await crossSign({ config, limits: confinements.cross }, old, root);
      const { certificate: before } = current;
      const again = { ...making, limits: confinements.intermediate.limits };
      const intermediate = await makeIntermediate(again, byNew, before.publicKey, before.subject);
      await checkChains(intermediate, { root, previousRoot: old.certificate, between: [cross] });
      const rootCrl = await makeRootCrl(byNew, 1n, making.now);
      const file = (path: string, { raw }: Certificate) =>
        ({ path, content: toPem('CERTIFICATE', raw), mode: 0o644 }) as const;
      const files = [
        file('root.pem', root),
        file('previous-root.pem', old.certificate),
        file('between.pem', cross),
        file('intermediate.pem', intermediate),
      ];
      changeFolder(paths.folder, files, [], version);
      return { root, cross, intermediate, rootCrl };
    });
  } finally {
    wipe(pair.pkcs8);
  }
}

interface Told {
  readonly key: NewKey;
  readonly old: Certificate;
  readonly confinement: Confinement;
}

async function tell(
  { root, rootCrl }: Made,
  { key, old, confinement }: Told,
  options: RotateRootOptions,
  io: Io,
): Promise<void> {
  await withCa(options, io, async (ca) => {
    const sha256 = fingerprintOf(provider, root);
    await ca.authority.importCrl({ crl: rootCrl.raw, by: operator() });
    await noteRotation(ca, 'rotate root', sha256, root.subject.toString());
    const { previousRoot } = await leftoversOf(ca);
    const until = previousRoot?.neededUntil;
    print(
      {
        root: { file: ca.paths.root, name: root.subject.toString(), notAfter: timeText(root.notAfter), sha256 },
        rootKey: key.file,
        previousRoot: { file: ca.paths.previousRoot, neededUntil: until === undefined ? null : timeText(until) },
        chain: ca.config.chain ?? 'old',
        ...namesJson(confinement, old),
      },
      {
        heading: 'A new root stands beside the old one',
        fields: [
          ['Root', [ca.paths.root, root.subject.toString(), `until ${timeText(root.notAfter)}`]],
          ['SHA-256', digestLines(root.raw)],
          ...namesFields(confinement, old, ca.config),
          ['Its key', `${key.file}${key.passphrase === undefined ? '' : ', encrypted'}: take it off this machine`],
          [
            'Old root',
            [
              ca.paths.previousRoot,
              until === undefined ? 'no certificate needs it' : `certificates need it until ${timeText(until)}`,
            ],
          ],
          ['Machines', 'handfast ca trust install has them trust both'],
          ['Servers', serversText(ca.config)],
        ],
      },
      options,
      io,
    );
  });
}
