/**
 * Whom we trust and who we are, from the options that `connect` and `serve` share.
 *
 * @module
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { getCACertificates, rootCertificates } from 'node:tls';
import { type Bytes, CryptoError, equalBytes, type LegacyCryptography, type LegacyKey, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Credential, quote } from '@handfast/tls';
import {
  type Certificate,
  CertificateError,
  parseCertificates,
  parsePrivateKey,
  type TrustStore,
  trustStore,
} from '@handfast/x509';
import { usageError } from './exit.ts';
import type { Io } from './io.ts';
import { parsingFile, readFileFor, reasonOf } from './options.ts';
import type { Report } from './report.ts';

/** The certificates of a PEM file, as anchors. */
export function trustFile(option: string, path: string): TrustStore {
  const text = readFileFor(option, path);
  return trustStore(parsingFile(option, path, () => parseCertificates(text)));
}

/** Whom this system trusts; where it says nothing, whom Node does. */
export function systemTrust(): TrustStore {
  // Node has had getCACertificates since 22.15.
  const system = typeof getCACertificates === 'function' ? getCACertificates('system') : [];
  // Systems keep many roots twice.
  return trustStore([...new Set(system.length > 0 ? system : rootCertificates)].flatMap(readable));
}

/** One root that is not as RFC 5280 wants it must not take the others' trust away. */
function readable(pem: string): readonly Certificate[] {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

/**
 * `--cert` and `--key`.
 * @param legacy makes the key's old half as well, where the key has one.
 */
export async function credentialFiles(
  cert: string | undefined,
  key: string | undefined,
  legacy?: LegacyCryptography,
): Promise<Credential | undefined> {
  if (cert === undefined) {
    if (key !== undefined) throw usageError('--key without --cert', 'the certificate of that key is needed as well');
    return undefined;
  }
  const certFile = readFileFor('--cert', cert);
  const chain = parsingFile('--cert', cert, () => parseCertificates(certFile));
  const [option, path] = key === undefined ? (['--cert', cert] as const) : (['--key', key] as const);
  const keyFile = key === undefined ? certFile : readFileFor('--key', key);
  const pkcs8 = parsingFile(option, path, () => parsePrivateKey(keyFile));
  const { signer, legacyKey } = await importKey(pkcs8, `${option} ${quote(path)}`, legacy);
  const spki = chain[0]?.publicKey.spki;
  if (spki === undefined || !equalBytes(spki, signer.publicKey.spki)) {
    throw usageError(
      `${option} ${quote(path)} is not the key of the first certificate in ${quote(cert)}`,
      'our own certificate stands first in its file',
    );
  }
  return { chain, signer, ...(legacyKey && { legacyKey }) };
}

async function importKey(
  pkcs8: Bytes,
  what: string,
  legacy: LegacyCryptography | undefined,
): Promise<Pick<Credential, 'signer' | 'legacyKey'>> {
  try {
    const signer = await nodeProvider.importPrivateKey(pkcs8);
    const legacyKey = await oldHalf(pkcs8, legacy);
    return { signer, ...(legacyKey && { legacyKey }) };
  } catch (error) {
    throw usageError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    wipe(pkcs8);
  }
}

/** Young kinds of key have no old ways. */
export async function oldHalf(pkcs8: Bytes, legacy: LegacyCryptography | undefined): Promise<LegacyKey | undefined> {
  try {
    return await legacy?.importPrivateKey(pkcs8);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'unsupported') return undefined;
    throw error;
  }
}

export interface KeyLog {
  readonly listener: (line: string) => void;
  close(): void;
}

/** `--keylog`, else SSLKEYLOGFILE, which this command honours and the library never does. */
export function openKeyLog(path: string | undefined, io: Io, report: Report): KeyLog | undefined {
  const fromEnvironment = io.env.SSLKEYLOGFILE;
  const file = path ?? (fromEnvironment === '' ? undefined : fromEnvironment);
  if (file === undefined) return undefined;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'a', 0o600);
  } catch (error) {
    const message = `the key log ${quote(file)} cannot be written: ${reasonOf(error)}`;
    if (path !== undefined) throw usageError(message);
    report.warning(message);
    return undefined;
  }
  return {
    listener: (line) => void writeSync(descriptor, `${line}\n`),
    close: () => closeSync(descriptor),
  };
}
