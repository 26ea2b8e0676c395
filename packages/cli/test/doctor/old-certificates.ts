/**
 * Credentials of yesterday: an RSA key of 1,024 bits, and a certificate that says it was signed with SHA-1.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { parseCertificate } from '@handfast/x509';
import { type Ca, makeCa, makeServer } from './support.ts';

export async function weakCredential(issuer: Ca): Promise<Credential> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pkcs8 = Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' }));
  const signer = await nodeLegacyProvider.importPrivateKey(pkcs8);
  const { chain } = await makeServer(issuer, { publicKey: signer.publicKey });
  return { chain, signer };
}

const sha256WithRsa = Buffer.from('06092a864886f70d01010b', 'hex');
const sha1WithRsa = Buffer.from('06092a864886f70d010105', 'hex');

const unknownAlgorithm = Buffer.from('06092a864886f70d01017f', 'hex');

export interface OldCertificates {
  readonly root: Ca;
  readonly sha1: Credential;
  /** Signed by an algorithm that does not exist. */
  readonly unknown: Credential;
}

/** The signatures themselves are over SHA-256: nobody comes so far as to look. */
export async function oldCertificates(): Promise<OldCertificates> {
  const { signer } = await provider.generateKeyPair('rsa');
  const root = await makeCa('An RSA root', { signer });
  const made = await makeServer(root);
  const saying = (algorithm: Buffer): Credential => {
    const raw = Buffer.from(made.chain[0]?.raw ?? []);
    for (let at = raw.indexOf(sha256WithRsa); at >= 0; at = raw.indexOf(sha256WithRsa, at)) algorithm.copy(raw, at);
    return { chain: [parseCertificate(raw)], signer: made.signer };
  };
  return { root, sha1: saying(sha1WithRsa), unknown: saying(unknownAlgorithm) };
}
