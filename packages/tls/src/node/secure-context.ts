/**
 * `createSecureContext()`: PEM, names and the like become descriptors, certificates and keys once, to be shared by any
 * number of connections.
 *
 * @module
 */

import {
  CryptoError,
  type CryptoProvider,
  isThenable,
  type LegacyKey,
  type MaybePromise,
  type Signer,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { parseCertificates, parsePrivateKey, type TrustStore, trustStore } from '@handfast/x509';
import { defaultTrust as nodeTrust } from '@handfast/x509/node';
import { type CommonOptions, ownOf } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { quote, TlsConfigError } from '../errors.ts';
import {
  type CipherSuite,
  cipherSuites,
  type NamedGroup,
  namedGroups,
  type Row,
  type SignatureScheme,
  signatureSchemes,
  type VersionName,
} from '../registry.ts';
import { tls12 } from '../tls12/index.ts';
import { defaultCipherSuites12 } from '../tls12/suites.ts';
import { tls13 } from '../tls13/index.ts';
import type { Version } from '../version.ts';

/** Text in PEM, or bytes in PEM or DER. */
export type Pem = string | Uint8Array;

export interface SecureContextOptions {
  /** Certificates whose signatures are trusted. Default: Node's, as `tls.getCACertificates('default')` says. */
  readonly ca?: Pem | readonly Pem[];
  /** The same, parsed. */
  readonly trust?: TrustStore;
  /** Our certificate, then those that signed it. */
  readonly cert?: Pem | readonly Pem[];
  /** The private key of `cert`: PKCS#8, SEC1 or PKCS#1, unencrypted. With a legacy provider it has the old ways as well. */
  readonly key?: Pem;
  /** The same, parsed; a signer may be an HSM or a KMS. They stand before `cert`. */
  readonly credentials?: readonly Credential[];
  /** Rows or IANA names, best first. */
  readonly cipherSuites?: readonly (CipherSuite | string)[];
  readonly groups?: readonly (NamedGroup | string)[];
  readonly signatureSchemes?: readonly (SignatureScheme | string)[];
  /** Protocol versions, as values, best first. Default: TLS 1.3 and TLS 1.2. */
  readonly versions?: readonly Version[];
  /** The lowest and the highest of them that are spoken, by `node:tls`'s names. */
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** Default: `nodeProvider`. */
  readonly provider?: CryptoProvider;
}

/** A version as `node:tls` names it. */
export type SecureVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

const versionIds: Readonly<Record<SecureVersion, number>> = {
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
  'TLSv1.3': 0x0304,
};

/** What `node:tls` calls a version. */
export function secureVersionName(name: VersionName): string {
  return name === 'TLS 1.0' ? 'TLSv1' : name === 'SSL 3.0' ? 'SSLv3' : name.replace(' ', 'v');
}

type ContextConfig = Pick<
  CommonOptions,
  'provider' | 'credentials' | 'cipherSuites' | 'groups' | 'signatureSchemes'
> & {
  readonly versions: readonly Version[];
};

/** What `createSecureContext` makes. */
export interface SecureContext {
  readonly options: ContextConfig;
  /** Whose signatures are trusted; undefined: nobody was named. */
  readonly trust: TrustStore | undefined;
}

/**
 * Parses certificates, keys and names.
 * @throws TlsConfigError, CertificateError or CryptoError that names what cannot be used.
 */
export function createSecureContext(given: SecureContextOptions = {}): SecureContext {
  const options = ownOf(given);
  const provider = options.provider ?? nodeProvider;
  const credentials = [...(options.credentials ?? []), ...credentialOf(options, provider)];
  const suites = list<CipherSuite>('cipherSuites', options.cipherSuites, [...cipherSuites, ...defaultCipherSuites12]);
  const groups = list('groups', options.groups, namedGroups);
  const schemes = list('signatureSchemes', options.signatureSchemes, signatureSchemes);
  return {
    options: {
      provider,
      credentials,
      versions: versionsOf(options),
      ...(suites && { cipherSuites: suites }),
      ...(groups && { groups }),
      ...(schemes && { signatureSchemes: schemes }),
    },
    trust: options.trust ?? (options.ca === undefined ? undefined : trustStore(several(options.ca).flatMap(parsed))),
  };
}

function versionsOf({ versions = [tls13, tls12], minVersion, maxVersion }: SecureContextOptions): readonly Version[] {
  const id = (option: string, name: SecureVersion): number => {
    if (!Object.hasOwn(versionIds, name)) {
      throw new TlsConfigError(option, `${quote(String(name))} is not one of ${Object.keys(versionIds).join(', ')}`);
    }
    return versionIds[name];
  };
  const least = minVersion === undefined ? 0 : id('minVersion', minVersion);
  const most = maxVersion === undefined ? 0xffff : id('maxVersion', maxVersion);
  const chosen = versions.filter((version) => version.id >= least && version.id <= most);
  if (chosen.length > 0) return chosen;
  const ours = versions.map(({ name }) => secureVersionName(name)).join(', ');
  throw new TlsConfigError(minVersion === undefined ? 'maxVersion' : 'minVersion', `it leaves none of ${ours}`);
}

let defaultStore: TrustStore | undefined;

/** Whom Node trusts by default: one store for all connections. */
export function defaultTrust(): TrustStore {
  defaultStore ??= nodeTrust();
  return defaultStore;
}

function credentialOf({ cert, key }: SecureContextOptions, provider: CryptoProvider): readonly Credential[] {
  if (cert === undefined && key === undefined) return [];
  if (cert === undefined) throw new TlsConfigError('cert', 'a key was given, and no certificate for it');
  if (key === undefined) throw new TlsConfigError('key', 'a certificate was given, and no key for it');
  const pkcs8 = parsePrivateKey(asInput(key));
  const signer: MaybePromise<Signer> = provider.importPrivateKey(pkcs8);
  const legacyKey = oldHalf(provider, pkcs8);
  if (isThenable(signer) || isThenable(legacyKey)) {
    throw new TlsConfigError(
      'key',
      `the ${provider.name} provider imports keys asynchronously: pass credentials instead`,
    );
  }
  return [{ chain: several(cert).flatMap(parsed), signer, ...(legacyKey && { legacyKey }) }];
}

/** With a legacy provider, the key's old ways as well, where it has any. */
function oldHalf({ legacy }: CryptoProvider, pkcs8: Uint8Array): MaybePromise<LegacyKey> | undefined {
  try {
    return legacy?.importPrivateKey(pkcs8);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'unsupported') return undefined;
    throw error;
  }
}

/** Those of an object's values that are named, and there. */
export function named<O extends object, K extends keyof O>(options: O, names: readonly K[]): Pick<O, K> {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as Pick<O, K>;
}

function several(pem: Pem | readonly Pem[]): readonly Pem[] {
  return typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem;
}

function parsed(pem: Pem): ReturnType<typeof parseCertificates> {
  return parseCertificates(asInput(pem));
}

/** A Buffer of PEM is text. */
function asInput(pem: Pem): Pem {
  if (typeof pem === 'string') return pem;
  const text = Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1');
  return text.includes('-----BEGIN') ? text : pem;
}

function list<R extends Row>(
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
