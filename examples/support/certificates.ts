/**
 * A CA in memory, for the examples: in life, certificates come from files or from a CA of yours.
 *
 * @module
 */

import type { LegacyCryptography } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { issueClientCertificate, issueRoot, issueServerCertificate, type TrustStore, trustStore } from '@handfast/x509';

export interface ExampleCa {
  /** For whoever is to trust the CA. */
  readonly trust: TrustStore;
  server(...names: readonly string[]): Promise<Credential>;
  client(name: string): Promise<Credential>;
  /** A server whose key signs in the ways of TLS 1.0 as well. */
  oldServer(legacy: LegacyCryptography, name: string): Promise<Credential>;
}

export async function exampleCa(commonName = 'Example CA'): Promise<ExampleCa> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const { signer } = await provider.generateKeyPair('secp256r1');
  const certificate = await issueRoot({ provider, signer, subject: { commonName }, pathLength: 0, ...validity });
  const issuer = { certificate, signer };
  const issueServer = async (names: readonly string[]) => {
    const { signer: own, pkcs8 } = await provider.generateKeyPair('secp256r1');
    const subject = { commonName: names[0] ?? 'server' };
    const { publicKey } = own;
    const leaf = await issueServerCertificate({ provider, issuer, subject, names, publicKey, ...validity });
    return { credential: { chain: [leaf], signer: own }, pkcs8 };
  };
  return {
    trust: trustStore([certificate]),
    async server(...names) {
      return (await issueServer(names)).credential;
    },
    async oldServer(legacy, name) {
      const { credential, pkcs8 } = await issueServer([name]);
      return { ...credential, legacyKey: await legacy.importPrivateKey(pkcs8) };
    },
    async client(name) {
      const { signer: own } = await provider.generateKeyPair('secp256r1');
      const subject = { commonName: name };
      return {
        chain: [await issueClientCertificate({ provider, issuer, subject, publicKey: own.publicKey, ...validity })],
        signer: own,
      };
    },
  };
}
