/**
 * The client's hello of TLS 1.3 (RFC 9846 §4.2.2): shares, the extensions it offers, GREASE; and the second one.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, type EphemeralKey, settle } from '@handfast/crypto';
import type { ClientConfig } from '../config.ts';
import { exchangeOf, type Flow } from '../flow.ts';
import { type ClientHelloFields, writeClientHello } from '../messages/client-hello.ts';
import type { ClientHelloExtensions, RawExtension } from '../messages/extensions.ts';
import { type NamedGroup, type Row, TLS13 } from '../registry.ts';
import type { ClientParameters } from '../version.ts';

/** The keys of our shares. */
export type Shares = ReadonlyMap<NamedGroup, EphemeralKey>;

/**
 * A fresh key for each group. Groups that share a component (X25519MLKEM768 and x25519) share its key: RFC 9846 forbids
 * reuse between connections, not within one.
 */
export function* generateShares(provider: CryptoProvider, groups: readonly NamedGroup[]): Flow<Shares> {
  const components = new Map<string, EphemeralKey>();
  const shares = new Map<NamedGroup, EphemeralKey>();
  const plainGroups = new Set(groups.map(({ exchange }) => exchange));
  for (const group of groups) {
    const { parts } = exchangeOf(provider, group);
    if (parts?.some(({ name }) => plainGroups.has(name))) {
      for (const part of parts) {
        if (!components.has(part.name)) components.set(part.name, yield* settle(part.generate()));
      }
    }
  }
  for (const group of groups) {
    const exchange = exchangeOf(provider, group);
    const first = exchange.parts && components.get(exchange.parts[0].name);
    const second = exchange.parts && components.get(exchange.parts[1].name);
    const key =
      components.get(exchange.name) ??
      (yield* settle(first && second ? exchange.generate([first, second]) : exchange.generate()));
    shares.set(group, key);
  }
  return shares;
}

/** Values that stay the same in both hellos. */
export interface HelloConstants {
  readonly random: Bytes;
  readonly legacySessionId: Bytes;
  readonly grease: Grease | undefined;
}

/** Random reserved values (RFC 8701), one for each list. */
interface Grease {
  readonly cipherSuite: number;
  readonly group: number;
  readonly scheme: number;
  readonly version: number;
  readonly first: RawExtension;
  readonly last: RawExtension;
}

export function helloConstants({ config }: ClientParameters): HelloConstants {
  const { provider } = config;
  // RFC 9846 appendix E.4: a session id makes the handshake look like a TLS 1.2 resumption.
  const random = provider.random(config.middleboxCompatibility === false ? 32 : 64);
  return {
    random: random.subarray(0, 32),
    legacySessionId: random.subarray(32),
    grease: config.grease ? chooseGrease(provider) : undefined,
  };
}

function chooseGrease(provider: CryptoProvider): Grease {
  const random = provider.random(6);
  const value = (index: number): number => {
    const high = ((random[index] as number) & 0xf0) | 0x0a;
    return (high << 8) | high;
  };
  const first = value(4);
  const last = value(5) === first ? first ^ 0x1010 : value(5);
  return {
    cipherSuite: value(0),
    group: value(1),
    scheme: value(2),
    version: value(3),
    first: { type: first, data: new Uint8Array(0) },
    last: { type: last, data: new Uint8Array(1) },
  };
}

/** What a retry changes. */
export interface Retry {
  readonly cookie: Bytes | undefined;
}

export function writeHello(
  { config, serverName }: ClientParameters,
  { random, legacySessionId, grease }: HelloConstants,
  shares: Shares,
  retry?: Retry,
): Bytes {
  const greased = (value: number | undefined, rows: readonly Row[]): readonly number[] => [
    ...(value === undefined ? [] : [value]),
    ...rows.map(({ id }) => id),
  ];
  const keyShares = [...shares].map(([{ id }, { share }]) => ({ group: id, keyExchange: share }));
  const fields: ClientHelloFields = {
    random,
    legacySessionId,
    cipherSuites: greased(grease?.cipherSuite, config.cipherSuites),
    extensions: {
      ...(serverName === undefined ? {} : { server_name: serverName }),
      supported_versions: [...(grease ? [grease.version] : []), TLS13],
      supported_groups: greased(grease?.group, config.groups),
      ...signatureExtensions(config, grease?.scheme),
      key_share: [...(grease && !retry ? [{ group: grease.group, keyExchange: new Uint8Array(1) }] : []), ...keyShares],
      ...(config.certificateStatus ? { status_request: 'ocsp', signed_certificate_timestamp: true } : {}),
      ...(config.alpnProtocols.length > 0 ? { application_layer_protocol_negotiation: config.alpnProtocols } : {}),
      ...(config.recordSizeLimit === undefined ? {} : { record_size_limit: config.recordSizeLimit }),
      ...(config.certificateAuthorities === undefined
        ? {}
        : { certificate_authorities: config.certificateAuthorities }),
      ...(retry?.cookie === undefined ? {} : { cookie: retry.cookie }),
    },
    ...(grease ? { raw: { first: [grease.first], last: [grease.last] } } : {}),
  };
  return writeClientHello(fields);
}

/** signature_algorithms for CertificateVerify, and the wider list for certificates where it differs. */
export function signatureExtensions(
  { signatureSchemes }: Pick<ClientConfig, 'signatureSchemes'>,
  grease?: number,
): Pick<ClientHelloExtensions, 'signature_algorithms'> {
  // PKCS#1 rows stand in signature_algorithms as well: they say what may sign the chain (RFC 9846 §4.3.3).
  return { signature_algorithms: [...(grease === undefined ? [] : [grease]), ...signatureSchemes.map(({ id }) => id)] };
}

/** The types that a hello of ours offers, which the server's answers may hold. */
export function offeredBy(hello: { readonly extensionList: readonly RawExtension[] }): ReadonlySet<number> {
  return new Set(hello.extensionList.map(({ type }) => type));
}
