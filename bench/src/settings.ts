/**
 * What all stacks are told to speak, each in its own words. Plain data: child programs are given the same.
 *
 * @module
 */

export interface Setting {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** IANA's name, and OpenSSL's. */
  readonly suite: string;
  readonly openssl: string;
  /** Ours, and OpenSSL's; the first is the one that is used. */
  readonly groups: readonly string[];
  readonly opensslGroups: string;
}

export const tls13: Setting = {
  version: 'TLSv1.3',
  suite: 'TLS_AES_128_GCM_SHA256',
  openssl: 'TLS_AES_128_GCM_SHA256',
  groups: ['x25519'],
  opensslGroups: 'X25519',
};

export const tls13Hybrid: Setting = { ...tls13, groups: ['x25519mlkem768'], opensslGroups: 'X25519MLKEM768' };

export const tls12: Setting = {
  version: 'TLSv1.2',
  suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  openssl: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  // TLS 1.2 wants the certificate's curve among the groups.
  groups: ['x25519', 'secp256r1'],
  opensslGroups: 'X25519:P-256',
};
