/**
 * A small PKI for tests: one root, and credentials under it for every kind of key.
 *
 * @module
 */

import type { CryptoProvider, KeyType, Signer } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  type IssueOptions,
  issueCertificate,
  issueRoot,
  type TrustStore,
  trustStore,
} from '@handfast/x509';
import type { Credential } from '../../src/index.ts';

/** Today, in tests. */
export const now: Date = new Date('2026-11-21T12:00:00Z');
const notBefore = new Date('2026-11-01T00:00:00Z');
const notAfter = new Date('2027-01-01T00:00:00Z');

interface Pki {
  readonly root: Certificate;
  readonly signer: Signer;
  readonly trust: TrustStore;
}

async function makePki(commonName: string): Promise<Pki> {
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const root = await issueRoot({ provider: nodeProvider, subject: { commonName }, signer, notBefore, notAfter });
  return { root, signer, trust: trustStore([root]) };
}

export const pki: Pki = await makePki('Test root');
export const otherPki: Pki = await makePki('Another root');

export interface CredentialOptions {
  readonly type?: KeyType;
  readonly names?: readonly string[];
  readonly purpose?: 'serverAuth' | 'clientAuth';
  readonly issuer?: Pki;
  readonly provider?: CryptoProvider;
  readonly with?: Partial<IssueOptions>;
}

/** A credential whose key lives in `provider`. */
export async function makeCredential(options: CredentialOptions = {}): Promise<Credential> {
  const { type = 'secp256r1', names = ['localhost'], purpose = 'serverAuth', issuer = pki } = options;
  const pair = await nodeProvider.generateKeyPair(type);
  const signer = options.provider ? await options.provider.importPrivateKey(pair.pkcs8) : pair.signer;
  const leaf = await issueCertificate({
    provider: nodeProvider,
    subject: { commonName: purpose === 'serverAuth' ? (names[0] ?? 'server') : 'a client' },
    publicKey: pair.signer.publicKey,
    issuer: { certificate: issuer.root, signer: issuer.signer },
    names: purpose === 'serverAuth' ? names : [],
    extendedKeyUsage: [purpose],
    notBefore,
    notAfter,
    ...options.with,
  });
  return { chain: [leaf], signer };
}

export const serverCredential: Credential = await makeCredential();
export const clientCredential: Credential = await makeCredential({ purpose: 'clientAuth' });
