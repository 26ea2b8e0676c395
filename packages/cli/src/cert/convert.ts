/**
 * `handfast cert convert`: certificates and keys from any format to PEM, DER, PKCS#12 or PKCS#7. Keys become PKCS#8. What
 * the format cannot hold is an error, never left out in silence.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { encryptPrivateKey, toPem, writePkcs7, writePkcs12 } from '@handfast/x509';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import type { Format } from './choices.ts';
import { openContainers } from './contents.ts';
import { countText } from './layout.ts';
import { type Entry, type EntryOf, type KeyAccess, loadFiles, readableEntries, readPassword, whereOf } from './load.ts';
import { checkOutput, type OutputOptions, type Result, writeResult } from './output.ts';

export interface ConvertOptions extends OutputOptions {
  readonly to: Format;
  readonly key?: string;
  readonly encrypt?: boolean;
  readonly passwordFile?: string;
  readonly newPasswordFile?: string;
  readonly legacy?: boolean;
}

/** What is written, and how what is private in it is opened and closed. */
interface Job {
  readonly entries: readonly Entry[];
  readonly access: KeyAccess;
  /** For what is written; `undefined`: in the clear. */
  readonly newPassword: string | undefined;
}

export async function convert(files: readonly string[], options: ConvertOptions, io: Io): Promise<ExitCode> {
  const access = { password: readPassword(options.passwordFile), legacy: options.legacy };
  const paths = options.key === undefined ? files : [...files, options.key];
  const entries = await openContainers(readableEntries(await loadFiles('FILE', paths, io)), access);
  const encrypted = options.encrypt === true || options.to === 'p12';
  const newPassword = encrypted ? (readPassword(options.newPasswordFile) ?? access.password) : undefined;
  if (encrypted && newPassword === undefined) throw passwordWanted(options.to);
  checkOutput(entries.some(isSecret), options);
  writeResult(await writers[options.to]({ entries, access, newPassword }), options, io);
  return exitCodes.ok;
}

const writers: Readonly<Record<Format, (job: Job) => Promise<Result>>> = {
  pem: toPemFile,
  der: toDerFile,
  p12: toPkcs12File,
  p7b: toPkcs7File,
};

async function toPemFile(job: Job): Promise<Result> {
  const blocks: string[] = [];
  for (const entry of job.entries) {
    const { label, der } = await derOf(entry, job);
    blocks.push(toPem(label, der));
    if (isSecret(entry)) wipe(der);
  }
  return { bytes: new TextEncoder().encode(blocks.join('')), secret: job.entries.some(isSecret), binary: false };
}

async function toDerFile(job: Job): Promise<Result> {
  const [entry, second] = job.entries;
  if (entry === undefined || second !== undefined) {
    throw usageError(
      `DER holds one object, and here are ${countText(job.entries.length, 'object')}`,
      'p12 and p7b hold several; cert convert --to pem shows them one by one',
    );
  }
  return { bytes: (await derOf(entry, job)).der, secret: isSecret(entry), binary: true };
}

async function toPkcs12File({ entries, access, newPassword = '' }: Job): Promise<Result> {
  refuseOthers('PKCS #12', entries, ['certificate', 'privateKey']);
  const keys: { readonly pkcs8: Uint8Array }[] = [];
  try {
    for (const entry of entries) if (entry.kind === 'privateKey') keys.push({ pkcs8: await entry.open(access) });
    const certificates = entries.filter((entry): entry is EntryOf<'certificate'> => entry.kind === 'certificate');
    const bytes = await writePkcs12(nodeProvider, { keys, certificates }, newPassword);
    return { bytes, secret: keys.length > 0, binary: true };
  } finally {
    for (const { pkcs8 } of keys) wipe(pkcs8);
  }
}

async function toPkcs7File({ entries }: Job): Promise<Result> {
  refuseOthers('PKCS #7', entries, ['certificate', 'crl']);
  const certificates = entries.flatMap((entry) => (entry.kind === 'certificate' ? [entry.certificate] : []));
  const crls = entries.flatMap((entry) => (entry.kind === 'crl' ? [entry.crl.raw] : []));
  return { bytes: writePkcs7(certificates, crls), secret: false, binary: true };
}

function refuseOthers(format: string, entries: readonly Entry[], kinds: readonly Entry['kind'][]): void {
  const other = entries.find(({ kind }) => !kinds.includes(kind));
  if (other === undefined) return;
  throw usageError(
    `${whereOf(other)}: ${format} does not hold a thing of this kind (${other.kind})`,
    'pem holds them all',
  );
}

/** One object as it is written: keys as PKCS#8, in memory of their own. */
async function derOf(entry: Entry, job: Job): Promise<{ readonly label: string; readonly der: Uint8Array }> {
  switch (entry.kind) {
    case 'certificate':
      return { label: 'CERTIFICATE', der: entry.certificate.raw };
    case 'request':
      return { label: 'CERTIFICATE REQUEST', der: entry.request.raw };
    case 'crl':
      return { label: 'X509 CRL', der: entry.crl.raw };
    case 'publicKey':
      return { label: 'PUBLIC KEY', der: entry.spki };
    case 'privateKey':
      return privateDer(entry, job);
    default:
      throw usageError(`${whereOf(entry)} is nothing that is converted`);
  }
}

async function privateDer(
  entry: EntryOf<'privateKey'>,
  { access, newPassword }: Job,
): Promise<{ readonly label: string; readonly der: Uint8Array }> {
  const pkcs8 = await entry.open(access);
  if (newPassword === undefined) return { label: 'PRIVATE KEY', der: pkcs8 };
  try {
    return { label: 'ENCRYPTED PRIVATE KEY', der: await encryptPrivateKey(nodeProvider, pkcs8, newPassword) };
  } finally {
    wipe(pkcs8);
  }
}

function isSecret({ kind }: Entry): boolean {
  return kind === 'privateKey';
}

function passwordWanted(to: Format): Error {
  return usageError(
    to === 'p12' ? 'a PKCS #12 file needs a password' : '--encrypt needs a password',
    'write it into a file that only you can read, and name that with --new-password-file or --password-file',
  );
}
