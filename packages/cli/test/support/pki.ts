/**
 * Certificates and keys in files of a temporary directory.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { type Certificate, issueClientCertificate, issueServerCertificate, toPem } from '@handfast/x509';
import { makeAuthority } from '../../src/authority.ts';

export interface Pki {
  readonly directory: string;
  readonly ca: Certificate;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Credential;
  /** The same names, notAfter a day ago. */
  readonly expired: Credential;
  readonly client: Credential;
  /** A client's certificate by another CA. */
  readonly stranger: Credential;
  /** The path of `ca.pem`, `server.pem`, `server-key.pem`, … in the directory. */
  path(name: string): string;
  remove(): void;
}

const hourMs = 3_600_000;

/** Makes the files `ca`, and `server`, `expired`, `client`, `stranger` each with its `-key`. */
export async function makePki(): Promise<Pki> {
  const directory = mkdtempSync(join(tmpdir(), 'handfast-test-'));
  const path = (name: string): string => join(directory, name);
  const now = Date.now();
  const { issuer } = await makeAuthority('Test CA', { from: new Date(now - 72 * hourMs), days: 5 });
  const other = await makeAuthority('Other CA', { from: new Date(now - 72 * hourMs), days: 5 });
  const make = async (
    name: string,
    kind: 'server' | 'client',
    by: typeof issuer,
    endHours: number,
  ): Promise<Credential> => {
    const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
    const basics = {
      provider,
      subject: { commonName: name },
      issuer: by,
      publicKey: signer.publicKey,
      notBefore: new Date(now - 48 * hourMs),
      notAfter: new Date(now + endHours * hourMs),
    };
    const leaf =
      kind === 'server'
        ? await issueServerCertificate({ ...basics, names: ['localhost', '127.0.0.1', '::1'] })
        : await issueClientCertificate(basics);
    writeFileSync(path(`${name}.pem`), toPem('CERTIFICATE', leaf.raw));
    writeFileSync(path(`${name}-key.pem`), toPem('PRIVATE KEY', pkcs8));
    return { chain: [leaf], signer };
  };
  writeFileSync(path('ca.pem'), toPem('CERTIFICATE', issuer.certificate.raw));
  return {
    directory,
    ca: issuer.certificate,
    server: await make('server', 'server', issuer, 24),
    expired: await make('expired', 'server', issuer, -24),
    client: await make('client', 'client', issuer, 24),
    stranger: await make('stranger', 'client', other.issuer, 24),
    path,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
