/**
 * Two sides that do not speak the same versions, or both of them: what comes of it (RFC 9846 §4.3.1, §E.1).
 *
 * @module
 */

import { type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates } from '../certificates.ts';
import type { Peer } from '../peers/peer.ts';
import { caseJob, type Job } from '../run.ts';

const both = ['TLS 1.3', 'TLS 1.2'] as const;

const variations = [
  { version: 'TLS 1.3', id: 'both sides speak 1.3 and 1.2', peerVersions: both, ourVersions: both },
  { version: 'TLS 1.2', id: 'the peer speaks 1.3 and 1.2, we speak 1.2', peerVersions: both },
  { version: 'TLS 1.2', id: 'the peer speaks 1.2, we speak 1.3 and 1.2', ourVersions: both },
] as const;

/** What every one of these peers has. */
const common = { group: 'secp256r1', scheme: 'ecdsa_secp256r1_sha256', retry: 'no' } as const;

const suites: Readonly<Record<string, string>> = {
  'TLS 1.3': 'TLS_AES_128_GCM_SHA256',
  'TLS 1.2': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
};

export function negotiationJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  if (!peer.limitsVersions) return [];
  return variations.flatMap(({ version, ...variation }) => {
    const row = plain.find((one) => one.version === version);
    if (row === undefined) return [];
    const suite = suites[version] ?? row.suite;
    const id = `${versionId(row)}+${variation.id}`;
    return [caseJob(peer, direction, { ...row, ...common, suite }, certificates, { ...variation, id })];
  });
}
