/**
 * `handfast ca rotate`: another intermediate beside the old one, which goes on to sign its lists until the last of its certificates has
 * ended; what rotations have left behind, and what of that may go.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, fingerprintOf, toPem } from '@handfast/x509';
import { type Field, timeText, whenText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import { checkChains } from './chains.ts';
import type { CaConfig } from './config.ts';
import { type CaFolder, caDirectory, type FolderOptions, readFolder } from './folder.ts';
import { type Making, makeIntermediate } from './hierarchy.ts';
import { keyPassphrase } from './issuer-key.ts';
import { nextIssuingKey, putKey, type SignerOptions } from './issuing-key.ts';
import { inWords, type OpenCa, withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { changeFolder } from './pending.ts';
import { rootKeyFile, withRootKey } from './root-key.ts';
import {
  type Confinement,
  confinementAfter,
  type NameOptions,
  namesFields,
  namesJson,
  refuseBeyond,
  rotateRootFirst,
  warnOfNames,
} from './rotate-names.ts';
import { type Leftovers, leftoversOf, noteRotation, retire, waitingRequest } from './rotation.ts';
import { certificatesOf } from './stored-issuers.ts';
import { askForCertificate } from './waiting.ts';

export interface RotateIntermediateOptions extends FolderOptions, OutputChoice, SignerOptions, NameOptions {
  readonly rootKey?: string;
  readonly passphraseFile?: string;
  /** A request for a root's key that is elsewhere. */
  readonly csr?: boolean;
}

export async function rotateIntermediate(options: RotateIntermediateOptions, io: Io): Promise<ExitCode> {
  const { rootKey, passphraseFile, csr = false } = options;
  const how = '--root-key FILE signs it here; --csr makes a request for a root whose key is elsewhere';
  if (csr && rootKey !== undefined) throw usageError('--csr and --root-key contradict each other', how);
  const directory = caDirectory(options, io);
  await inWords(directory, async () => {
    const folder = await readFolder(directory);
    if (!csr && rootKey === undefined) throw usageError('who is to sign the new intermediate?', hintFor(folder, how));
    if (rootKey === undefined) return await askForCertificate(folder, options, io);
    await signHere(folder, { ...options, rootKey, ...(passphraseFile !== undefined && { passphraseFile }) }, io);
  });
  return exitCodes.ok;
}

/** For who has named no root's key: it may be that there is none. */
export function hintFor({ config, paths }: CaFolder, how: string): string {
  return config.kind === 'development'
    ? `handfast ca init --dev has thrown the root’s key away, unless it was given --root-key: without it make another CA, once ${quote(paths.folder)} is removed. With it, ${how}`
    : how;
}

async function signHere(
  folder: CaFolder,
  options: RotateIntermediateOptions & { readonly rootKey: string },
  io: Io,
): Promise<void> {
  const { paths, config, issuers, version } = folder;
  const confinement = confinementAfter(issuers.current.certificate, options, config);
  refuseBeyond(issuers.root, confinement, rotateRootFirst);
  const making: Making = {
    config,
    limits: confinement.limits,
    now: new Date(),
    others: certificatesOf(issuers),
  };
  const key = await nextIssuingKey(folder, options, keyPassphrase(options, io));
  const certificate = await withRootKey(rootKeyFile(options), [issuers.root], io, (root) =>
    makeIntermediate(making, root, key.signer.publicKey),
  ).finally(() => key.close());
  await checkChains(certificate, issuers);
  const { files, removed } = putKey(config, key.kept);
  const pem = toPem('CERTIFICATE', certificate.raw);
  changeFolder(
    paths.folder,
    [...retire(issuers.current), ...files, { path: 'intermediate.pem', content: pem, mode: 0o644 }],
    removed,
    version,
  );
  warnOfNames(certificate, confinement, new Report(io, options));
  await tellRotated(issuers.current.certificate, confinement, options, io);
}

/** When the files are in their places: puts it down, and tells. */
export async function tellRotated(
  before: Certificate,
  confinement: Confinement | undefined,
  options: FolderOptions & OutputChoice,
  io: Io,
): Promise<void> {
  const report = new Report(io, options);
  await withCa(options, io, async (ca) => {
    const { authority, intermediate, config } = ca;
    const note = `${intermediate.subject.toString()} in the place of ${before.subject.toString()}`;
    await noteRotation(ca, 'rotate intermediate', authority.issuerId, note);
    const { retired } = await leftoversOf(ca);
    const old = retired.find(({ certificate }) => certificate.subject.toString() === before.subject.toString());
    const [, previousRoot] = ca.roots;
    for (const { name, issuer } of config.profiles ?? []) {
      if (issuer === undefined || issuer === authority.issuerId) continue;
      report.warning(`the profile ${quote(name)} names an issuer of its own, and keeps it: "issuer" in config.json`);
    }
    print(
      {
        issuer: issuerJson(ca),
        before:
          old === undefined ? null : { id: old.id, neededUntil: old.neededUntil ? timeText(old.neededUntil) : null },
        ...(confinement !== undefined && namesJson(confinement, previousRoot)),
      },
      {
        heading: 'A new intermediate issues',
        fields: [
          ['Issuer', [intermediate.subject.toString(), `until ${timeText(intermediate.notAfter)}`]],
          ...(confinement === undefined ? [] : namesFields(confinement, previousRoot, config)),
          ['Before', [before.subject.toString(), `signs its lists until ${endText(old?.neededUntil)}`]],
          ['Servers', serversText(config)],
        ],
      },
      options,
      io,
    );
  });
}

export function serversText({ database }: Pick<CaConfig, 'database'>): readonly string[] {
  return [
    'handfast ca serve takes it up within a minute, or at SIGHUP at once',
    ...(database === undefined ? [] : ['further servers need a copy of the folder']),
  ];
}

function endText(end: Date | undefined): string {
  return end === undefined ? 'it may be removed: it has issued nothing' : `its last certificate ends, ${timeText(end)}`;
}

function issuerJson({ authority, intermediate }: OpenCa): object {
  return { id: authority.issuerId, name: intermediate.subject.toString(), notAfter: timeText(intermediate.notAfter) };
}

/** What there is, and what of it may go. */
export async function rotationStatus(options: FolderOptions & OutputChoice, io: Io): Promise<ExitCode> {
  await withCa(options, io, async (ca) => {
    const left = await leftoversOf(ca);
    const request = waitingRequest(ca.paths);
    const now = new Date();
    const { intermediate, root } = ca;
    print(
      {
        issuer: issuerJson(ca),
        root: rootJson(root),
        ...leftoversJson(left),
        waiting: request ?? null,
      },
      {
        heading: ca.config.title,
        fields: [
          ['Issuer', [intermediate.subject.toString(), `until ${timeText(intermediate.notAfter)}`]],
          ['Root', [root.subject.toString(), `until ${timeText(root.notAfter)}`]],
          ...leftoverFields(left, now),
          ...(request === undefined
            ? []
            : [['Waiting', [request, 'handfast ca import CHAIN.pem takes what comes of it']] as const]),
        ],
      },
      options,
      io,
    );
  });
  return exitCodes.ok;
}

export function rootJson(root: Certificate): object {
  return { name: root.subject.toString(), sha256: fingerprintOf(provider, root), notAfter: timeText(root.notAfter) };
}

function leftoversJson({ retired, previousRoot }: Leftovers): object {
  const json = ({
    certificate,
    neededUntil,
    needed,
  }: Leftovers['retired'][number] | NonNullable<Leftovers['previousRoot']>) => ({
    name: certificate.subject.toString(),
    neededUntil: neededUntil === undefined ? null : timeText(neededUntil),
    needed,
  });
  return {
    previousRoot: previousRoot === undefined ? null : { ...rootJson(previousRoot.certificate), ...json(previousRoot) },
    retired: retired.map((one) => ({ id: one.id, ...json(one) })),
  };
}

function leftoverFields({ retired, previousRoot }: Leftovers, now: Date): readonly Field[] {
  const all = [
    ...(previousRoot === undefined ? [] : [{ what: 'Old root', ...previousRoot }]),
    ...retired.map((one) => ({ what: 'Retired', ...one })),
  ];
  return all.map(({ what, certificate, neededUntil, needed }): Field => {
    const until = neededUntil === undefined ? '' : ` ${timeText(neededUntil)}, ${whenText(neededUntil, now)}`;
    return [
      what,
      [
        certificate.subject.toString(),
        needed ? `needed until${until}` : 'no longer needed: handfast ca rotate clean removes it',
      ],
    ];
  });
}
