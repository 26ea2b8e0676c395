/**
 * An authority of our own for a run: files for the peers, and certificates for whoever asks, as a page does.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  issueClientCertificate,
  issueRoot,
  issueServerCertificate,
  parseRequests,
  toPem,
  verifyRequest,
} from '@handfast/x509';
import { clientName, type Pki } from '../../../programs/src/pki.ts';

export interface Authority extends Pki {
  /** The path of a certificate for `localhost`, from a root that nobody trusts, and of its key. */
  readonly impostorCert: string;
  readonly impostorKey: string;
  /** What a real authority asks first, who that is, is left out: here there is one user. */
  certify(requestPem: string): Promise<string>;
}

/** The database's user: the common name in the client's certificate. */
export const user: string = clientName;

export async function authority(folder: string): Promise<Authority> {
  mkdirSync(folder, { recursive: true });
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const root = async (commonName: string) => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    return { certificate: await issueRoot({ provider, signer, subject: { commonName }, ...validity }), signer };
  };
  const issuer = await root('Example CA');
  const other = await root('Another CA');
  const server = async (from: typeof issuer) => {
    const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
    const basics = { provider, issuer: from, subject: { commonName: 'localhost' }, names: ['localhost'], ...validity };
    return { certificate: await issueServerCertificate({ ...basics, publicKey: signer.publicKey }), pkcs8 };
  };
  const client = (publicKey: Parameters<typeof issueClientCertificate>[0]['publicKey'], commonName = user) =>
    issueClientCertificate({ provider, issuer, subject: { commonName }, publicKey, ...validity });

  const good = await server(issuer);
  const impostor = await server(other);
  const clientKey = await provider.generateKeyPair('secp256r1');
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const pem = ({ raw }: Certificate) => toPem('CERTIFICATE', raw);
  const key = (pkcs8: Uint8Array) => toPem('PRIVATE KEY', pkcs8);
  return {
    folder,
    ca: file('ca.pem', pem(issuer.certificate)),
    otherCa: file('other-ca.pem', pem(other.certificate)),
    cert: file('server.pem', pem(good.certificate)),
    key: file('server.key', key(good.pkcs8)),
    clientCert: file('client.pem', pem(await client(clientKey.signer.publicKey))),
    clientKey: file('client.key', key(clientKey.pkcs8)),
    impostorCert: file('impostor.pem', pem(impostor.certificate)),
    impostorKey: file('impostor.key', key(impostor.pkcs8)),
    async certify(requestPem) {
      const [request] = parseRequests(requestPem);
      if (request === undefined) throw new TypeError('no request');
      await verifyRequest(provider, request);
      const names = request.subjectAltName?.dnsNames ?? [];
      const basics = { provider, issuer, subject: request.subject, publicKey: request.publicKey, ...validity };
      return pem(
        await (names.length > 0 ? issueServerCertificate({ ...basics, names }) : issueClientCertificate(basics)),
      );
    },
  };
}
