/**
 * Revocation as a part of verification: the path first, then what is known of it; and who signs CRLs beside the path.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Certificate,
  CertificateError,
  issueCertificate,
  issueCrl,
  type RevocationOptions,
  revocation,
  type VerifyOptions,
} from '../../src/index.ts';
import { type Identity, issued, newSigner, nodeProvider, notAfter, notBefore, now, verified } from '../support/pki.ts';

const at = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);
const root = await issued('Root', undefined, { ca: true });
const ca = await issued('CA', root, { ca: true });
const leaf = await issued('db.internal', ca, { names: ['db.internal'] });
const list = async (by: Identity, ...revoked: readonly Certificate[]) =>
  issueCrl({
    issuer: by,
    number: 1n,
    thisUpdate: at(-1),
    nextUpdate: at(1),
    revoked: revoked.map(({ serialNumber }) => ({ serialNumber, revokedAt: at(-2), reason: 'keyCompromise' })),
  });

const check = (options: RevocationOptions, more: Partial<VerifyOptions> = {}, sent: readonly Identity[] = [ca]) =>
  verified([leaf, ...sent], [root], { revocation: revocation(options), ...more });

async function refused(code: string, run: Promise<unknown>): Promise<CertificateError> {
  const error = await run.then(
    () => assert.fail('it should have been refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CertificateError, String(error));
  assert.equal(error.code, code);
  return error;
}

describe('verification with revocation', () => {
  it('says of each certificate what is known', async () => {
    const crls = [await list(ca), await list(root)];
    const { revocation: verdicts } = await check({ mode: 'require', crls });
    assert.deepEqual(
      verdicts.map(({ certificate, answer }) => [certificate, answer.status]),
      [
        [leaf.certificate, 'good'],
        [ca.certificate, 'good'],
      ],
    );
  });
  it('is nobody’s affair unless it is asked for', async () => {
    assert.deepEqual((await verified([leaf, ca], [root])).revocation, []);
  });
  it('refuses a leaf, and an intermediate, that was revoked', async () => {
    const first = await refused('revoked', check({ mode: 'prefer', crls: [await list(ca, leaf.certificate)] }));
    assert.match(first.message, /"db\.internal".*keyCompromise/);
    const second = await refused('revoked', check({ mode: 'prefer', crls: [await list(root, ca.certificate)] }));
    assert.equal(second.certificate, ca.certificate);
  });
  it('refuses what is not known where that is required, and says so where it is not', async () => {
    await refused('revocation_unknown', check({ mode: 'require', crls: [await list(ca)] }));
    const { revocation: verdicts } = await check({ mode: 'prefer', crls: [await list(ca)] });
    assert.deepEqual(
      verdicts.map(({ answer }) => answer.status),
      ['good', 'unknown'],
    );
  });
  it('comes after everything else: an expired certificate is expired, and nothing is fetched for it', async () => {
    const fetch = (): never => assert.fail('fetched');
    await refused('expired', check({ mode: 'require', fetch }, { time: new Date('2100-01-01') }));
    await refused('name_mismatch', check({ mode: 'require', fetch }, { name: 'other.internal' }));
  });
});

const crlSigner = await newSigner();
const listing: Identity = {
  signer: crlSigner,
  certificate: await issueCertificate({
    provider: nodeProvider,
    subject: { commonName: 'CA' },
    publicKey: crlSigner.publicKey,
    issuer: root,
    notBefore,
    notAfter,
    keyUsage: ['cRLSign'],
  }),
};
describe('a list signed by another key of the CA’s', () => {
  it('counts where a path leads from it to the same anchor', async () => {
    const crls = [await list(listing, leaf.certificate), await list(root)];
    await refused('revoked', check({ mode: 'require', crls }, {}, [ca, listing]));
  });
  it('does not where its certificate is not there', async () => {
    const crls = [await list(listing), await list(root)];
    await refused('revocation_unknown', check({ mode: 'require', crls }));
    const { revocation: verdicts } = await check({ mode: 'require', crls }, {}, [ca, listing]);
    assert.equal(verdicts[0]?.answer.status, 'good');
  });
  it('does not where its certificate was revoked', async () => {
    const crls = [await list(listing), await list(root, listing.certificate)];
    await refused('revocation_unknown', check({ mode: 'require', crls }, {}, [ca, listing]));
  });
  it('does not where it leads to another anchor', async () => {
    const elsewhere = await issued('Elsewhere', undefined, { ca: true });
    const theirs: Identity = {
      signer: crlSigner,
      certificate: await issueCertificate({
        provider: nodeProvider,
        subject: { commonName: 'CA' },
        publicKey: crlSigner.publicKey,
        issuer: elsewhere,
        notBefore,
        notAfter,
        keyUsage: ['cRLSign'],
      }),
    };
    const crls = [await list(theirs), await list(root)];
    const trusting = verified([leaf, ca, theirs], [root, elsewhere], {
      revocation: revocation({ mode: 'require', crls }),
    });
    await refused('revocation_unknown', trusting);
  });
});
