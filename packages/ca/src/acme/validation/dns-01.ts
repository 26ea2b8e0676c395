/**
 * dns-01 (RFC 8555 §8.4): a TXT record below the name, which proves its wildcard too.
 *
 * @module
 */

import { type CryptoProvider, utf8 } from '@handfast/crypto';
import { base64url } from '../encoding.ts';
import { type Challenge, ValidationFailure } from './challenge.ts';
import { dnsBy } from './dns.ts';
import { unlessAborted, withinTime } from './within-time.ts';

export interface Dns01Options {
  readonly provider: Pick<CryptoProvider, 'digest'>;
  /** `address:port` of recursive resolvers; the system's unless set. */
  readonly resolvers?: readonly string[];
  /** In place of them: the TXT records of a name, each put together; rejects, or is empty, where there are none. */
  readonly resolveTxt?: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** 10 seconds unless set. */
  readonly timeoutMs?: number;
}

export function dns01(options: Dns01Options): Challenge {
  const { provider, resolvers, timeoutMs = 10_000 } = options;
  const resolveTxt = options.resolveTxt ?? dnsBy(resolvers && { resolvers }).txt;
  return {
    type: 'dns-01',
    offers: ({ identifier }) => identifier.type === 'dns',
    async validate({ identifier, keyAuthorization, signal }) {
      const wanted = base64url(provider.digest('sha256', utf8(keyAuthorization)));
      const name = `_acme-challenge.${identifier.value}`;
      const records = await withinTime(timeoutMs, signal, async (bounded) => {
        try {
          return await unlessAborted(resolveTxt(name, bounded), bounded);
        } catch (cause) {
          throw new ValidationFailure('dns', 'there is no TXT record of the challenge', `${name}: the query failed`, {
            cause,
          });
        }
      });
      if (records.length === 0) throw new ValidationFailure('dns', 'there is no TXT record of the challenge');
      if (!records.includes(wanted)) {
        throw new ValidationFailure('unauthorized', 'no TXT record holds the digest of the key authorization');
      }
    },
  };
}
