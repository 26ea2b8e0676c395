/**
 * Lists of revoked certificates, as verifiers use them.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { CryptoProvider } from '@handfast/crypto';
import {
  type Certificate,
  type Crl,
  distributionPointsOf,
  parseCrl,
  revocation,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import type { CrlName } from '../../src/index.ts';
import { nodeProvider, type Opened } from './authority.ts';

export const baseUrl = 'http://ca.example.test';

/** Serial numbers that end with an octet of the caller's, which is the shard among 256, and by the remainder among fewer. */
export class Dealing {
  last = 0;
  readonly provider: CryptoProvider = {
    ...nodeProvider,
    random: (length) => {
      const bytes = nodeProvider.random(length);
      bytes.set([0, 0, 0, this.last], length - 4);
      return bytes;
    },
  };
}

export async function list({ authority }: Opened, name?: CrlName, issuerId = authority.issuerId): Promise<Crl> {
  return parseCrl(await authority.crl(issuerId, name));
}

/** What a verifier says of a leaf that has nothing but these lists, and takes no unknown status. */
export async function statusBy(
  { clock }: Opened,
  leaf: Certificate,
  chain: readonly Certificate[],
  crls: readonly Crl[],
): Promise<string> {
  const root = chain.at(-1) ?? assert.fail('no chain');
  const looking = revocation({ mode: 'require', scope: 'leaf', crls, clockSkewMs: 0 });
  try {
    const { revocation: verdicts } = await verifyCertificate({
      provider: nodeProvider,
      leaf,
      intermediates: chain,
      trust: trustStore([root]),
      time: clock.read(),
      usage: 'serverAuth',
      revocation: looking,
    });
    return verdicts[0]?.answer.status ?? 'none';
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
}

/** Where a leaf says that its list is. */
export function urlsIn(certificate: Certificate): readonly string[] {
  return distributionPointsOf(certificate).flatMap(({ name }) => urlsOf(name));
}

/** Where a list says that it is. */
export function urlsOfScope({ issuingDistributionPoint }: Crl): readonly string[] {
  return urlsOf(issuingDistributionPoint?.name);
}

/** Where a list says that its delta is. */
export function deltaUrlsIn({ freshestCrl }: Crl): readonly string[] {
  return (freshestCrl ?? []).flatMap(({ name }) => urlsOf(name));
}

function urlsOf(name: NonNullable<Crl['issuingDistributionPoint']>['name']): readonly string[] {
  if (name === undefined || !('fullName' in name)) return [];
  return name.fullName.map((one) => (one.kind === 'uri' ? one.text : one.kind));
}
