/**
 * Who our side and the peers are: an RSA and a P-256 certificate for servers and for clients, and a pre-shared key. The RSA
 * keys may also decrypt, as RSA key exchange wants.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import type { Credential } from '@handfast/tls';
import {
  type Certificate,
  type Issuer,
  issueCertificate,
  issueRoot,
  type TrustStore,
  toPem,
  trustStore,
} from '@handfast/x509';

/** One key for all who speak with pre-shared keys. */
export const preShared = { identity: 'interop', key: Buffer.from('00112233445566778899aabbccddeeff', 'hex') } as const;

export type KeyKind = 'rsa' | 'ecdsa';

/** A certificate and its key, as files and as we use them. */
export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  readonly credential: Credential;
}

/** Everything that a conversation may need. */
export interface Identities {
  /** `ecdhRsa`: a key on a curve, signed by RSA. */
  readonly server: Readonly<Record<KeyKind | 'ecdhRsa', Identity>>;
  readonly client: Readonly<Record<KeyKind, Identity>>;
  /** Both roots. */
  readonly caFile: string;
  readonly trust: TrustStore;
  /** Where peers' own files may be put. */
  readonly directory: string;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Issues all, and writes them into a directory. */
export async function identitiesIn(directory: string): Promise<Identities> {
  const [rsa, ecdsa] = [await familyIn(directory, 'rsa'), await familyIn(directory, 'ecdsa')];
  const caFile = join(directory, 'roots.pem');
  writeFileSync(caFile, [rsa, ecdsa].map(({ root }) => toPem('CERTIFICATE', root.raw)).join(''));
  return {
    server: { rsa: rsa.server, ecdsa: ecdsa.server, ecdhRsa: await rsa.make('server', 'ecdsa') },
    client: { rsa: rsa.client, ecdsa: ecdsa.client },
    trust: trustStore([rsa.root, ecdsa.root]),
    ...{ caFile, directory },
  };
}

interface Family {
  readonly root: Certificate;
  readonly server: Identity;
  readonly client: Identity;
  /** One more of its root. */
  readonly make: (role: 'server' | 'client', kind: KeyKind) => Promise<Identity>;
}

const keyTypes = { rsa: 'rsa', ecdsa: 'secp256r1' } as const;

async function familyIn(directory: string, signedBy: KeyKind): Promise<Family> {
  const { signer } = await provider.generateKeyPair(keyTypes[signedBy]);
  const now = Date.now();
  const period = { notBefore: new Date(now - dayMs), notAfter: new Date(now + 30 * dayMs) };
  const root = await issueRoot({ provider, subject: { commonName: `Legacy root, ${signedBy}` }, signer, ...period });
  const issuer: Issuer = { certificate: root, signer };
  const make = async (role: 'server' | 'client', kind: KeyKind): Promise<Identity> => {
    const pair = await provider.generateKeyPair(keyTypes[kind]);
    const certificate = await issueCertificate({
      ...{ provider, issuer, ...period },
      subject: { commonName: role === 'server' ? 'localhost' : 'Interop client' },
      publicKey: pair.signer.publicKey,
      ...(role === 'server' ? { names: ['localhost', '127.0.0.1'] } : { emails: ['client@example.com'] }),
      keyUsage: ['digitalSignature', kind === 'rsa' ? 'keyEncipherment' : 'keyAgreement'],
      extendedKeyUsage: [role === 'server' ? 'serverAuth' : 'clientAuth'],
    });
    const [certFile, keyFile] = ['pem', 'key'].map((end) =>
      join(directory, `${role}-${kind}-by-${signedBy}.${end}`),
    ) as [string, string];
    writeFileSync(certFile, toPem('CERTIFICATE', certificate.raw));
    writeFileSync(keyFile, toPem('PRIVATE KEY', pair.pkcs8), { mode: 0o600 });
    const legacyKey = await provider.legacy?.importPrivateKey(pair.pkcs8);
    const credential = { chain: [certificate], signer: pair.signer, ...(legacyKey === undefined ? {} : { legacyKey }) };
    return { certFile, keyFile, credential };
  };
  return { root, server: await make('server', signedBy), client: await make('client', signedBy), make };
}
