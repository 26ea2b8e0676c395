/**
 * A case: one choice on every axis, for one peer in one role. Its identifier is short, readable and stable, so that a
 * failure can be run again alone.
 *
 * @module
 */

import { type Axes, pairwise, product, type Row } from './pairwise.ts';

export type Axis = 'suite' | 'group' | 'scheme' | 'clientCertificate' | 'retry' | 'keyUpdate' | 'closing' | 'alpn';

/**
 * - `suite`, `group`, `scheme`: IANA's names. The scheme stands for the certificate's key as well, and for the client
 *   certificate's.
 * - `clientCertificate`: `none`; `requested`, and the client has none; `required`, and the client has one.
 * - `retry`: whether the server sends HelloRetryRequest.
 * - `keyUpdate`: who starts one in the middle of the conversation.
 * - `closing`: `half`: the client ends its side, the server still writes. `full`: the client asks, the server ends.
 * - `alpn`: `none` or `chosen`.
 */
export type Case = Row<Axis>;

export type CaseAxes = Axes<Axis>;

/** Which role the peer plays. */
export type Direction = 'client' | 'server';

/** What a peer has in one role, as data, and what of it goes together. */
export interface Abilities {
  readonly axes: CaseAxes;
  readonly allowed?: (candidate: Case) => boolean;
}

export function casesOf({ axes, allowed }: Abilities, full: boolean): readonly Case[] {
  return full ? product(axes, allowed) : pairwise(axes, allowed);
}

/** `aes_128_gcm_sha256+x25519+ed25519+required+retry+ku-ours+half+alpn` */
export function idOf(row: Case): string {
  return [
    row.suite.replace('TLS_', '').toLowerCase(),
    row.group.toLowerCase(),
    row.scheme,
    row.clientCertificate,
    row.retry === 'yes' ? 'retry' : 'direct',
    `ku-${row.keyUpdate}`,
    row.closing,
    row.alpn === 'none' ? 'no-alpn' : 'alpn',
  ].join('+');
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
export const ffdheGroups = ['ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192'] as const;
export const clientCertificates = ['none', 'requested', 'required'] as const;
