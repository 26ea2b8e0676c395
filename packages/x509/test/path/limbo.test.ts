/**
 * x509-limbo (C2SP, Apache-2.0): all 1,059 cases through `verifyCertificate`. Cases whose name starts with a profile's
 * run under that profile. One that we answer otherwise stands in `exceptions.json`, with what we answer and why; it is
 * run all the same, and fails here once it passes.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type KeyUsage,
  type NameReference,
  type Profile,
  parseCertificates,
  parsePem,
  rfc5280,
  trustStore,
  verifyCertificate,
  webpki,
} from '../../src/index.ts';
import { verifyWithCrls } from '../support/crl-checks.ts';
import { publicSuffixes } from '../support/names.ts';

type PeerName = { readonly kind: 'DNS' | 'IP' | 'RFC822'; readonly value: string };

interface LimboCase {
  readonly id: string;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly crls: readonly string[];
  readonly validation_time: string | null;
  readonly signature_algorithms: readonly string[];
  readonly key_usage: readonly KeyUsage[];
  readonly extended_key_usage: readonly ('serverAuth' | 'clientAuth')[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: PeerName | null;
  readonly expected_peer_names: readonly PeerName[];
  readonly max_chain_depth: number | null;
}

interface LimboException {
  readonly id: string;
  /** What we answer instead. */
  readonly code: CertificateErrorCode | 'SUCCESS';
  readonly reason: string;
  /** The text that says so. */
  readonly source: string;
}

/** For cases that say "now": when the suite was compiled, so that nothing here depends on a clock. */
const someTime = new Date('2026-11-20T03:00:00Z');

/** A case over five seconds is a hang; ours are far below one, on any machine. */
const timeout = 5000;

const folder = new URL('../vectors/limbo/', import.meta.url);
const { testcases }: { readonly testcases: readonly LimboCase[] } = JSON.parse(
  gunzipSync(readFileSync(new URL('limbo.json.gz', folder))).toString(),
);
const exceptions: readonly LimboException[] = JSON.parse(readFileSync(new URL('exceptions.json', folder), 'utf8'));

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

function profileOf({ id }: LimboCase): Profile | undefined {
  if (id.startsWith('rfc5280::') || id.startsWith('crl::')) return rfc5280;
  return id.startsWith('webpki::') ? webpki : undefined;
}

function namesOf({ expected_peer_name, expected_peer_names }: LimboCase): readonly (NameReference | undefined)[] {
  const names = expected_peer_name === null ? expected_peer_names : [expected_peer_name];
  const references = names.map(({ kind, value }) =>
    kind === 'DNS' ? { dns: value } : kind === 'IP' ? { ip: value } : { email: value },
  );
  return references.length === 0 ? [undefined] : references;
}

/** The code of the refusal, or `SUCCESS`. */
async function answerOf(limbo: LimboCase): Promise<{ readonly code: string; readonly message: string }> {
  const [usage = limbo.validation_kind === 'SERVER' ? 'serverAuth' : 'clientAuth'] = limbo.extended_key_usage;
  assert.deepEqual(limbo.signature_algorithms, [], 'no case names any; one that does needs a line here');
  try {
    const [leaf] = parseCertificates(limbo.peer_certificate);
    for (const name of namesOf(limbo)) {
      const verified = limbo.crls.length === 0 ? verifyCertificate : verifyWithCrls;
      await verified({
        provider: nodeProvider,
        leaf,
        intermediates: parsed(limbo.untrusted_intermediates),
        crls: limbo.crls.flatMap((pem) => parsePem(pem).map(({ bytes }) => bytes)),
        trust: trustStore(limbo.trusted_certs),
        time: limbo.validation_time === null ? someTime : new Date(limbo.validation_time),
        usage,
        name,
        profile: profileOf(limbo),
        policy: { keyUsage: limbo.key_usage, isPublicSuffix: publicSuffixes },
        budget: limbo.max_chain_depth === null ? {} : { intermediates: limbo.max_chain_depth },
      });
    }
    return { code: 'SUCCESS', message: '' };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return { code: error.code, message: error.message };
  }
}

describe('x509-limbo', () => {
  const differing = new Map(exceptions.map((exception) => [exception.id, exception]));
  const counts = new Map<string, number>();
  for (const limbo of testcases) {
    const exception = differing.get(limbo.id);
    it(limbo.id, { timeout }, async () => {
      const { code, message } = await answerOf(limbo);
      const result = code === 'SUCCESS' ? 'SUCCESS' : 'FAILURE';
      if (exception === undefined) assert.equal(result, limbo.expected_result, `${code}: ${message}`);
      else assert.equal(code, exception.code, `${message} (${exception.reason})`);
      const agrees = result === 'SUCCESS' ? 'accepted' : 'refused, as they must be';
      const label = exception === undefined ? agrees : 'otherwise, by exceptions.json';
      counts.set(label, (counts.get(label) ?? 0) + 1);
    });
  }
  it('has every case that the list of exceptions names, each of which differs, with a reason and a source', () => {
    const results = new Map(testcases.map((limbo) => [limbo.id, limbo.expected_result]));
    for (const { id, code, reason, source } of exceptions) {
      assert.equal(results.get(id), code === 'SUCCESS' ? 'FAILURE' : 'SUCCESS', id);
      assert.ok(reason.length > 20 && source.length > 20, id);
    }
  });
  it('was run in full', (t) => {
    t.diagnostic(`x509-limbo: ${[...counts].map(([label, count]) => `${count} ${label}`).join(', ')}`);
    assert.equal(testcases.length, 1059);
  });
});
