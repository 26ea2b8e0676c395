/**
 * Verifies a path and then asks given CRLs about every certificate of it, as test suites want it: all of them must be
 * known to be good.
 *
 * @module
 */

import { type CryptoProvider, runSettling, type Settling } from '@handfast/crypto';
import { type Crl, parseCrl } from '../../src/crl.ts';
import { type Certificate, CertificateError, type VerifiedPath, type VerifyOptions, verify } from '../../src/index.ts';
import { crlAnswer } from '../../src/revocation/crl.ts';

export interface CrlOptions extends VerifyOptions {
  readonly provider: CryptoProvider;
  /** DER. One that does not parse is passed over. */
  readonly crls: readonly Uint8Array[];
}

/** The path, or `CertificateError`: `revoked`, `revocation_unknown`, or what refused the path. */
export async function verifyWithCrls(options: CrlOptions): Promise<VerifiedPath> {
  return runSettling(verifying(options));
}

function* verifying(options: CrlOptions): Settling<VerifiedPath> {
  const verified = yield* verify(options);
  const crls = options.crls.flatMap(readable);
  yield* checking(options, verified.path, crls, []);
  return verified;
}

function* checking(
  options: CrlOptions,
  path: readonly Certificate[],
  crls: readonly Crl[],
  underway: readonly Certificate[],
): Settling<void> {
  const { provider, time, profile, policy = {}, intermediates = [] } = options;
  // An issuer of lists has a path of its own, whose certificates must be good as well. One that its own list covers, as
  // RFC 5280 §6.3.3 (f) lets it, is not looked at again.
  function* pathOf(crlIssuer: Certificate): Settling<readonly Certificate[] | undefined> {
    try {
      const { certificatePolicies: _, name: __, ...rest } = options;
      const found = yield* verify({ ...rest, leaf: crlIssuer, usage: 'any' });
      if (!underway.includes(crlIssuer)) yield* checking(options, found.path, crls, [...underway, crlIssuer]);
      return found.path;
    } catch (error) {
      if (error instanceof CertificateError) return undefined;
      throw error;
    }
  }
  for (let index = 0; index < path.length - 1; index++) {
    const answer = yield* crlAnswer({
      provider,
      path,
      index,
      crls,
      time,
      clockSkewMs: 0,
      rules: { profile, policy },
      candidates: intermediates,
      pathOf,
    });
    const certificate = path[index];
    if (answer.status === 'revoked') throw new CertificateError('revoked', 'revoked', { certificate });
    if (answer.status === 'unknown') throw new CertificateError('revocation_unknown', answer.why, { certificate });
  }
}

function readable(der: Uint8Array): Crl[] {
  try {
    return [parseCrl(der)];
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
