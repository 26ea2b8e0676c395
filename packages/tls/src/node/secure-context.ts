/**
 * `createSecureContext()`: PEM, names and the like become descriptors, certificates and keys once, to be shared by any
 * number of connections.
 *
 * @module
 */

import type { SecureContext as NodeContext } from 'node:tls';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, type Crl, type Revocation, revocation, type TrustStore } from '@handfast/x509';
import { type CommonOptions, ownOf } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { quote, TlsConfigError } from '../errors.ts';
import type { PeerVerdict } from '../peer.ts';
import {
  type CipherSuite,
  cipherSuites,
  type NamedGroup,
  namedGroups,
  type Row,
  type SignatureScheme,
  signatureSchemes,
} from '../registry.ts';
import { defaultCipherSuites12 } from '../tls12/suites.ts';
import type { Version } from '../version.ts';
import type { AlpnCallback } from './alpn.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { namedTrust, trustOfNow } from './ca-certificates.ts';
import { cipherSuitesOf, getCiphers as namesOf } from './cipher-string.ts';
import { groupsOf } from './curve-list.ts';
import type { CertificateCompressionAlgorithm } from './declarations.ts';
import { changedCiphers, defaults } from './defaults.ts';
import { type KeyMaterialOptions, readKeyMaterial } from './key-material.ts';
import type { PemInput } from './pem-files.ts';
import { revocationByCrls } from './revocation-by-crls.ts';
import { type SecurityLevel, securityDemands } from './security-level.ts';
import { schemesOf } from './sigalg-list.ts';
import { secureOptionBits, type VersionOptions, versionRange } from './version-range.ts';

export interface ContextOptions extends KeyMaterialOptions, VersionOptions {
  /** Whose signatures are trusted, parsed. Default: `ca`, and without it Node's, as `tls.getCACertificates('default')` says. */
  readonly trust?: TrustStore;
  /** Our certificates with their keys, parsed; a signer may be an HSM or a KMS. They stand before `cert`. */
  readonly credentials?: readonly Credential[];
  /** Suites in OpenSSL's words. Words for what is not here are passed by as long as something is left. */
  readonly ciphers?: string | null | undefined;
  /** Groups in OpenSSL's words, best first; `auto` for the defaults. */
  readonly ecdhCurve?: string | undefined;
  /** Signature schemes in OpenSSL's words, best first. */
  readonly sigalgs?: string | null | undefined;
  /** Rows or IANA names, best first, in place of `ciphers`. */
  readonly cipherSuites?: readonly (CipherSuite | string)[];
  /** In place of `ecdhCurve`. */
  readonly groups?: readonly (NamedGroup | string)[];
  /** In place of `sigalgs`. */
  readonly signatureSchemes?: readonly (SignatureScheme | string)[];
  /** Trusts intermediates in `ca` by themselves, without their root. Default: false, as in Node. */
  readonly allowPartialTrustChain?: boolean | undefined;
  /** Default: `nodeProvider`. */
  readonly provider?: CryptoProvider;
  /** These four count where a server has them. */
  readonly ALPNCallback?: AlpnCallback | undefined;
  readonly honorCipherOrder?: boolean | undefined;
  readonly sessionTimeout?: number | undefined;
  readonly ticketKeys?: NodeJS.ArrayBufferView | undefined;
  /** These three are passed by: docs/node-tls.md says why. */
  readonly certificateCompression?: readonly CertificateCompressionAlgorithm[] | undefined;
  readonly dhparam?: PemInput | undefined;
  readonly sessionIdContext?: string | undefined;
}

/** A context: one of ours, by whichever declaration. */
export type AnyContext = SecureContext | NodeContext;

/**
 * What was given as a context.
 * @throws TypeError `ERR_TLS_INVALID_CONTEXT` for what `createSecureContext` has not made
 */
export function contextOf(given: AnyContext): SecureContext {
  if (given instanceof SecureContext) return given;
  throw coded(new TypeError('context must be a SecureContext'), 'ERR_TLS_INVALID_CONTEXT');
}

type ContextConfig = Pick<
  CommonOptions,
  'provider' | 'credentials' | 'cipherSuites' | 'groups' | 'signatureSchemes' | 'pathPolicy'
> & {
  readonly versions: readonly Version[];
  /** Absent: by the groups. A client's alone. */
  readonly keyShares?: readonly NamedGroup[];
};

class Context {
  readonly options: ContextConfig;
  /** Whose signatures are trusted; undefined: nobody was named. */
  readonly trust: TrustStore | undefined;
  /** Whom Node trusts by default, as of when this was made: for who needs somebody and named nobody. */
  readonly defaultTrust: () => TrustStore;
  /** Certificates that were named to be trusted. */
  readonly trustedCertificates: readonly Certificate[];
  /** The lists of the option `crl`, and how certificates are looked up in them; undefined: there are none. */
  readonly crls: readonly Crl[];
  readonly revocation: Revocation | undefined;
  /** Bits of OpenSSL's. */
  readonly secureOptions: number;
  /** As `node:tls` has it, for programs that look whether this is a context. */
  readonly context: this;

  /** See `createSecureContext`. */
  constructor(given: ContextOptions = {}) {
    if (given && typeof given !== 'object') throw invalidArgType('options', ['object'], given);
    const options = ownOf(given);
    const provider = options.provider ?? nodeProvider;
    const { suites, securityLevel } = suitesOf(options);
    const material = readKeyMaterial(options, { provider, securityLevel });
    const trusted = material.trustedCertificates ?? [];
    this.options = {
      provider,
      credentials: [...(options.credentials ?? []), ...material.credentials],
      versions: versionRange(options),
      ...(suites && { cipherSuites: suites }),
      ...groupsAndShares(options),
      ...schemes(options),
      ...strength(provider, securityLevel),
    };
    const { allowPartialTrustChain } = options;
    const { trustedCertificates, trustsDefaults } = material;
    this.trust =
      options.trust ?? (trustedCertificates && namedTrust(trusted, { trustsDefaults, allowPartialTrustChain }));
    this.defaultTrust = trustOfNow({ allowPartialTrustChain });
    this.trustedCertificates = trusted;
    this.crls = material.crls;
    this.revocation =
      material.crls.length === 0 ? undefined : revocationByCrls(material.crls, { trusted, also: believeStaples });
    this.secureOptions = secureOptionBits(options.secureOptions);
    this.context = this;
  }
}

/** What `createSecureContext` makes: shared by any number of connections. */
export interface SecureContext extends Context {}

/** With and without `new`, as Node's is. */
export const SecureContext: typeof Context & ((options?: ContextOptions) => SecureContext) = new Proxy(Context, {
  apply: (target, _, [options]: [ContextOptions?]) => new target(options),
}) as typeof Context & ((options?: ContextOptions) => SecureContext);

/** Unless told otherwise: what a server staples is believed, and nothing is fetched. */
export const believeStaples: Revocation = revocation({ mode: 'prefer' });

/** A `verifyPeer` for who takes a peer that does not verify as well. */
export const acceptAnyway = (): PeerVerdict => ({ accepted: true });

/**
 * Parses certificates, keys and names.
 * @throws TlsConfigError, CertificateError, CryptoError, or Node's own error, that names what cannot be used.
 */
export function createSecureContext(options: ContextOptions = {}): SecureContext {
  return new SecureContext(options);
}

/** Names of all suites that are here without import, as OpenSSL has them, in lower case. */
export function getCiphers(): string[] {
  return namesOf([...cipherSuites, ...defaultCipherSuites12]);
}

interface Suites {
  readonly suites?: readonly CipherSuite[] | undefined;
  readonly securityLevel?: SecurityLevel | undefined;
}

function suitesOf({ cipherSuites: rows, ciphers, versions }: ContextOptions): Suites {
  const known = [...cipherSuites, ...defaultCipherSuites12];
  if (rows !== undefined) return { suites: list<CipherSuite>('cipherSuites', rows, known) };
  const words = ciphers ?? changedCiphers();
  if (words === undefined) return {};
  const more = versions?.flatMap(({ defaultCipherSuites }) => defaultCipherSuites) ?? [];
  return cipherSuitesOf(words, [...new Set([...known, ...more])]);
}

function groupsAndShares({ groups: rows, ecdhCurve }: ContextOptions): Pick<ContextConfig, 'groups' | 'keyShares'> {
  const groups = list('groups', rows, namedGroups);
  if (groups !== undefined) return { groups };
  const chosen = groupsOf(ecdhCurve ?? defaults.DEFAULT_ECDH_CURVE);
  return {
    ...(chosen.groups && { groups: chosen.groups }),
    ...(chosen.keyShares && { keyShares: chosen.keyShares }),
  };
}

/** What `@SECLEVEL=` asks of the peer's certificates. An ordinary provider never takes less than 2,048 bits of RSA. */
function strength(provider: CryptoProvider, level: SecurityLevel | undefined): Pick<ContextConfig, 'pathPolicy'> {
  if (level === undefined) return {};
  const { minRsaBits, minCurveBits } = securityDemands(level);
  return { pathPolicy: { minRsaBits: provider.legacy ? minRsaBits : Math.max(2048, minRsaBits), minCurveBits } };
}

function schemes({ signatureSchemes: rows, sigalgs }: ContextOptions): Pick<ContextConfig, 'signatureSchemes'> {
  if (rows !== undefined)
    return { signatureSchemes: rows.map((row) => rowOf('signatureSchemes', row, signatureSchemes)) };
  return sigalgs === undefined || sigalgs === null ? {} : { signatureSchemes: schemesOf(sigalgs).signatureSchemes };
}

/** Those of an object's values that are named, and there. */
export function named<O extends object, K extends keyof O>(options: O, names: readonly K[]): Pick<O, K> {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as Pick<O, K>;
}

/** Rows by themselves or by name. */
export function list<R extends Row>(
  option: string,
  given: readonly (R | string)[] | undefined,
  known: readonly R[],
): readonly R[] | undefined {
  return given?.map((item) => rowOf(option, item, known));
}

function rowOf<R extends Row>(option: string, item: R | string, known: readonly R[]): R {
  if (typeof item !== 'string') return item;
  const row = known.find(({ name }) => name.toLowerCase() === item.toLowerCase());
  if (row === undefined) {
    throw new TlsConfigError(
      option,
      `${quote(item)} is not known; known are ${known.map(({ name }) => name).join(', ')}`,
    );
  }
  return row;
}
