/**
 * Whether a CA has signed a list.
 *
 * @module
 */

import { type CryptoProvider, runSettling } from '@handfast/crypto';
import { type Certificate, type Crl, verifySignature } from '@handfast/x509';

export async function isSignedBy(provider: CryptoProvider, crl: Crl, issuer: Certificate): Promise<boolean> {
  const { signatureAlgorithm: algorithm, tbs, signature } = crl;
  if (algorithm === undefined) return false;
  return await runSettling(verifySignature(provider, issuer.publicKey, algorithm, tbs, signature));
}
