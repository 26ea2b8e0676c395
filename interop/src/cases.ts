/**
 * A case: one choice on every axis, for one peer in one role. Its identifier is short, readable and stable, so that a
 * failure can be run again alone.
 *
 * @module
 */

import { defaultCipherSuites12, namedGroups, signatureSchemes } from '@handfast/tls';
import { type Axes, pairwise, product, type Row } from './pairwise.ts';

export type Axis =
  | 'version'
  | 'suite'
  | 'group'
  | 'scheme'
  | 'clientCertificate'
  | 'retry'
  | 'keyUpdate'
  | 'closing'
  | 'alpn';

/**
 * - `version`: `TLS 1.3` or `TLS 1.2`, as `Negotiated` has it.
 * - `suite`, `group`, `scheme`: IANA's names. The scheme stands for the certificate's key as well, and for the client
 *   certificate's.
 * - `clientCertificate`: `none`; `requested`, and the client has none; `required`, and the client has one.
 * - `retry`: whether the server sends HelloRetryRequest.
 * - `keyUpdate`: who starts one in the middle of the conversation.
 * - `closing`: `half`: the client ends its side, the server still writes. `full`: the client asks, the server ends.
 *   Before TLS 1.3 nobody writes after a close_notify: `half` is there for echo servers that say nothing at the end.
 * - `alpn`: `none` or `chosen`.
 */
export type Case = Row<Axis>;

export type CaseAxes = Axes<Axis>;

/** Which role the peer plays. */
export type Direction = 'client' | 'server';

/** What a peer has in one role, as data, and what of it goes together. */
export interface Abilities {
  /** A set of axes for each version, the newest first. */
  readonly axes: readonly CaseAxes[];
  readonly allowed?: (candidate: Case) => boolean;
}

export function casesOf({ axes, allowed = () => true }: Abilities, full: boolean): readonly Case[] {
  const rows = full ? product : pairwise;
  return axes.flatMap((one) => rows(one, (candidate) => suiteFitsKey(candidate) && allowed(candidate)));
}

/** `tls1.3+aes_128_gcm_sha256+x25519+ed25519+required+retry+ku-ours+half+alpn` */
export function idOf(row: Case): string {
  return [
    versionId(row),
    row.suite.replace('TLS_', '').toLowerCase(),
    row.group.toLowerCase(),
    row.scheme,
    row.clientCertificate,
    ...(row.version === 'TLS 1.3' ? [row.retry === 'yes' ? 'retry' : 'direct', `ku-${row.keyUpdate}`] : []),
    row.closing,
    row.alpn === 'none' ? 'no-alpn' : 'alpn',
  ].join('+');
}

/** How identifiers begin: `tls1.3`. */
export function versionId({ version }: Case): string {
  return version.replace(' ', '').toLowerCase();
}

/** Before TLS 1.3 a suite says what kind of key the server's certificate has. */
function suiteFitsKey({ suite, scheme }: Case): boolean {
  const authentication = defaultCipherSuites12.find(({ name }) => name === suite)?.authentication;
  const key = signatureSchemes.find(({ name }) => name === scheme)?.keyType;
  return authentication === undefined || (key !== undefined && authentication.keyTypes.includes(key));
}

/**
 * What a side of the peer's lists as supported_groups: the case's group, and before TLS 1.3 the curve of the certificates
 * as well (RFC 8422 §5.1).
 */
export function groupsOf({ version, group, scheme }: Case): readonly string[] {
  const key = signatureSchemes.find(({ name }) => name === scheme)?.keyType;
  const curve = namedGroups.find(({ name }) => name === key)?.name;
  return version === 'TLS 1.3' || curve === undefined || curve === group ? [group] : [group, curve];
}

/** The application protocol of the cases that choose one. */
export const alpnProtocol = 'handfast-echo';

// ---- values that several peers share

export const gcmAndChaCha = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
] as const;
export const ecdsaSchemes = ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512'] as const;
export const rsaSchemes = ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'] as const;
export const pssSchemes = ['rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'] as const;
export const mlDsaSchemes = ['mldsa44', 'mldsa65', 'mldsa87'] as const;
export const pkcs1Schemes = ['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'] as const;
export const ffdheGroups = ['ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192'] as const;
export const clientCertificates = ['none', 'requested', 'required'] as const;
export const suites12: readonly string[] = defaultCipherSuites12.map(({ name }) => name);

/** What TLS 1.2 has of the axes, where the peer has it all: no second hello, no key updates. */
export const axes12: CaseAxes = {
  version: ['TLS 1.2'],
  suite: suites12,
  group: ['x25519', 'secp256r1', 'x448', 'secp384r1', 'secp521r1'],
  scheme: [...ecdsaSchemes, 'ed25519', 'ed448', ...rsaSchemes, ...pssSchemes, ...pkcs1Schemes],
  clientCertificate: clientCertificates,
  retry: ['no'],
  keyUpdate: ['none'],
  closing: ['full'],
  alpn: ['none', 'chosen'],
};
