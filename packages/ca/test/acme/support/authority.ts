/**
 * An authority in memory, which issues whatever it is asked for: so that tests of ACME are about ACME.
 *
 * @module
 */

import type { Signer } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, issueIntermediate, issueRoot, issueServerCertificate } from '@handfast/x509';
import type { Authority, CertificateRecord, Issued, IssueRequest } from '../../../src/authority.ts';
import { CaError } from '../../../src/errors.ts';

const day = 86_400_000;

export interface FakeAuthority extends Authority {
  readonly requests: IssueRequest[];
  /** What `issue` throws next. */
  failure: unknown;
}

export async function fakeAuthority(clock: () => Date): Promise<FakeAuthority> {
  const records = new Map<string, CertificateRecord>();
  const byOrigin = new Map<string, Issued>();
  const requests: IssueRequest[] = [];
  const notBefore = new Date(clock().getTime() - day);
  const notAfter = new Date(clock().getTime() + 100 * day);
  const basics = { provider: nodeProvider, notBefore, notAfter };
  const rootKey = await newSigner();
  const key = await newSigner();
  const root = await issueRoot({ ...basics, subject: { commonName: 'Test root' }, signer: rootKey });
  const intermediate = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Test intermediate' },
    issuer: { certificate: root, signer: rootKey },
    publicKey: key.publicKey,
  });
  const chain: readonly Certificate[] = [intermediate, root];
  const authority: FakeAuthority = {
    chain,
    requests,
    failure: undefined,
    async issue(request) {
      requests.push(request);
      if (authority.failure !== undefined) throw authority.failure;
      const now = clock();
      const certificate = await issueServerCertificate({
        provider: nodeProvider,
        notBefore: now,
        notAfter: new Date(now.getTime() + 30 * day),
        subject: {},
        names: request.names,
        publicKey: request.publicKey,
        issuer: { certificate: intermediate, signer: key },
      });
      records.set(certificate.serialNumberHex, {
        serial: certificate.serialNumberHex,
        status: 'valid',
        commonName: undefined,
        names: request.names,
        profile: request.profile ?? 'server',
        issuerId: 'test',
        notBefore: certificate.notBefore,
        notAfter: certificate.notAfter,
        issuedAt: now,
        by: request.by,
        revokedAt: undefined,
        reason: undefined,
        der: certificate.raw,
      });
      const issued = { certificate, chain: [certificate, intermediate] };
      if (request.origin !== undefined) byOrigin.set(request.origin, issued);
      return issued;
    },
    async revoke({ serial, reason = 'unspecified' }) {
      const record = records.get(serial);
      if (record === undefined) throw new CaError('not_found', 'no such certificate');
      const amends = reason === 'keyCompromise' && record.reason !== 'keyCompromise';
      if (record.status === 'revoked' && !amends) throw new CaError('already_done', 'it is revoked');
      const revoked: CertificateRecord = { ...record, status: 'revoked', revokedAt: clock(), reason };
      records.set(serial, revoked);
      return revoked;
    },
    find: async (serial) => records.get(serial),
    findByOrigin: async (origin) => byOrigin.get(origin),
    list: async () => [...records.values()],
    crl: async () => new Uint8Array(),
    close: async () => undefined,
  };
  return authority;
}

async function newSigner(): Promise<Signer> {
  return (await nodeProvider.generateKeyPair('secp256r1')).signer;
}
