/**
 * The certificates that are measured: two chains of three (ECDSA P-256 and RSA 2048 throughout; host names, name
 * constraints at the intermediate) and the roots that Node comes with.
 *
 * @module
 */

import { rootCertificates } from 'node:tls';
import type { KeyType } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { issueCertificate, issueRoot, parseCertificate } from '@handfast/x509';

export interface Chain {
  readonly name: string;
  readonly leaf: Uint8Array<ArrayBuffer>;
  readonly intermediate: Uint8Array<ArrayBuffer>;
  readonly root: Uint8Array<ArrayBuffer>;
  /** A name that the leaf is for. */
  readonly host: string;
}

const hour = 3_600_000;
const basics = {
  provider: nodeProvider,
  notBefore: new Date(Date.now() - hour),
  notAfter: new Date(Date.now() + 24 * hour),
};

export async function chainOf(name: string, type: KeyType): Promise<Chain> {
  const [authority, issuing, server] = await Promise.all(
    [1, 2, 3].map(async () => (await nodeProvider.generateKeyPair(type, { modulusBits: 2048 })).signer),
  );
  if (authority === undefined || issuing === undefined || server === undefined) throw new Error('three keys were made');
  const root = await issueRoot({
    ...basics,
    subject: { commonName: 'Bench Root', organization: 'Handfast Bench', country: 'GB' },
    signer: authority,
  });
  const intermediate = await issueCertificate({
    ...basics,
    subject: { commonName: 'Bench Issuing CA', organization: 'Handfast Bench', country: 'GB' },
    issuer: { certificate: root, signer: authority },
    publicKey: issuing.publicKey,
    ca: { pathLength: 0 },
    nameConstraints: {
      permitted: { dns: ['example.com', 'example.org'] },
      excluded: { dns: ['secret.example.com'] },
    },
  });
  const leaf = await issueCertificate({
    ...basics,
    subject: { commonName: 'www.example.com' },
    issuer: { certificate: intermediate, signer: issuing },
    publicKey: server.publicKey,
    names: ['www.example.com', 'example.com', '*.cdn.example.com'],
    extendedKeyUsage: ['serverAuth'],
  });
  return { name, leaf: leaf.raw, intermediate: intermediate.raw, root: root.raw, host: 'www.example.com' };
}

/** Mozilla's roots as this Node has them, one PEM text each. */
export const roots: readonly string[] = rootCertificates;

/** One of them, in the middle, by its subject: what a first verification looks for. */
export const someRoot = parseCertificate(
  Buffer.from((roots[Math.floor(roots.length / 2)] ?? '').replace(/-----.*-----|\s/g, ''), 'base64'),
);
