/**
 * A peer's certificate that may have been revoked, and its timestamps: what is stapled decides, by the alerts of RFC 9846 and
 * RFC 6066. What a response, a list or a timestamp is worth is tested in `@handfast/x509`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  type CertificateErrorCode,
  issueCrl,
  issueOcspResponse,
  type OcspAnswer,
  revocation,
  transparency,
} from '@handfast/x509';
import type { AlertName, ClientOptions, Credential } from '../../src/index.ts';
import { clientCredential, makeCredential, now, otherPki, pki, serverCredential } from '../support/identities.ts';
import { connected, type Pair, providers } from '../support/pair.ts';

const hour = 3_600_000;
const at = (hours: number): Date => new Date(now.getTime() + hours * hour);
const leafOf = ({ chain }: Credential): Certificate => chain[0] as Certificate;
const fresh = { thisUpdate: at(-1), nextUpdate: at(1) } as const;

async function responseFor(
  credential: Credential,
  change: Partial<OcspAnswer> = {},
  signer = pki.signer,
): Promise<Uint8Array> {
  const answer = { subject: leafOf(credential), status: 'good', ...fresh, ...change } as OcspAnswer;
  return issueOcspResponse({
    provider: nodeProvider,
    responder: { signer },
    issuer: pki.root,
    answers: [answer],
    producedAt: at(-1),
  });
}

const revoked = { status: 'revoked', revokedAt: at(-2), reason: 'keyCompromise' } as const;
const must = await makeCredential({ with: { mustStaple: true } });
const good = await responseFor(serverCredential);
const staple = (credential: Credential, response: Uint8Array): { readonly credentials: readonly Credential[] } => ({
  credentials: [{ ...credential, ocspResponse: () => response }],
});

for (const provider of providers) {
  const prefer = { revocation: revocation({ mode: 'prefer' }) };
  const require = { revocation: revocation({ mode: 'require' }) };

  function refused(both: Pair, side: 'client' | 'server', code: CertificateErrorCode, alert: AlertName): void {
    const { error } = both[side];
    assert.equal((error?.cause as { code?: unknown } | undefined)?.code, code, String(error));
    assert.equal(error?.alert, alert);
    assert.equal(both[side === 'client' ? 'server' : 'client'].error?.alert, alert);
  }
  const meets = async (client: Partial<ClientOptions>, server: object): Promise<Pair> =>
    connected({ provider, client, server });

  describe(`a server that staples, provider ${provider.name},`, () => {
    it('a good response: connects, and the verdict says so', async () => {
      const both = await meets(require, staple(serverCredential, good));
      const [verdict] = both.client.connection.negotiated?.peer?.path?.revocation ?? [];
      assert.deepEqual(verdict?.answer, { status: 'good', source: 'staple', ...fresh });
    });
    it('that it is revoked: refused by name, with when and why', async () => {
      const both = await meets(prefer, staple(serverCredential, await responseFor(serverCredential, revoked)));
      refused(both, 'client', 'revoked', 'certificate_revoked');
      assert.match(both.client.error?.message ?? '', /"localhost".*revoked.*keyCompromise/s);
    });
    it('nothing: connects where revocation is preferred, and not where it is required', async () => {
      assert.ok((await meets(prefer, {})).client.established);
      refused(await meets(require, {}), 'client', 'revocation_unknown', 'certificate_unknown');
    });
    it('nothing, though its certificate demands it: refused', async () => {
      const both = await meets(prefer, { credentials: [must] });
      refused(both, 'client', 'bad_status_response', 'bad_certificate_status_response');
      assert.ok((await meets(prefer, staple(must, await responseFor(must)))).client.established);
    });
    it('what is no response: refused', async () => {
      const both = await meets(prefer, staple(serverCredential, Uint8Array.of(0x30, 1)));
      refused(both, 'client', 'bad_status_response', 'bad_certificate_status_response');
    });
    it('what only a stranger has signed: not believed', async () => {
      const forged = await responseFor(serverCredential, {}, otherPki.signer).catch(() => undefined);
      // Our own issuing refuses it; the bytes of a good one with another signature do as well.
      const response = forged ?? good.map((byte, index) => (index === good.length - 1 ? byte ^ 1 : byte));
      refused(
        await meets(require, staple(serverCredential, response)),
        'client',
        'revocation_unknown',
        'certificate_unknown',
      );
    });
    it('anything at all, to a client that does not look: connects', async () => {
      assert.ok((await meets({}, staple(serverCredential, Uint8Array.of(1)))).client.established);
    });
  });

  describe(`a client’s certificate, provider ${provider.name},`, () => {
    it('is refused by a server that has the list in which it stands', async () => {
      const list = await issueCrl({
        issuer: { certificate: pki.root, signer: pki.signer },
        number: 1n,
        ...fresh,
        revoked: [{ serialNumber: leafOf(clientCredential).serialNumber, revokedAt: at(-2) }],
      });
      const server = {
        clientCertificate: 'require',
        trust: pki.trust,
        revocation: revocation({ mode: 'require', crls: [list] }),
      } as const;
      const both = await connected({ provider, client: { credentials: [clientCredential] }, server });
      refused(both, 'server', 'revoked', 'certificate_revoked');
    });
  });

  describe(`timestamps, provider ${provider.name},`, () => {
    it('are demanded where the config says so', async () => {
      const both = await meets({ transparency: transparency([]) }, {});
      refused(both, 'client', 'certificate_transparency', 'certificate_unknown');
      const none = transparency([], () => ({ logs: 0, operators: 0, current: 0 }));
      assert.ok((await meets({ transparency: none }, {})).client.established);
    });
  });
}
