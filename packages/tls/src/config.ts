/**
 * What a user decides: `clientConfig()` and `serverConfig()` check it once, copy own properties into a frozen object
 * without prototype, and refuse keys they do not know. A config is shared by any number of connections.
 *
 * @module
 */

import { type Cryptography, equalBytes, type MaybePromise } from '@handfast/crypto';
import {
  type AbortSignalLike,
  type Certificate,
  type Revocation,
  type Transparency,
  type TrustStore,
  trustNobody,
} from '@handfast/x509';
import type { Credential } from './credentials.ts';
import { quote, TlsConfigError } from './errors.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { ClientHello } from './messages/client-hello.ts';
import type { TicketRequest } from './messages/extensions.ts';
import type { PeerVerdict, PeerVerification, StrengthPolicy } from './peer.ts';
import { monotonicMs } from './platform.ts';
import { type PskMode, pskDheKe, pskKe } from './psk-modes.ts';
import type { PaddingPolicy } from './record/layer.ts';
import {
  signatureSchemes as allSchemes,
  type CipherSuite,
  defaultGroups,
  type NamedGroup,
  type SignatureScheme,
  TLS13,
} from './registry.ts';
import type { ReplayCache } from './session/replay.ts';
import type { SessionCache } from './session/session.ts';
import { type CheckedTickets, checkTickets, type SessionTickets } from './session/tickets.ts';
import type { renegotiateClient } from './tls12/renegotiation.ts';
import type { KeyLogListener, TraceDetails, TraceListener } from './trace.ts';
import type { ClientVersion, ServerVersion, VersionRow } from './version.ts';

/** What client and server have in common. Everything but `provider` has a safe default. */
export interface CommonOptions {
  /** Cryptography: `nodeProvider` of `@handfast/crypto/node`, or a web provider. */
  readonly provider: Cryptography;
  /** Best first. What the provider lacks is left out of a default, and refused where named. */
  readonly cipherSuites?: readonly CipherSuite[];
  readonly groups?: readonly NamedGroup[];
  /** What we sign with and verify; PKCS#1 rows count for certificates alone. */
  readonly signatureSchemes?: readonly SignatureScheme[];
  /** Application protocols (ALPN), best first: `['h2', 'http/1.1']`. */
  readonly alpnProtocols?: readonly string[];
  /** Our certificates. A client without any sends none. */
  readonly credentials?: readonly Credential[];
  /** Whom we trust to say who the peer is. Absent: nobody. */
  readonly trust?: TrustStore;
  /** Today, for validity. */
  readonly time?: () => Date;
  /**
   * How strong the peer's certificates must be. An RSA key of less than 2,048 bits needs a provider of `@handfast/crypto/legacy`.
   */
  readonly pathPolicy?: StrengthPolicy;
  /** The last word on the peer's certificate, after the built-in verification; it sees what that found. */
  readonly verifyPeer?: (peer: PeerVerification) => MaybePromise<PeerVerdict>;
  /**
   * Asks the peer for what proves its certificate is still good: a stapled OCSP response, and signed certificate timestamps.
   * A server asks clients where it asks for their certificate. Default: true.
   */
  readonly certificateStatus?: boolean;
  /**
   * Whether the peer's certificates were revoked: `revocation({ mode: 'prefer' })` believes what is stapled, and a fetcher,
   * CRLs and a cache can be given. Absent: nobody looks.
   */
  readonly revocation?: Revocation;
  /** Signed certificate timestamps that the peer's certificate must have: `transparency(logs)`. Absent: none. */
  readonly transparency?: Transparency;
  /**
   * How TLS 1.3 uses pre-shared keys, sessions among them, best first. Default: `[pskDheKe]`; `pskKe` of `@handfast/tls/legacy` does
   * without a key exchange.
   */
  readonly pskModes?: readonly PskMode[];
  /**
   * What is done about renegotiation before TLS 1.3: a value of `@handfast/tls/legacy`. Absent: it is refused, and so are servers
   * that do not know RFC 5746.
   */
  readonly renegotiation?: RenegotiationPolicy;
  /**
   * Refuse a peer of TLS 1.2 or earlier without extended_master_secret (RFC 7627). It is always asked for, and used where
   * the peer knows it. Default: false.
   */
  readonly requireExtendedMasterSecret?: boolean;
  /** Largest record that we take, in bytes of TLSInnerPlaintext (RFC 8449): 64 to 16,385. */
  readonly recordSizeLimit?: number;
  /** Padding for each protected record (RFC 9846 §5.4). */
  readonly padding?: PaddingPolicy;
  readonly limits?: Partial<Limits>;
  readonly trace?: TraceListener;
  /** What `trace` is told beside its usual events: the bytes on the wire, the application's data. Default: neither. */
  readonly traceDetails?: TraceDetails;
  /** Gets secrets that decrypt the connection, as SSLKEYLOGFILE lines: for debugging alone. */
  readonly keyLog?: KeyLogListener;
  /** Milliseconds that never go back, for the trace. */
  readonly clock?: () => number;
}

/** Made by `@handfast/tls/legacy` alone. */
export interface RenegotiationPolicy {
  /** Whether servers are taken that do not know RFC 5746. */
  readonly insecureServers: boolean;
  /** How often a connection may be renegotiated, securely. */
  readonly most: number;
  /** How a client does it: of use to the engine alone. */
  readonly client: typeof renegotiateClient;
}

/** A key that both sides were given beforehand. Its bytes stay the caller's. */
export interface SharedKey {
  /** At random, of 16 bytes or more: a password can be guessed from one handshake. */
  readonly key: Uint8Array;
  /** For TLS 1.3: the hash of the suites that it goes with. Absent: the key is of TLS 1.2 and before alone. */
  readonly hash?: 'sha256' | 'sha384';
  /** It was made by `importKey` or `importedKeys` (RFC 9258). */
  readonly imported?: boolean;
}

/** And its name. */
export interface PreSharedKey extends SharedKey {
  /** Sent in the clear: 256 bytes at most before TLS 1.3, 4,096 in it. */
  readonly identity: Uint8Array;
}

/** What a client is asked when a server wants its certificate. */
export interface CredentialRequest {
  /** DER names of the authorities that the server likes; empty: any. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** IANA numbers of signature_algorithms. */
  readonly signatureSchemes: readonly number[];
  /** IANA numbers of signature_algorithms_cert, or the same. */
  readonly certificateSignatureSchemes: readonly number[];
  readonly signal: AbortSignalLike;
}

export interface ClientOptions extends CommonOptions {
  /**
   * The protocol versions, as values, best first: `[tls13, tls12]`; `[tls13Client]` keeps the server out of a bundle. A
   * version for which `cipherSuites` names none is left out.
   */
  readonly versions: readonly ClientVersion[];
  /** Groups to send a share for. Default: the first group, and a hybrid's classical part under the same key. */
  readonly keyShares?: readonly NamedGroup[];
  /**
   * Our identities and keys; `null` for none. Asked before the hello for TLS 1.3, which has no hint, and takes the keys that
   * name a hash; asked again, with the server's hint, for suites with pre-shared keys before it, which take the first without.
   * TLS 1.3 is `tls13` or `tls13PskClient` then.
   */
  readonly preSharedKey?: (hint: Uint8Array | undefined) => MaybePromise<PreSharedKey | readonly PreSharedKey[] | null>;
  /** Chooses our certificate; `null` sends none. Absent: the first of `credentials` that fits. */
  readonly selectCredential?: (request: CredentialRequest) => MaybePromise<Credential | null>;
  /** Authorities (DER names) that we trust, told to the server. */
  readonly certificateAuthorities?: readonly Uint8Array[];
  /** Sends random reserved values, so that servers stay tolerant (RFC 8701). */
  readonly grease?: boolean;
  /** Asks for records of at most so many bytes both ways (RFC 6066 §4); `recordSizeLimit` is its better successor. */
  readonly maxFragmentLength?: 512 | 1024 | 2048 | 4096;
  /** Says that this is another attempt, with a lower version than the one that failed (RFC 7507). */
  readonly fallback?: boolean;
  /**
   * Where sessions are kept, to come back by without certificates: `memorySessionCache()`. The server's certificate is verified
   * again at each. Absent: every connection begins anew.
   */
  readonly sessions?: SessionCache | undefined;
  /** How many tickets the server is asked for (RFC 9149), where there are `sessions`. Absent: it decides. */
  readonly ticketRequest?: TicketRequest;
  /**
   * How many bytes may be written before the handshake is done (0-RTT), where a session and its server allow it: see
   * `Connection.writeEarlyData`. Who records them can send them again, so they must be such as do no harm when they come twice.
   * Absent: none.
   */
  readonly earlyData?: number;
  /** Looks like a TLS 1.2 resumption to middleboxes (RFC 9846 appendix E.4). Default: true. */
  readonly middleboxCompatibility?: boolean;
}

/** What a server is asked before anything is chosen. */
export interface HelloInfo {
  readonly clientHello: ClientHello;
  readonly serverName: string | undefined;
  readonly alpnProtocols: readonly string[];
  readonly signal: AbortSignalLike;
}

export interface ServerOptions extends CommonOptions {
  /** The protocol versions, as values, best first: `[tls13, tls12]` or `[tls13Server]`. */
  readonly versions: readonly ServerVersion[];
  /** Whether clients are asked for a certificate, and must have one. Default: `none`. */
  readonly clientCertificate?: 'none' | 'request' | 'require';
  /** Authorities (DER names) told to clients. Default: the subjects of `trust`, where certificates are asked for. */
  readonly certificateAuthorities?: readonly Uint8Array[];
  /** Sees the parsed ClientHello first, and may answer another config: by name, by ALPN, by anything. */
  readonly selectConfig?: (hello: HelloInfo) => MaybePromise<ServerConfig>;
  /**
   * The key of a client's identity; `undefined`: nobody's. For TLS 1.3 it names its hash; bytes alone are a key of suites
   * with pre-shared keys before it. A server without certificates tells nobody which identities it knows; one with some
   * does, as it goes on with those for a key that it does not know. TLS 1.3 is `tls13` or `tls13PskServer` then.
   */
  readonly preSharedKey?: (identity: Uint8Array) => MaybePromise<Uint8Array | SharedKey | undefined>;
  /** Told to clients of such suites, for them to choose an identity by. */
  readonly pskIdentityHint?: Uint8Array;
  /** Chooses the certificate. Absent: by name, by the client's schemes, by the chain's signatures. */
  readonly selectCredential?: (hello: HelloInfo) => MaybePromise<Credential>;
  /** Chooses the application protocol among the client's; `undefined` for none. Absent: the first of ours it has. */
  readonly selectAlpn?: (hello: HelloInfo) => MaybePromise<string | undefined>;
  /** Refuse a name that no certificate is for, with `unrecognized_name`. Default: the first certificate answers. */
  readonly strictServerName?: boolean;
  /** Take the client's order of suites and groups rather than ours. */
  readonly preferClientOrder?: boolean;
  /** Gives clients tickets to come back by: `{ keys: ticketKeys({ provider }) }`. Absent: none. */
  readonly tickets?: SessionTickets;
  /** Takes early data (0-RTT) of clients that come back by a ticket. Absent: none. */
  readonly earlyData?: EarlyDataOptions;
  /** Send a cookie in HelloRetryRequest, and want it back. */
  readonly retryCookie?: boolean;
}

/** What a server takes of early data. */
export interface EarlyDataOptions {
  /** Lets each in once, and says how fresh it must be: `memoryReplayCache()` for one process, `redisReplayCache` for a fleet. */
  readonly replay: ReplayCache;
  /** Bytes that a client may send: at most 16,777,216. Default: 16,384. */
  readonly limit?: number;
}

/** Options that a config always has. */
export interface Defaults {
  readonly cipherSuites: readonly CipherSuite[];
  readonly groups: readonly NamedGroup[];
  readonly signatureSchemes: readonly SignatureScheme[];
  readonly alpnProtocols: readonly string[];
  readonly pskModes: readonly PskMode[];
  readonly credentials: readonly Credential[];
  readonly trust: TrustStore;
  readonly time: () => Date;
  readonly pathPolicy: StrengthPolicy;
  readonly certificateStatus: boolean;
  readonly clock: () => number;
  readonly limits: Limits;
}

/** A client's options, checked, with defaults in place. Made by `clientConfig` alone. */
export interface ClientConfig extends Omit<ClientOptions, keyof Defaults | 'keyShares'>, Defaults {
  readonly kind: 'client';
  readonly keyShares: readonly NamedGroup[];
}

/** A server's options, checked, with defaults in place. Made by `serverConfig` alone. */
export interface ServerConfig
  extends Omit<ServerOptions, keyof Defaults | 'clientCertificate' | 'tickets' | 'earlyData'>,
    Defaults {
  readonly kind: 'server';
  readonly tickets: CheckedTickets | undefined;
  readonly earlyData: Required<EarlyDataOptions> | undefined;
  readonly clientCertificate: 'none' | 'request' | 'require';
}

/** Options of both sides that adapters take as they are. */
export const plainOptions = [
  'time',
  'verifyPeer',
  'certificateStatus',
  'revocation',
  'transparency',
  'pskModes',
  'renegotiation',
  'requireExtendedMasterSecret',
  'recordSizeLimit',
  'padding',
  'limits',
  'trace',
  'traceDetails',
  'keyLog',
] as const;

const commonKeys: readonly (keyof CommonOptions | 'versions')[] = [
  ...plainOptions,
  'provider',
  'versions',
  'cipherSuites',
  'groups',
  'signatureSchemes',
  'alpnProtocols',
  'credentials',
  'trust',
  'pathPolicy',
  'clock',
];

const clientKeys: ReadonlySet<string> = /* @__PURE__ */ keysWith<keyof ClientOptions>([
  'keyShares',
  'preSharedKey',
  'selectCredential',
  'certificateAuthorities',
  'maxFragmentLength',
  'fallback',
  'sessions',
  'ticketRequest',
  'earlyData',
  'grease',
  'middleboxCompatibility',
]);

const serverKeys: ReadonlySet<string> = /* @__PURE__ */ keysWith<keyof ServerOptions>([
  'clientCertificate',
  'certificateAuthorities',
  'selectConfig',
  'preSharedKey',
  'pskIdentityHint',
  'selectCredential',
  'selectAlpn',
  'strictServerName',
  'preferClientOrder',
  'tickets',
  'earlyData',
  'retryCookie',
]);

function keysWith<K extends string>(own: readonly K[]): ReadonlySet<string> {
  return new Set<string>([...commonKeys, ...own]);
}

const made = new WeakSet<object>();
const policies = new WeakSet<object>();

/** For `@handfast/tls/legacy`: nothing else makes one, so that no string and no plain object in a config does. */
export function renegotiationPolicy(policy: RenegotiationPolicy): RenegotiationPolicy {
  const frozen = Object.freeze({ ...policy });
  policies.add(frozen);
  return frozen;
}

function isRenegotiationPolicy(value: RenegotiationPolicy): boolean {
  return policies.has(value);
}

/**
 * Checks a client's options.
 *
 * @example
 * ```ts
 * const config = clientConfig({ provider: nodeProvider, versions: [tls13], trust: trustStore(parseCertificates(pem)) });
 * ```
 * @throws TlsConfigError that names the option at fault.
 */
export function clientConfig(given: ClientOptions): ClientConfig {
  const options = ownOf(given);
  refuseUnknown(options, clientKeys);
  const common = complete(options);
  checkPreSharedKey(options.preSharedKey, options.cipherSuites);
  for (const [name, value] of Object.entries(options.ticketRequest ?? {})) {
    if (!Number.isInteger(value) || value < 0 || value > 255) {
      throw new TlsConfigError(`ticketRequest.${name}`, `${value} is not a whole number from 0 to 255`);
    }
  }
  const { earlyData = 0, sessions } = options;
  if (!Number.isInteger(earlyData) || earlyData < 0) {
    throw new TlsConfigError('earlyData', `${earlyData} is not a whole number of bytes`);
  }
  if (sessions !== undefined && typeof sessions.resumption?.takeSession !== 'function') {
    throw new TlsConfigError('sessions', 'it holds no resumption: clientResumption of @handfast/tls is meant');
  }
  if (earlyData > 0 && sessions === undefined) throw new TlsConfigError('earlyData', 'it goes with sessions alone');
  const keyShares = options.keyShares ?? defaultKeyShares(common.groups, options.provider);
  for (const [index, group] of keyShares.entries()) {
    if (!common.groups.includes(group)) {
      throw new TlsConfigError(`keyShares[${index}]`, `${group.name} is not among the groups`);
    }
  }
  return register({ ...options, ...common, keyShares, kind: 'client' });
}

/**
 * Checks a server's options.
 * @throws TlsConfigError that names the option at fault.
 */
export function serverConfig(given: ServerOptions): ServerConfig {
  const options = ownOf(given);
  refuseUnknown(options, serverKeys);
  const common = complete(options);
  const clientCertificate = options.clientCertificate ?? 'none';
  if ((options.pskIdentityHint?.length ?? 0) > 256) {
    throw new TlsConfigError('pskIdentityHint', `${options.pskIdentityHint?.length} bytes, where 256 are the most`);
  }
  const named = options.selectCredential ?? options.selectConfig ?? options.preSharedKey;
  if (common.credentials.length === 0 && named === undefined && !common.cipherSuites.every(isAnonymous)) {
    throw new TlsConfigError('credentials', 'a server needs a certificate, or selectCredential, or selectConfig');
  }
  if (clientCertificate !== 'none' && options.trust === undefined && !options.verifyPeer) {
    throw new TlsConfigError('trust', 'client certificates are asked for, and nobody is trusted to have signed them');
  }
  const tickets = options.tickets && checkTickets(options.tickets);
  const earlyData = options.earlyData && checkEarlyData(options.earlyData);
  if (earlyData !== undefined && tickets === undefined) {
    throw new TlsConfigError('earlyData', 'it goes with tickets alone');
  }
  return register({ ...options, ...common, clientCertificate, tickets, earlyData, kind: 'server' });
}

function checkEarlyData({ replay, limit = 16_384 }: EarlyDataOptions): Required<EarlyDataOptions> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 2 ** 24) {
    throw new TlsConfigError('earlyData.limit', `${limit} is not a whole number of bytes from 1 to 16,777,216`);
  }
  if (typeof replay?.claim !== 'function' || !(replay.window >= 2)) {
    throw new TlsConfigError('earlyData.replay', 'it is no replay cache: memoryReplayCache() makes one');
  }
  return { replay, limit };
}

/** Whether `value` was made by `clientConfig` or `serverConfig`. */
export function isConfig(value: unknown, kind: 'client' | 'server'): boolean {
  return typeof value === 'object' && value !== null && made.has(value) && (value as { kind?: unknown }).kind === kind;
}

function register<C extends object>(config: C): C {
  const frozen: C = Object.freeze(ownOf(config));
  made.add(frozen);
  return frozen;
}

/** Own properties, on an object without a prototype: a polluted Object.prototype decides nothing. */
export function ownOf<O extends object>(options: O): O {
  return Object.assign(Object.create(null), options);
}

function refuseUnknown(options: object, known: ReadonlySet<string>): void {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw new TlsConfigError(quote(key), 'there is no such option');
  }
}

function complete<V extends VersionRow>(
  options: CommonOptions & { readonly versions: readonly V[] },
): Defaults & { readonly versions: readonly V[] } {
  const { provider, renegotiation } = options;
  if (renegotiation !== undefined && !isRenegotiationPolicy(renegotiation)) {
    throw new TlsConfigError('renegotiation', 'it is no value of @handfast/tls/legacy');
  }
  for (const [index, { name, supportedBy }] of options.versions.entries()) {
    if (supportedBy?.(provider) === false) {
      throw new TlsConfigError(
        `versions[${index}]`,
        `the ${provider.name} provider has nothing for ${name}: it needs one of @handfast/crypto/legacy`,
      );
    }
  }
  if (options.versions.length === 0) throw new TlsConfigError('versions', 'at least one version is needed');
  checkTakesKeys(options);
  const cipherSuites = rows(
    'cipherSuites',
    options.cipherSuites,
    [...new Set(options.versions.flatMap(({ defaultCipherSuites }) => defaultCipherSuites))],
    ({ supportedBy }) => supportedBy(provider),
    provider,
  );
  const common = {
    versions: usableVersions(options.versions, cipherSuites),
    cipherSuites,
    groups: rows('groups', options.groups, defaultGroups, ({ exchange }) => !!provider.groups[exchange], provider),
    signatureSchemes: rows(
      'signatureSchemes',
      options.signatureSchemes,
      allSchemes,
      ({ algorithm }) => !!provider.signatures[algorithm],
      provider,
    ),
    alpnProtocols: options.alpnProtocols ?? [],
    pskModes: Object.freeze([...(options.pskModes ?? [pskDheKe])]),
    credentials: options.credentials ?? [],
    trust: options.trust ?? trustNobody,
    time: options.time ?? (() => new Date()),
    pathPolicy: strengthOf(options),
    certificateStatus: options.certificateStatus ?? true,
    clock: options.clock ?? monotonicMs,
    limits: { ...defaultLimits, ...options.limits },
  };
  for (const { checkLists } of common.versions) checkLists?.(common);
  checkAlpn(common.alpnProtocols);
  if (common.pskModes.length === 0 || common.pskModes.some((mode) => mode !== pskDheKe && mode !== pskKe)) {
    throw new TlsConfigError('pskModes', 'it must hold pskDheKe, or pskKe of @handfast/tls/legacy');
  }
  checkCredentials(common.credentials);
  checkSizes(options);
  return common;
}

/** Only what is named here: a policy of `@handfast/x509` can also be more lenient than TLS is. */
function strengthOf({ provider, pathPolicy }: CommonOptions): StrengthPolicy {
  const policy = ownOf(pathPolicy ?? {});
  for (const [name, value] of Object.entries(policy)) {
    if (name === 'signatureAlgorithms') continue;
    const least = { minCurveBits: 0, minRsaBits: provider.legacy ? 0 : 2048 }[name];
    if (least === undefined) throw new TlsConfigError(`pathPolicy.${quote(name)}`, 'there is no such option');
    if (Number.isInteger(value) && Number(value) >= least) continue;
    const less = least > 0 ? '; less needs a provider of @handfast/crypto/legacy' : '';
    throw new TlsConfigError(`pathPolicy.${name}`, `${value} is not a whole number of bits from ${least}${less}`);
  }
  return Object.freeze(policy);
}

function checkSizes({
  recordSizeLimit,
  maxFragmentLength,
}: Pick<ClientOptions, 'recordSizeLimit' | 'maxFragmentLength'>): void {
  if (maxFragmentLength !== undefined && ![512, 1024, 2048, 4096].includes(maxFragmentLength)) {
    throw new TlsConfigError('maxFragmentLength', `${maxFragmentLength} is not 512, 1024, 2048 or 4096`);
  }
  if (
    recordSizeLimit !== undefined &&
    !(Number.isInteger(recordSizeLimit) && recordSizeLimit >= 64 && recordSizeLimit <= 16_385)
  ) {
    throw new TlsConfigError('recordSizeLimit', `${recordSizeLimit} is not a whole number from 64 to 16,385`);
  }
}

/** TLS 1.3 by role takes keys of sessions and tickets alone. */
function checkTakesKeys({
  preSharedKey,
  versions,
}: {
  readonly preSharedKey?: unknown;
  readonly versions: readonly VersionRow[];
}): void {
  if (
    preSharedKey !== undefined &&
    versions.some(({ id, takesPreSharedKeys }) => id === TLS13 && !takesPreSharedKeys)
  ) {
    throw new TlsConfigError(
      'preSharedKey',
      'TLS 1.3 takes it as tls13, tls13PskClient or tls13PskServer: name that in versions',
    );
  }
}

/** A client that offers suites with pre-shared keys may be given one: without a key it could only fail. */
function checkPreSharedKey(preSharedKey: unknown, suites: readonly CipherSuite[] | undefined): void {
  const suite = suites?.find((one) => one.family === 'tls12' && one.keyExchange.preShared);
  if (suite !== undefined && preSharedKey === undefined) {
    throw new TlsConfigError('preSharedKey', `it is absent, and ${suite.name} needs one`);
  }
}

function isAnonymous(suite: CipherSuite): boolean {
  return suite.family === 'tls12' && suite.authentication === undefined;
}

function usableVersions<V extends VersionRow>(versions: readonly V[], suites: readonly CipherSuite[]): readonly V[] {
  const usable = versions.filter(({ uses }) => suites.some(uses));
  if (usable.length > 0) return Object.freeze(usable);
  const names = versions.map(({ name }) => name).join(', ');
  throw new TlsConfigError('cipherSuites', `none of them is a suite of ${names}`);
}

function rows<R extends { readonly name: string }>(
  option: string,
  given: readonly R[] | undefined,
  defaults: readonly R[],
  has: (row: R) => boolean,
  provider: Cryptography,
): readonly R[] {
  if (given === undefined) return defaults.filter(has);
  if (given.length === 0) throw new TlsConfigError(option, 'at least one is needed');
  for (const [index, row] of given.entries()) {
    if (!has(row)) throw new TlsConfigError(`${option}[${index}]`, `the ${provider.name} provider has no ${row.name}`);
  }
  return Object.freeze([...given]);
}

function defaultKeyShares(groups: readonly NamedGroup[], provider: Cryptography): readonly NamedGroup[] {
  const [first] = groups;
  if (first === undefined) return [];
  const parts = provider.groups[first.exchange]?.parts?.map(({ name }) => name) ?? [];
  return [first, ...groups.filter(({ exchange }) => parts.includes(exchange))];
}

function checkAlpn(protocols: readonly string[]): void {
  for (const [index, name] of protocols.entries()) {
    if (name.length === 0 || name.length > 255 || [...name].some((character) => character > '\u00ff')) {
      throw new TlsConfigError(`alpnProtocols[${index}]`, `${quote(name)} is not 1 to 255 bytes long`);
    }
  }
}

function checkCredentials(credentials: readonly Credential[]): void {
  for (const [index, { chain, signer, legacyKey }] of credentials.entries()) {
    const [leaf] = chain as readonly (Certificate | undefined)[];
    if (leaf === undefined) throw new TlsConfigError(`credentials[${index}].chain`, 'it holds no certificate');
    for (const [name, holder] of Object.entries({ signer, legacyKey })) {
      if (holder === undefined || equalBytes(leaf.publicKey.spki, holder.publicKey.spki)) continue;
      throw new TlsConfigError(
        `credentials[${index}].${name}`,
        `its key is not the one in the certificate for ${quote(leaf.subject.toString())}`,
      );
    }
  }
}
