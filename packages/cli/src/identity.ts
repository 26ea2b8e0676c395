/**
 * Whom we trust, who we are, and what we may negotiate, from the options that `connect` and `serve` share.
 *
 * @module
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { getCACertificates, rootCertificates } from 'node:tls';
import { type Bytes, equalBytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type CipherSuite,
  type Credential,
  cipherSuites,
  defaultCipherSuites12,
  namedGroups,
  quote,
  signatureSchemes,
} from '@handfast/tls';
import type { SecureContextOptions, SecureVersion } from '@handfast/tls/node';
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
import { parseNames, parsingFile, readFileFor, reasonOf } from './options.ts';
import type { Report } from './report.ts';

export interface NegotiationOptions {
  readonly groups?: string;
  readonly ciphers?: string;
  readonly signatureSchemes?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
}

/** `--groups`, `--ciphers` and `--signature-schemes` as rows; `--min-version` and `--max-version` as Node names them. */
export function negotiation(
  options: NegotiationOptions,
): Pick<SecureContextOptions, 'groups' | 'cipherSuites' | 'signatureSchemes' | 'minVersion' | 'maxVersion'> {
  const { groups, ciphers, signatureSchemes: schemes, minVersion, maxVersion } = options;
  return {
    ...(groups === undefined ? {} : { groups: parseNames('group', groups, namedGroups) }),
    ...(ciphers === undefined ? {} : { cipherSuites: parseNames('cipher suite', ciphers, knownSuites) }),
    ...(schemes === undefined ? {} : { signatureSchemes: parseNames('signature scheme', schemes, signatureSchemes) }),
    ...(minVersion === undefined ? {} : { minVersion: versionNamed(minVersion) }),
    ...(maxVersion === undefined ? {} : { maxVersion: versionNamed(maxVersion) }),
  };
}

const knownSuites: readonly CipherSuite[] = [...cipherSuites, ...defaultCipherSuites12];

/** What `--min-version` and `--max-version` take. */
export const versionChoices = ['1.2', '1.3'] as const;

function versionNamed(text: string): SecureVersion {
  return text === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
}

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

/** `--cert` and `--key`. */
export async function credentialFiles(
  cert: string | undefined,
  key: string | undefined,
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
  const signer = await importKey(pkcs8, `${option} ${quote(path)}`);
  const spki = chain[0]?.publicKey.spki;
  if (spki === undefined || !equalBytes(spki, signer.publicKey.spki)) {
    throw usageError(
      `${option} ${quote(path)} is not the key of the first certificate in ${quote(cert)}`,
      'our own certificate stands first in its file',
    );
  }
  return { chain, signer };
}

async function importKey(pkcs8: Bytes, what: string): Promise<Signer> {
  try {
    return await nodeProvider.importPrivateKey(pkcs8);
  } catch (error) {
    throw usageError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    wipe(pkcs8);
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
