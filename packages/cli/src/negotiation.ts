/**
 * What may be negotiated, from the options that `connect` and `serve` share: versions, suites, groups, signature schemes.
 * What is out of use is loaded with `--legacy` alone.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import {
  type CipherSuite,
  type ClientOptions,
  cipherSuites,
  defaultCipherSuites12,
  namedGroups,
  type RenegotiationPolicy,
  signatureSchemes,
  tls12,
  tls13,
  type Version,
} from '@handfast/tls';
import { usageError } from './exit.ts';
import { parseNames } from './options.ts';
import type { Report } from './report.ts';

export interface NegotiationOptions {
  readonly groups?: string;
  readonly ciphers?: string;
  readonly signatureSchemes?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  readonly legacy?: boolean;
}

type Rows = Partial<Pick<ClientOptions, 'groups' | 'cipherSuites' | 'signatureSchemes'>> & {
  readonly versions: readonly Version[];
  readonly provider?: CryptoProvider;
};

/** What `connect` passes beside its context. */
export interface Negotiation {
  readonly rows: Rows;
  /** Old servers know nothing of RFC 5746. */
  readonly renegotiation: RenegotiationPolicy | undefined;
}

/** The options as rows. */
export async function negotiation(options: NegotiationOptions): Promise<Negotiation> {
  const { groups, ciphers, signatureSchemes: schemes } = options;
  const old = options.legacy ? await loadLegacy() : undefined;
  const suites: readonly CipherSuite[] = [...cipherSuites, ...defaultCipherSuites12, ...(old?.allSuites ?? [])];
  const rows: Rows = {
    versions: versionsOf(options, [tls13, tls12, ...(old?.versions ?? [])]),
    ...(old && { provider: old.provider, groups: old.groups, cipherSuites: old.cipherSuites }),
    ...(groups !== undefined && { groups: parseNames('group', groups, namedGroups) }),
    ...(ciphers !== undefined && { cipherSuites: parseNames('cipher suite', ciphers, suites) }),
    ...(schemes !== undefined && { signatureSchemes: parseNames('signature scheme', schemes, signatureSchemes) }),
  };
  return { rows, renegotiation: old?.renegotiation };
}

interface Legacy {
  readonly renegotiation: RenegotiationPolicy;
  readonly provider: CryptoProvider;
  readonly versions: readonly Version[];
  readonly groups: typeof namedGroups;
  /** What is spoken. */
  readonly cipherSuites: readonly CipherSuite[];
  /** What can be named. */
  readonly allSuites: readonly CipherSuite[];
}

async function loadLegacy(): Promise<Legacy> {
  const { nodeLegacyProvider } = await import('@handfast/crypto/legacy/node');
  const { allLegacyCipherSuites, insecureServers, legacyCipherSuites, ssl30, tls10, tls11 } = await import(
    '@handfast/tls/legacy'
  );
  const there = (suite: CipherSuite): boolean => suite.supportedBy(nodeLegacyProvider);
  return {
    renegotiation: insecureServers,
    provider: nodeLegacyProvider,
    versions: [tls11, tls10, ssl30],
    groups: namedGroups.filter(({ name }) => !['ffdhe6144', 'ffdhe8192'].includes(name)),
    cipherSuites: [...tls13.defaultCipherSuites, ...defaultCipherSuites12, ...legacyCipherSuites.filter(there)],
    allSuites: allLegacyCipherSuites.filter(there),
  };
}

const versionIds = { 'ssl3.0': 0x0300, '1.0': 0x0301, '1.1': 0x0302, '1.2': 0x0303, '1.3': 0x0304 } as const;

/** What `--min-version` and `--max-version` take. */
export const versionChoices: readonly string[] = Object.keys(versionIds);

function versionsOf({ minVersion, maxVersion }: NegotiationOptions, known: readonly Version[]): readonly Version[] {
  const idOf = (name: string | undefined, otherwise: number): number =>
    name === undefined ? otherwise : (versionIds[name as keyof typeof versionIds] ?? otherwise);
  const [least, most] = [idOf(minVersion, 0), idOf(maxVersion, 0xffff)];
  const chosen = known.filter(({ id }) => id >= least && id <= most);
  if (chosen.length > 0) return chosen;
  throw usageError(
    `--min-version ${minVersion ?? 'ssl3.0'} --max-version ${maxVersion ?? '1.3'} leaves no version to speak`,
    most < versionIds['1.2'] ? 'what is older than TLS 1.2 is spoken with --legacy alone' : undefined,
  );
}

/** Said once, wherever it was asked for. */
export function warnOfLegacy({ legacy }: NegotiationOptions, report: Report): void {
  if (!legacy) return;
  report.warning(
    '--legacy: SSL 3.0, TLS 1.0, TLS 1.1 and weak suites are spoken; who sits in between may read or change what is said',
  );
}
