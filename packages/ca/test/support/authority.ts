/**
 * An authority of a test's own: a root, an intermediate, a database in memory, and a clock that stands until it is moved.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { TestContext } from 'node:test';
import type { PublicKeyInfo, Signer } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, type IssueOptions, issueCertificate } from '@handfast/x509';
import type { Database, IssueRequest, OpenAuthority } from '../../src/index.ts';
import { type AuthorityOptions, CaError, type CaErrorCode, openAuthority, openSqlite } from '../../src/index.ts';

export { nodeProvider };

export const minute = 60_000;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;

export const start: Date = new Date('2026-11-21T12:00:00Z');

/** A clock that tests move. */
export class Clock {
  time: number = start.getTime();
  readonly read = (): Date => new Date(this.time);
}

export interface TestIssuer {
  readonly root: Certificate;
  readonly rootSigner: Signer;
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
}

export async function newKey(): Promise<PublicKeyInfo> {
  return (await nodeProvider.generateKeyPair('secp256r1')).signer.publicKey;
}

export async function newIssuer(
  root: Partial<IssueOptions> = {},
  intermediate: Partial<IssueOptions> = {},
): Promise<TestIssuer> {
  const rootSigner = (await nodeProvider.generateKeyPair('secp256r1')).signer;
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const basics = {
    provider: nodeProvider,
    notBefore: new Date(start.getTime() - day),
    notAfter: new Date(start.getTime() + 3650 * day),
  };
  const rootCertificate = await issueCertificate({
    ...basics,
    subject: { commonName: 'Test root' },
    publicKey: rootSigner.publicKey,
    issuer: { signer: rootSigner },
    ca: true,
    ...root,
  });
  const certificate = await issueCertificate({
    ...basics,
    subject: { commonName: 'Test intermediate' },
    publicKey: signer.publicKey,
    issuer: { certificate: rootCertificate, signer: rootSigner },
    ca: { pathLength: 0 },
    ...intermediate,
  });
  return { root: rootCertificate, rootSigner, chain: [certificate, rootCertificate], signer };
}

export interface Opened {
  readonly authority: OpenAuthority;
  readonly database: Database;
  readonly clock: Clock;
  readonly issuer: TestIssuer;
}

/** Closed when the test ends. */
export async function opened(
  t: TestContext,
  options: Partial<Omit<AuthorityOptions, 'issuer'>> & { readonly issuer?: TestIssuer } = {},
): Promise<Opened> {
  const clock = new Clock();
  const issuer = options.issuer ?? (await newIssuer());
  const database = options.database ?? (await openSqlite(':memory:'));
  const authority = await openAuthority({
    provider: nodeProvider,
    policy: { domains: ['example.test'], wildcards: true, addresses: ['10.0.0.0/8'], emails: ['example.test'] },
    clock: clock.read,
    ...options,
    database,
    issuer,
  });
  t.after(() => authority.close());
  return { authority, database, clock, issuer };
}

export async function request(options: Partial<IssueRequest> = {}): Promise<IssueRequest> {
  return {
    publicKey: options.publicKey ?? (await newKey()),
    names: ['a.example.test'],
    by: 'operator alice',
    ...options,
  };
}

/** That a promise is rejected with a refusal of `code`, whose message matches. */
export async function refuses(promise: Promise<unknown>, code: CaErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof CaError, String(error));
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}
