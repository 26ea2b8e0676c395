/**
 * A small certificate authority in memory: what `demo` and the development CA of `serve` issue with.
 *
 * @module
 */

import { type Bytes, type LegacyCryptography, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { type Certificate, type Issuer, issueCertificate, issueClientCertificate, issueRoot } from '@handfast/x509';

export const dayMs: number = 24 * 60 * 60 * 1000;

/** Clocks differ: what is issued now is valid since a little while. */
const backdatedMs = 5 * 60 * 1000;

export interface Validity {
  readonly from: Date;
  readonly days: number;
}

/** A CA: its certificate, what it signs with, and its key for whoever keeps it. */
export interface Authority {
  readonly issuer: Required<Issuer> & { readonly certificate: Certificate };
  readonly pkcs8: Bytes;
}

/** A root whose path length is 0: it signs servers and clients, no other CA. */
export async function makeAuthority(commonName: string, validity: Validity): Promise<Authority> {
  const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const certificate = await issueRoot({
    provider,
    subject: { commonName },
    signer,
    pathLength: 0,
    ...period(validity),
  });
  return { issuer: { certificate, signer }, pkcs8 };
}

/**
 * A fresh key with a certificate for these host names and addresses.
 * @param legacy for a key that every version and key exchange can use: RSA, and its old half.
 */
export async function issueServer(
  issuer: Issuer,
  names: readonly string[],
  validity: Validity,
  legacy?: LegacyCryptography,
): Promise<Credential> {
  const { signer, pkcs8 } = await provider.generateKeyPair(legacy === undefined ? 'secp256r1' : 'rsa');
  const legacyKey = await legacy?.importPrivateKey(pkcs8);
  wipe(pkcs8);
  const subject = { commonName: (names[0] ?? 'server').slice(0, 64) };
  const leaf = await issueCertificate({
    provider,
    subject,
    issuer,
    publicKey: signer.publicKey,
    names,
    extendedKeyUsage: ['serverAuth'],
    ...(legacy && { keyUsage: ['digitalSignature', 'keyEncipherment'] }),
    ...period(validity),
  });
  return { chain: [leaf], signer, ...(legacyKey && { legacyKey }) };
}

/** A fresh key with a certificate for a client. */
export async function issueClient(issuer: Issuer, commonName: string, validity: Validity): Promise<Credential> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const leaf = await issueClientCertificate({
    provider,
    subject: { commonName },
    issuer,
    publicKey: signer.publicKey,
    ...period(validity),
  });
  return { chain: [leaf], signer };
}

function period({ from, days }: Validity): { readonly notBefore: Date; readonly notAfter: Date } {
  const notBefore = from.getTime() - backdatedMs;
  // The days are the whole validity: a limit of 90 days is one on notAfter − notBefore.
  return { notBefore: new Date(notBefore), notAfter: new Date(notBefore + days * dayMs) };
}
