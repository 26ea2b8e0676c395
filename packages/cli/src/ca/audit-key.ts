/**
 * The audit key: it signs checkpoints of the audit log and nothing else, so that who issues by the CA's own key, or writes to its
 * database, cannot make the log anew. Its public half is to be kept elsewhere, with the checkpoints.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { type PublicKeyInfo, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { parseCertificate, parsePem, parsePrivateKey, parsePublicKey, toPem } from '@handfast/x509';
import { usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { writeNew } from './files.ts';
import type { CaPaths } from './folder.ts';

type KeyPaths = Pick<CaPaths, 'auditKey' | 'auditPublicKey'>;

export async function writeAuditKey({ auditKey, auditPublicKey }: KeyPaths): Promise<void> {
  const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
  try {
    writeNew(auditKey, toPem('PRIVATE KEY', pkcs8), 0o600);
  } finally {
    wipe(pkcs8);
  }
  writeNew(auditPublicKey, toPem('PUBLIC KEY', signer.publicKey.spki), 0o644);
}

/** @throws CliError */
export async function auditSigner({ auditKey: file }: KeyPaths): Promise<Signer> {
  if (!existsSync(file)) {
    throw usageError(`there is no audit key ${quote(file)}: nothing can be signed that proves the audit log`);
  }
  const pem = readFileFor(what, file);
  try {
    const pkcs8 = parsingFile(what, file, () => parsePrivateKey(pem));
    try {
      return await provider.importPrivateKey(pkcs8);
    } finally {
      wipe(pkcs8);
    }
  } finally {
    wipe(pem);
  }
}

const what = 'the audit key';

/**
 * Public keys of a file, as themselves or in certificates: of several, one was the audit key after the other.
 *
 * @param option names the file in messages
 * @throws CliError
 */
export function auditPublicKeys(option: string, file: string): readonly PublicKeyInfo[] {
  const pem = readFileFor(option, file);
  const keys = parsingFile(option, file, () =>
    parsePem(pem).flatMap(({ label, bytes }) => {
      if (label === 'PUBLIC KEY') return [parsePublicKey(bytes)];
      return label === 'CERTIFICATE' ? [parseCertificate(bytes).publicKey] : [];
    }),
  );
  if (keys.length > 0) return keys;
  throw usageError(`${option} ${quote(file)} holds no public key`, 'the CA’s folder has it: audit.pem');
}
