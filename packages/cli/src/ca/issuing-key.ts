/**
 * A new key for the issuer to be: in the CA's folder, under the passphrase that the key before has, or elsewhere by a signer module.
 *
 * @module
 */

import { equalBytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { type CaConfig, configText } from './config.ts';
import type { CaFolder } from './folder.ts';
import { decrypted, isEncrypted, type Passphrase } from './issuer-key.ts';
import type { FileChange } from './pending.ts';
import { keyPem } from './root-key.ts';
import { openSigner, parseSigner, type SignerConfig, signerJson } from './signer-module.ts';
import { certificatesOf, retiredFiles, type StoredIssuer, type StoredIssuers } from './stored-issuers.ts';

/** What is kept of a key. */
export type KeptKey = { readonly pem: string } | { readonly signer: SignerConfig };

export interface IssuingKey {
  readonly signer: Signer;
  readonly kept: KeptKey;
  close(): Promise<void>;
}

export interface SignerOptions {
  /** False for `--no-signer`: in the folder, whatever the configuration says. */
  readonly signer?: string | boolean;
  readonly signerSetting?: readonly string[];
}

/** Where a new key comes from. @throws CliError */
export async function newIssuingKey(
  folder: string,
  { signer, signerSetting }: SignerOptions,
  passphrase: () => Promise<string | undefined>,
): Promise<IssuingKey> {
  if (typeof signer === 'string') return await keyElsewhere(parseSigner(signer, signerSetting, folder), folder);
  if (signerSetting !== undefined) throw usageError('--signer-setting without --signer');
  const secret = await passphrase();
  const pair = await provider.generateKeyPair('secp256r1');
  try {
    return { signer: pair.signer, kept: { pem: await keyPem(pair.pkcs8, secret) }, close: async () => undefined };
  } finally {
    wipe(pair.pkcs8);
  }
}

async function keyElsewhere(config: SignerConfig, folder: string): Promise<IssuingKey> {
  const signer = await openSigner(config, folder);
  return { signer, kept: { signer: config }, close: async () => void (await signer.close?.()) };
}

/** For the one after that of a CA that runs. */
export async function nextIssuingKey(
  { paths, config, issuers }: CaFolder,
  options: SignerOptions,
  passphrase: Passphrase,
): Promise<IssuingKey> {
  if (config.signer !== undefined && options.signer === undefined) {
    throw usageError(
      'this CA’s key is not in its folder: where is the next one?',
      '--signer MODULE names another key; --no-signer makes one in the folder',
    );
  }
  const { key } = issuers.current;
  const next = await newIssuingKey(paths.folder, options, async () => {
    if ('signer' in key || !isEncrypted(key.pem)) return undefined;
    const secret = await passphrase();
    // All keys of the folder open with one.
    wipe(await decrypted(key.pem, secret, key.file));
    return secret;
  });
  try {
    refuseUsedKey(next.signer.publicKey.spki, issuers);
  } catch (error) {
    await next.close();
    throw error;
  }
  return next;
}

/** An issuer is known by its key: two with one key are one, and the lists of the first would be nobody's. */
export function refuseUsedKey(spki: Uint8Array, issuers: StoredIssuers): void {
  const all = [...certificatesOf(issuers), ...issuers.between];
  const whose = all.find((certificate) => equalBytes(certificate.spki, spki));
  if (whose === undefined) return;
  throw usageError(
    `the key of the new intermediate is that of ${quote(whose.subject.toString())}`,
    'name another key: each issuer signs its own lists with its own, the one that is retired, too',
  );
}

export interface Change {
  readonly files: readonly FileChange[];
  readonly removed: readonly string[];
}

/** That the key is the one that issues. */
export function putKey(config: CaConfig, kept: KeptKey): Change {
  if ('signer' in kept) {
    const changed = configText({ ...config, signer: kept.signer });
    return { files: [{ path: 'config.json', content: changed, mode: 0o644 }], removed: ['intermediate-key.pem'] };
  }
  const key: FileChange = { path: 'intermediate-key.pem', content: kept.pem, mode: 0o600 };
  if (config.signer === undefined) return { files: [key], removed: [] };
  const { signer: _, ...rest } = config;
  return { files: [key, { path: 'config.json', content: configText(rest), mode: 0o644 }], removed: [] };
}

/** A key in a folder of its own. */
export function keyIn(folder: string, kept: KeptKey | StoredIssuer['key']): FileChange {
  if ('signer' in kept) {
    const content = `${JSON.stringify(signerJson(kept.signer))}\n`;
    return { path: `${folder}/${retiredFiles.signer}`, content, mode: 0o600 };
  }
  return { path: `${folder}/${retiredFiles.key}`, content: kept.pem, mode: 0o600 };
}
