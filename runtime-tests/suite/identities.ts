/**
 * Who is who in the suite: an authority, and certificates under it, made by the runtime itself when a test first wants
 * them. They are valid today.
 *
 * @module
 */

import type { CryptoProvider, KeyType, Signer } from '@handfast/crypto';
import { fullWebProvider } from '@handfast/crypto/web/full';
import type { Credential } from '@handfast/tls';
import {
  type Certificate,
  type IssueOptions,
  issueCertificate,
  issueRoot,
  type TrustStore,
  trustStore,
} from '@handfast/x509';

export const hour = 3_600_000;
const validity = () => ({ notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + 24 * hour) });

export interface Authority {
  readonly certificate: Certificate;
  readonly signer: Signer;
}

export interface Pki extends Authority {
  readonly trust: TrustStore;
}

/** Made at the first call, and kept. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

export const pki: () => Promise<Pki> = once(() => makePki('Test root'));
export const otherPki: () => Promise<Pki> = once(() => makePki('Another root'));

async function makePki(commonName: string): Promise<Pki> {
  const { signer } = await fullWebProvider.generateKeyPair('secp256r1');
  const certificate = await issueRoot({ provider: fullWebProvider, subject: { commonName }, signer, ...validity() });
  return { certificate, signer, trust: trustStore([certificate]) };
}

/** An intermediate authority below another. */
export async function makeIntermediate(
  { certificate, signer }: Authority,
  commonName: string,
  more: Partial<IssueOptions> = {},
): Promise<Authority> {
  const pair = await fullWebProvider.generateKeyPair('secp256r1');
  const made = await issueCertificate({
    provider: fullWebProvider,
    subject: { commonName },
    publicKey: pair.signer.publicKey,
    issuer: { certificate, signer },
    ca: true,
    ...validity(),
    ...more,
  });
  return { certificate: made, signer: pair.signer };
}

export interface CredentialOptions {
  readonly type?: KeyType;
  readonly provider?: CryptoProvider;
  readonly names?: readonly string[];
  readonly purpose?: 'serverAuth' | 'clientAuth';
  /** The key; else a new one. */
  readonly signer?: Signer;
  readonly issuer?: Authority;
  /** Sent behind the leaf. */
  readonly intermediates?: readonly Certificate[];
  readonly with?: Partial<IssueOptions>;
}

export async function makeCredential(options: CredentialOptions = {}): Promise<Credential> {
  const { type = 'secp256r1', provider = fullWebProvider, names = ['localhost'], purpose = 'serverAuth' } = options;
  const issuer = options.issuer ?? (await pki());
  const signer = options.signer ?? (await provider.generateKeyPair(type)).signer;
  const leaf = await issueCertificate({
    provider,
    subject: { commonName: purpose === 'serverAuth' ? 'a server' : 'a client' },
    publicKey: signer.publicKey,
    issuer,
    names: purpose === 'serverAuth' ? names : [],
    extendedKeyUsage: [purpose],
    ...validity(),
    ...options.with,
  });
  return { chain: [leaf, ...(options.intermediates ?? [])], signer };
}

const servers = new Map<CryptoProvider, Promise<Credential>>();

/** The usual one: ECDSA with P-256, for `localhost`. */
export function serverCredential(provider: CryptoProvider): Promise<Credential> {
  const made = servers.get(provider) ?? makeCredential({ provider });
  servers.set(provider, made);
  return made;
}
