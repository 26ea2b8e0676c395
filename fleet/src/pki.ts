/**
 * A root, and the certificate that all servers of the fleet show: a ticket is bound to it.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRoot, issueServerCertificate, type TrustStore, trustStore } from '@handfast/x509';

export interface Pki {
  readonly trust: TrustStore;
  /** PEM. */
  readonly root: string;
  /** DER in base64, and PKCS#8 in base64. */
  readonly certificate: string;
  readonly key: string;
}

export async function makePki(): Promise<Pki> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const { signer } = await provider.generateKeyPair('secp256r1');
  const subject = { commonName: 'Fleet CA' };
  const root = await issueRoot({ provider, signer, subject, pathLength: 0, ...validity });
  const own = await provider.generateKeyPair('secp256r1');
  const leaf = await issueServerCertificate({
    provider,
    issuer: { certificate: root, signer },
    subject: { commonName: 'fleet.test' },
    names: ['fleet.test'],
    publicKey: own.signer.publicKey,
    ...validity,
  });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const lines = base64(root.raw).replaceAll(/.{64}/g, '$&\n');
  return {
    trust: trustStore([root]),
    root: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    certificate: base64(leaf.raw),
    key: base64(own.pkcs8),
  };
}
