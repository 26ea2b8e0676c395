/**
 * A whole CA whose issuing key is in a token: what it signs is looked at by OpenSSL and by Node.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOcsp, type OpenAuthority, openAuthority, openSqlite, serverProfile } from '@handfast/ca';
import type { Pkcs11Signer } from '@handfast/ca/pkcs11';
import type { PublicKeyInfo } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, issueCertificate, toPem } from '@handfast/x509';
import type { SoftHsm } from './softhsm.ts';

const day = 86_400_000;

export interface TokenCa {
  readonly authority: OpenAuthority;
  readonly chain: readonly Certificate[];
}

/** The root's key is in memory; the one that issues is `signer`. */
export async function openCa(signer: Pkcs11Signer): Promise<TokenCa> {
  const { signer: rootSigner } = await provider.generateKeyPair('secp256r1');
  const dates = { provider, notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 365 * day) };
  const root = await issueCertificate({
    ...dates,
    subject: { commonName: 'Root in memory' },
    publicKey: rootSigner.publicKey,
    issuer: { signer: rootSigner },
    ca: true,
  });
  const issuing = await issueCertificate({
    ...dates,
    subject: { commonName: 'Issuing CA in a token' },
    publicKey: signer.publicKey,
    issuer: { certificate: root, signer: rootSigner },
    ca: { pathLength: 0 },
  });
  const authority = await openAuthority({
    database: await openSqlite(':memory:'),
    provider,
    issuer: { chain: [issuing, root], signer },
    policy: { domains: ['corp.example'] },
    profiles: [{ ...serverProfile, ocsp: true }],
    baseUrl: 'http://ca.corp.example',
  });
  return { authority, chain: [issuing, root] };
}

export async function newKey(): Promise<PublicKeyInfo> {
  return (await provider.generateKeyPair('secp256r1')).signer.publicKey;
}

/** Issues, revokes, lists and answers; OpenSSL judges. */
export async function wholeLife(hsm: SoftHsm, signer: Pkcs11Signer): Promise<void> {
  const { authority, chain } = await openCa(signer);
  try {
    const [issuing, root] = chain;
    assert.ok(issuing !== undefined && root !== undefined);
    const openssl = (...args: readonly string[]): string =>
      execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
    const issue = async (name: string): Promise<Certificate> =>
      (await authority.issue({ publicKey: await newKey(), names: [name], by: 'the test' })).certificate;
    const good = await issue('good.corp.example');
    const revoked = await issue('revoked.corp.example');
    await authority.revoke({ serial: revoked.serialNumberHex, reason: 'superseded', by: 'the test' });

    const issuer = new X509Certificate(issuing.raw);
    assert.equal(new X509Certificate(good.raw).verify(issuer.publicKey), true);

    const roots = hsm.file('root.pem', toPem('CERTIFICATE', root.raw));
    const ca = hsm.file('issuing.pem', toPem('CERTIFICATE', issuing.raw));
    const crl = hsm.file('list.pem', toPem('X509 CRL', await authority.crl(authority.issuerId)));
    assert.match(openssl('crl', '-in', crl, '-CAfile', ca, '-noout', '-text'), /Revoked Certificates/);
    const verify = ['verify', '-CAfile', roots, '-untrusted', ca, '-CRLfile', crl, '-crl_check'];
    const goodFile = hsm.file('good.pem', toPem('CERTIFICATE', good.raw));
    const revokedFile = hsm.file('revoked.pem', toPem('CERTIFICATE', revoked.raw));
    assert.match(openssl(...verify, goodFile), /: OK/);
    assert.throws(() => openssl(...verify, revokedFile), /certificate revoked/);

    const ocsp = createOcsp({ authority });
    const status = async (leaf: string): Promise<string> => {
      const asked = join(hsm.folder, 'asked.der');
      openssl('ocsp', '-issuer', ca, '-cert', leaf, '-no_nonce', '-reqout', asked);
      const url = `http://ca.corp.example/ocsp/${authority.issuerId}`;
      const headers = { 'content-type': 'application/ocsp-request' };
      const response = await ocsp(new Request(url, { method: 'POST', headers, body: readFileSync(asked) }));
      const answer = hsm.file('answer.der', new Uint8Array(await response.arrayBuffer()));
      return openssl('ocsp', '-issuer', ca, '-cert', leaf, '-respin', answer, '-CAfile', roots, '-verify_other', ca);
    };
    assert.match(await status(goodFile), /good\.pem: good/);
    assert.match(await status(revokedFile), /revoked\.pem: revoked/);
  } finally {
    await authority.close();
  }
}
