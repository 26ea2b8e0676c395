/**
 * x509-limbo (C2SP, Apache-2.0): all of its cases but a sample of the 939 name-constraint ones that were generated from
 * one grid. Cases whose name starts with a profile's run under that profile. A case is left out only by a row below.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  type Certificate,
  CertificateError,
  type PathPolicy,
  parseCertificates,
  trustStore,
  verifyCertificate,
} from '../../src/index.ts';
import { nodeProvider } from '../support/pki.ts';

interface LimboCase {
  readonly id: string;
  readonly features: readonly string[];
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly extended_key_usage: readonly ('serverAuth' | 'clientAuth')[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: { readonly kind: 'DNS' | 'IP'; readonly value: string } | null;
  readonly max_chain_depth: number | null;
}

/** Cases that we answer otherwise, and why. Each is run, and fails here once it passes. */
const differing: ReadonlyMap<string, string> = new Map([
  ['crl::crlnumber-missing', 'revocation is not checked yet'],
  ['crl::crlnumber-critical', 'revocation is not checked yet'],
  [
    'rfc5280::ca-as-leaf',
    'its KeyUsage is keyCertSign alone, and RFC 9846 §4.4.2.2 wants digitalSignature of a TLS key',
  ],
  ['webpki::san::public-suffix-multi-label-wildcard-san', 'wants a list of public suffixes, which we do not carry'],
]);

/** For cases that say "now": when the suite was compiled, so that nothing here depends on a clock. */
const someTime = new Date('2026-06-30T00:00:00Z');

/** A case over five seconds is a hang; ours are far below one, on any machine. */
const timeout = 5000;

function casesOf(file: string): readonly LimboCase[] {
  const packed = readFileSync(new URL(`../vectors/limbo/${file}.json.gz`, import.meta.url));
  const parsed: { readonly testcases: readonly LimboCase[] } = JSON.parse(gunzipSync(packed).toString());
  return parsed.testcases;
}

/** An anchor or intermediate that does not parse is passed over; a leaf that does not is a failure. */
function parsed(pems: readonly string[]): Certificate[] {
  return pems.flatMap((pem) => {
    try {
      return parseCertificates(pem);
    } catch (error) {
      if (error instanceof CertificateError) return [];
      throw error;
    }
  });
}

function policyOf({ id }: LimboCase): PathPolicy {
  if (id.startsWith('rfc5280::')) return { profile: 'rfc5280' };
  return id.startsWith('webpki::') ? { profile: 'webpki' } : {};
}

async function resultOf(limbo: LimboCase): Promise<{ readonly result: 'SUCCESS' | 'FAILURE'; readonly why: string }> {
  const [usage = limbo.validation_kind === 'SERVER' ? 'serverAuth' : 'clientAuth'] = limbo.extended_key_usage;
  try {
    await verifyCertificate({
      provider: nodeProvider,
      chain: [...parseCertificates(limbo.peer_certificate), ...parsed(limbo.untrusted_intermediates)],
      trust: trustStore(parsed(limbo.trusted_certs)),
      time: limbo.validation_time === null ? someTime : new Date(limbo.validation_time),
      purpose: usage,
      name: limbo.expected_peer_name?.value,
      policy: policyOf(limbo),
      budget: limbo.max_chain_depth === null ? {} : { intermediates: limbo.max_chain_depth },
    });
    return { result: 'SUCCESS', why: '' };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return { result: 'FAILURE', why: `${error.code}: ${error.message}` };
  }
}

describe('x509-limbo', () => {
  const cases = [...casesOf('limbo'), ...casesOf('bettertls-nameconstraints')];
  for (const limbo of cases) {
    const reason = differing.get(limbo.id);
    it(reason === undefined ? limbo.id : `${limbo.id} (differs: ${reason})`, { timeout }, async () => {
      const { result, why } = await resultOf(limbo);
      if (reason === undefined) assert.equal(result, limbo.expected_result, why);
      else assert.notEqual(result, limbo.expected_result, 'passes now: take it off the list');
    });
  }
  it('has every case that the list of differences names', () => {
    const ids = new Set(cases.map(({ id }) => id));
    assert.deepEqual(
      [...differing.keys()].filter((id) => !ids.has(id)),
      [],
    );
  });
});
