/**
 * A certificate and its key in files, read for a renewal and replaced after it.
 *
 * Readers never see one that does not fit the other. Where they are in two files the key stays as it is, and one rename puts the
 * new certificate, over the same key, in the old one's place. Where both are in one file the key is new each time, and one rename
 * puts both there.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Bytes, equalBytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, parseCertificates, parsePrivateKey, toPem } from '@handfast/x509';
import { syncFolder, writeNew } from '../ca/files.ts';
import { usageError } from '../exit.ts';
import { parsingFile, readFileFor, reasonOf } from '../options.ts';

export interface MaterialFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Material {
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly signer: Signer;
  /** For TLS; to be wiped. */
  readonly pkcs8: Bytes;
}

/** @throws CliError where one is missing, or the key is another's */
export async function readMaterial({ certificate, key }: MaterialFiles): Promise<Material> {
  const pem = readFileFor('the certificate', certificate);
  const [leaf, ...issuers] = parsingFile('the certificate', certificate, () => parseCertificates(pem));
  const keyPem = key === certificate ? pem : readFileFor('the key', key);
  const pkcs8 = parsingFile('the key', key, () => parsePrivateKey(keyPem));
  wipe(keyPem);
  const signer = await provider.importPrivateKey(pkcs8);
  if (leaf === undefined || !equalBytes(leaf.spki, signer.publicKey.spki)) {
    wipe(pkcs8);
    throw usageError(`${quote(key)} is not the key of ${quote(certificate)}`);
  }
  return { chain: [leaf, ...issuers], signer, pkcs8 };
}

/** Puts a chain, and with one file its key, in the place of what is there. */
export function replaceMaterial(files: MaterialFiles, chain: readonly Certificate[], pkcs8: Bytes): void {
  const certificates = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  const together = files.key === files.certificate;
  replace(files.certificate, together ? certificates + toPem('PRIVATE KEY', pkcs8) : certificates);
}

/**
 * That a new certificate can be put there, before the CA is asked for it: one that cannot be kept is of no use to anybody, and the CA
 * counts it. As much is written beside it, and taken away again.
 *
 * @throws CliError
 */
export function checkReplaceable({ certificate }: MaterialFiles): void {
  besides(
    certificate,
    (file) => ' '.repeat(2 * statSync(file).size),
    (aside) => rmSync(aside),
  );
}

/** The file that a link leads to; owner and rights stay. */
function replace(path: string, content: string): void {
  besides(
    path,
    () => content,
    (aside, file) => {
      renameSync(aside, file);
      syncFolder(dirname(file));
    },
  );
}

/** A file beside another, with its owner and rights, is written and then used: put in the other's place, or removed. */
function besides(path: string, contentFor: (file: string) => string, use: (aside: string, file: string) => void): void {
  let aside: string | undefined;
  try {
    const file = realpathSync(path);
    const { mode, uid, gid } = statSync(file);
    aside = `${file}.${randomBytes(6).toString('hex')}`;
    writeNew(aside, contentFor(file), 0o600);
    const own = statSync(aside);
    if (own.uid !== uid || own.gid !== gid) chownSync(aside, uid, gid);
    chmodSync(aside, mode & 0o777);
    use(aside, file);
  } catch (error) {
    if (aside !== undefined) removeQuietly(aside);
    throw usageError(`${quote(path)} cannot be replaced: ${reasonOf(error)}`, 'what was there is unchanged');
  }
}

/** What hindered the writing may hinder this too, and is what is told. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is told already.
  }
}
