/**
 * Who the servers are: a certificate for `localhost` under a root of its own, made when the bench starts. PEM, so that it can
 * be given to child programs and to OpenSSL's command.
 *
 * @module
 */

import type { KeyType } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRoot, issueServerCertificate, toPem } from '@handfast/x509';

export interface Identity {
  /** The root. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What the certificate is for. */
export const serverName = 'localhost';

const hour = 3_600_000;

/** A root, and a leaf right below it, with keys of this type (RSA: 2048 bits). */
export async function makeIdentity(type: KeyType): Promise<Identity> {
  const basics = {
    provider: nodeProvider,
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + 24 * hour),
  };
  const authority = await nodeProvider.generateKeyPair(type, { modulusBits: 2048 });
  const server = await nodeProvider.generateKeyPair(type, { modulusBits: 2048 });
  const root = await issueRoot({ ...basics, subject: { commonName: 'Bench CA' }, signer: authority.signer });
  const leaf = await issueServerCertificate({
    ...basics,
    subject: { commonName: serverName },
    issuer: { certificate: root, signer: authority.signer },
    publicKey: server.signer.publicKey,
    names: [serverName],
  });
  return {
    ca: toPem('CERTIFICATE', root.raw),
    cert: toPem('CERTIFICATE', leaf.raw),
    key: toPem('PRIVATE KEY', server.pkcs8),
  };
}
