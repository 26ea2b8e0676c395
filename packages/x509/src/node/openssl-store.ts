/**
 * OpenSSL's own store (X509_STORE_set_default_paths(3)), which Node takes in place of its bundled roots where it is told to
 * by `--use-openssl-ca`, or was built to: a file, and directories in which certificates are found by the hash of their
 * subjects.
 *
 * @module
 */

import { delimiter } from 'node:path';
import { CertificateError } from '../errors.ts';
import type { TrustInput } from '../trust.ts';
import { inputOfFile, inputsOfDirectory, isHashName } from './files.ts';

/** OPENSSLDIR of Node's OpenSSL, as nodejs.org and most distributions build it. */
const opensslFolder = process.platform === 'win32' ? 'C:\\Program Files\\Common Files\\SSL' : '/etc/ssl';

/** Whether Node verifies by that store. */
export function usesOpensslStore(): boolean {
  const flags = [...(process.env.NODE_OPTIONS ?? '').split(/[\s"]+/), ...process.execArgv].map((flag) =>
    flag.replaceAll('_', '-'),
  );
  // Node refuses to start with both.
  if (flags.includes('--use-openssl-ca')) return true;
  const built: unknown = process.config.target_defaults?.defines;
  return Array.isArray(built) && built.includes('NODE_OPENSSL_CERT_STORE') && !flags.includes('--use-bundled-ca');
}

/** All that is in it now; what is not there, or cannot be read, is passed by in silence, as OpenSSL does. */
export function opensslInputs(): readonly TrustInput[] {
  const file = process.env.SSL_CERT_FILE ?? `${opensslFolder}/cert.pem`;
  const folders = process.env.SSL_CERT_DIR ?? `${opensslFolder}/certs`;
  return [
    ...unlessUnusable(() => [inputOfFile(file)]),
    ...folders
      .split(delimiter)
      .filter((path) => path !== '')
      .flatMap((path) => unlessUnusable(() => inputsOfDirectory(path, isHashName).inputs)),
  ];
}

function unlessUnusable(read: () => readonly TrustInput[]): readonly TrustInput[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
