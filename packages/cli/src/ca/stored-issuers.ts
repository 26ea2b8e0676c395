/**
 * The issuers in a CA's folder: the one that issues, and in `issuers/<id>/` those that did and still sign their lists. Of each there are
 * its certificate, a way up to a root, and its key, or where that is.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type IssuerOptions, issuerIdOf } from '@handfast/ca';
import { equalBytes, type Signer, toHex, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, parseCertificates, parsePrivateKey } from '@handfast/x509';
import { usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { type Above, chainTo } from './chains.ts';
import type { CaConfig } from './config.ts';
import type { CaPaths } from './folder.ts';
import { isEncrypted, lockedSigner, type Passphrase } from './issuer-key.ts';
import { moduleSigner, type OpenSigner, type SignerConfig, signerConfigOf } from './signer-module.ts';

/** What is known without any key. */
export interface StoredIssuers extends Above {
  readonly current: StoredIssuer;
  readonly retired: readonly StoredIssuer[];
}

export interface StoredIssuer {
  readonly id: string;
  readonly certificate: Certificate;
  /** To roots: the first is what is handed out unless somebody asks for another. */
  readonly chains: readonly (readonly Certificate[])[];
  readonly key: KeySource;
}

/** A file with it, as it was when the certificate was read, or a module. */
export type KeySource = { readonly file: string; readonly pem: Uint8Array } | { readonly signer: SignerConfig };

export const filesText = 'the CA’s file';

/** @throws CliError where a file is missing, or not what it should be */
export async function storedIssuers(paths: CaPaths, config: CaConfig): Promise<StoredIssuers> {
  const root = certificateIn(paths.root);
  const previousRoot = existsSync(paths.previousRoot) ? certificateIn(paths.previousRoot) : undefined;
  const between = existsSync(paths.between) ? certificatesIn(paths.between) : [];
  const certificate = certificateIn(paths.intermediate);
  const key = config.signer === undefined ? keyFile(paths.intermediateKey) : { signer: config.signer };
  const retired = retiredIn(paths);
  const chains = [await chainTo(root, certificate, between)];
  if (previousRoot !== undefined) {
    const other = await chainTo(previousRoot, certificate, between);
    if (config.chain === 'new') chains.push(other);
    else chains.unshift(other);
  }
  const current = { id: issuerIdOf(provider, certificate), certificate, chains, key };
  return { root, previousRoot, between, current, retired: retired.filter(({ id }) => id !== current.id) };
}

/** Every CA, once. */
export function certificatesOf({ root, previousRoot, current, retired }: StoredIssuers): readonly Certificate[] {
  const roots = previousRoot === undefined ? [root] : [root, previousRoot];
  return [...roots, ...[current, ...retired].map(({ certificate }) => certificate)];
}

/** Everything that makes it another: keys follow certificates. */
export function stateOf({ current, retired }: StoredIssuers): string {
  const texts = [current, ...retired].map(({ chains, key }) => [
    ...chains.map((chain) => chain.map(({ raw }) => toHex(provider.digest('sha256', raw)))),
    'signer' in key ? JSON.stringify(key.signer) : '',
  ]);
  return JSON.stringify(texts);
}

/** Keys as signers: each once, however often the folder is read. */
export class Signers {
  readonly #passphrase: Passphrase;
  readonly #folder: string;
  readonly #open = new Map<string, OpenSigner>();

  constructor(folder: string, passphrase: Passphrase) {
    this.#folder = folder;
    this.#passphrase = passphrase;
  }

  async issuerOf({ certificate, chains: [chain = [], ...alternateChains], key }: StoredIssuer): Promise<IssuerOptions> {
    return { chain, alternateChains, signer: await this.#signerOf(certificate, key) };
  }

  async #signerOf(certificate: Certificate, key: KeySource): Promise<Signer> {
    const id = `${issuerIdOf(provider, certificate)} ${'signer' in key ? JSON.stringify(key.signer) : 'file'}`;
    const open = this.#open.get(id) ?? (await this.#made(certificate, key));
    this.#open.set(id, open);
    return open;
  }

  async #made({ publicKey }: Certificate, key: KeySource): Promise<OpenSigner> {
    if ('signer' in key) return moduleSigner(publicKey, key.signer, this.#folder);
    const { file, pem } = key;
    if (isEncrypted(pem)) return lockedSigner(publicKey, file, pem, this.#passphrase);
    const pkcs8 = parsingFile(filesText, file, () => parsePrivateKey(pem));
    try {
      const signer = await provider.importPrivateKey(pkcs8);
      if (equalBytes(signer.publicKey.spki, publicKey.spki)) return signer;
    } finally {
      wipe(pkcs8, pem);
    }
    throw usageError(`${filesText} ${quote(file)} is not the key of its certificate`, 'restore both from a backup');
  }

  async close(): Promise<void> {
    for (const signer of this.#open.values()) await signer.close?.();
    this.#open.clear();
  }
}

export function certificateIn(file: string): Certificate {
  const [certificate, second] = certificatesIn(file);
  if (certificate === undefined || second !== undefined) {
    throw usageError(`${filesText} ${quote(file)} does not hold one certificate`);
  }
  return certificate;
}

function certificatesIn(file: string): readonly Certificate[] {
  const bytes = readFileFor(filesText, file);
  return parsingFile(filesText, file, () => parseCertificates(bytes));
}

function keyFile(file: string): KeySource {
  return { file, pem: readFileFor(filesText, file) };
}

/** Files of one that is retired. */
export const retiredFiles = { chain: 'chain.pem', key: 'key.pem', signer: 'signer.json' } as const;

function retiredIn({ issuers }: CaPaths): readonly StoredIssuer[] {
  if (!existsSync(issuers)) return [];
  return readdirSync(issuers)
    .filter((id) => /^[0-9a-f]{64}$/.test(id))
    .toSorted()
    .map((id) => {
      const file = join(issuers, id, retiredFiles.chain);
      const chain = certificatesIn(file);
      const [certificate] = chain;
      if (certificate === undefined || issuerIdOf(provider, certificate) !== id) {
        throw usageError(
          `${filesText} ${quote(file)} is not the chain of the issuer ${id}`,
          'restore it from a backup',
        );
      }
      return { id, certificate, chains: [chain], key: retiredKey(join(issuers, id)) };
    });
}

function retiredKey(folder: string): KeySource {
  const file = join(folder, retiredFiles.signer);
  if (!existsSync(file)) return keyFile(join(folder, retiredFiles.key));
  const text = readFileSync(file, 'utf8');
  return {
    signer: signerConfigOf(
      file,
      parsingFile(filesText, file, () => JSON.parse(text)),
    ),
  };
}
