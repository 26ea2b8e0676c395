/**
 * What is spoken with a peer of the old days: a version, a cipher suite, perhaps a client certificate; or a range of
 * versions to agree in. A peer's list of suites decides which rows it has.
 *
 * @module
 */

import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { type Tls12CipherSuite, tls12, tls13, type Version } from '@handfast/tls';
import { allLegacyCipherSuites, ssl30, tls10, tls11 } from '@handfast/tls/legacy';

/** Every version, best first. */
export const versions: readonly Version[] = [tls13, tls12, tls11, tls10, ssl30];

export type VersionName = 'TLS 1.3' | 'TLS 1.2' | 'TLS 1.1' | 'TLS 1.0' | 'SSL 3.0';

export function versionNamed(name: string): Version {
  const version = versions.find((one) => one.name === name);
  if (version === undefined) throw new Error(`there is no version ${name}`);
  return version;
}

/** Every suite before TLS 1.3 that we have, those of today first. */
export const suites: readonly Tls12CipherSuite[] = [
  ...(tls12.defaultCipherSuites as readonly Tls12CipherSuite[]),
  ...allLegacyCipherSuites,
].filter((suite) => suite.supportedBy?.(provider) !== false);

/** One conversation. */
export interface LegacyCase {
  readonly id: string;
  /** What the peer may speak, lowest and highest. */
  readonly lowest: VersionName;
  readonly highest: VersionName;
  /** What we may speak; absent: the highest of the peer's alone. */
  readonly ours?: readonly VersionName[];
  /** What comes of it. */
  readonly version: VersionName;
  /** The suite that one side offers alone; undefined: both offer all they have. */
  readonly suite: Tls12CipherSuite | undefined;
  /** What kind of key the client proves; undefined: none is asked for. */
  readonly clientKey?: 'rsa' | 'ecdsa';
  /**
   * Whether the peer does without encrypt-then-MAC (RFC 7366) and the extended master secret (RFC 7627); absent: that is
   * not looked at.
   */
  readonly plain?: boolean;
  /** TLS_FALLBACK_SCSV: the server must refuse. */
  readonly fallback?: boolean;
  /** Short lines, for peers whose ciphers take milliseconds a block. */
  readonly brief?: boolean;
}

const lines: readonly string[] = ['line', 'l'.padEnd(31, 'abcdefg'), 'l'.padEnd(1_200, 'hijnopq')];
const briefLines: readonly string[] = [...lines.slice(0, 2), 'l'.padEnd(100, 'hijnopq')];

/** What the client says: three lines, so that chained IVs and key streams go on; one fills blocks, one fills many. */
export function linesOf({ brief }: LegacyCase): readonly string[] {
  return brief ? briefLines : lines;
}

/** What key a suite's server shows, and in static ECDH by RSA what signed it. */
export function serverKind({ suite }: LegacyCase): 'rsa' | 'ecdsa' | 'ecdhRsa' {
  if (suite?.authentication?.name === 'ECDSA' || suite?.name.startsWith('TLS_ECDH_ECDSA_')) return 'ecdsa';
  return suite?.name.startsWith('TLS_ECDH_RSA_') ? 'ecdhRsa' : 'rsa';
}

export function usesPreSharedKey({ suite }: LegacyCase): boolean {
  return suite?.name.includes('PSK_WITH') ?? false;
}

export function isAnonymous({ suite }: LegacyCase): boolean {
  return suite?.name.includes('_anon_') ?? false;
}

export function isCbc(suite: { readonly name: string }): boolean {
  return suite.name.includes('_CBC_');
}

/** Every suite that both have in a version, one case each. */
export function suiteCases(version: VersionName, has: (suite: Tls12CipherSuite) => boolean): readonly LegacyCase[] {
  const { id } = versionNamed(version);
  return suites
    .filter((suite) => suite.minVersion <= id && has(suite))
    .map((suite) => ({ id: `${version} ${suite.name}`, lowest: version, highest: version, version, suite }));
}

/** One suite of each kind of MAC again, as peers without RFC 7366 and RFC 7627 speak it. */
export function plainCases(cases: readonly LegacyCase[]): readonly LegacyCase[] {
  const seen = new Set<string>();
  return cases
    .filter(({ suite, version }) => {
      if (suite === undefined || !isCbc(suite) || version === 'SSL 3.0') return false;
      const kind = `${version} ${suite.name.slice(suite.name.indexOf('_WITH_'))}`;
      if (!/^TLS_(?:ECDHE_|DHE_|)RSA_/.test(suite.name) || seen.has(kind)) return false;
      seen.add(kind);
      return true;
    })
    .map((row) => ({ ...row, id: `${row.id}, MAC then encrypt`, plain: true }));
}

/** Client certificates of both kinds, with the plainest suites of a version. Ours are not for SSL 3.0. */
export function clientKeyCases(cases: readonly LegacyCase[]): readonly LegacyCase[] {
  const plain = [
    'TLS_RSA_WITH_AES_128_CBC_SHA',
    'TLS_DHE_RSA_WITH_AES_128_CBC_SHA',
    'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  ];
  return cases
    .filter(({ suite, version }) => version !== 'SSL 3.0' && suite !== undefined && plain.includes(suite.name))
    .flatMap((row) =>
      (['rsa', 'ecdsa'] as const).map((clientKey) => ({
        ...row,
        id: `${row.id}, client's ${clientKey} key`,
        clientKey,
      })),
    );
}

/** Against our side of all versions: the peer of each of its versions alone, and of all up to each. */
export function negotiationCases(spoken: readonly VersionName[]): readonly LegacyCase[] {
  const all = versions.map(({ name }) => name as VersionName);
  const lowest = spoken.at(-1) ?? 'TLS 1.2';
  return spoken.flatMap((version) =>
    [...new Set([version, lowest])].map((least) => ({
      id: `all of ours, the peer's ${least === version ? version : `${least} to ${version}`}`,
      lowest: least,
      highest: version,
      ours: all,
      version,
      suite: undefined,
    })),
  );
}
