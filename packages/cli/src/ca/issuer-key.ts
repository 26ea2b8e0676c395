/**
 * The issuing key under a passphrase: opened when it first signs, so that who only looks at records is not asked.
 *
 * The passphrase is read from a file, from systemd's credentials (`LoadCredential=handfast-key-passphrase:…`), or from the terminal;
 * never from an argument or the environment.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, type PublicKeyInfo, type SignatureAlgorithm, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { CertificateError, decryptPrivateKey } from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { askPassphrase, passphraseFile } from './passphrase.ts';

export interface KeyOptions {
  /** A file whose first line is the passphrase of the issuing key. */
  readonly keyPassphraseFile?: string;
}

export const passphraseOption = '--key-passphrase-file';
/** Of systemd.exec(5). */
export const credentialName = 'handfast-key-passphrase';

/** Several keys of a CA have one. @param again the one before did not open the key */
export type Passphrase = (again?: boolean) => Promise<string>;

/** Where the passphrase comes from, when it is needed. People are asked once. */
export function keyPassphrase({ keyPassphraseFile }: KeyOptions, io: Io): Passphrase {
  let typed: Promise<string> | undefined;
  return async (again) => {
    if (keyPassphraseFile !== undefined) return passphraseFile(passphraseOption, keyPassphraseFile);
    const credential = credentialPassphrase(io);
    if (credential !== undefined) return credential;
    if (again === true) typed = undefined;
    typed ??= askPassphrase('Passphrase of the CA’s issuing key: ', io, passphraseOption);
    return await typed;
  };
}

/** What systemd has handed on, where it has. */
export function credentialPassphrase({ env: { CREDENTIALS_DIRECTORY: credentials } }: Io): string | undefined {
  const credential = credentials === undefined ? undefined : join(credentials, credentialName);
  return credential !== undefined && existsSync(credential) ? passphraseFile('the credential', credential) : undefined;
}

export function isEncrypted(pem: Uint8Array): boolean {
  return Buffer.from(pem.buffer, pem.byteOffset, pem.length).includes('ENCRYPTED PRIVATE KEY-----');
}

/**
 * Signs once it has been opened.
 *
 * @param file for messages
 */
export function lockedSigner(publicKey: PublicKeyInfo, file: string, pem: Uint8Array, passphrase: Passphrase): Signer {
  const algorithms = algorithmsOf.get(publicKey.type);
  if (algorithms === undefined) throw usageError(`${quote(file)}: keys of this kind cannot be under a passphrase`);
  let opening: Promise<Signer> | undefined;
  let failed = false;
  const open = async (): Promise<Signer> => {
    const pkcs8 = await decrypted(pem, await passphrase(failed), file);
    try {
      const signer = await provider.importPrivateKey(pkcs8);
      if (equalBytes(signer.publicKey.spki, publicKey.spki)) return signer;
    } finally {
      wipe(pkcs8);
    }
    throw usageError(`the CA’s file ${quote(file)} is not the key of its certificate`, 'restore both from a backup');
  };
  return {
    publicKey,
    algorithms,
    async sign(algorithm, data) {
      opening ??= open();
      try {
        return await (await opening).sign(algorithm, data);
      } catch (error) {
        opening = undefined;
        failed = true;
        throw error;
      }
    },
  };
}

export async function decrypted(pem: Uint8Array, passphrase: string, file: string): Promise<Uint8Array> {
  try {
    return await decryptPrivateKey(provider, pem, passphrase);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw usageError(`the CA’s file ${quote(file)} does not open: ${error.message}`, 'is that its passphrase?');
  }
}

/** What keys of a kind sign with, before they are at hand. */
export const algorithmsOf: ReadonlyMap<string, readonly SignatureAlgorithm[]> = new Map<
  string,
  readonly SignatureAlgorithm[]
>([
  ['secp256r1', ['ecdsa-sha256']],
  ['secp384r1', ['ecdsa-sha384']],
  ['secp521r1', ['ecdsa-sha512']],
  ['ed25519', ['ed25519']],
  ['rsa', ['rsa-pkcs1-sha256', 'rsa-pkcs1-sha384', 'rsa-pkcs1-sha512']],
]);
