/**
 * A root, a server's certificate and a client's, and one that nobody trusts; issued by our own library, as files.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  type Issuer,
  issueClientCertificate,
  issueRoot,
  issueServerCertificate,
  toPem,
} from '@handfast/x509';

/** Paths of PEM files. */
export interface Pki {
  readonly folder: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** A root that has signed none of them. */
  readonly otherCa: string;
}

/** Who the client's certificate says it is: databases take the common name as the user's. */
export const clientName = 'certuser';

/** The server's certificate is for `localhost`, and not for 127.0.0.1; its key is RSA: some servers know nothing else. */
export async function makePki(folder: string): Promise<Pki> {
  mkdirSync(folder, { recursive: true });
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const root = async (commonName: string): Promise<Issuer & { readonly certificate: Certificate }> => {
    const { signer } = await provider.generateKeyPair('rsa');
    const certificate = await issueRoot({ provider, signer, subject: { commonName }, ...validity });
    return { certificate, signer };
  };
  const issuer = await root('Programs CA');
  const other = await root('Another CA');
  const serverKey = await provider.generateKeyPair('rsa');
  const clientKey = await provider.generateKeyPair('secp256r1');
  const server = await issueServerCertificate({
    provider,
    issuer,
    subject: { commonName: 'localhost' },
    names: ['localhost'],
    publicKey: serverKey.signer.publicKey,
    ...validity,
  });
  const client = await issueClientCertificate({
    provider,
    issuer,
    subject: { commonName: clientName },
    emails: ['certuser@example.com'],
    publicKey: clientKey.signer.publicKey,
    ...validity,
  });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  const certificate = (name: string, { raw }: Certificate): string => file(name, toPem('CERTIFICATE', raw));
  return {
    folder,
    ca: certificate('ca.pem', issuer.certificate),
    otherCa: certificate('other-ca.pem', other.certificate),
    cert: certificate('server.pem', server),
    key: file('server.key', toPem('PRIVATE KEY', serverKey.pkcs8)),
    clientCert: certificate('client.pem', client),
    clientKey: file('client.key', toPem('PRIVATE KEY', clientKey.pkcs8)),
  };
}
