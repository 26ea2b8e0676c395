/**
 * Who certifies the server of this page: a root and an intermediate, made anew with each visit, and what they have issued. The keys
 * never leave the page.
 *
 * @module
 */

import type { Signer } from '@handfast/crypto';
import { webProvider as provider } from '@handfast/crypto/web';
import type { Credential } from '@handfast/tls';
import {
  type Certificate,
  issueClientCertificate,
  issueIntermediate,
  issueOcspResponse,
  issueRoot,
  issueServerCertificate,
  type TrustStore,
  trustStore,
} from '@handfast/x509';
import type { Settings } from './settings.ts';

export const serverName = 'shop.example';
const markup = '<img src=x onerror="document.title=1"><b>Example</b> & Co.';

const day = 24 * 60 * 60 * 1000;
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 + days * day);
const aYear = (): { readonly notBefore: Date; readonly notAfter: Date } => ({
  notBefore: inDays(-30),
  notAfter: inDays(335),
});

interface Ca {
  readonly certificate: Certificate;
  readonly signer: Signer;
}

async function newKey(): Promise<Signer> {
  return (await provider.generateKeyPair('secp256r1')).signer;
}

async function rootCa(commonName: string): Promise<Ca> {
  const signer = await newKey();
  return { signer, certificate: await issueRoot({ provider, signer, subject: { commonName }, ...aYear() }) };
}

async function intermediateCa(commonName: string, issuer: Ca): Promise<Ca> {
  const signer = await newKey();
  const certificate = await issueIntermediate({
    ...{ provider, issuer, subject: { commonName }, publicKey: signer.publicKey },
    ...aYear(),
  });
  return { signer, certificate };
}

export interface Authority {
  readonly trust: TrustStore;
  server(kind: Settings['certificate']): Promise<Credential>;
  client(kind: Settings['clientCertificate']): Promise<Credential | undefined>;
}

async function openAuthority(): Promise<Authority> {
  const root = await rootCa('Example Root');
  const issuer = await intermediateCa('Example Issuing CA', root);
  const strangers = await rootCa('Root of Somebody Else');
  const stranger = await intermediateCa('Somebody Else', strangers);
  const key = await newKey();
  const clientKey = await newKey();

  async function server(kind: Settings['certificate']): Promise<Credential> {
    const signedBy = kind === 'unknown' ? stranger : issuer;
    const leaf = await issueServerCertificate({
      ...{ provider, issuer: signedBy, publicKey: key.publicKey },
      subject: kind === 'markup' ? { commonName: serverName, organization: markup } : { commonName: serverName },
      names: kind === 'name' ? ['another.example', '*.another.example'] : [serverName],
      notBefore: kind === 'early' ? inDays(1) : inDays(-20),
      notAfter: kind === 'expired' ? inDays(-1) : inDays(70),
    });
    const staple = await stapled(leaf, kind);
    const chain = kind === 'incomplete' ? [leaf] : [leaf, signedBy.certificate];
    return { chain, signer: key, ...(staple && { ocspResponse: () => staple }) };
  }

  async function stapled(leaf: Certificate, kind: Settings['certificate']): Promise<Uint8Array | undefined> {
    if (kind !== 'revoked') return undefined;
    const times = { thisUpdate: inDays(-0.1), nextUpdate: inDays(3) };
    return await issueOcspResponse({
      ...{ provider, responder: { signer: issuer.signer }, issuer: issuer.certificate, producedAt: times.thisUpdate },
      answers: [{ subject: leaf, status: 'revoked', revokedAt: inDays(-2), reason: 'keyCompromise', ...times }],
    });
  }

  async function client(kind: Settings['clientCertificate']): Promise<Credential | undefined> {
    if (kind !== 'given' && kind !== 'unknown') return undefined;
    const signedBy = kind === 'given' ? issuer : stranger;
    const leaf = await issueClientCertificate({
      ...{ provider, issuer: signedBy, publicKey: clientKey.publicKey, subject: { commonName: 'Ada' } },
      ...aYear(),
    });
    return { chain: [leaf, signedBy.certificate], signer: clientKey };
  }

  return { trust: trustStore([root.certificate]), server, client };
}

let opened: Promise<Authority> | undefined;

/** One a visit. */
export function authority(): Promise<Authority> {
  opened ??= openAuthority();
  return opened;
}
